"""The cost over two weights: the numbers beneath the contours."""

import numpy as np
import pytest

from oneneuron import reference
from oneneuron._engine.cost_surface import cost_over
from oneneuron._losses import LOSSES

FIRST = np.array([-1.0, 0.5, 2.0])
SECOND = np.array([-0.7, 0.1, 0.6, 1.3, 4.0])
HELD = np.array([9.0, 0.3, 9.0])  # 9 where the pair goes: to leave it there would show
BIAS = -0.4


def made(n, scale=1.0, seed=0):
    """Samples of three features, labels that a line tells apart for the most part, and weights."""
    rng = np.random.default_rng([seed, n])
    X = rng.standard_normal((n, 3))
    y = (X @ [1.0, -2.0, 0.5] + rng.standard_normal() + rng.standard_normal(n) > 0).astype(int)
    return X, y, scale * rng.standard_normal(3)


def by_reference(X, y, held, bias=BIAS):
    """Costs with weight 2 along the columns and weight 0 down the rows."""
    return [[reference.cost(X, y, np.array([b, held[1], a]), bias) for a in FIRST] for b in SECOND]


def over(X, y, **options):
    return cost_over(X, y, HELD, (2, 0), FIRST, SECOND, **{"bias": BIAS, **options})


def at_best_bias(X, y, w, **options):
    """The cost at one point, with the bias that is found."""
    return cost_over(X, y, w, (0, 1), w[:1], w[1:2], **options)[0, 0]


def scan(X, y, w, weights=1.0, step=0.01):
    """The lowest cost over a scan of the bias, and how much lower it may be between two of it."""
    z = np.sort(X @ w)
    ends = [[-z[-1] - 10], -z[::-1], [-z[0] + 10]]
    edges = np.concatenate(ends)
    biases = np.concatenate([np.arange(edges[0], edges[-1], max(step, np.ptp(edges) / 2000)),
                             (edges[1:] + edges[:-1]) / 2])  # fmt: skip
    errors = reference.error(np.add.outer(biases, X @ w), y)
    widest = np.diff(np.sort(biases)).max()
    curvature = LOSSES["quadratic"].max_curvature * np.sum(np.broadcast_to(weights, len(X)))
    return 0.5 * np.min(errors**2 @ np.broadcast_to(weights, len(X))), curvature * widest**2 / 8


# --- Which cost stands where ---


def test_the_first_weight_runs_along_the_columns_and_the_second_down_the_rows():
    X, y, _ = made(50)
    # Sums of 50 costs in another order.
    np.testing.assert_allclose(over(X, y), by_reference(X, y, HELD), rtol=1e-13)


def test_a_weight_of_2_counts_as_the_same_sample_twice():
    X, y, _ = made(50)
    counts = np.arange(50) % 3
    twice = np.repeat(X, counts, axis=0), np.repeat(y, counts)
    np.testing.assert_allclose(
        over(X, y, sample_weight=counts.astype(float)), by_reference(*twice, HELD), rtol=1e-13
    )


@pytest.mark.parametrize("bias", [BIAS, None])
def test_the_penalty_is_on_all_weights_and_not_on_the_bias(bias):
    X, y, _ = made(50)
    added = over(X, y, bias=bias, alpha=3.0) - over(X, y, bias=bias)
    squares = np.add.outer(SECOND**2, FIRST**2) + HELD[1] ** 2
    np.testing.assert_allclose(added, 1.5 * squares, rtol=1e-12)


def test_float32_samples_have_the_costs_of_float64_but_for_their_roundings():
    X, y, _ = made(50)
    np.testing.assert_allclose(
        over(X.astype(np.float32), y), by_reference(X, y, HELD), rtol=1e-6
    )  # fmt: skip


@pytest.mark.parametrize("bias", [BIAS, None])
def test_what_is_given_may_be_read_only_and_stays_as_it_was(bias):
    X, y, held = made(50)
    given = X, y, held, FIRST.copy(), SECOND.copy(), np.ones(50)
    for array in given:
        array.flags.writeable = False
    X, y, held, first, second, weights = given
    cost_over(X, y, held, (2, 0), first, second, bias=bias, sample_weight=weights)


# --- The best bias ---


@pytest.mark.parametrize("n", [1, 2, 5, 30])
@pytest.mark.parametrize("seed", range(5))
def test_among_few_samples_and_a_gentle_f_it_is_the_lowest_of_all_biases(n, seed):
    X, y, w = made(n, seed=seed)
    lowest, below = scan(X, y, w)
    # Each sample has its candidate, at most some 10 from the next: after 10 halvings the bias is
    # off by 0.01, and the cost by half its curvature times the square of this.
    above = LOSSES["quadratic"].max_curvature * n * 0.01**2 / 2
    assert lowest - below <= at_best_bias(X, y, w) <= lowest + above


@pytest.mark.parametrize("n", [100, 400, 1000])
@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0, 1e3, 1e5])
@pytest.mark.parametrize("seed", range(2))
def test_however_steep_f_is_it_misses_by_less_than_two_samples_may_cost(n, scale, seed):
    X, y, w = made(n, scale, seed)
    lowest, below = scan(X, y, w)
    assert lowest - below <= at_best_bias(X, y, w) <= lowest + 1


@pytest.mark.parametrize("n", [1000, 10_000])
@pytest.mark.parametrize("share", [0.04, 0.3, 0.77])
def test_samples_that_a_line_tells_apart_cost_next_to_nothing_once_f_is_steep(n, share):
    X, _, w = made(n, scale=1e5)
    y = (X @ w > np.quantile(X @ w, share)).astype(int)
    # Beyond 4096 samples two or three of them may lie between those that are looked at.
    assert at_best_bias(X, y, w) < (0.01 if n <= 4096 else 1)


def test_many_samples_of_little_weight_do_not_draw_a_steep_f_away():
    X, _, w = made(1000, scale=1e5)
    heavy = np.arange(1000) % 5 == 0
    y = (X @ w > np.where(heavy, 1e5, -1e5)).astype(int)
    weights = np.where(heavy, 1.0, 1e-6)
    assert at_best_bias(X, y, w, sample_weight=weights) < 0.01


@pytest.mark.parametrize("label", [0, 1])
def test_samples_of_one_class_alone_cost_next_to_nothing(label):
    X, _, w = made(50)
    # The last candidate leaves each f within 5e-5 of its label.
    assert at_best_bias(X, np.full(50, label), w) < 0.5 * 50 * 5e-5**2


# --- Beyond the finite numbers ---


@pytest.mark.parametrize("bias", [BIAS, None])
def test_a_cost_beyond_the_finite_numbers_is_infinite_and_its_neighbours_are_their_own(bias):
    X, y, _ = made(50)
    beyond = np.array([1.0, 1e200, 2.0, 1e200])
    found = cost_over(X, y, HELD, (2, 0), beyond, SECOND, bias=bias, alpha=1.0)
    assert np.isinf(found[:, [1, 3]]).all()
    alone = cost_over(X, y, HELD, (2, 0), beyond[::2], SECOND, bias=bias, alpha=1.0)
    assert found[:, ::2].tolist() == alone.tolist()


def test_weights_that_take_samples_beyond_the_finite_numbers_make_no_noise():
    X = 1e10 * np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]])
    extreme = np.array([-1e300, 1e300])
    costs = cost_over(X, np.array([0, 1, 1]), [0.0, 0.0], (0, 1), extreme, extreme)
    assert not np.isnan(costs).any()
