"""Trainings in float32, compared with the same numbers in float64."""

import numpy as np
import pytest
from helpers import make_samples
from hypothesis import given, settings
from hypothesis import strategies as st

import oneneuron
from oneneuron import reference, safe_eta

HALF_ULP = 2.0**-24


def make_problem(seed, n, d):
    """Return samples in float32, labels and a start."""
    X, y, rng = make_samples(seed, n, d, np.float32)
    return X, y, (rng.standard_normal(d) / np.sqrt(d), float(rng.standard_normal()))


def test_float32_samples_give_weights_in_float32_and_all_else_in_float64():
    X, y, init = make_problem(0, 50, 3)
    found = oneneuron.train(X, y, eta=0.01, num_steps=4, init=init, record_every=2)
    for model in (found.last, found.best, found.lowest, found.history):
        assert model.weights.dtype == np.float32
    wide, double = oneneuron.train(X.astype(float), y, eta=0.01, num_steps=1, init=init), np.float64
    assert wide.last.weights.dtype == double
    assert (found.history.bias.dtype, found.history.cost.dtype) == (double, double)


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.int64, bool, object])
def test_samples_of_other_dtypes_are_computed_in_float64(dtype):
    X = np.arange(8).reshape(4, 2).astype(dtype)
    found = oneneuron.train(X, [0, 1, 0, 1], eta=0.01, num_steps=1, init=([0.1, 0.2], 0.0))
    same = oneneuron.train(
        X.astype(np.float64), [0, 1, 0, 1], eta=0.01, num_steps=1, init=([0.1, 0.2], 0.0)
    )
    assert found.last.weights.dtype == np.float64
    assert found.last.weights.tobytes() == same.last.weights.tobytes()


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 3000), d=st.integers(1, 40),
    weighted=st.booleans(), alpha=st.sampled_from([0.0, 1.0]),
)  # fmt: skip
def test_a_few_steps_agree_with_float64_to_seven_digits_of_their_terms(seed, n, d, weighted, alpha):
    X, y, (w, b) = make_problem(seed, n, d)
    u = np.random.default_rng(seed).random(n).astype(np.float32) + 0.5 if weighted else None
    eta, num_steps = safe_eta(X, sample_weight=u, alpha=alpha), 5
    options = dict(eta=eta, num_steps=num_steps, init=(w, b), sample_weight=u, alpha=alpha)
    found = oneneuron.train(X, y, **options).last
    exact = oneneuron.train(X.astype(np.float64), y, **options).last
    # A margin is rounded d + 2 times, by half an ulp of |w||x| each time. p adds 2.3 roundings,
    # p^2 (1 - p) another 3, and the sums 4e-7. Errors of both signs halve the total at least.
    X1 = np.abs(np.column_stack([X, np.ones(n)]).astype(np.float64))
    margins = X1 @ np.abs(np.append(w, b) + 1.0)
    terms = 4 / 27 * (1.0 if u is None else u.astype(np.float64))
    relative = 4e-7 + (10 + (d + 2) * margins) * HALF_ULP
    off = num_steps * eta * ((terms * relative) @ X1)
    assert np.all(np.abs(found.weights - exact.weights) <= off[:d] + np.abs(exact.weights) * 6e-8)
    assert abs(found.bias - exact.bias) <= off[d]
    assert found.cost == pytest.approx(exact.cost, rel=1e-5)


# --- Sums ---

N = 10**7


@pytest.fixture(scope="module")
def equal_samples():
    return np.full((N, 1), 0.7, np.float32), np.zeros(N, np.uint8)


@pytest.fixture(scope="module")
def one_sign():
    return np.random.default_rng(1).random((N, 1), np.float32), np.ones(N, np.uint8)


@pytest.fixture(scope="module")
def both_signs():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((N, 1), np.float32)
    return X, (X[:, 0] > rng.standard_normal(N, np.float32)).astype(np.uint8)


@pytest.mark.filterwarnings("ignore:The cost rose:RuntimeWarning")  # the step is a gradient here
@pytest.mark.parametrize("samples", ["equal_samples", "one_sign", "both_signs"])
def test_cost_and_gradient_of_ten_million_samples_are_correct_to_a_millionth(samples, request):
    X, y = request.getfixturevalue(samples)
    w, b, eta = 0.4, -0.3, 4.0
    descent = oneneuron.train(X, y, eta=eta, num_steps=1, init=([w], b), record_every=1)
    z = w * X[:, 0].astype(np.float64) + b
    e = reference.error(z, y)
    slope = e * reference.sigma(z) * reference.sigma(-z)
    assert descent.history.cost[0] == pytest.approx(0.5 * np.dot(e, e), rel=1e-6)
    # The gradient shows in the step. Its terms may cancel, so their absolute sum is the scale.
    found = b - descent.history.bias[1]
    assert found / eta == pytest.approx(slope.sum(), abs=1e-6 * np.abs(slope).sum())
    found = w - float(descent.history.weights[1, 0])
    terms = slope * X[:, 0]
    # The new weight, some millions, is rounded to float32.
    allowed = 1e-6 * np.abs(terms).sum() + np.abs(terms.sum()) * HALF_ULP
    assert found / eta == pytest.approx(terms.sum(), abs=allowed)
    right = np.count_nonzero((z > 0) == y)
    # A margin this near to zero may have either sign in float32.
    near = np.count_nonzero(np.abs(z) < 1e-7)
    assert abs(descent.history.accuracy[0] * N - right) <= near


@settings(deadline=None, max_examples=200)
@given(
    x=st.floats(-1, 1, width=32), w=st.floats(-2, 2), b=st.floats(-2, 2), label=st.integers(0, 1),
    n=st.integers(1000, 1100),
)  # fmt: skip
def test_the_sums_over_equal_samples_are_correct_to_a_millionth(x, w, b, label, n):
    # All roundings are equal here, so that errors add up. Sums over several blocks are in float64.
    found = oneneuron.train(
        np.full((n, 1), x, np.float32), np.full(n, label), eta=1, num_steps=1, init=([w], b),
        record_every=1,
    ).history  # fmt: skip
    # The margin itself is rounded by up to three times half an ulp of |w x| + |b|.
    z = w * x + b
    margin = 3 * HALF_ULP * (abs(w * x) + abs(b))
    e = reference.error(z, label)
    assert found.cost[0] == pytest.approx(0.5 * n * e * e, rel=1e-6 + 2 * margin)
    slope = e * reference.sigma(z) * reference.sigma(-z)
    # b - (b - slope) adds an error of an ulp of b or of the sum, in float64.
    assert b - found.bias[1] == pytest.approx(n * slope, rel=1e-6 + 2 * margin)


# --- The sigmoid ---


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("z", [-2e38, -1e4, -80.0, -43.0, -20.0, 20.0, 43.0, 80.0, 1e4, 2e38])
def test_a_saturated_neuron_has_the_cost_of_the_formula(z, label):
    one = np.ones((1, 1), np.float32)
    found = oneneuron.train(one, [label], eta=1, num_steps=0, init=([0.0], z)).last.cost
    # z log2 e is rounded to 24 bits, and p^2 doubles the error. The kernel stops below 1e-37.
    rtol = 2 * (min(abs(z), 100) * HALF_ULP + 3e-7)
    expected = reference.cost(np.ones((1, 1)), label, np.zeros(1), z)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-37)


def test_p_is_within_three_ulps_over_its_range():
    b = np.concatenate([np.linspace(-42, 42, 1201), np.linspace(-1e-3, 1e-3, 51)])
    t = (1.4426950408889634 * b).astype(np.float32).astype(np.longdouble)
    p = 1 / (1 + np.exp2(t))
    one = np.ones((1, 1), np.float32)
    costs = [oneneuron.train(one, [1], eta=1, num_steps=0, init=([0.0], v)).last.cost for v in b]
    ulps = np.abs(np.sqrt(2 * np.array(costs)) - p) / np.spacing(p.astype(np.float32))
    # p itself was within 2.6 ulps on every level; half of the rounding of its square comes on top.
    assert ulps.max() <= 3.25


def test_a_sample_on_the_boundary_belongs_to_class_0():
    X = np.zeros((4, 1), np.float32)
    found = oneneuron.train(X, [0, 0, 0, 1], eta=1, num_steps=0, init=([1.0], 0.0))
    assert found.last.accuracy == 0.75


@pytest.mark.parametrize("z", [-1e-7, 1e-9, 3e-8, 5.9e-8, 1.2e-7, 1.5e-7, 3e-7, 1e-6, 2.0**-24])
def test_the_class_of_a_sample_next_to_the_boundary_is_its_output_rounded_in_float32(z):
    z = np.float32(z)
    one = np.float32(1)
    f = one / (one + np.float32(np.exp(-np.float64(z))))  # rounded once, unlike NumPy's in float32
    assert f.dtype == np.float32
    for label in (0, 1):
        found = oneneuron.train(
            np.ones((1, 1), np.float32), [label], eta=1, num_steps=0, init=([z], 0.0)
        ).last.accuracy
        assert found == float(np.round(f) == label)


# --- The limits of its range ---


def test_a_descent_that_leaves_the_range_of_float32_stops_with_finite_weights():
    X, y = np.full((100, 1), 1.0, np.float32), np.zeros(100)
    with pytest.warns(RuntimeWarning, match="smaller eta"):
        found = oneneuron.train(X, y, eta=1e38, num_steps=5, init=([0.0], 0.0))
    assert found.stop_reason == "diverged"
    for model in (found.last, found.best, found.lowest):
        assert np.isfinite(model.weights).all() and np.isfinite(model.bias)


@pytest.mark.parametrize("init", [([1e39], 0.0), ([0.0], 1e39), ([1e38], 0.0)])
def test_a_start_that_float32_cannot_hold_is_refused(init):
    X = np.array([[-1e4], [1e4]], np.float32)
    if init == ([1e38], 0.0):  # w.x is infinite, but f is then 0 or 1 and nothing is lost
        assert oneneuron.train(X, [0, 1], eta=1, num_steps=1, init=init).last.accuracy == 1.0
        return
    with pytest.raises(
        ValueError,
        match=r"^X is too large for w\.x \+ b to be finite at the start: scale the features",
    ):
        oneneuron.train(X, [0, 1], eta=1, num_steps=1, init=init)


def test_the_automatic_eta_of_float32_samples_is_that_of_the_same_float64_samples():
    X, y, init = make_problem(3, 300, 4)
    etas = [
        oneneuron.train(X.astype(dtype), y, eta="auto", num_steps=0, init=init).eta
        for dtype in (np.float32, np.float64)
    ]
    assert etas[0] == etas[1]


def test_features_whose_squares_overflow_in_float32_have_an_automatic_eta():
    X = np.array([[1e30], [-1e30], [2e30]], np.float32)
    found = oneneuron.train(X, [1, 0, 1], eta="auto", num_steps=1, init=([0.0], 0.0))
    assert found.last.accuracy == 1.0
