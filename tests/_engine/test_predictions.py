"""Margins, classes and probabilities against NumPy and SciPy, for samples laid out in any way."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from helpers import read_only, unaligned
from scipy.special import expit, log_expit, softmax

from oneneuron._engine import predictions
from oneneuron._engine.dispatch import available, import_kernel
from oneneuron._engine.predict import predict
from oneneuron._engine.predictions import InfiniteMarginError, class_codes, margins, probabilities
from oneneuron._engine.turns import turn

DTYPES = [np.float64, np.float32]
FUNCTIONS = [margins, class_codes, probabilities]
every_function = pytest.mark.parametrize("function", FUNCTIONS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)

# Around one group of 8, one tile of 32 or 64, and one batch of tiles; around the features of one
# chain, and around those from which on tiles are narrow.
SHAPES = [
    (1, 1), (7, 2), (8, 3), (31, 5), (32, 1), (33, 17), (64, 4), (65, 4), (1000, 2), (1000, 40),
    (9000, 3), (33, 255), (33, 256), (33, 257), (7, 1023), (9, 1024), (33, 1025), (20, 5000),
]  # fmt: skip

# The largest relative error of the kernel's sigmoid, in half units of the last digit.
SIGMOID_ERROR = {np.float64: 2 * 2.3, np.float32: 2 * 3.0}

# No f of the kernel is smaller than the first. Where their sum is below the second, NumPy divides.
LEAST_F = {np.float64: 2.0**-1020, np.float32: 2.0**-124}
LEAST_SUM = {np.float64: 2.0**-960, np.float32: 2.0**-90}


def make_problem(n, d, num_neurons, dtype=np.float64, seed=0):
    """Return samples, weights and biases with margins of order 1."""
    rng = np.random.default_rng([seed, n, d, num_neurons])
    X = rng.standard_normal((n, d)).astype(dtype)
    coef = (rng.standard_normal((num_neurons, d)) / np.sqrt(d)).astype(dtype)
    return X, coef, rng.standard_normal(num_neurons).astype(dtype)


def exact_margins(X, coef, intercept):
    """Return margins in float64, and a bound on the errors of those of the kernel."""
    X, coef, intercept = (np.asarray(a, dtype=np.float64) for a in (X, coef, intercept))
    sizes = np.abs(X) @ np.abs(coef).T + np.abs(intercept)
    # A margin is rounded d times at most, by half an ulp of all absolute terms; the second half is
    # for NumPy's rounding errors.
    return X @ coef.T + intercept, (X.shape[1] + 1) * sizes


def half_ulp(dtype):
    return np.finfo(dtype).eps / 2


# --- The formulas ---


@every_dtype
@pytest.mark.parametrize("num_neurons", [1, 2, 5, 40])
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_margins_are_those_of_numpy(n, d, num_neurons, dtype):
    X, coef, intercept = make_problem(n, d, num_neurons, dtype)
    found = margins(X, coef, intercept)
    exact, error = exact_margins(X, coef, intercept)
    assert (found.shape, found.dtype) == ((n, num_neurons), dtype)
    assert np.all(np.abs(found - exact) <= 2 * half_ulp(dtype) * error)


@every_dtype
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_the_class_of_one_neuron_is_1_where_the_margin_is_above_0(n, d, dtype):
    X, coef, intercept = make_problem(n, d, 1, dtype)
    found = class_codes(X, coef, intercept)
    assert (found.shape, found.dtype) == ((n,), np.int64)
    np.testing.assert_array_equal(found, margins(X, coef, intercept)[:, 0] > 0)


@every_dtype
@pytest.mark.parametrize("num_neurons", [2, 3, 40])
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_the_class_of_several_neurons_is_that_of_the_largest_margin(n, d, num_neurons, dtype):
    X, coef, intercept = make_problem(n, d, num_neurons, dtype)
    found = class_codes(X, coef, intercept)
    np.testing.assert_array_equal(found, margins(X, coef, intercept).argmax(axis=1))


def assert_probabilities(found, m):
    """Compare probabilities with those of SciPy for the margins m.

    The sigmoid's argument is m times log2 e. Both the constant and the product are rounded, which
    changes m by two half ulps, and f by no more than m, in proportion. SciPy has such errors, too.
    """
    dtype, m = m.dtype.type, m.astype(np.float64)
    errors = SIGMOID_ERROR[dtype] + 2 * np.abs(m) + 4
    if m.shape[1] == 1:
        expected, least = expit(np.hstack([-m, m])), LEAST_F[dtype]
    else:
        expected = softmax(log_expit(m), axis=1)
        # A quotient has the errors of an f and of the sum of all, which is rounded, too. Terms of
        # margins far below the largest do not count in the sum.
        far_below = m < m.max(axis=1, keepdims=True) - 100
        of_sum = np.where(far_below, 0, errors).max(axis=1, keepdims=True) + m.shape[1]
        errors += of_sum + 1
        least = LEAST_F[dtype] / expit(m).sum(axis=1, keepdims=True).clip(LEAST_SUM[dtype], 1)
    assert np.all(np.abs(found - expected) <= half_ulp(dtype) * errors * expected + least)


@every_dtype
@pytest.mark.parametrize("scale", [1.0, 20.0])
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_the_probabilities_of_one_neuron_are_1_minus_f_and_f(n, d, scale, dtype):
    X, coef, intercept = make_problem(n, d, 1, dtype)
    coef, intercept = dtype(scale) * coef, dtype(scale) * intercept
    found = probabilities(X, coef, intercept)
    assert (found.shape, found.dtype) == ((n, 2), dtype)
    assert_probabilities(found, margins(X, coef, intercept))


@every_dtype
@pytest.mark.parametrize("num_neurons", [2, 3, 40])
@pytest.mark.parametrize("scale", [1.0, 20.0])
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_the_probabilities_of_several_neurons_are_each_f_over_the_sum_of_all(
    n, d, scale, num_neurons, dtype
):
    X, coef, intercept = make_problem(n, d, num_neurons, dtype)
    coef, intercept = dtype(scale) * coef, dtype(scale) * intercept
    found = probabilities(X, coef, intercept)
    assert (found.shape, found.dtype) == ((n, num_neurons), dtype)
    assert_probabilities(found, margins(X, coef, intercept))


@every_dtype
@pytest.mark.parametrize("num_neurons", [1, 2, 40])
def test_probabilities_sum_to_1(num_neurons, dtype):
    X, coef, intercept = make_problem(1000, 5, num_neurons, dtype)
    sums = probabilities(X, 5 * coef, intercept).sum(axis=1, dtype=np.float64)
    # The quotients of one sum err by half an ulp of themselves; so does the sum by each addition.
    error = SIGMOID_ERROR[dtype] if num_neurons == 1 else num_neurons + 1
    assert np.all(np.abs(sums - 1) <= error * half_ulp(dtype))


@every_function
@pytest.mark.parametrize("num_neurons", [1, 3])
def test_float32_meets_float64_in_float64(num_neurons, function):
    X, coef, intercept = make_problem(70, 6, num_neurons)
    single = [a.astype(np.float32) for a in (X, coef, intercept)]
    for x, w, b in ((single[0], coef, intercept), (X, single[1], single[2])):
        found = function(x, w, b)
        expected = function(*(a.astype(np.float64) for a in (x, w, b)))
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@every_function
@pytest.mark.parametrize("num_neurons", [1, 3])
def test_no_samples_have_no_predictions(num_neurons, function):
    X, coef, intercept = make_problem(0, 4, num_neurons)
    assert len(function(X, coef, intercept)) == 0


# --- The same bits, in any company ---

LAYOUTS = {
    "Fortran": np.asfortranarray,
    "reversed rows": lambda X: X[::-1].copy()[::-1],
    "reversed features": lambda X: X[:, ::-1].copy()[:, ::-1],
    "reversed Fortran": lambda X: np.asfortranarray(X[::-1])[::-1],
    "every second row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every third feature": lambda X: np.repeat(X, 3, axis=1)[:, ::3],
    "part of a Fortran array": lambda X: np.asfortranarray(np.vstack([X, X]))[: len(X)],
    "unaligned": unaligned,
    "unaligned Fortran": lambda X: unaligned(X.T.copy()).T,
    "read-only": read_only,
    "big-endian": lambda X: X.astype(X.dtype.newbyteorder(">")),
}


@every_dtype
@every_function
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout_of_the_samples_changes_no_bit(layout, function, dtype):
    for n, d, num_neurons in ((1, 3, 1), (7, 5, 3), (100, 1, 1), (1000, 33, 3), (50, 1100, 2)):
        X, coef, intercept = make_problem(n, d, num_neurons, dtype)
        found = function(layout(X), coef, intercept)
        assert found.tobytes() == function(X, coef, intercept).tobytes()


@every_function
@pytest.mark.linetrace
def test_rows_and_features_may_share_memory(function):
    x = np.random.default_rng(0).standard_normal(500)
    windows = np.lib.stride_tricks.sliding_window_view(x, 6)
    one_row = np.broadcast_to(x[:6], (100, 6))
    _, coef, intercept = make_problem(1, 6, 2)
    for X in (windows, windows.T[:, :6], one_row):
        expected = function(X.copy(), coef, intercept)
        assert function(X, coef, intercept).tobytes() == expected.tobytes()


@every_function
@pytest.mark.parametrize(("n", "d", "num_neurons"), [(300_000, 2, 3), (3000, 5000, 2)])
def test_the_number_of_threads_changes_no_bit(n, d, num_neurons, function):
    X, coef, intercept = make_problem(n, d, num_neurons, np.float32)
    alone = function(X, coef, intercept, 1)
    for n_threads in (None, 2, 3):
        assert function(X, coef, intercept, n_threads).tobytes() == alone.tobytes()


@every_dtype
@every_function
@pytest.mark.parametrize("d", [1, 2, 30, 300, 1023, 1024, 2000])
def test_a_row_alone_has_the_bits_that_it_has_among_others(d, function, dtype):
    X, coef, intercept = make_problem(150, d, 3, dtype)
    together = function(X, coef, intercept)
    for rows in (slice(0, 1), slice(149, 150), slice(70, 77), slice(5, 38)):
        assert function(X[rows], coef, intercept).tobytes() == together[rows].tobytes()


@every_dtype
@pytest.mark.parametrize("d", [2, 30, 1024])
def test_a_neuron_alone_has_the_margins_that_it_has_among_others(d, dtype):
    X, coef, intercept = make_problem(150, d, 4, dtype)
    together = margins(X, coef, intercept)
    for k in range(4):
        alone = margins(X, coef[k : k + 1], intercept[k : k + 1])
        assert alone.tobytes() == together[:, k].tobytes()


# --- The limits of its range ---


def from_biases(biases, dtype):
    """Return samples, weights and biases of one sample with exactly these margins."""
    biases = np.array(biases, dtype)
    return np.zeros((1, 1), dtype), np.ones((len(biases), 1), dtype), biases


# Margins below which an f or a sum of some leaves the range of the kernel's sigmoid.
BEYOND = {
    np.float64: [(-660, -661), (-670, -671.5), (-700, -720), (-720, -700), (-800, -800, -801)],
    np.float32: [(-60, -61), (-63, -64.5), (-80, -95), (-95, -80), (-110, -110, -111)],
}


@every_dtype
@pytest.mark.linetrace
def test_probabilities_are_right_where_every_f_is_near_the_smallest_number(dtype):
    for m in [*BEYOND[dtype], (-1e4, -1e4 - 2), (-1e6, -1e6), (-1e30, -1e31)]:
        assert_probabilities(probabilities(*from_biases(m, dtype)), np.array([m], dtype))


@every_dtype
def test_rows_near_the_smallest_number_and_others_may_be_mixed(dtype):
    rng = np.random.default_rng(3)
    X = np.where(rng.random((500, 1)) < 0.2, -1e5, rng.standard_normal((500, 1))).astype(dtype)
    coef, intercept = np.array([[1.0], [1.0], [1.0]], dtype), np.array([0.0, 0.5, -1.0], dtype)
    assert_probabilities(probabilities(X, coef, intercept), margins(X, coef, intercept))


@every_dtype
@pytest.mark.parametrize("size", [0.5, 1.0])
def test_margins_may_be_as_large_as_the_type_allows(size, dtype):
    big = dtype(size * np.finfo(dtype).max)
    for m in (big, -big):
        problem = from_biases([m], dtype)
        assert margins(*problem).item() == m
        assert class_codes(*problem).item() == (m > 0)
        f = float(m > 0)
        np.testing.assert_allclose(probabilities(*problem), [[1 - f, f]], rtol=0, atol=1e-30)
    both = from_biases([-big, big], dtype)
    np.testing.assert_allclose(probabilities(*both), [[0, 1]], rtol=0, atol=1e-30)
    assert class_codes(*both).item() == 1
    equal = from_biases([-big, -big], dtype)
    np.testing.assert_array_equal(probabilities(*equal), [[0.5, 0.5]])
    falling = from_biases([-big / 2, -big], dtype)
    np.testing.assert_array_equal(probabilities(*falling), [[1, 0]])


@every_dtype
@every_function
@pytest.mark.parametrize("num_neurons", [1, 3])
@pytest.mark.parametrize("row", [0, 40, 99])
@pytest.mark.linetrace
def test_an_infinite_margin_is_an_error(row, num_neurons, function, dtype):
    X, coef, intercept = make_problem(100, 4, num_neurons, dtype)
    X[row] = np.finfo(dtype).max
    coef[-1] = 2.0
    with pytest.raises(InfiniteMarginError, match=r"^w\.x \+ b is not finite for every sample\.$"):
        function(X, coef, intercept)


@every_dtype
@every_function
@pytest.mark.parametrize("d", [512, pytest.param(2000, marks=pytest.mark.linetrace)])
def test_a_margin_of_nan_is_an_error(d, function, dtype):
    # A margin is added up in chains of 256 features, in two halves by turns.
    X, coef, intercept = make_problem(20, d, 2, dtype)
    big = np.finfo(dtype).max
    X[3], coef[:] = np.where(np.arange(d) % (d // 2) < d // 4, big, -big), 2.0
    with pytest.raises(InfiniteMarginError):
        function(X, coef, intercept)


@every_function
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_infinite_and_missing_values_are_an_error(value, function):
    X, coef, intercept = make_problem(100, 4, 2)
    X[57, 2] = value
    with pytest.raises(InfiniteMarginError):
        function(X, coef, intercept)


@every_dtype
def test_a_margin_of_zero_is_class_0_and_has_equal_probabilities(dtype):
    for zero in (0.0, -0.0):
        problem = from_biases([zero], dtype)
        assert class_codes(*problem).item() == 0
        np.testing.assert_array_equal(probabilities(*problem), [[0.5, 0.5]])
    smallest = np.finfo(dtype).smallest_normal
    assert class_codes(*from_biases([smallest], dtype)).item() == 1
    assert class_codes(*from_biases([-smallest], dtype)).item() == 0


@every_dtype
@pytest.mark.parametrize("biases", [(1, 1), (-3, 2, 2, 1), (0.0, -0.0), (-5, -4, -4, -4, -7)])
def test_of_equal_margins_the_first_is_the_class(biases, dtype):
    X, coef, intercept = from_biases(biases, dtype)
    found = class_codes(np.repeat(X, 100, axis=0), coef, intercept)
    assert found.tolist() == 100 * [np.argmax(biases)]


# --- The kernel's sigmoid ---


def sigmoid_errors(level, dtype, m):
    """Return the errors of 1 - f and f in units of their last digits, of shape (n, 2)."""
    found = np.empty((len(m), 2), dtype)
    predict(
        import_kernel(np.dtype(dtype).name, level), m[:, None], np.array([[1.0, 0.0]], dtype),
        predictions._PROBABILITIES, found, None, 1, turn,
    )  # fmt: skip
    t = dtype(1.4426950408889634) * m  # exactly as the kernel scales a margin
    with localcontext(prec=40):
        powers = [(Decimal(v) * Decimal(2).ln()).exp() for v in t.tolist()]
        exact = [(1 / (1 + power), power / (1 + power)) for power in powers]
        off = [
            [float(Decimal(f) - e) for f, e in zip(*pair, strict=True)]
            for pair in zip(found.tolist(), exact, strict=True)
        ]
    return np.array(off) / np.spacing(np.array(exact, float).astype(dtype))


@pytest.mark.parametrize("level", available)
@pytest.mark.parametrize(("dtype", "farthest"), [(np.float64, 707.0), (np.float32, 85.9)])
def test_the_sigmoid_is_within_its_bound_over_its_range(dtype, farthest, level):
    m = np.concatenate(
        [np.linspace(-farthest, farthest, 1501), np.linspace(-4, 4, 1501), [-1e-3, 1e-9, 1e-3]]
    ).astype(dtype)
    assert np.abs(sigmoid_errors(level, dtype, m)).max() <= SIGMOID_ERROR[dtype] / 2


@pytest.mark.parametrize("level", available)
@every_dtype
def test_errors_of_the_sigmoid_have_a_mean_near_zero(dtype, level):
    # A wrong digit of a coefficient hides among roundings, but its error has one sign.
    for first in (-2.0, -1.0, 0.0, 1.0):
        off = sigmoid_errors(level, dtype, np.linspace(first, first + 1.0, 501).astype(dtype))
        assert np.all(np.abs(off.mean(axis=0)) <= 0.5)


@every_dtype
def test_the_sigmoid_rises_with_the_margin_from_almost_0_to_1(dtype):
    m = np.linspace(-80, 80, 1601).astype(dtype)
    rest, f = probabilities(m[:, None], np.ones((1, 1), dtype), np.zeros(1, dtype)).T
    assert 0 < f[0] < 1e-34 and f[-1] == 1
    assert 0 < rest[-1] < 1e-34 and rest[0] == 1
    # Steps of 0.1 are larger than the errors, except where f is near 1.
    assert np.all(np.diff(f[m < 5]) > 0) and np.all(np.diff(rest[m > -5]) < 0)
