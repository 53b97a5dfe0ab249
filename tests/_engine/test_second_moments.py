"""The second moments of samples, and the step sizes and coordinates that follow from them."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from helpers import TOLERANCE
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from oneneuron._engine import second_moments, shard
from oneneuron._engine.dispatch import available, import_moments
from oneneuron._engine.samples import lay_out
from oneneuron._engine.second_moments import SecondMoments
from oneneuron._engine.shards import InMemory
from oneneuron._losses import LOG, LOSSES, QUADRATIC

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)

INFINITE_SQUARES = r"^X has features whose squares are infinite: scale X\.$"
INFINITE_WEIGHTS = r"^sample_weight is so large that weighted sums are infinite: divide it by "
INFINITE_ALPHA = r"^alpha is so large that the curvature is infinite: choose a smaller alpha\.$"

C = LOG.max_curvature


def moments_of(X, u=None, fit_intercept=True, codes=None):
    """Return the moments of samples of two classes in turn, or of the given classes."""
    codes = np.arange(len(X)) % 2 if codes is None else codes
    samples = lay_out(X, codes, int(codes.max()) + 1, u)
    return SecondMoments(InMemory([samples]), fit_intercept)


def draw_samples(seed, n=100, d=4, weighted=True, dtype=np.float64):
    """Return correlated features of very different scales and means, and sample weights."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) @ rng.standard_normal((d, d))
    X = (X * 10.0 ** rng.uniform(-2, 2, d) + rng.standard_normal(d)).astype(dtype)
    return X, (3 * rng.random(n) + 0.01).astype(dtype) if weighted else None


def with_ones(X, fit_intercept=True):
    return np.column_stack([X, np.full(len(X), float(fit_intercept))]).astype(np.float64)


def bound(X, u, alpha, loss, fit_intercept=True):
    """Return c Z^T U Z, plus alpha on the diagonal of the weights."""
    Z = with_ones(X, fit_intercept)
    u = np.ones(len(X)) if u is None else u.astype(np.float64)
    return loss.max_curvature * (Z.T * u) @ Z + np.diag(np.append([alpha] * X.shape[1], 0.0))


def second_derivative(z, y, loss):
    """Return the second derivative of the cost of a sample in z, by its formula."""
    f = expit(z)
    slope = f * (1 - f)
    return {LOG: slope, QUADRATIC: slope * (slope + (f - y) * (1 - 2 * f))}[loss]


def weighted_moments(X, u):
    """Return the means and the standard deviations, in two passes in float64."""
    X, u = X.astype(np.float64), np.ones(len(X)) if u is None else u.astype(np.float64)
    means = np.average(X, axis=0, weights=u)
    means += np.average(X - means, axis=0, weights=u)
    return means, np.sqrt(np.average((X - means) ** 2, axis=0, weights=u))


def bits(array):
    return np.asarray(array).tobytes()


# --- The largest curvature of a loss ---


def exact_cost(z, y, loss):
    """Return the cost of a sample, computed by mpmath."""
    f = 1 / (1 + mpmath.exp(-z))
    return (f - y) ** 2 / 2 if loss is QUADRATIC else -mpmath.log(f if y == 1 else 1 - f)


@pytest.mark.parametrize("y", [0, 1])
@every_loss
def test_the_largest_curvature_is_rounded_up_by_at_most_1e_9(loss, y):
    z = np.linspace(-10.0, 10.0, 2001)
    nearest = z[second_derivative(z, y, loss).argmax()]
    with mpmath.workdps(40):

        def derivative(order, at):
            return mpmath.diff(lambda z: exact_cost(z, y, loss), at, order)

        summit = mpmath.findroot(lambda z: derivative(3, z), nearest)
        assert abs(summit - nearest) < 0.01
        above = loss.max_curvature - derivative(2, summit)
        # The bound of the log loss, 1/4, is exact. mpmath knows the derivative to 1e-30.
        assert -1e-30 <= above <= 1e-9


@every_loss
def test_no_sample_has_more_than_the_largest_curvature(loss):
    z = np.linspace(-30.0, 30.0, 600_001)
    largest = max(second_derivative(z, y, loss).max() for y in (0, 1))
    # The maximum is at most 1e-9 above the values at points that are 1e-4 apart.
    assert largest <= loss.max_curvature <= largest + 1e-9


def test_the_second_derivative_of_these_tests_is_that_of_the_cost():
    z, h = np.linspace(-5.0, 5.0, 41), 1e-4
    for y in (0.0, 1.0):
        for loss, cost in (
            (QUADRATIC, lambda z, y: 0.5 * (expit(z) - y) ** 2),
            (LOG, lambda z, y: np.logaddexp(0.0, np.where(y == 1, -z, z))),
        ):
            numeric = (cost(z + h, y) - 2 * cost(z, y) + cost(z - h, y)) / h**2
            # A truncation error of h^2, and a rounding error of 1e-15 / h^2.
            np.testing.assert_allclose(second_derivative(z, y, loss), numeric, atol=1e-6)


# --- Means and scales ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d", [1, 4, 129, 600, 4100])
def test_means_and_scales_are_those_of_the_samples(d, weighted, dtype):
    rng = np.random.default_rng(d)
    X = (rng.standard_normal((50, d)) * 10.0 ** rng.uniform(-5, 5, d) + 1.0).astype(dtype)
    u = rng.random(50).astype(dtype) if weighted else None
    found, (means, scales) = moments_of(X, u), weighted_moments(X, u)
    assert found.means.dtype == found.scales.dtype == np.float64
    # The mean of values that cancel has an error relative to their size.
    np.testing.assert_allclose(found.means, means, rtol=TOLERANCE, atol=1e-14 * scales.max())
    # In float32, a deviation of less than 8 units of the mean's last bit would count as constant.
    np.testing.assert_allclose(found.scales, scales, rtol=TOLERANCE)


@pytest.mark.parametrize("n", [1, 5, 31, 33, 40_000])
@pytest.mark.parametrize("num_classes", [1, 2, 5])
def test_all_samples_are_counted_however_many_there_are(n, num_classes):
    X, u = draw_samples(1, n, 7)
    codes = np.random.default_rng(n).integers(0, num_classes, n)
    found, (means, scales) = moments_of(X, u, codes=codes), weighted_moments(X, u)
    np.testing.assert_allclose(found.means, means, rtol=1e-10)
    if n > 1:
        np.testing.assert_allclose(found.scales, scales, rtol=1e-10)


def test_the_total_is_the_sum_of_the_sample_weights():
    X, u = draw_samples(2)
    assert moments_of(X, u).total == pytest.approx(u.sum(), rel=1e-14)
    assert moments_of(X).total == 100


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ratio", [1e4, 1e6, 1e8, 1e11])
def test_a_feature_far_from_zero_keeps_its_digits(ratio, weighted):
    # Julian dates, for instance. The values themselves are rounded, so the exact deviation is
    # computed from what is stored, in fractions.
    rng = np.random.default_rng(3)
    x, u = rng.standard_normal(300) + ratio, rng.random(300) if weighted else np.ones(300)
    exact, weights = [Fraction(v) for v in x], [Fraction(v) for v in u]
    mean = sum(w * v for w, v in zip(weights, exact, strict=True)) / sum(weights)
    variance = sum(w * (v - mean) ** 2 for w, v in zip(weights, exact, strict=True)) / sum(weights)
    found = moments_of(x[:, None], u if weighted else None)
    assert found.means[0] == pytest.approx(float(mean), rel=1e-15)
    # Deviations from the shift are exact here, and their sums have rounding errors alone.
    assert found.scales[0] == pytest.approx(float(variance) ** 0.5, rel=1e-13)


def test_an_outlier_in_the_first_tile_costs_few_digits():
    x = np.random.default_rng(4).standard_normal(20_000)
    x[0] = 1e7
    _, scales = weighted_moments(x[:, None], None)
    # The shift is 1e7 / 32 off. So up to 10 bits are lost.
    assert moments_of(x[:, None]).scales[0] == pytest.approx(scales[0], rel=1e-12)


@pytest.mark.parametrize("d", [3, 512])
@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e-200, 1e100])
def test_the_scale_of_a_constant_feature_is_its_absolute_value(value, d):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((77, d))
    X[:, 1] = value
    scales = moments_of(X, rng.random(77)).scales
    assert scales[1] == abs(value)
    assert np.all((scales[[0, 2]] > 0.7) & (scales[[0, 2]] < 1.3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_feature_that_varies_in_its_last_bits_only_is_constant(dtype):
    x = np.full(200, 0.3, dtype)
    x[::3] = np.nextafter(dtype(0.3), dtype(1))
    assert moments_of(x[:, None]).scales[0] == pytest.approx(0.3, rel=1e-6)


def test_the_scale_of_a_nearly_constant_feature_is_its_standard_deviation():
    x = 1.0 + 1e-12 * np.random.default_rng(6).standard_normal(200)
    assert moments_of(x[:, None]).scales[0] == pytest.approx((x - 1.0).std(), rel=1e-10)


@pytest.mark.parametrize("value", [3.0, 1e200])
def test_a_sample_of_weight_zero_changes_no_moment(value):
    X, u = draw_samples(7)
    u[::3], X[::3] = 0.0, value
    there = u > 0
    found, expected = moments_of(X, u), moments_of(X[there], u[there])
    np.testing.assert_allclose(found.means, expected.means, rtol=TOLERANCE)
    np.testing.assert_allclose(found.scales, expected.scales, rtol=TOLERANCE)


@pytest.mark.parametrize("factor", [5e-324, 1e-320, 1e-300, 1e-30, 1e30, 1e300])
def test_the_size_of_equal_weights_changes_no_mean_and_no_scale(factor):
    X, _ = draw_samples(8)
    found, expected = moments_of(X, np.full(100, factor)), moments_of(X)
    np.testing.assert_allclose(found.means, expected.means, rtol=TOLERANCE)
    np.testing.assert_allclose(found.scales, expected.scales, rtol=TOLERANCE)


@pytest.mark.parametrize("exponent", [-1070, -1000, -100, 100, 1000, 1015])
def test_the_size_of_unequal_weights_changes_no_mean_and_no_scale(exponent):
    X, _ = draw_samples(8)
    u = np.random.default_rng(8).integers(1, 9, 100).astype(float)  # exact at any of these sizes
    found, expected = moments_of(X, u * 2.0**exponent), moments_of(X, u)
    np.testing.assert_allclose(found.means, expected.means, rtol=TOLERANCE)
    np.testing.assert_allclose(found.scales, expected.scales, rtol=TOLERANCE)


@pytest.mark.parametrize("d", [4, 600])
@pytest.mark.parametrize("weight", [1e-320, 1e-300, 1e290])
def test_the_safe_eta_follows_the_size_of_the_weights(weight, d):
    X = np.random.default_rng(29).standard_normal((100, d))
    found, expected = moments_of(X, np.full(100, weight)), moments_of(X)
    # Each is rounded down to 12 bits. An inverse of a curvature below the smallest normal number
    # could be infinite.
    least = np.finfo(np.float64).tiny
    bounds = max(weight / expected.safe_eta(0.0, C), least)
    assert found.safe_eta(0.0, C) * bounds == pytest.approx(1.0, rel=2**-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_shift_comes_from_the_heaviest_tile(dtype):
    # All but 100 samples have almost no weight, and are far from these.
    X = np.random.default_rng(30).standard_normal((40_000, 2)).astype(dtype)
    u = np.full(len(X), 1e-30, dtype)
    X[20_000:20_100] += 1e4
    u[20_000:20_100] = 1.0
    found, (means, scales) = moments_of(X, u), weighted_moments(X[20_000:20_100], None)
    np.testing.assert_allclose(found.means, means, rtol=TOLERANCE)
    # Their values agree in 4 of 16 or of 7 digits, but the deviations are exact.
    np.testing.assert_allclose(found.scales, scales, rtol=1e-12)


# --- The same bits everywhere ---


@pytest.fixture
def use_level(monkeypatch):
    """Return a function that makes the moments use the code of another instruction set."""

    def use(level):
        for module in (shard, second_moments):
            monkeypatch.setattr(module, "moments", import_moments(level))

    return use


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "d"), [(150, 4), (569, 30), (9000, 13), (20_000, 2), (40, 520), (9, 4100)]
)
def test_all_instruction_sets_give_the_same_bits(n, d, dtype, use_level):
    X, u = draw_samples(9, n, d, dtype=dtype)
    found = set()
    for level in available:
        use_level(level)
        moments = moments_of(X, u)
        arrays = moments.means, moments.scales, moments.preconditioner(0.1, C)
        found.add((*map(bits, arrays), moments.safe_eta(0.1, C)))
    assert len(found) == 1


@pytest.fixture
def calls(monkeypatch):
    """Return a list that receives the first and the end run of each call that adds products."""
    made = []

    class Recorded(shard.moments.Tiles):
        def add_products(self, first, end, *arguments):
            made.append((first, end))
            super().add_products(first, end, *arguments)

        def add_product_with(self, first, end, *arguments):
            made.append((first, end))
            super().add_product_with(first, end, *arguments)

    monkeypatch.setattr(shard.moments, "Tiles", Recorded)
    return made


@pytest.mark.parametrize(("n", "d"), [(60_000, 5), (20_000, 512)])
def test_calls_that_end_early_for_ctrl_c_change_no_bit(n, d, calls, monkeypatch):
    X, u = draw_samples(10, n, d, dtype=np.float32)

    def found():
        moments = moments_of(X, u)
        return bits(moments.preconditioner(0.1, C)), moments.safe_eta(0.1, C)

    num_bands = -(-n // 2**14)
    expected = found()
    assert set(calls) == {(2 * band, 2 * band + 2) for band in range(num_bands)}  # of two classes
    calls.clear()
    monkeypatch.setattr(shard, "_WORK_PER_CALL", 1.0)
    assert found() == expected
    assert set(calls) == {(run, run + 1) for run in range(2 * num_bands)}


# --- The safe step size ---


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40), d=st.integers(1, 40),
    weighted=st.booleans(), fit_intercept=st.booleans(), loss=st.sampled_from([*LOSSES.values()]),
    alpha=st.sampled_from([0.0, 0.3, 1e3]), dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_the_safe_eta_is_one_over_the_curvature_or_less_by_0_1_percent(
    seed, n, d, weighted, fit_intercept, loss, alpha, dtype
):
    X, u = draw_samples(seed, n, d, weighted, dtype)
    Z = with_ones(X, fit_intercept)
    root = np.ones(n) if u is None else np.sqrt(u.astype(np.float64))
    largest = np.linalg.norm(root[:, None] * Z, 2) ** 2
    found = moments_of(X, u, fit_intercept).safe_eta(alpha, loss.max_curvature)
    assert 1 - 1e-3 <= found * (loss.max_curvature * largest + alpha) <= 1


@pytest.mark.parametrize("spread", [0.0, 1e-9, 1e-5, 1e-4, 1e-3])
def test_the_safe_eta_is_safe_where_the_largest_eigenvalues_are_close(spread):
    # Lanczos iterations hardly tell such eigenvalues apart. Here, all of them are close.
    rng = np.random.default_rng(11)
    X = np.linalg.qr(rng.standard_normal((200, 100)))[0] * np.linspace(1.0, 1.0 + spread, 100)
    largest = np.linalg.eigvalsh(bound(X, None, 0.0, LOG, False))[-1]
    found = moments_of(X, fit_intercept=False).safe_eta(0.0, C)
    assert 1 - 1e-3 <= found * largest <= 1


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), loss=st.sampled_from([*LOSSES.values()]),
    weighted=st.booleans(), size=st.sampled_from([0.0, 0.1, 1.0, 10.0]),
    alpha=st.sampled_from([0.0, 0.3, 10.0]),
)  # fmt: skip
def test_the_curvature_is_nowhere_above_one_over_the_safe_eta(seed, loss, weighted, size, alpha):
    X, u = draw_samples(seed, 30, 3, weighted)
    rng, moments = np.random.default_rng(seed), moments_of(X, u)
    y, parameters = rng.integers(0, 2, 30), size * rng.standard_normal(4)
    parameters[:3] /= moments.scales  # margins of order `size`
    Z = with_ones(X)
    curvatures = (1.0 if u is None else u) * second_derivative(Z @ parameters, y, loss)
    hessian = (Z.T * curvatures) @ Z + np.diag([alpha, alpha, alpha, 0.0])
    assert np.linalg.eigvalsh(hessian)[-1] * moments.safe_eta(alpha, loss.max_curvature) <= 1


@every_loss
def test_the_safe_eta_is_reached_where_the_curvature_of_a_sample_is_largest(loss):
    # One sample, at the margin of the largest curvature: there the bound is the curvature.
    p = {LOG: 0.5, QUADRATIC: (15 - np.sqrt(33)) / 24}[loss]
    curvature = 5.0 * second_derivative(np.log(p / (1 - p)), 0, loss)  # of x = 2 and the bias
    assert (
        1 - 1e-3
        <= curvature * moments_of(np.array([[2.0]])).safe_eta(0.0, loss.max_curvature)
        <= 1 + 1e-9
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize(("n", "d"), [(30, 600), (600, 30), (520, 511), (520, 512), (700, 600)])
def test_the_safe_eta_of_many_features_or_samples_is_as_safe(n, d, fit_intercept, weighted):
    rng = np.random.default_rng(n)
    X, u = rng.standard_normal((n, d)), rng.random(n) + 0.1 if weighted else None
    largest = np.linalg.eigvalsh(bound(X, u, 0.3, LOG, fit_intercept))[-1]
    # With many features, L is known to 1e-3 and raised by as much.
    assert 1 - 2.5e-3 <= moments_of(X, u, fit_intercept).safe_eta(0.3, C) * largest <= 1


@pytest.mark.parametrize(("n", "d"), [(50, 3), (20, 600)])
def test_float32_samples_have_the_safe_eta_of_the_same_numbers_in_float64(n, d):
    X = np.random.default_rng(12).standard_normal((n, d)).astype(np.float32)
    assert moments_of(X).safe_eta(0.0, C) == moments_of(X.astype(float)).safe_eta(
        0.0, LOG.max_curvature
    )


def test_a_safe_eta_has_twelve_bits():
    X, u = draw_samples(13)
    mantissa, _ = np.frexp(moments_of(X, u).safe_eta(0.1, C))
    assert mantissa * 2**12 == int(mantissa * 2**12)


@pytest.mark.parametrize("weight", [5e-324, 1e-310])
def test_a_tiny_curvature_has_a_finite_safe_eta(weight):
    found = moments_of(np.array([[1.0], [2.0]]), np.full(2, weight)).safe_eta(
        0.0, LOG.max_curvature
    )
    assert 0.0 < found < np.inf


@pytest.mark.parametrize("d", [3, 600])
@pytest.mark.parametrize("value", [0.0, 1e-170])
def test_features_without_squares_have_a_finite_safe_eta(value, d):
    found = moments_of(np.full((5, d), value), fit_intercept=False).safe_eta(0.0, C)
    assert 0.0 < found < np.inf


# --- Coordinates ---


def transformed(P, H):
    return P.T @ H @ P if P.ndim == 2 else P[:, None] * H * P


def condition_of_correlations(H):
    scale = 1 / np.sqrt(H.diagonal())
    return np.linalg.cond(scale[:, None] * H * scale)


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(20, 60), d=st.integers(1, 20),
    weighted=st.booleans(), loss=st.sampled_from([*LOSSES.values()]),
    alpha=st.sampled_from([0.0, 0.3, 1e3]),
)  # fmt: skip
def test_the_bound_in_the_new_coordinates_is_the_identity(seed, n, d, weighted, loss, alpha):
    X, u = draw_samples(seed, n, d, weighted)
    P = moments_of(X, u).preconditioner(alpha, loss.max_curvature)
    H = bound(X, u, alpha, loss)
    # 1e-8 is added to eigenvalues, of which the least is 1 / condition.
    tolerance = 2e-8 * condition_of_correlations(H)
    np.testing.assert_allclose(transformed(P, H), np.eye(d + 1), atol=tolerance)


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_the_weights_have_an_upper_triangle_and_the_bias_takes_the_means_off(fit_intercept):
    X, u = draw_samples(14)
    moments = moments_of(X, u, fit_intercept)
    P = moments.preconditioner(0.1, C)
    assert not P[:4, 4].any() and not np.tril(P[:4, :4], -1).any()
    means = moments.means if fit_intercept else np.zeros(4)
    np.testing.assert_allclose(P[4, :4], -means @ P[:4, :4], rtol=TOLERANCE)
    expected = 1 / np.sqrt(LOG.max_curvature * u.sum()) if fit_intercept else 1.0
    assert P[4, 4] == pytest.approx(expected, rel=TOLERANCE)


def test_without_an_intercept_the_features_are_not_centred():
    X, u = draw_samples(15)
    P = moments_of(X, u, fit_intercept=False).preconditioner(0.0, C)[:4, :4]
    H = bound(X, u, 0.0, LOG, fit_intercept=False)[:4, :4]
    np.testing.assert_allclose(P.T @ H @ P, np.eye(4), atol=2e-8 * condition_of_correlations(H))


@pytest.mark.parametrize("ratio", [1e4, 1e6, 1e8])
def test_a_feature_far_from_zero_is_as_easy_as_a_centred_one(ratio):
    x = np.random.default_rng(16).standard_normal((200, 3)) @ [[1, 0, 1], [0, 1, 1], [0, 0, 0.1]]
    far = x + np.array([0.0, ratio, -ratio])
    centred = far - np.array([0.0, ratio, -ratio])  # without the digits that `far` has lost
    expected = moments_of(centred).preconditioner(0.1, C)[:3, :3]
    np.testing.assert_allclose(
        # The means are known to their last bit, a ratio of 1e-16 of the deviation.
        moments_of(far).preconditioner(0.1, C)[:3, :3], expected, rtol=1e-6, atol=1e-9,
    )  # fmt: skip


@every_loss
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1e6])
@pytest.mark.parametrize(("n", "d"), [(100, 4), (30, 511), (5, 8), (1, 3)])
def test_the_curvature_in_the_new_coordinates_is_at_most_1(n, d, alpha, loss):
    X = np.random.default_rng(17).standard_normal((n, d))
    P = moments_of(X).preconditioner(alpha, loss.max_curvature)
    assert P.shape == (d + 1, d + 1) and np.isfinite(P).all()
    # The ridge of 1e-8 allows for more, times the condition of the rest of the correlations.
    values = np.linalg.eigvalsh(transformed(P, bound(X, None, alpha, loss)))
    assert values[-1] <= 1 + 1e-6


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_coordinates_of_many_features_make_the_diagonal_of_the_bound_one(fit_intercept, alpha):
    X, u = draw_samples(18, 30, 512)
    scale = moments_of(X, u, fit_intercept).preconditioner(alpha, C)
    assert scale.shape == (513,)
    diagonal = transformed(scale, bound(X, u, alpha, LOG, fit_intercept)).diagonal()
    np.testing.assert_allclose(diagonal[:512], 1.0, rtol=TOLERANCE)
    assert diagonal[512] == pytest.approx(float(fit_intercept), rel=TOLERANCE)


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", ["copies", "sums", "constants", "zeros", "few samples"])
def test_linearly_dependent_features_have_finite_coordinates(kind, fit_intercept, alpha):
    rng = np.random.default_rng(19)
    x = rng.standard_normal((60, 3))
    X = {
        "copies": np.column_stack([x, x, 1e6 * x]),
        "sums": np.column_stack([x, x.sum(axis=1), x @ [1.0, -2.0, 3.0]]),
        "constants": np.column_stack([x, np.ones((60, 2)), np.full(60, -1e5)]),
        "zeros": np.column_stack([x, np.zeros((60, 2))]),
        "few samples": rng.standard_normal((3, 40)),
    }[kind]
    P = moments_of(X, None, fit_intercept).preconditioner(alpha, QUADRATIC.max_curvature)
    assert np.isfinite(P).all() and np.all(P.diagonal() > 0.0)  # so P has an inverse
    # Eigenvalues of 0 have an error of 1e-16, which is divided by the ridge of 1e-8.
    values = np.linalg.eigvalsh(transformed(P, bound(X, None, alpha, QUADRATIC, fit_intercept)))
    assert values[-1] <= 1 + 1e-6 and values[0] >= -1e-6


def test_the_coordinates_are_the_same_in_other_units():
    X, u = draw_samples(20)
    units = np.array([1e-3, 1.0, 1e4, 2.0])
    P = moments_of(X, u).preconditioner(0.0, C)
    of_units = moments_of(X * units, u).preconditioner(0.0, C)
    # The rounding errors of the correlations, times their condition of some 1e5.
    np.testing.assert_allclose(of_units[:4] * units[:, None], P[:4], rtol=1e-8, atol=1e-12)


# --- A part of the samples: of 40,000 of 40 features, one tile in twelve ---

NUM, SIDE = 40_000, 40


def draw_many(seed):
    """Return correlated features, of which the sample is one tile in twelve, and the generator."""
    rng = np.random.default_rng(seed)
    mixing = np.eye(SIDE) + 0.1 * rng.standard_normal((SIDE, SIDE))
    return rng.standard_normal((NUM, SIDE)) @ mixing, rng


def assert_enough(X, u=None, codes=None, alpha=1e-3):
    """Check the eigenvalues of the bound in the new coordinates: if P were exact, all would be 1.

    With m samples, those of the sample lie between (1 - sqrt(d / m))^2 and (1 + sqrt(d / m))^2, so
    here between 0.79 and 1.23. The bound's are their inverses. The rest is for unequal weights.
    """
    P = moments_of(X, u, codes=codes).preconditioner(alpha, C)
    values = np.linalg.eigvalsh(transformed(P, bound(X, u, alpha, LOG)))
    assert values[-1] <= 1.7
    assert np.linalg.matrix_rank(X) < SIDE or values[0] >= 0.6


@pytest.mark.parametrize("weighted", [False, True])
def test_a_part_of_many_samples_is_enough(weighted):
    X, rng = draw_many(21)
    assert_enough(X, rng.random(NUM) if weighted else None)


def test_dependent_features_are_dependent_in_a_part_of_the_samples_too():
    X, rng = draw_many(22)
    X[:, 20:30] = X[:, :10] @ rng.standard_normal((10, 10))
    X[:, 30:] = X[:, :10] + 1e-3 * X[:, 30:]
    assert_enough(X)


def test_a_rare_class_is_in_the_sample():
    X, rng = draw_many(23)
    codes = np.zeros(NUM, int)
    codes[rng.choice(NUM, 20, replace=False)] = 1
    X[codes == 1, 2] += 1000.0  # almost all of the variance of this feature
    assert_enough(X, codes=codes)


@pytest.mark.parametrize("count", [60, 1000, 5000])
def test_a_few_heavy_samples_are_in_the_sample(count):
    X, rng = draw_many(24)
    heavy = rng.choice(NUM, count, replace=False)
    u = np.full(NUM, 1e-9)
    u[heavy] = 1.0
    X[heavy] = X[heavy][:, ::-1] * np.linspace(0.1, 10, SIDE)  # correlated unlike the others
    assert_enough(X, u)


@pytest.mark.parametrize("balanced", [False, True])
def test_classes_may_have_very_different_weights(balanced):
    X, rng = draw_many(25)
    codes = (rng.random(NUM) < 0.02).astype(int)
    X[codes == 1] *= 3.0
    assert_enough(X, np.where(codes == 1, 50.0, 1.0) if balanced else None, codes)


def test_a_feature_that_the_sample_does_not_see_keeps_its_size():
    X, _ = draw_many(26)
    X[:, 2] = 0.0
    X[[77, 12_345, 30_001], 2] = 1.0
    assert_enough(X)


# --- What overflows is named ---


def refuse(moments, alpha, message):
    with pytest.raises(ValueError, match=message):
        moments.preconditioner(alpha, C)
    with pytest.raises(ValueError, match=message):
        moments.safe_eta(alpha, C)


@pytest.mark.parametrize(("n", "d"), [(5, 2), (2, 5), (5, 600), (520, 520)])
@pytest.mark.parametrize("value", [1e160, 1e300, -1e308])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_features_whose_squares_are_infinite_are_refused(n, d, value, weighted, fit_intercept):
    X = np.ones((n, d))
    X[1, 1] = value
    refuse(
        moments_of(X, np.full(n, 0.3) if weighted else None, fit_intercept), 0.3, INFINITE_SQUARES
    )


@pytest.mark.parametrize("d", [3, 600])
def test_sample_weights_with_an_infinite_sum_are_refused(d):
    with pytest.raises(ValueError, match=INFINITE_WEIGHTS):
        moments_of(np.ones((5, d)), np.full(5, 1e308))


@pytest.mark.parametrize("d", [3, 600])
def test_sample_weights_whose_products_with_squares_are_infinite_are_refused(d):
    X = 1e5 * np.random.default_rng(26).standard_normal((50, d))
    refuse(moments_of(X, np.full(50, 1e305)), 0.3, INFINITE_WEIGHTS)


@pytest.mark.parametrize("d", [3, 600])
def test_an_alpha_that_makes_the_curvature_infinite_is_refused(d):
    X = np.random.default_rng(27).standard_normal((50, d))
    refuse(moments_of(X, np.full(50, 1e304)), 1.797e308, INFINITE_ALPHA)


@pytest.mark.parametrize("d", [3, 600])
def test_large_weights_and_a_large_alpha_are_no_error_while_all_is_finite(d):
    X = np.random.default_rng(28).standard_normal((50, d)).astype(np.float32)
    for u, alpha in ((None, 1e308), (np.full(50, 3e38, np.float32), 0.0)):
        moments = moments_of(X, u)
        assert np.isfinite(moments.scales).all()
        assert np.isfinite(moments.preconditioner(alpha, C)).all()
        assert 0.0 < moments.safe_eta(alpha, C) < 1e-30
