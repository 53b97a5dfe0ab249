"""The cost over two weights: the numbers behind the contours."""

import numpy as np
import pytest

from oneneuron import reference
from oneneuron._engine.cost_surface import cost_at, cost_over
from oneneuron._losses import QUADRATIC

FIRST = np.array([-1.0, 0.5, 2.0])
SECOND = np.array([-0.7, 0.1, 0.6, 1.3, 4.0])
HELD = np.array([9.0, 0.3, 9.0])  # if the pair did not replace each 9, the costs would show it
BIAS = -0.4


def make_problem(n, scale=1.0, seed=0):
    """Return samples of three features, noisy labels on two sides of a plane, and weights."""
    rng = np.random.default_rng([seed, n])
    X = rng.standard_normal((n, 3))
    y = (X @ [1.0, -2.0, 0.5] + rng.standard_normal() + rng.standard_normal(n) > 0).astype(int)
    return X, y, scale * rng.standard_normal(3)


def by_reference(X, y, held, bias=BIAS):
    """Return the costs with weight 2 along the columns and weight 0 down the rows."""
    return [[reference.cost(X, y, np.array([b, held[1], a]), bias) for a in FIRST] for b in SECOND]


def over(X, y, **options):
    return cost_over(X, y, HELD, (2, 0), FIRST, SECOND, **{"bias": BIAS, **options})


def at_best_bias(X, y, w, **options):
    """Return the cost at one point, with the bias that the search finds."""
    return cost_over(X, y, w, (0, 1), w[:1], w[1:2], **options)[0, 0]


def scan(X, y, w, step=0.01):
    """Scan the bias; return the lowest cost, and by how much it may be lower between two points."""
    z = np.sort(X @ w)
    ends = [[-z[-1] - 10], -z[::-1], [-z[0] + 10]]
    edges = np.concatenate(ends)
    biases = np.concatenate([np.arange(edges[0], edges[-1], max(step, np.ptp(edges) / 2000)),
                             (edges[1:] + edges[:-1]) / 2])  # fmt: skip
    errors = reference.error(np.add.outer(biases, X @ w), y)
    widest = np.diff(np.sort(biases)).max()
    curvature = QUADRATIC.max_curvature * len(X)
    return 0.5 * np.min(np.sum(errors**2, axis=1)), curvature * widest**2 / 8


# --- The order of the costs ---


def test_the_first_weight_runs_along_the_columns_and_the_second_down_the_rows():
    X, y, _ = make_problem(50)
    # The sums of 50 costs have another order.
    np.testing.assert_allclose(over(X, y), by_reference(X, y, HELD), rtol=1e-13)


def test_a_weight_of_2_counts_as_the_same_sample_twice():
    X, y, _ = make_problem(50)
    counts = np.arange(50) % 3
    twice = np.repeat(X, counts, axis=0), np.repeat(y, counts)
    np.testing.assert_allclose(
        over(X, y, sample_weight=counts.astype(float)), by_reference(*twice, HELD), rtol=1e-13
    )


@pytest.mark.parametrize("bias", [BIAS, None])
def test_the_penalty_is_on_all_weights_and_not_on_the_bias(bias):
    X, y, _ = make_problem(50)
    added = over(X, y, bias=bias, alpha=3.0) - over(X, y, bias=bias)
    squares = np.add.outer(SECOND**2, FIRST**2) + HELD[1] ** 2
    np.testing.assert_allclose(added, 1.5 * squares, rtol=1e-12)


def test_float32_samples_have_the_costs_of_float64_samples_to_a_millionth():
    X, y, _ = make_problem(50)
    np.testing.assert_allclose(
        over(X.astype(np.float32), y), by_reference(X, y, HELD), rtol=1e-6
    )  # fmt: skip


@pytest.mark.parametrize("bias", [BIAS, None])
def test_arguments_may_be_read_only(bias):
    X, y, held = make_problem(50)
    given = X, y, held, FIRST.copy(), SECOND.copy(), np.ones(50)
    for array in given:
        array.flags.writeable = False
    X, y, held, first, second, sample_weight = given
    cost_over(X, y, held, (2, 0), first, second, bias=bias, sample_weight=sample_weight)


# --- A single point ---


def test_the_cost_of_one_neuron_has_the_bits_of_that_on_a_grid():
    X, y, w = make_problem(50)
    options = dict(sample_weight=np.arange(50.0), alpha=3.0)
    (on_grid,) = cost_over(X, y, HELD, (0, 1), w[:1], w[1:2], bias=BIAS, **options).ravel()
    assert cost_at(X, y, [w[0], w[1], HELD[2]], BIAS, **options) == on_grid


def test_the_cost_of_one_neuron_is_a_float():
    X, y, w = make_problem(50)
    assert type(cost_at(X, y, w, BIAS)) is float


def test_the_cost_of_one_neuron_that_overflows_is_infinite():
    X, y, _ = make_problem(50)
    assert cost_at(X, y, [0.0, 1e200, 0.0], BIAS, alpha=1.0) == np.inf


# --- The best bias ---


@pytest.mark.parametrize("n", [1, 2, 5, 30])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_bias_of_few_samples_and_a_gentle_f_has_the_lowest_cost(n, seed):
    X, y, w = make_problem(n, seed=seed)
    lowest, below = scan(X, y, w)
    # Each sample gives a candidate, at most some 10 from the next. After 10 halvings the error of
    # the bias is 0.01, and that of the cost half its curvature times the square of this.
    above = QUADRATIC.max_curvature * n * 0.01**2 / 2
    assert lowest - below <= at_best_bias(X, y, w) <= lowest + above


@pytest.mark.parametrize("n", [100, 400, 1000])
@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0, 1e3, 1e5])
@pytest.mark.parametrize("seed", range(2))
def test_the_best_bias_costs_at_most_1_more_than_the_lowest_however_steep_f_is(n, scale, seed):
    X, y, w = make_problem(n, scale, seed)
    lowest, below = scan(X, y, w)
    assert lowest - below <= at_best_bias(X, y, w) <= lowest + 1


@pytest.mark.parametrize("n", [1000, 10_000])
@pytest.mark.parametrize("share", [0.04, 0.3, 0.77])
def test_separable_samples_cost_almost_nothing_once_f_is_steep(n, share):
    X, _, w = make_problem(n, scale=1e5)
    y = (X @ w > np.quantile(X @ w, share)).astype(int)
    # The search looks at 4096 samples at most, so that two or three may lie between two of them.
    assert at_best_bias(X, y, w) < (0.01 if n <= 4096 else 1)


def test_many_samples_of_tiny_weight_do_not_change_the_best_bias_of_a_steep_f():
    X, _, w = make_problem(1000, scale=1e5)
    heavy = np.arange(1000) % 5 == 0
    y = (X @ w > np.where(heavy, 1e5, -1e5)).astype(int)
    sample_weight = np.where(heavy, 1.0, 1e-6)
    assert at_best_bias(X, y, w, sample_weight=sample_weight) < 0.01


@pytest.mark.parametrize("label", [0, 1])
def test_samples_of_one_class_cost_almost_nothing(label):
    X, _, w = make_problem(50)
    # At the last candidate each f is within 5e-5 of its label.
    assert at_best_bias(X, np.full(50, label), w) < 0.5 * 50 * 5e-5**2


# --- Overflow ---


@pytest.mark.parametrize("bias", [BIAS, None])
def test_a_cost_that_overflows_is_infinite_and_changes_none_of_its_neighbours(bias):
    X, y, _ = make_problem(50)
    beyond = np.array([1.0, 1e200, 2.0, 1e200])
    found = cost_over(X, y, HELD, (2, 0), beyond, SECOND, bias=bias, alpha=1.0)
    assert np.isinf(found[:, [1, 3]]).all()
    alone = cost_over(X, y, HELD, (2, 0), beyond[::2], SECOND, bias=bias, alpha=1.0)
    assert found[:, ::2].tolist() == alone.tolist()


def test_weights_whose_margins_overflow_give_neither_nan_nor_warnings():
    X = 1e10 * np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]])
    extreme = np.array([-1e300, 1e300])
    costs = cost_over(X, np.array([0, 1, 1]), [0.0, 0.0], (0, 1), extreme, extreme)
    assert not np.isnan(costs).any()
