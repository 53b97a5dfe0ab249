"""Many features: the same steps, from narrow tiles, in memory that grows as X does."""

import tracemalloc

import numpy as np
import pytest

import oneneuron
from oneneuron import reference, safe_eta

DIMENSIONS = [1, 2, 3, 63, 64, 65, 4095, 4096, 4097, 100_000]


def made_samples(n, d, dtype=np.float64):
    """Margins of order 1 at the start."""
    rng = np.random.default_rng(d)
    X = rng.standard_normal((n, d)).astype(dtype)
    return X, np.arange(n) % 3 == 0, (rng.standard_normal(d) / np.sqrt(d), 0.3)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("n", [1, 5, 20])
def test_every_step_is_that_of_the_reference(n, d):
    X, y, init = made_samples(n, d)
    eta = safe_eta(X)
    found = oneneuron.train(X, y, eta=eta, num_steps=4, init=init, record_every=1).history
    models = reference.gradient_descent(X, y, *init, eta, 4)
    # A margin is the sum of d terms of order 1/sqrt(d), each rounded at half an ulp of the sum so
    # far: about sqrt(d) of 1e-16 together, 3e-14 of 100,000, and an error of p of that size.
    tolerance = {"rtol": 1e-12, "atol": 1e-12 / np.sqrt(d)}
    np.testing.assert_allclose(found.weights, [w for w, _ in models], **tolerance)
    np.testing.assert_allclose(found.bias, [b for _, b in models], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.cost, [reference.cost(X, y, *m) for m in models], rtol=1e-12)
    assert found.accuracy.tolist() == [reference.accuracy(X, y, *m) for m in models]


@pytest.mark.parametrize("d", DIMENSIONS)
def test_every_step_is_that_of_the_reference_in_float32(d):
    X, y, init = made_samples(20, d, np.float32)
    eta = safe_eta(X)
    found = oneneuron.train(X, y, eta=eta, num_steps=4, init=init, record_every=1).history
    models = reference.gradient_descent(X.astype(np.float64), y, *init, eta, 4)
    # As above, with 6e-8 for 1e-16: 2e-5 of 100,000 features.
    tolerance = {"rtol": 1e-5 + 1e-7 * np.sqrt(d), "atol": 1e-5 / np.sqrt(d)}
    np.testing.assert_allclose(found.weights, [w for w, _ in models], **tolerance)
    np.testing.assert_allclose(
        found.cost, [reference.cost(X.astype(float), y, *m) for m in models],
        rtol=1e-5 + 1e-7 * np.sqrt(d),
    )  # fmt: skip


@pytest.mark.parametrize("d", [4095, 4096])
def test_weights_and_the_penalty_count_in_wide_data_too(d):
    X, y, init = made_samples(30, d)
    k = np.arange(30) % 4
    options = dict(eta=1 / d, num_steps=5, init=init, alpha=2.0)
    found = oneneuron.train(X, y, sample_weight=k, **options).last
    repeated = oneneuron.train(np.repeat(X, k, axis=0), np.repeat(y, k), **options).last
    np.testing.assert_allclose(found.weights, repeated.weights, rtol=1e-12, atol=1e-14)
    assert found.cost == pytest.approx(repeated.cost, rel=1e-12)
    # w is smaller by alpha eta w a step: the penalty is not lost on narrow tiles.
    plain = oneneuron.train(X, y, sample_weight=k, **{**options, "alpha": 0.0}).last
    assert np.linalg.norm(found.weights) < np.linalg.norm(plain.weights)


@pytest.mark.parametrize("scale", [-1.0, 1.0])
def test_features_that_all_add_up_lose_no_digits(scale):
    # In float64: d terms of one sign, each rounded at half an ulp of the sum, 1e-16 d at the most.
    d = 100_000
    X, w = np.full((3, d), scale), np.full(d, 1.234567 / d)
    found = oneneuron.train(X, [0, 1, 1], eta=1, num_steps=0, init=(w, 0.0)).last.cost
    exact = reference.cost(np.full((3, 1), scale), np.array([0, 1, 1]), np.array([1.234567]), 0.0)
    assert found == pytest.approx(exact, rel=1e-11)


def peak_of(train):
    tracemalloc.start()
    try:
        train()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("eta", [1e-6, "auto"])
def test_memory_does_not_grow_as_the_square_of_the_features(eta):
    peaks = []
    for d in (50_000, 100_000):
        X, y, init = made_samples(3, d)
        peaks.append(
            peak_of(
                lambda X=X, y=y, init=init: oneneuron.train(X, y, eta=eta, num_steps=2, init=init)
            )
        )
    assert peaks[1] < 2.2 * peaks[0]
    # Two tiles of eight samples, and some ten rows of d for sums and models.
    assert peaks[1] < 40 * 8 * 100_000


def test_the_automatic_eta_needs_no_matrix_of_features():
    X, y, init = made_samples(600, 3000)
    peak = peak_of(lambda: oneneuron.train(X, y, eta="auto", num_steps=1, init=init))
    # One copy of X and what Lanczos keeps; the matrix alone would be five times X.
    assert peak < 2.5 * X.nbytes


def test_memory_is_one_copy_of_x_and_a_tenth():
    X, y, init = made_samples(2000, 1000)
    peak = peak_of(
        lambda: oneneuron.train(X, y, eta=1e-4, num_steps=2, init=init, n_threads=1)
    )  # fmt: skip
    assert peak < 1.1 * X.nbytes
