"""Sample weights and the L2 penalty, against repeated samples and a descent in NumPy."""

import numpy as np
import pytest
from helpers import TOLERANCE, bits, cost_and_gradient, make_init, make_samples
from hypothesis import given, settings
from hypothesis import strategies as st

import oneneuron
from oneneuron import reference, safe_eta
from oneneuron._losses import QUADRATIC


def make_problem(seed, n=200, d=5):
    """Return samples, labels, a start and the generator."""
    X, y, rng = make_samples(seed, n, d)
    return X, y, make_init(rng, d), rng


def trained(X, y, init, num_steps=30, eta=0.01, **options):
    return oneneuron.train(
        X, y, eta=eta, num_steps=num_steps, init=init, record_every=10, **options
    )


def repeated(X, y, counts):
    return np.repeat(X, counts, axis=0), np.repeat(y, counts)


def assert_close(found, expected, rtol=TOLERANCE):
    for name in ("weights", "bias", "cost", "accuracy"):
        np.testing.assert_allclose(
            getattr(found.history, name), getattr(expected.history, name), rtol=rtol, atol=rtol
        )


def penalised_descent(X, y, u, alpha, init, eta, num_steps):
    """Return the weights, the bias and the cost at each step, by the formulas."""
    parameters = np.append(*init)
    models = []
    for _ in range(num_steps + 1):
        cost, gradient = cost_and_gradient(parameters, X, y, u, alpha)
        models.append((parameters[:-1], parameters[-1], cost))
        parameters = parameters - eta * gradient
    return models


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 150), d=st.integers(1, 20),
    weighted=st.booleans(), alpha=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
)  # fmt: skip
def test_every_step_is_that_of_the_formulas(seed, n, d, weighted, alpha):
    X, y, init, rng = make_problem(seed, n, d)
    u = 3 * rng.random(n) + 1e-3
    given_u = u if weighted else None
    u = u if weighted else np.ones(n)
    eta = safe_eta(X, sample_weight=u, alpha=alpha)
    found = oneneuron.train(
        X, y, eta=eta, num_steps=6, init=init, sample_weight=given_u, alpha=alpha, record_every=1
    ).history
    expected = penalised_descent(X, y, u, alpha, init, eta, 6)
    for values, by_formula in zip(
        (found.weights, found.bias, found.cost), zip(*expected, strict=True), strict=True
    ):
        np.testing.assert_allclose(values, by_formula, rtol=TOLERANCE, atol=TOLERANCE)


# --- Sample weights ---


@pytest.mark.parametrize("n", [1, 31, 200, 3000])
def test_a_sample_of_weight_k_counts_as_k_samples(n):
    X, y, init, rng = make_problem(1, n)
    k = rng.integers(1, 5, n)
    found = trained(X, y, init, sample_weight=k, eta=1 / n)
    assert_close(found, trained(*repeated(X, y, k), init, eta=1 / n))


def test_the_best_and_the_lowest_model_are_the_same_for_repeated_samples():
    X, y, init, rng = make_problem(2)
    k = rng.integers(0, 5, len(X))
    found = trained(X, y, init, sample_weight=k)
    expected = trained(*repeated(X, y, k), init)
    assert found.best.step == expected.best.step
    assert found.best.accuracy == pytest.approx(expected.best.accuracy, rel=1e-15)
    assert found.lowest.step == expected.lowest.step


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), [(50, 2), (3000, 3), (20, 4097)])
def test_sample_weights_of_1_give_the_same_bits_as_none(n, d, dtype):
    X, y, init, _ = make_problem(3, n, d)
    X = X.astype(dtype)
    found = trained(X, y, init, eta=1 / n / d, sample_weight=np.ones(n))
    assert bits(found) == bits(trained(X, y, init, eta=1 / n / d))


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 100), more=st.integers(0, 200))
def test_samples_of_weight_zero_at_the_end_change_no_bit(seed, n, more):
    # They fill up tiles of the same block, and zeros change no sum.
    X, y, init, rng = make_problem(seed, n + more)
    u = np.append(rng.random(n) + 1e-3, np.zeros(more))
    found = trained(X, y, init, sample_weight=u).last
    without = trained(X[:n], y[:n], init, sample_weight=u[:n]).last
    assert found.weights.tobytes() == without.weights.tobytes()
    assert (found.bias, found.cost) == (without.bias, without.cost)


def test_samples_of_weight_zero_anywhere_count_as_absent():
    X, y, init, rng = make_problem(4, 3000)
    u = rng.random(3000) * (rng.random(3000) < 0.7)
    there = u > 0
    found = trained(X, y, init, sample_weight=u, eta=1e-3)
    assert_close(found, trained(X[there], y[there], init, sample_weight=u[there], eta=1e-3))


def test_a_class_of_weight_zero_counts_as_absent():
    X, y, init, _ = make_problem(5)
    found = trained(X, y, init, sample_weight=y)
    assert_close(found, trained(X[y == 1], y[y == 1], init))


@pytest.mark.parametrize("power", [-40, -1, 3, 40])
def test_scaling_sample_weights_and_eta_by_a_power_of_two_only_scales_the_costs(power):
    X, y, init, rng = make_problem(6, 3000)
    u, factor = rng.random(3000), 2.0**power
    plain = trained(X, y, init, sample_weight=u, eta=1e-3, alpha=0.5)
    found = trained(X, y, init, sample_weight=u * factor, eta=1e-3 / factor, alpha=0.5 * factor)
    assert found.last.weights.tobytes() == plain.last.weights.tobytes()
    assert found.last.bias == plain.last.bias
    assert found.last.accuracy == plain.last.accuracy
    assert found.last.cost == plain.last.cost * factor


def test_accuracy_is_the_weighted_share_of_correct_samples():
    X, y, init, rng = make_problem(7)
    u = rng.random(len(X))
    found = oneneuron.train(X, y, eta=1, num_steps=0, init=init, sample_weight=u).last.accuracy
    right = np.round(reference.sigma(X @ init[0] + init[1])) == y
    assert found == pytest.approx(u[right].sum() / u.sum(), rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 1])
def test_accuracy_is_exactly_1_for_any_sample_weights_if_every_sample_is_correct(label, dtype):
    rng = np.random.default_rng(8)
    for n in (3, 10, 100, 2000):
        found = oneneuron.train(
            np.ones((n, 1), dtype), np.full(n, label), eta=1, num_steps=0,
            init=([2.0 * label - 1.0], 0.0), sample_weight=rng.random(n),
        ).last.accuracy  # fmt: skip
        assert found == 1.0


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60), d=st.integers(1, 70),
    alpha=st.sampled_from([0.0, 0.1, 10.0]),
)  # fmt: skip
def test_the_cost_never_rises_under_the_automatic_eta(seed, n, d, alpha):
    X, y, init, rng = make_problem(seed, n, d)
    u = 10.0 ** rng.uniform(-3, 3, n)
    cost = oneneuron.train(
        X, y, eta="auto", num_steps=60, init=init, sample_weight=u, alpha=alpha, record_every=1
    ).history.cost
    # The rounding error of a sum of n terms of order u / 2 and d terms of order alpha w^2 / 2.
    slack = 1e-15 * (np.sum(u) + n * cost[0])
    assert np.all(np.diff(cost) <= slack)


@pytest.mark.parametrize(("n", "d"), [(40, 3), (10, 70), (700, 600)])
def test_the_automatic_eta_is_the_same_for_repeated_samples(n, d):
    X, y, init, rng = make_problem(9, n, d)
    k = rng.integers(0, 4, n)
    eta = trained(X, y, init, 0, eta="auto", sample_weight=k, alpha=0.3).eta
    expected = trained(*repeated(X, y, k), init, 0, eta="auto", alpha=0.3).eta
    # It is rounded down to 12 bits. With many features the eigenvalue is known to 1e-3.
    assert eta == pytest.approx(expected, rel=2**-11 if min(n, d) < 512 else 2e-3)


def test_the_automatic_eta_is_one_over_the_curvature():
    X, _, _, rng = make_problem(10)
    u, alpha = rng.random(len(X)), 2.0
    Z = np.column_stack([X, np.ones(len(X))])
    curvature = QUADRATIC.max_curvature * np.linalg.eigvalsh((Z.T * u) @ Z)[-1] + alpha
    assert 1 - 2**-11 <= safe_eta(X, sample_weight=u, alpha=alpha) * curvature <= 1


@pytest.mark.parametrize(
    ("sample_weight", "error", "message"),
    [
        ([1, -1, 1], ValueError, r"sample_weight must be .* 0 or more, found -1.0 for sample 1"),
        ([1, 1, np.nan], ValueError, r"sample_weight must be finite .* found nan for sample 2"),
        ([np.inf, 1, 1], ValueError, r"sample_weight must be finite .* found inf for sample 0"),
        ([0, 0, 0], ValueError, r"sample_weight must be above 0 for .*, found only zeros\.$"),
        ([1e308, 1e308, 1], ValueError, r"sample_weight must have a finite sum"),
        ([1, 1], ValueError, r"sample_weight must have shape \(3,\).* found shape \(2,\)"),
        ([[1], [1], [1]], ValueError, r"sample_weight must have shape \(3,\).*\(3, 1\)"),
        (1.0, ValueError, r"sample_weight must have shape \(3,\).* found shape \(\)"),
        (["a", "b", "c"], TypeError, r"sample_weight must hold numbers"),
        ([1, None, 1], (TypeError, ValueError), r"sample_weight must"),
    ],
)  # fmt: skip
def test_bad_sample_weights_are_refused_by_name(sample_weight, error, message):
    with pytest.raises(error, match=message):
        oneneuron.train([[1.0], [2.0], [3.0]], [0, 1, 1], eta=1, sample_weight=sample_weight)


def test_sample_weights_that_float32_cannot_hold_are_refused_by_name():
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="sample_weight must be"):
        oneneuron.train(np.ones((1, 1), np.float32), [1], eta=1, sample_weight=[1e300])


def test_the_sample_weights_are_not_changed():
    X, y, init, rng = make_problem(11)
    u = rng.random(len(X))
    before = u.copy()
    trained(X, y, init, sample_weight=u)
    assert np.array_equal(u, before)


@pytest.mark.parametrize(
    "layout",
    [
        list,
        lambda u: np.repeat(u, 3)[::3],
        lambda u: u[::-1].copy()[::-1],
        lambda u: u.astype(">f8"),
        lambda u: np.frombuffer(b"x" + u.tobytes(), offset=1),
    ],
    ids=["list", "strided", "reversed", "big-endian", "unaligned, read-only"],
)
def test_the_layout_of_the_sample_weights_changes_no_bit(layout):
    X, y, init, rng = make_problem(12)
    u = rng.random(len(X))
    found = trained(X, y, init, sample_weight=layout(u))
    assert bits(found) == bits(trained(X, y, init, sample_weight=u))


# --- L2 ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [0, 0.0, -0.0, np.float32(0)])
def test_an_alpha_of_zero_gives_the_same_bits_as_none(alpha, dtype):
    X, y, init, _ = make_problem(13, 3000)
    X = X.astype(dtype)
    found = trained(X, y, init, eta=1e-3, alpha=alpha)
    assert bits(found) == bits(trained(X, y, init, eta=1e-3))


def test_the_bias_is_not_penalised():
    # The only feature is zero, so that only the bias moves, whatever alpha is.
    X, y = np.zeros((40, 1)), np.arange(40) % 4 == 0
    init = [0.0], 1.0
    assert trained(X, y, init, alpha=5.0).last.bias == trained(X, y, init).last.bias


def test_a_weight_whose_feature_is_zero_decays_by_alpha():
    found = trained([[0.0, 1.0]], [1], ([1.0, 0.0], 0.0), num_steps=10, eta=0.125, alpha=0.5)
    assert found.last.weights[0] == (1 - 0.125 * 0.5) ** 10  # exactly, as 15^10 has 40 bits


def test_the_penalty_is_half_alpha_times_the_squares_of_the_weights():
    X, y, init, _ = make_problem(14)
    found = oneneuron.train(X, y, eta=1, num_steps=0, init=init, alpha=3.0).last.cost
    assert found == pytest.approx(
        reference.cost(X, y, *init) + 0.5 * 3.0 * np.sum(init[0] ** 2), rel=1e-14
    )


def test_the_lowest_model_has_the_lowest_penalised_cost():
    X, y, init, _ = make_problem(15)
    found = oneneuron.train(
        X, y, eta=0.05, num_steps=200, init=init, alpha=8.0, record_every=1
    )  # fmt: skip
    assert found.lowest.step == 1 + np.argmin(found.history.cost[1:])


@pytest.mark.parametrize(
    ("alpha", "error", "message"),
    [
        (-1.0, ValueError, r"alpha must be finite and 0 or more, found -1"),
        (np.nan, ValueError, r"alpha must be finite and 0 or more, found nan"),
        (np.inf, ValueError, r"alpha must be finite and 0 or more, found inf"),
        ("1", TypeError, r"alpha must be a number, 0 or more, found '1'"),
        (True, TypeError, r"alpha must be a number, 0 or more, found True"),
        (None, TypeError, r"alpha must be a number, 0 or more, found None"),
    ],
)
def test_a_bad_alpha_is_refused_by_name(alpha, error, message):
    with pytest.raises(error, match=message):
        oneneuron.train([[1.0], [2.0]], [0, 1], eta=1, alpha=alpha)
