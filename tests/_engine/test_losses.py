"""Both losses: cost and gradient against the formulas in NumPy, and the log loss at its ends."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneneuron import reference
from oneneuron._engine.training import Training

LOSSES = ["quadratic", "log"]
DTYPES = [np.float64, np.float32]

# As in test_descent: margins are rounded differently, and sums are of another order.
TOLERANCE = 1e-12

# log2 e and each product with it are off by half an ulp at most, this share of themselves.
HALF_ULP = {np.float64: 2.0**-53, np.float32: 2.0**-24}

# Where the kernel's p stops, so that p^2 is a normal number.
LEAST_P = {np.float64: 2.0**-510, np.float32: 2.0**-62}


def made_samples(seed, n, d, dtype=np.float64):
    """Margins of order 1 at the start."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = (X[:, 0] + rng.standard_normal(n) > 0).astype(int)
    return X, y, rng.standard_normal(d + 1) / np.sqrt(d), rng


def scored(X, y, start, **options):
    """Cost, gradient and accuracy at the start."""
    training = Training(X, y, start, eta=1.0, **options)
    cost, gradient = training.evaluate(start)
    return cost, gradient, training.model().accuracy


def of_formulas(X, y, u, alpha, start, loss):
    """Cost and gradient, written out, and the sums of the absolute terms of the latter."""
    w, X1 = start[:-1], np.column_stack([X, np.ones(len(X))])
    z = X1 @ start
    e = reference.error(z, y)
    if loss == "log":
        costs, slope = np.logaddexp(0.0, np.where(y == 1, -z, z)), u * e
    elif loss == "quadratic":
        costs, slope = 0.5 * e**2, u * e * reference.sigma(z) * reference.sigma(-z)
    penalty = np.append(alpha * w, 0.0)
    absolute = np.abs(slope) @ np.abs(X1) + np.abs(penalty)
    return u @ costs + 0.5 * alpha * w @ w, slope @ X1 + penalty, absolute


def one_sample(dtype, loss="log", label=1):
    """A training of one sample whose margin is the bias, or for class 0 less the bias."""
    return Training(np.ones((1, 1), dtype), np.array([label]), np.zeros(2), eta=1.0, loss=loss)


def log_cost(margin):
    """log(1 + e^-m), a Decimal of 30 digits: np.longdouble has no more than a double everywhere."""
    with localcontext(prec=30 + max(0, int(margin / 2))):  # e^-m itself has m / ln 10 zeros
        return (1 + (-Decimal(margin)).exp()).ln()


# --- The formulas ---


@settings(deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 300), d=st.integers(1, 40),
    loss=st.sampled_from(LOSSES), weighted=st.booleans(),
    alpha=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
)  # fmt: skip
def test_cost_and_gradient_are_those_of_the_formulas(seed, n, d, loss, weighted, alpha):
    X, y, start, rng = made_samples(seed, n, d)
    u = 3 * rng.random(n) if weighted else None
    cost, gradient, _ = scored(X, y, start, loss=loss, sample_weight=u, alpha=alpha)
    u = u if weighted else np.ones(n)
    expected, slope, absolute = of_formulas(X, y, u, alpha, start, loss)
    assert cost == pytest.approx(expected, rel=TOLERANCE)
    assert np.all(np.abs(gradient - slope) <= TOLERANCE * absolute)


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 150), d=st.integers(1, 20),
    scale=st.sampled_from([1e-3, 1.0, 10.0]),
)  # fmt: skip
def test_every_step_of_the_log_loss_is_that_of_the_reference(seed, n, d, scale):
    X, y, start, _ = made_samples(seed, n, d)
    X *= scale
    # One over a bound on the Hessian, so that the rounding of a step is not blown up by the next.
    eta = 4.0 / np.sum(np.column_stack([X, np.ones(n)]) ** 2)
    training = Training(X, y, start, eta=eta, loss="log")
    found = [training.model()]
    while training.step < 5 and training.advance(1):
        found.append(training.model())
    models = reference.gradient_descent(X, y, start[:-1], start[-1], eta, 5, loss="log")
    for mine, (w, b) in zip(found, models, strict=True):
        np.testing.assert_allclose(mine.weights, w, rtol=TOLERANCE, atol=TOLERANCE)
        assert mine.bias == pytest.approx(b, rel=TOLERANCE, abs=TOLERANCE)
        assert mine.cost == pytest.approx(reference.cost(X, y, w, b, "log"), rel=TOLERANCE)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n", [31, 32, 33, 1023, 1024, 1025, 3000])
def test_samples_at_the_edge_of_tiles_and_blocks_cost_once(n, loss):
    X, y, start, _ = made_samples(n, n, 3)
    cost, _, _ = scored(X, y, start, loss=loss)
    expected = reference.cost(X, y, start[:-1], start[-1], loss)
    assert cost == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("d", [4095, 4096, 10_000])
def test_wide_data_has_the_cost_and_gradient_of_the_formulas(d, loss):
    X, y, start, rng = made_samples(d, 30, d)
    u = rng.random(30)
    cost, gradient, _ = scored(X, y, start, loss=loss, sample_weight=u, alpha=0.3)
    expected, slope, absolute = of_formulas(X, y, u, 0.3, start, loss)
    assert cost == pytest.approx(expected, rel=TOLERANCE)
    assert np.all(np.abs(gradient - slope) <= TOLERANCE * absolute)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_the_slope_of_the_cost(loss, weighted):
    X, y, start, rng = made_samples(2, 57, 5)
    u = rng.random(57) if weighted else None
    training = Training(X, y, start, eta=1.0, loss=loss, sample_weight=u, alpha=0.7)
    _, gradient = training.evaluate(start)
    h = 1e-5
    for shift, slope in zip(h * np.eye(6), gradient, strict=True):
        up, down = training.evaluate(start + shift)[0], training.evaluate(start - shift)[0]
        # Central differences: h^2 times third derivatives of order 10, eps / h times a cost of 40.
        assert (up - down) / (2 * h) == pytest.approx(slope, abs=5e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "d"), [(50, 2), (3000, 3), (20, 4097)])
def test_weights_of_one_are_the_bits_of_none_with_the_log_loss(n, d, dtype):
    X, y, start, _ = made_samples(3, n, d, dtype)
    cost, gradient, _ = scored(X, y, start, loss="log", sample_weight=np.ones(n, dtype))
    without, slope, _ = scored(X, y, start, loss="log")
    assert (cost, gradient.tobytes()) == (without, slope.tobytes())


@pytest.mark.parametrize("label", [0, 1])
def test_a_class_of_weight_zero_costs_nothing(label):
    X, y, start, _ = made_samples(4, 200, 3)
    u = (y == label).astype(float)
    cost, gradient, _ = scored(X, y, start, loss="log", sample_weight=u)
    alone, slope, _ = scored(X[y == label], y[y == label], start, loss="log")
    assert cost == pytest.approx(alone, rel=TOLERANCE)
    np.testing.assert_allclose(gradient, slope, rtol=TOLERANCE)


def test_the_loss_changes_no_count_of_the_wrong_samples():
    X, y, start, rng = made_samples(5, 3000, 2)
    u = rng.random(3000)
    accuracies = [scored(X, y, start, loss=loss, sample_weight=u)[2] for loss in LOSSES]
    assert accuracies[0] == accuracies[1]


# --- float32 ---


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 3000), d=st.integers(1, 40),
    loss=st.sampled_from(LOSSES), weighted=st.booleans(), alpha=st.sampled_from([0.0, 1.0]),
)  # fmt: skip
def test_float32_is_float64_to_seven_digits_of_the_terms(seed, n, d, loss, weighted, alpha):
    X, y, start, rng = made_samples(seed, n, d, np.float32)
    u = rng.random(n).astype(np.float32) if weighted else None
    cost, gradient, _ = scored(X, y, start, loss=loss, sample_weight=u, alpha=alpha)
    u = np.ones(n) if u is None else u.astype(np.float64)
    X = X.astype(np.float64)
    expected, slope, absolute = of_formulas(X, y, u, alpha, start, loss)
    # A margin is rounded d + 2 times, at half an ulp of what |w||x| and |b| add up to: as many,
    # and once each for the parameters, their log2 e and the samples' own scaling.
    X1 = np.abs(np.column_stack([X, np.ones(n)]))
    margins = (d + 4) * HALF_ULP[np.float32] * (X1 @ np.abs(start))
    # The sums are off by 4e-7 of themselves, and a cost or a p by 5 ulps and by its weight.
    relative = 4e-7 + 12 * HALF_ULP[np.float32]
    # Neither a cost nor p changes faster than the margin does.
    assert abs(cost - expected) <= u @ margins + relative * expected
    assert np.all(np.abs(gradient - slope) <= (u * margins) @ X1 + relative * absolute)


@pytest.mark.parametrize("label", [0, 1])
def test_log_costs_all_alike_sum_to_a_millionth_in_float32(label):
    # Every rounding is the same here, and errors add up. Beyond a block, sums are in float64.
    n, start = 10_000, np.array([0.4, -0.3])
    X = np.full((n, 1), 0.7, np.float32)
    cost, gradient, _ = scored(X, np.full(n, label), start, loss="log")
    z = float(start[0] * np.float64(X[0, 0]) + start[1])
    assert cost == pytest.approx(n * float(log_cost(z if label else -z)), rel=1e-6)
    assert gradient[1] == pytest.approx(n * float(reference.error(z, label)), rel=1e-6)


# --- The log cost itself ---


def ulps_off(dtype, z):
    """How far the log cost is off, in units of its last digit, for biases z."""
    t = (1.4426950408889634 * z).astype(dtype)  # as the kernel scales a bias, exactly
    with localcontext(prec=40):
        exact = [log_cost(Decimal(v) * Decimal(2).ln()) for v in t.tolist()]
    training = one_sample(dtype)
    found = [float(training.evaluate(np.array([0.0, v]))[0]) for v in z]
    off = [float(Decimal(f) - e) for f, e in zip(found, exact, strict=True)]
    return np.array(off) / np.spacing(np.array(exact, float).astype(dtype))


@pytest.mark.parametrize(("dtype", "farthest"), [(np.float64, 350.0), (np.float32, 42.0)])
def test_the_log_cost_is_within_five_ulps_over_its_range(dtype, farthest):
    z = np.concatenate(
        [np.linspace(-farthest, farthest, 2001), np.linspace(-4, 4, 2001), [-1e-3, 1e-9, 1e-3]]
    )
    # p is within 2.5, in float32 within 3, then 2 - q, q / (2 - q), the polynomial and its product
    # add half of one each.
    assert np.max(np.abs(ulps_off(dtype, z))) <= 5.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [-2.0, -1.0, 0.0, 1.0])
def test_what_the_log_cost_is_off_is_a_rounding_and_leans_to_no_side(first, dtype):
    # A wrong digit of a coefficient hides among roundings, but is of one sign. Half an ulp is left
    # for what the coefficients of p and of the logarithm are themselves rounded by.
    off = ulps_off(dtype, np.linspace(first, first + 1.0, 1001))
    assert abs(np.mean(off)) <= 0.5


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("margin", [10.0, 20.0, 36.0, 40.0, 42.0, 100.0, 350.0])
def test_a_small_log_cost_is_e_to_the_minus_margin_with_all_its_digits(margin, dtype, label):
    bias = margin if label == 1 else -margin
    cost, _ = one_sample(dtype, label=label).evaluate(np.array([0.0, bias]))
    # log2 e and the product with it move the margin by half an ulp each; then 5 ulps as above.
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
    cost, _ = one_sample(dtype, label=label).evaluate(np.array([0.0, bias]))
    # log2 e, ln 2 and a product with each of them: half an ulp four times.
    assert cost == pytest.approx(size, rel=4 * HALF_ULP[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_far_on_the_wrong_side_pulls_with_all_of_itself(dtype):
    X = np.array([[3.0, -0.5]], dtype)
    for label in (0, 1):
        sign = 2 * label - 1
        _, gradient, _ = scored(
            X, np.array([label]), np.array([0.0, 0.0, -1e4 * sign]), loss="log",
            sample_weight=np.array([0.75], dtype),
        )  # fmt: skip
        np.testing.assert_array_equal(gradient, -0.75 * sign * np.array([3.0, -0.5, 1.0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_far_on_the_right_side_neither_costs_nor_pulls(dtype):
    cost, gradient = one_sample(dtype).evaluate(np.array([0.0, 1e30]))
    assert 0.0 <= cost <= 2 * LEAST_P[dtype]
    assert np.all(np.abs(gradient) <= LEAST_P[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_at_a_margin_of_zero_the_log_cost_is_log_2_and_the_pull_a_half(dtype):
    cost, gradient = one_sample(dtype).evaluate(np.zeros(2))
    assert cost == pytest.approx(np.log(2.0), rel=10 * HALF_ULP[dtype])  # 5 ulps, as above
    assert gradient.tolist() == [-0.5, -0.5]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_log_cost_of_the_two_classes_differs_by_the_margin(dtype):
    of_class = [one_sample(dtype, label=label) for label in (0, 1)]
    for z in np.linspace(0.1, 30.0, 100):
        costs = [training.evaluate(np.array([0.0, z]))[0] for training in of_class]
        # Four roundings of the margin as above, and 5 ulps of each cost, of z + log 2 at most.
        assert abs(costs[0] - costs[1] - z) <= 24 * HALF_ULP[dtype] * (z + 0.7)


# --- What is not finite ---


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_infinite_log_cost_ends_in_diverged(dtype):
    big = np.sqrt(np.finfo(dtype).max) * 10.0
    X = np.array([[-big], [1.0]], dtype)
    training = Training(X, np.array([1, 0]), np.array([float(big), 0.0]), eta=1.0, loss="log")
    assert training.diverged


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_infinite_margin_on_the_right_side_does_not_end_in_diverged(dtype, loss):
    big = np.sqrt(np.finfo(dtype).max) * 10.0
    X = np.array([[big], [-big]], dtype)
    training = Training(X, np.array([1, 0]), np.array([float(big), 0.0]), eta=1.0, loss=loss)
    assert not training.diverged and training.model().cost <= 4 * LEAST_P[dtype]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 1100])
def test_a_margin_that_is_no_number_ends_in_diverged(dtype, loss, n):
    # A margin is added up in chains of 256 features: one is infinite, the other minus that.
    big = np.sqrt(np.finfo(dtype).max) * 10.0
    X, y = np.zeros((n, 512), dtype), np.arange(n) % 2
    X[-1, :128], X[-1, 384:] = big, -big
    start = np.append(np.full(512, float(big)), 0.0)
    training = Training(X, y, start, eta=1.0, loss=loss)
    assert training.diverged


def test_a_step_to_an_infinite_log_cost_keeps_the_model_before_it():
    # The first sample pulls the weight to 1e300, which is finite, and the second's margin is not.
    X, y = np.array([[1e10], [-1e9]]), np.array([1, 1])
    training = Training(X, y, np.zeros(2), eta=2e290, loss="log")
    before = training.model()
    assert not training.advance(3) and training.diverged
    after = training.model()
    assert (after.weights, after.bias, after.cost) == (before.weights, before.bias, before.cost)
