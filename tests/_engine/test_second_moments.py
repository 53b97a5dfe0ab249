"""The second moments of samples, and the step sizes and coordinates that follow from them."""

import mpmath
import numpy as np
import pytest
from helpers import TOLERANCE
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from oneneuron import safe_eta
from oneneuron._engine.second_moments import SecondMoments
from oneneuron._losses import LOG, LOSSES, QUADRATIC

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)

INFINITE_SQUARES = r"^X has features whose squares are infinite: scale X\.$"


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
    u = np.ones(len(X)) if u is None else u
    means = np.average(X, axis=0, weights=u)
    return means, np.sqrt(np.average((X - means) ** 2, axis=0, weights=u))


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


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d", [1, 4, 511, 512, 600])
def test_means_and_scales_are_those_of_the_samples(d, weighted):
    rng = np.random.default_rng(d)
    X, u = rng.standard_normal((50, d)) * 10.0 ** rng.uniform(-5, 5, d) + 1.0, None
    if weighted:
        u = rng.random(50)
    moments = SecondMoments(X, u)
    means, scales = weighted_moments(X, u)
    np.testing.assert_allclose(moments.means, means, rtol=TOLERANCE, atol=TOLERANCE)
    # A mean far above the deviation, here up to 10^5 times, costs digits: its square is subtracted.
    ill = (1 + np.abs(means) / scales) ** 2
    assert np.all(np.abs(moments.scales / scales - 1) < 1e-14 * ill)


@pytest.mark.parametrize("n", [1, 5, 40_000])
def test_all_samples_are_counted_however_many_there_are(n):
    # With d = 7 a slab has 18,724 rows: 40,000 rows make three slabs, of which the last is short.
    X, u = draw_samples(1, n, 7)
    means, scales = weighted_moments(X, u)
    np.testing.assert_allclose(SecondMoments(X, u).means, means, rtol=1e-10)
    if n > 1:
        np.testing.assert_allclose(SecondMoments(X, u).scales, scales, rtol=1e-8)


def test_the_total_is_the_sum_of_the_sample_weights():
    X, u = draw_samples(2)
    assert SecondMoments(X, u).total == pytest.approx(u.sum(), rel=1e-14)
    assert SecondMoments(X).total == 100


@pytest.mark.parametrize("d", [3, 512])
@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e-200, 1e100])
def test_the_scale_of_a_constant_feature_is_its_absolute_value(value, d):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((77, d))
    X[:, 1] = value
    scales = SecondMoments(X, rng.random(77)).scales
    # The square of 1e-200 is 0 in float64.
    expected = 0.0 if value == 1e-200 else abs(value)
    assert scales[1] == pytest.approx(expected, rel=1e-12)
    assert np.all((scales[[0, 2]] > 0.8) & (scales[[0, 2]] < 1.2))


def test_the_scale_of_a_nearly_constant_feature_is_its_standard_deviation():
    rng = np.random.default_rng(4)
    x = 1.0 + 1e-4 * rng.standard_normal(200)
    # The variance is 1e-8 of the mean square, whose relative rounding error is some 1e-16.
    assert SecondMoments(x[:, None]).scales[0] == pytest.approx(x.std(), rel=1e-6)


def test_a_sample_of_weight_zero_changes_no_moment():
    X, u = draw_samples(5)
    u[::3] = 0.0
    there = u > 0
    found, expected = SecondMoments(X, u), SecondMoments(X[there], u[there])
    np.testing.assert_allclose(found.means, expected.means, rtol=TOLERANCE)
    np.testing.assert_allclose(found.scales, expected.scales, rtol=TOLERANCE)


@pytest.mark.parametrize("d", [4, 600])
def test_float32_is_summed_in_float64(d):
    X, u = draw_samples(6, 50, d, dtype=np.float32)
    found, expected = SecondMoments(X, u), SecondMoments(X.astype(float), u.astype(float))
    for name in ("means", "scales"):
        assert getattr(found, name).dtype == np.float64
        # The numbers are the same, but the sums have another order.
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-8)


# --- The safe step size ---


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40), d=st.integers(1, 40),
    weighted=st.booleans(), fit_intercept=st.booleans(), loss=st.sampled_from([*LOSSES.values()]),
    alpha=st.sampled_from([0.0, 0.3, 1e3]),
)  # fmt: skip
def test_the_safe_eta_is_one_over_the_curvature_or_a_little_less(
    seed, n, d, weighted, fit_intercept, loss, alpha
):
    X, u = draw_samples(seed, n, d, weighted)
    Z = with_ones(X, fit_intercept)
    largest = np.linalg.norm(Z if u is None else np.sqrt(u)[:, None] * Z, 2) ** 2
    found = SecondMoments(X, u, fit_intercept).safe_eta(alpha, loss)
    product = found * (loss.max_curvature * largest + alpha)
    # It is rounded down to 12 bits, and the eigenvalue has a rounding error.
    assert 1 - 2**-11 <= product <= 1 + 1e-12


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), loss=st.sampled_from([*LOSSES.values()]),
    weighted=st.booleans(), size=st.sampled_from([0.0, 0.1, 1.0, 10.0]),
    alpha=st.sampled_from([0.0, 0.3, 10.0]),
)  # fmt: skip
def test_the_curvature_is_nowhere_above_one_over_the_safe_eta(seed, loss, weighted, size, alpha):
    X, u = draw_samples(seed, 30, 3, weighted)
    rng = np.random.default_rng(seed)
    y, parameters = rng.integers(0, 2, 30), size * rng.standard_normal(4)
    parameters[:3] /= SecondMoments(X, u).scales  # margins of order `size`
    Z = with_ones(X)
    curvatures = (1.0 if u is None else u) * second_derivative(Z @ parameters, y, loss)
    hessian = (Z.T * curvatures) @ Z + np.diag([alpha, alpha, alpha, 0.0])
    assert np.linalg.eigvalsh(hessian)[-1] * safe_eta(X, u, alpha, loss.name) <= 1 + 1e-12


@every_loss
def test_the_safe_eta_is_reached_where_the_curvature_of_a_sample_is_largest(loss):
    # One sample, at the margin of the largest curvature: there the bound is the curvature.
    p = {LOG: 0.5, QUADRATIC: (15 - np.sqrt(33)) / 24}[loss]
    curvature = 5.0 * second_derivative(np.log(p / (1 - p)), 0, loss)  # of x = 2 and the bias
    assert 1 - 2**-11 <= curvature * safe_eta(np.array([[2.0]]), loss=loss.name) <= 1 + 1e-9


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "d"), [(30, 600), (600, 30), (520, 515), (700, 600)])
def test_the_safe_eta_of_many_features_or_samples_is_as_safe(n, d, weighted):
    rng = np.random.default_rng(n)
    X, u = rng.standard_normal((n, d)), rng.random(n) + 0.1 if weighted else None
    largest = np.linalg.eigvalsh(bound(X, u, 0.3, LOG))[-1]
    # With many features, L is known to 1e-3 and raised by as much.
    assert 1 - 2.5e-3 <= safe_eta(X, u, 0.3, "log") * largest <= 1 + 1e-12


@pytest.mark.parametrize(("n", "d"), [(50, 3), (20, 600), (600, 550)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_samples_in_another_layout_give_the_same_safe_eta(n, d, dtype):
    X = np.random.default_rng(7).standard_normal((n, d)).astype(dtype)
    found = {safe_eta(layout(X)) for layout in (np.asarray, np.asfortranarray, np.copy)}
    assert len(found) == 1
    assert found == {safe_eta(X.astype(float))}


def test_a_safe_eta_has_twelve_bits():
    X, u = draw_samples(8)
    mantissa, _ = np.frexp(safe_eta(X, u, 0.1))
    assert mantissa * 2**12 == int(mantissa * 2**12)


@pytest.mark.parametrize(("n", "d"), [(5, 2), (2, 5), (3, 600), (600, 3), (520, 520)])
@pytest.mark.parametrize("value", [1e160, 1e300, -1e308])
def test_features_whose_squares_are_infinite_have_no_safe_eta(n, d, value):
    X = np.ones((n, d))
    X[1, 1] = value
    with pytest.raises(ValueError, match=INFINITE_SQUARES):
        safe_eta(X)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": [1.0, 2.0]}, r"X must have two dimensions"),
        ({"X": [[np.nan]]}, r"X must be finite, found nan"),
        ({"sample_weight": [-1.0]}, r"sample_weight must be finite and 0 or more"),
        ({"alpha": -1}, r"alpha must be finite and 0 or more"),
        ({"loss": "hinge"}, r"loss must be 'quadratic' or 'log'"),
        ({"X": [[1e154]], "alpha": 1.79e308}, INFINITE_SQUARES),
    ],
)
def test_safe_eta_refuses_bad_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        safe_eta(**{"X": [[1.0]], **change})


@pytest.mark.parametrize("weight", [5e-324, 1e-310])
def test_a_tiny_curvature_has_a_finite_safe_eta(weight):
    assert np.isfinite(safe_eta([[1.0], [2.0]], [weight, weight]))


# --- Coordinates ---


def transformed(P, H):
    return P.T @ H @ P if P.ndim == 2 else P[:, None] * H * P


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(20, 60), d=st.integers(1, 8),
    weighted=st.booleans(), loss=st.sampled_from([*LOSSES.values()]),
)  # fmt: skip
def test_without_a_penalty_the_bound_in_the_new_coordinates_is_one(seed, n, d, weighted, loss):
    X, u = draw_samples(seed, n, d, weighted)
    P = SecondMoments(X, u).preconditioner(0.0, loss)
    H = bound(X, u, 0.0, loss)
    scale = 1 / np.sqrt(H.diagonal())
    condition = np.linalg.cond(scale[:, None] * H * scale)
    # 1e-8 is added to eigenvalues, of which the least is 1 / condition.
    np.testing.assert_allclose(transformed(P, H), np.eye(d + 1), atol=2e-8 * condition)


@every_loss
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1e6])
@pytest.mark.parametrize(("n", "d"), [(100, 4), (30, 511), (5, 8), (1, 3)])
def test_the_curvature_in_the_new_coordinates_is_at_most_1(n, d, alpha, loss):
    rng = np.random.default_rng(9)
    X = rng.standard_normal((n, d))
    P = SecondMoments(X).preconditioner(alpha, loss)
    assert P.shape == (d + 1, d + 1) and np.isfinite(P).all()
    # The ridge of 1e-8 allows for more, times the condition of the rest of the correlations.
    values = np.linalg.eigvalsh(transformed(P, bound(X, None, alpha, loss)))
    assert values[-1] <= 1 + 1e-6


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_coordinates_of_many_features_make_the_diagonal_of_the_bound_one(fit_intercept, alpha):
    X, u = draw_samples(10, 30, 512)
    scale = SecondMoments(X, u, fit_intercept).preconditioner(alpha, LOG)
    assert scale.shape == (513,)
    diagonal = transformed(scale, bound(X, u, alpha, LOG, fit_intercept)).diagonal()
    np.testing.assert_allclose(diagonal[:512], 1.0, rtol=TOLERANCE)
    assert diagonal[512] == pytest.approx(float(fit_intercept), rel=TOLERANCE)


def test_without_an_intercept_its_coordinate_does_not_mix_with_the_others():
    X, u = draw_samples(11)
    P = SecondMoments(X, u, fit_intercept=False).preconditioner(0.0, LOG)
    assert not P[:4, 4].any() and not P[4, :4].any() and P[4, 4] == pytest.approx(1.0, rel=1e-8)
    H = bound(X, u, 0.0, LOG, fit_intercept=False)[:4, :4]
    scale = 1 / np.sqrt(H.diagonal())
    condition = np.linalg.cond(scale[:, None] * H * scale)
    np.testing.assert_allclose(P[:4, :4].T @ H @ P[:4, :4], np.eye(4), atol=2e-8 * condition)


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
@pytest.mark.parametrize("kind", ["copies", "sums", "constants", "zeros", "few samples"])
def test_linearly_dependent_features_have_finite_coordinates(kind, alpha):
    rng = np.random.default_rng(12)
    x = rng.standard_normal((60, 3))
    X = {
        "copies": np.column_stack([x, x, 1e6 * x]),
        "sums": np.column_stack([x, x.sum(axis=1), x @ [1.0, -2.0, 3.0]]),
        "constants": np.column_stack([x, np.ones((60, 2)), np.full(60, -1e5)]),
        "zeros": np.column_stack([x, np.zeros((60, 2))]),
        "few samples": rng.standard_normal((3, 40)),
    }[kind]
    P = SecondMoments(X).preconditioner(alpha, QUADRATIC)
    assert np.isfinite(P).all()
    assert np.linalg.matrix_rank(P * (1 / np.abs(P).max(axis=1))[:, None]) == len(P)
    # Eigenvalues of 0 have an error of 1e-16, which is divided by the ridge of 1e-8.
    values = np.linalg.eigvalsh(transformed(P, bound(X, None, alpha, QUADRATIC)))
    assert values[-1] <= 1 + 1e-6 and values[0] >= -1e-6


def test_the_coordinates_are_the_same_in_other_units():
    X, u = draw_samples(13)
    units = np.array([1e-3, 1.0, 1e4, 2.0])
    P = SecondMoments(X, u).preconditioner(0.0, LOG)
    of_units = SecondMoments(X * units, u).preconditioner(0.0, LOG)
    # The rounding errors of the correlations, times their condition of some 1e5.
    np.testing.assert_allclose(of_units[:4] * units[:, None], P[:4], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(5, 2), (5, 600)])
@pytest.mark.parametrize("value", [1e160, -1e308])
def test_features_whose_squares_are_infinite_have_no_coordinates(n, d, value):
    X = np.ones((n, d))
    X[1, 1] = value
    with pytest.raises(ValueError, match=INFINITE_SQUARES):
        SecondMoments(X).preconditioner(0.3, LOG)
