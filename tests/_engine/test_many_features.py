"""Many features: the steps of the reference, from narrow tiles, in memory proportional to X."""

import tracemalloc

import numpy as np
import pytest
from helpers import TOLERANCE

import oneneuron
from oneneuron import reference, safe_eta

DIMENSIONS = [1, 2, 3, 63, 64, 65, 4095, 4096, 4097, 100_000]


def make_problem(n, d, dtype=np.float64):
    """Return samples, labels and a start with margins of order 1."""
    rng = np.random.default_rng(d)
    X = rng.standard_normal((n, d)).astype(dtype)
    return X, np.arange(n) % 3 == 0, (rng.standard_normal(d) / np.sqrt(d), 0.3)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("n", [1, 5, 20])
def test_every_step_is_that_of_the_reference(n, d):
    X, y, init = make_problem(n, d)
    eta = safe_eta(X)
    found = oneneuron.train(X, y, eta=eta, num_steps=4, init=init, record_every=1).history
    models = reference.gradient_descent(X, y, *init, eta, 4)
    # A margin is the sum of d terms of order 1/sqrt(d), and each addition rounds by half an ulp.
    # That makes an error of some sqrt(d) 1e-16, 3e-14 for d = 100,000, in the margin and in p.
    tolerance = {"rtol": TOLERANCE, "atol": TOLERANCE / np.sqrt(d)}
    np.testing.assert_allclose(found.weights, [w for w, _ in models], **tolerance)
    np.testing.assert_allclose(found.bias, [b for _, b in models], rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(
        found.cost, [reference.cost(X, y, *m) for m in models], rtol=TOLERANCE
    )
    assert found.accuracy.tolist() == [reference.accuracy(X, y, *m) for m in models]


@pytest.mark.parametrize("d", DIMENSIONS)
def test_every_step_is_that_of_the_reference_in_float32(d):
    X, y, init = make_problem(20, d, np.float32)
    eta = safe_eta(X)
    found = oneneuron.train(X, y, eta=eta, num_steps=4, init=init, record_every=1).history
    models = reference.gradient_descent(X.astype(np.float64), y, *init, eta, 4)
    # As above with 6e-8 instead of 1e-16: 2e-5 for 100,000 features.
    tolerance = {"rtol": 1e-5 + 1e-7 * np.sqrt(d), "atol": 1e-5 / np.sqrt(d)}
    np.testing.assert_allclose(found.weights, [w for w, _ in models], **tolerance)
    np.testing.assert_allclose(
        found.cost, [reference.cost(X.astype(float), y, *m) for m in models],
        rtol=1e-5 + 1e-7 * np.sqrt(d),
    )  # fmt: skip


@pytest.mark.parametrize("d", [4095, 4096])
def test_sample_weights_and_the_penalty_count_in_wide_data_too(d):
    X, y, init = make_problem(30, d)
    k = np.arange(30) % 4
    options = dict(eta=1 / d, num_steps=5, init=init, alpha=2.0)
    found = oneneuron.train(X, y, sample_weight=k, **options).last
    repeated = oneneuron.train(np.repeat(X, k, axis=0), np.repeat(y, k), **options).last
    np.testing.assert_allclose(found.weights, repeated.weights, rtol=TOLERANCE, atol=1e-14)
    assert found.cost == pytest.approx(repeated.cost, rel=1e-12)
    # Each step shrinks w by alpha eta w, unless narrow tiles lose the penalty.
    plain = oneneuron.train(X, y, sample_weight=k, **{**options, "alpha": 0.0}).last
    assert np.linalg.norm(found.weights) < np.linalg.norm(plain.weights)


@pytest.mark.parametrize("scale", [-1.0, 1.0])
def test_many_equal_terms_of_a_margin_lose_few_digits(scale):
    # The margin is the sum of d terms of one sign. Rounding errors add up to 1e-16 d at most.
    d = 100_000
    X, w = np.full((3, d), scale), np.full(d, 1.234567 / d)
    found = oneneuron.train(X, [0, 1, 1], eta=1, num_steps=0, init=(w, 0.0)).last.cost
    exact = reference.cost(np.full((3, 1), scale), np.array([0, 1, 1]), np.array([1.234567]), 0.0)
    assert found == pytest.approx(exact, rel=1e-11)


def peak_memory(train):
    tracemalloc.start()
    try:
        train()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# There is one copy of X, in narrow tiles of eight samples for each class, and there are about ten
# arrays of d numbers for sums and models. The automatic eta has room for 61 Lanczos vectors.
@pytest.mark.parametrize(("eta", "most"), [(1e-6, 40), ("auto", 100)])
def test_memory_does_not_grow_as_the_square_of_the_features(eta, most):
    peaks = []
    for d in (50_000, 100_000):
        X, y, init = make_problem(3, d)
        peaks.append(
            peak_memory(
                lambda X=X, y=y, init=init: oneneuron.train(X, y, eta=eta, num_steps=2, init=init)
            )
        )
    assert peaks[1] < 2.2 * peaks[0]
    assert peaks[1] < most * 8 * 100_000


def test_the_automatic_eta_needs_no_matrix_of_features():
    X, y, init = make_problem(600, 3000)
    peak = peak_memory(lambda: oneneuron.train(X, y, eta="auto", num_steps=1, init=init))
    # One copy of X, and the Lanczos vectors. The matrix alone would be five times as large as X.
    assert peak < 2.5 * X.nbytes


def test_a_training_needs_at_most_1_1_times_the_memory_of_x():
    X, y, init = make_problem(2000, 1000)
    peak = peak_memory(
        lambda: oneneuron.train(X, y, eta=1e-4, num_steps=2, init=init, n_threads=1)
    )  # fmt: skip
    assert peak < 1.1 * X.nbytes
