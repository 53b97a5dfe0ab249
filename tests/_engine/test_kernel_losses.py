"""Cost and gradient of both losses against their formulas, and the log cost at its extremes."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from helpers import TOLERANCE, cost_and_gradient, make_samples, make_start, slopes_by_formula
from hypothesis import given, settings
from hypothesis import strategies as st

from oneneuron import reference
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import lay_out
from oneneuron._engine.solvers import GradientDescent, State
from oneneuron._losses import LOG, LOSSES, QUADRATIC

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
DTYPES = [np.float64, np.float32]

# The largest relative rounding error of log2 e and of each product with it: half an ulp.
HALF_ULP = {np.float64: 2.0**-53, np.float32: 2.0**-24}

# The kernel's p is not smaller than this, so that p^2 is a normal number.
LEAST_P = {np.float64: 2.0**-510, np.float32: 2.0**-62}


def make_problem(seed, n, d, dtype=np.float64):
    """Return samples, labels, a start with margins of order 1, and the generator."""
    X, y, rng = make_samples(seed, n, d, dtype)
    return X, y, make_start(rng, d), rng


def descent(X, y, loss=QUADRATIC, sample_weight=None, alpha=0.0, eta=0.0):
    """Return a gradient descent of class 1 against class 0."""
    samples = lay_out(X, y, 2, sample_weight)
    return GradientDescent(
        make_pass(samples, [1], loss, n_threads=1), eta=eta, alpha=alpha, intercept=True,
        limits=-1.0, means=0.0, single=X.dtype == np.float32,
    )  # fmt: skip


def scored(solver, parameters):
    """Return the cost, the gradient and the weight of the wrong samples at these parameters."""
    solver.start(np.array([parameters]))
    return solver.last.cost[0], solver.gradient[0].copy(), solver.last.wrong[0]


def evaluated(X, y, start, **options):
    return scored(descent(X, y, **options), start)


def by_formula(X, y, u, alpha, start, loss):
    """Return cost and gradient by the formulas, and the sums of the gradient's absolute terms."""
    cost, gradient = cost_and_gradient(start, X, y, u, alpha, loss.name)
    slopes = u * slopes_by_formula(start, X, y, loss.name)
    absolute = np.abs(slopes) @ np.abs(np.column_stack([X, np.ones(len(X))]))
    absolute[:-1] += np.abs(alpha * start[:-1])
    return cost, gradient, absolute


def one_sample(dtype, label=1):
    """Return a descent on the log loss of one sample, whose margin is the bias, or minus it."""
    return descent(np.ones((1, 1), dtype), np.array([label]), loss=LOG)


def log_cost(margin):
    """Return log(1 + e^-m) to 30 digits; on some systems a long double is only a double."""
    with localcontext(prec=30 + max(0, int(margin / 2))):  # e^-m begins with m / ln 10 zeros
        return (1 + (-Decimal(margin)).exp()).ln()


# --- The formulas ---


@pytest.mark.linetrace
@settings(deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 300), d=st.integers(1, 40),
    loss=st.sampled_from([*LOSSES.values()]), weighted=st.booleans(),
    alpha=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
)  # fmt: skip
def test_cost_and_gradient_follow_the_formulas(seed, n, d, loss, weighted, alpha):
    X, y, start, rng = make_problem(seed, n, d)
    u = 3 * rng.random(n) if weighted else None
    cost, gradient, _ = evaluated(X, y, start, loss=loss, sample_weight=u, alpha=alpha)
    u = u if weighted else np.ones(n)
    expected, slope, absolute = by_formula(X, y, u, alpha, start, loss)
    assert cost == pytest.approx(expected, rel=TOLERANCE)
    assert np.all(np.abs(gradient - slope) <= TOLERANCE * absolute)


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 150), d=st.integers(1, 20),
    scale=st.sampled_from([1e-3, 1.0, 10.0]),
)  # fmt: skip
def test_every_step_on_the_log_loss_is_that_of_the_reference(seed, n, d, scale):
    X, y, start, _ = make_problem(seed, n, d)
    X *= scale
    # One over a bound on the Hessian, so that no step enlarges the rounding error of the last.
    eta = 4.0 / np.sum(np.column_stack([X, np.ones(n)]) ** 2)
    solver = descent(X, y, loss=LOG, eta=eta)
    solver.start(start[None])
    models = reference.gradient_descent(X, y, start[:-1], start[-1], eta, 5, loss="log")
    for step, (w, b) in enumerate(models):
        solver.advance(min(step, 1))
        assert solver.last.step[0] == step
        np.testing.assert_allclose(
            solver.last.parameters[0], np.append(w, b), rtol=TOLERANCE, atol=TOLERANCE
        )
        expected = reference.cost(X, y, w, b, "log")
        assert solver.last.cost[0] == pytest.approx(expected, rel=TOLERANCE)


@every_loss
@pytest.mark.parametrize("n", [31, 32, 33, 1023, 1024, 1025, 3000])
def test_samples_at_the_edges_of_tiles_and_blocks_are_counted_once(n, loss):
    X, y, start, _ = make_problem(n, n, 3)
    cost, _, _ = evaluated(X, y, start, loss=loss)
    expected = reference.cost(X, y, start[:-1], start[-1], loss.name)
    assert cost == pytest.approx(expected, rel=TOLERANCE)


@every_loss
@pytest.mark.parametrize(
    "d",
    [
        pytest.param(4095, marks=pytest.mark.linetrace),
        pytest.param(4096, marks=pytest.mark.linetrace),
        10_000,
    ],
)
def test_cost_and_gradient_of_wide_data_follow_the_formulas(d, loss):
    X, y, start, rng = make_problem(d, 30, d)
    u = rng.random(30)
    cost, gradient, _ = evaluated(X, y, start, loss=loss, sample_weight=u, alpha=0.3)
    expected, slope, absolute = by_formula(X, y, u, 0.3, start, loss)
    assert cost == pytest.approx(expected, rel=TOLERANCE)
    assert np.all(np.abs(gradient - slope) <= TOLERANCE * absolute)


@every_loss
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_the_derivative_of_the_cost(loss, weighted):
    X, y, start, rng = make_problem(2, 57, 5)
    u = rng.random(57) if weighted else None
    solver = descent(X, y, loss=loss, sample_weight=u, alpha=0.7)
    _, gradient, _ = scored(solver, start)
    h = 1e-5
    for shift, slope in zip(h * np.eye(6), gradient, strict=True):
        up, down = scored(solver, start + shift)[0], scored(solver, start - shift)[0]
        # Errors of central differences: h^2 times third derivatives of order 10, and eps / h times
        # a cost of 40.
        assert (up - down) / (2 * h) == pytest.approx(slope, abs=5e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "d"), [(50, 2), (3000, 3), (20, 4097)])
def test_sample_weights_of_1_only_change_roundings_of_the_log_cost(n, d, dtype):
    # Without sample weights, several samples share a logarithm. The gradient has no logarithms.
    X, y, start, _ = make_problem(3, n, d, dtype)
    cost, gradient, wrong = evaluated(X, y, start, loss=LOG, sample_weight=np.ones(n, dtype))
    without, slope, wrong_without = evaluated(X, y, start, loss=LOG)
    assert cost == pytest.approx(without, rel=10 * HALF_ULP[dtype])
    assert (gradient.tobytes(), wrong) == (slope.tobytes(), wrong_without)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize(
    ("least", "most"), [(-0.1, 0.1), (-3, 3), (15, 17), (20, 40), (-40, -20), (-40, 40), (300, 350)]
)
def test_one_logarithm_of_several_samples_has_the_digits_of_one_for_each(least, most, label, dtype):
    # All lanes are taken, since a tile with spare lanes takes one logarithm for each sample.
    n = 256 // np.dtype(dtype).itemsize
    if dtype == np.float32 and most > 100:
        least, most = 40, 42
    margins = np.random.default_rng(n).uniform(least, most, n).astype(dtype)
    X, y = (2 * label - 1) * margins[:, None], np.full(n, label)
    cost, _, _ = evaluated(X, y, np.array([1.0, 0.0]), loss=LOG)
    scaled = (dtype(1.4426950408889634) * margins).tolist()  # exactly as in the kernel
    with localcontext(prec=400):
        exact = float(sum(log_cost(Decimal(t) * Decimal(2).ln()) for t in scaled))
    # An error of 5 ulps for each, as below, and two roundings for each sample that is joined.
    assert cost == pytest.approx(exact, rel=2 * (5 + 3) * HALF_ULP[dtype])


@pytest.mark.parametrize("label", [0, 1])
def test_a_class_of_weight_zero_costs_nothing(label):
    X, y, start, _ = make_problem(4, 200, 3)
    u = (y == label).astype(float)
    cost, gradient, _ = evaluated(X, y, start, loss=LOG, sample_weight=u)
    alone, slope, _ = evaluated(X[y == label], y[y == label], start, loss=LOG)
    assert cost == pytest.approx(alone, rel=TOLERANCE)
    np.testing.assert_allclose(gradient, slope, rtol=TOLERANCE)


def test_the_weight_of_the_wrong_samples_does_not_depend_on_the_loss():
    X, y, start, rng = make_problem(5, 3000, 2)
    u = rng.random(3000)
    wrong = [evaluated(X, y, start, loss=loss, sample_weight=u)[2] for loss in LOSSES.values()]
    assert wrong[0] == wrong[1] > 0


def test_each_kernel_code_selects_the_formula_of_that_name():
    X, y, start, _ = make_problem(6, 50, 3)
    for name, loss in LOSSES.items():
        assert loss.name == name
        expected = reference.cost(X, y, start[:-1], start[-1], name)
        assert evaluated(X, y, start, loss=loss)[0] == pytest.approx(expected, rel=TOLERANCE)
    assert len({loss.kernel_code for loss in LOSSES.values()}) == len(LOSSES)


# --- float32 ---


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 3000), d=st.integers(1, 40),
    loss=st.sampled_from([*LOSSES.values()]), weighted=st.booleans(),
    alpha=st.sampled_from([0.0, 1.0]),
)  # fmt: skip
def test_float32_agrees_with_float64_to_seven_digits(seed, n, d, loss, weighted, alpha):
    X, y, start, rng = make_problem(seed, n, d, np.float32)
    u = rng.random(n).astype(np.float32) if weighted else None
    cost, gradient, _ = evaluated(X, y, start, loss=loss, sample_weight=u, alpha=alpha)
    u = np.ones(n) if u is None else u.astype(np.float64)
    X = X.astype(np.float64)
    expected, slope, absolute = by_formula(X, y, u, alpha, start, loss)
    # A margin is rounded d + 2 times, by half an ulp of the sum of |w||x| and |b| each time. The
    # parameters and their products with log2 e are rounded once more.
    X1 = np.abs(np.column_stack([X, np.ones(n)]))
    margins = (d + 4) * HALF_ULP[np.float32] * (X1 @ np.abs(start))
    # The sums have a relative error of 4e-7, a cost or a p one of 5 ulps and of its weight.
    relative = 4e-7 + 12 * HALF_ULP[np.float32]
    # Neither a cost nor p changes faster than the margin does.
    assert abs(cost - expected) <= u @ margins + relative * expected
    assert np.all(np.abs(gradient - slope) <= (u * margins) @ X1 + relative * absolute)


@pytest.mark.parametrize("label", [0, 1])
def test_equal_log_costs_add_up_to_a_millionth_in_float32(label):
    # All roundings are equal here, so that errors add up. Sums over several blocks are in float64.
    n, start = 10_000, np.array([0.4, -0.3])
    X = np.full((n, 1), 0.7, np.float32)
    cost, gradient, _ = evaluated(X, np.full(n, label), start, loss=LOG)
    z = float(start[0] * np.float64(X[0, 0]) + start[1])
    assert cost == pytest.approx(n * float(log_cost(z if label else -z)), rel=1e-6)
    assert gradient[1] == pytest.approx(n * float(reference.error(z, label)), rel=1e-6)


# --- The log cost itself ---


def ulps_off(dtype, z):
    """Return the error of the log cost in units of its last digit, for biases z."""
    t = (1.4426950408889634 * z).astype(dtype)  # exactly as the kernel scales a bias
    with localcontext(prec=40):
        exact = [log_cost(Decimal(v) * Decimal(2).ln()) for v in t.tolist()]
    solver = one_sample(dtype)
    found = [float(scored(solver, [0.0, v])[0]) for v in z]
    off = [float(Decimal(f) - e) for f, e in zip(found, exact, strict=True)]
    return np.array(off) / np.spacing(np.array(exact, float).astype(dtype))


@pytest.mark.parametrize(("dtype", "farthest"), [(np.float64, 350.0), (np.float32, 42.0)])
def test_the_log_cost_is_within_five_ulps_over_its_range(dtype, farthest):
    z = np.concatenate(
        [np.linspace(-farthest, farthest, 2001), np.linspace(-4, 4, 2001), [-1e-3, 1e-9, 1e-3]]
    )
    # p is within 2.3 ulps, in float32 within 3, and the logarithm is within 2.
    assert np.max(np.abs(ulps_off(dtype, z))) <= 5.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [-2.0, -1.0, 0.0, 1.0])
def test_errors_of_the_log_cost_have_a_mean_near_zero(first, dtype):
    # A wrong digit of a coefficient hides among roundings, but its error has one sign. Half an ulp
    # is left for the rounding of the coefficients themselves.
    off = ulps_off(dtype, np.linspace(first, first + 1.0, 1001))
    assert abs(np.mean(off)) <= 0.5


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("margin", [10.0, 20.0, 36.0, 40.0, 42.0, 100.0, 350.0])
def test_a_small_log_cost_has_all_its_digits(margin, dtype, label):
    bias = margin if label == 1 else -margin
    cost, _, _ = scored(one_sample(dtype, label=label), [0.0, bias])
    # log2 e and the product with it change the margin by half an ulp each; then 5 ulps as above.
    rtol = HALF_ULP[dtype] * (2 * margin + 10)
    expected = np.log1p(np.exp(-margin))
    np.testing.assert_allclose(cost, expected, rtol=rtol, atol=2 * LEAST_P[dtype])


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e38), (np.float64, 1e300)]
    + [(dtype, size) for dtype in DTYPES for size in (50.0, 124.0, 511.0, 800.0, 1e4, 1e30)],
)
def test_a_sample_far_on_the_wrong_side_costs_its_margin(size, dtype, label):
    bias = size if label == 0 else -size
    cost, _, _ = scored(one_sample(dtype, label=label), [0.0, bias])
    # log2 e, ln 2 and a product with each of them are rounded by half an ulp.
    assert cost == pytest.approx(size, rel=4 * HALF_ULP[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_far_on_the_wrong_side_has_the_gradient_of_its_whole_weight(dtype):
    X = np.array([[3.0, -0.5]], dtype)
    for label in (0, 1):
        sign = 2 * label - 1
        _, gradient, _ = evaluated(
            X, np.array([label]), np.array([0.0, 0.0, -1e4 * sign]), loss=LOG,
            sample_weight=np.array([0.75], dtype),
        )  # fmt: skip
        np.testing.assert_array_equal(gradient, -0.75 * sign * np.array([3.0, -0.5, 1.0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_far_on_the_right_side_has_neither_cost_nor_gradient(dtype):
    cost, gradient, _ = scored(one_sample(dtype), [0.0, 1e30])
    assert 0.0 <= cost <= 2 * LEAST_P[dtype]
    assert np.all(np.abs(gradient) <= LEAST_P[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_at_a_margin_of_zero_the_log_cost_is_log_2_and_the_gradient_one_half(dtype):
    cost, gradient, _ = scored(one_sample(dtype), [0.0, 0.0])
    assert cost == pytest.approx(np.log(2.0), rel=10 * HALF_ULP[dtype])  # 5 ulps, as above
    assert gradient.tolist() == [-0.5, -0.5]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_log_costs_of_the_two_classes_differ_by_the_margin(dtype):
    of_class = [one_sample(dtype, label=label) for label in (0, 1)]
    for z in np.linspace(0.1, 30.0, 100):
        costs = [scored(solver, [0.0, z])[0] for solver in of_class]
        # Four roundings of the margin as above, and 5 ulps of each cost, at most z + log 2.
        assert abs(costs[0] - costs[1] - z) <= 24 * HALF_ULP[dtype] * (z + 0.7)


# --- Infinities and NaN ---


@pytest.mark.linetrace
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_neuron_with_an_infinite_log_cost_has_diverged(dtype):
    big = np.sqrt(np.finfo(dtype).max) * 10.0
    solver = descent(np.array([[-big], [1.0]], dtype), np.array([1, 0]), loss=LOG)
    solver.start(np.array([[float(big), 0.0]]))
    assert solver.state[0] == State.DIVERGED


@every_loss
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_neuron_with_an_infinite_margin_on_the_right_side_has_not_diverged(dtype, loss):
    big = np.sqrt(np.finfo(dtype).max) * 10.0
    solver = descent(np.array([[big], [-big]], dtype), np.array([1, 0]), loss=loss)
    cost, _, wrong = scored(solver, [float(big), 0.0])
    assert solver.state[0] == State.RUNNING
    assert cost <= 4 * LEAST_P[dtype] and wrong == 0


@every_loss
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 1100])
def test_a_neuron_with_a_margin_of_nan_has_diverged(dtype, loss, n):
    # A margin is added up in chains of 256 features: here one is infinity, one minus infinity.
    big = np.sqrt(np.finfo(dtype).max) * 10.0
    X, y = np.zeros((n, 512), dtype), np.arange(n) % 2
    X[-1, :128], X[-1, 384:] = big, -big
    solver = descent(X, y, loss=loss)
    solver.start(np.append(np.full(512, float(big)), 0.0)[None])
    assert solver.state[0] == State.DIVERGED


def test_a_step_to_an_infinite_log_cost_keeps_the_model_before_it():
    # The first sample moves the weight to 1e300, where the margin of the second is infinite.
    X, y = np.array([[1e10], [-1e9]]), np.array([1, 1])
    solver = descent(X, y, loss=LOG, eta=2e290)
    cost, _, _ = scored(solver, [0.0, 0.0])
    solver.advance(3)
    assert solver.state[0] == State.DIVERGED
    assert solver.last.parameters.tolist() == [[0.0, 0.0]]
    assert (solver.last.cost[0], solver.last.step[0]) == (cost, 0)
