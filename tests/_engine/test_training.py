"""A descent that is watched: where it ends, its costs, and scoring and starting anew."""

import threading
import time

import numpy as np
import pytest

from oneneuron import reference
from oneneuron._engine import team
from oneneuron._engine.training import COSTS_KEPT, Training

LOSSES = ["quadratic", "log"]


def made_samples(n=200, d=3, dtype=np.float64):
    rng = np.random.default_rng(n + d)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = (X[:, 0] + rng.standard_normal(n) > 0).astype(int)
    return X, y, rng.standard_normal(d + 1) / np.sqrt(d), rng


def bits(training):
    """All that a training tells, as what two alike have alike."""
    models = [training.model(which) for which in ("last", "best", "lowest")]
    return (
        [[np.asarray(value).tobytes() for value in model] for model in models],
        training.costs(max(0, training.step + 1 - COSTS_KEPT)).tobytes(),
        (training.step, training.diverged, training.flat, training.best_accuracy),
    )


def parameters_of(training):
    model = training.model()
    return np.append(model.weights, model.bias)


def scored_bits(training, parameters):
    cost, gradient = training.evaluate(parameters)
    return float(cost).hex(), gradient.tobytes()


@pytest.fixture
def helped_by(monkeypatch):
    """Numbers of helpers that were asked for, one for each time."""
    counts, helpers = [], team.helpers
    monkeypatch.setattr(
        team, "helpers", lambda count, *rest: (counts.append(count), helpers(count, *rest))[1]
    )
    return counts


# --- Where it ends ---


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("j", range(4))
def test_a_derivative_just_beyond_its_own_limit_is_not_flat_and_one_at_it_is(j, loss, alpha):
    X, y, start, _ = made_samples()
    options = dict(eta=1.0, loss=loss, alpha=alpha)
    _, gradient = Training(X, y, start, **options).evaluate(start)
    limits = np.abs(gradient)
    assert Training(X, y, start, limits=limits, **options).flat
    limits[j] = np.nextafter(limits[j], 0.0)
    assert not Training(X, y, start, limits=limits, **options).flat


@pytest.mark.parametrize(("loss", "alpha"), [("quadratic", 0.0), ("log", 0.5)])
def test_the_descent_ends_at_the_first_step_that_is_flat(loss, alpha):
    X, y, start, rng = made_samples()
    limits = np.array([0.1, 0.2, 0.1, 0.2])
    options = dict(eta=0.02, sample_weight=rng.random(200), loss=loss, alpha=alpha)
    walker, probe = (Training(X, y, start, **options) for _ in range(2))
    while np.any(np.abs(probe.evaluate(parameters_of(walker))[1]) > limits):
        assert walker.step < 1000
        walker.advance(1)
    assert walker.step > 10  # else this would show little
    training = Training(X, y, start, limits=limits, **options)
    assert not training.advance(10_000)
    assert (training.step, training.flat, training.diverged) == (walker.step, True, False)


def test_a_descent_that_is_not_flat_yet_says_it_goes_on():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.02, limits=np.full(4, 1e-9))
    assert training.advance(10)
    assert (training.step, training.flat) == (10, False)


def test_limits_that_are_never_met_change_no_bit():
    X, y, start, _ = made_samples()
    found = [
        Training(X, y, start, eta=0.02, loss="log", limits=limits)
        for limits in (None, np.zeros(4))
    ]  # fmt: skip
    for training in found:
        training.advance(100)
    assert bits(found[0]) == bits(found[1])


def flat_ground(**options):
    """A weight without data and a bias that stays: every derivative is zero."""
    return Training(
        np.zeros((4, 1)), np.arange(4) % 2, np.zeros(2), eta=1.0, fit_intercept=False, **options
    )


def test_without_limits_the_descent_goes_on_where_all_derivatives_are_zero():
    training = flat_ground()
    assert training.advance(5)
    assert (training.step, training.flat) == (5, False)


def test_with_limits_of_zero_it_ends_where_all_derivatives_are_zero():
    assert flat_ground(limits=np.zeros(2)).flat


def test_a_bias_that_stays_has_no_derivative_to_keep_the_descent_going():
    X, y, start, _ = made_samples()
    limits = np.array([np.inf, np.inf, np.inf, 0.0])
    assert Training(X, y, start, eta=1.0, fit_intercept=False, limits=limits).flat


# --- The costs ---


def test_costs_are_those_of_the_models_from_the_start_on():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.05, loss="log", alpha=0.3)
    costs = [training.model().cost]
    for _ in range(20):
        training.advance(1)
        costs.append(training.model().cost)
    for first in (0, 1, 7, 20):
        assert training.costs(first).tolist() == costs[first:]


def test_there_are_no_costs_of_steps_to_come():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.05)
    training.advance(3)
    assert training.costs(4).tolist() == []


@pytest.mark.parametrize("steps", [COSTS_KEPT - 1, COSTS_KEPT, COSTS_KEPT + 1, 2500])
def test_the_last_costs_are_at_hand_however_many_there_were(steps):
    X, y, start, _ = made_samples(20, 1)
    training = Training(X, y, start, eta=0.001)
    costs = [training.model().cost]
    for _ in range(steps):
        training.advance(1)
        costs.append(training.model().cost)
    assert len(set(costs)) == len(costs)
    first = max(0, steps + 1 - COSTS_KEPT)
    assert training.costs(first).tolist() == costs[first:]


def test_costs_are_the_same_however_many_steps_a_call_makes():
    X, y, start, _ = made_samples()
    found = [Training(X, y, start, eta=0.05) for _ in range(2)]
    for training, strides in zip(found, ([1] * 60, [7, 50, 3]), strict=True):
        for stride in strides:
            training.advance(stride)
    assert found[0].costs(0).tolist() == found[1].costs(0).tolist()


def test_costs_are_a_copy():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.05)
    before = training.costs(0)
    training.restart(start + 1.0)
    assert before.tolist() != training.costs(0).tolist()


# --- Scoring ---


@pytest.mark.parametrize("loss", LOSSES)
def test_parameters_are_scored_as_they_are_whatever_eta(loss):
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=1e6, loss=loss, alpha=0.5)
    training.evaluate(start + 1.0)
    assert parameters_of(training).tolist() == (start + 1.0).tolist()


def test_what_is_scored_does_not_depend_on_what_was_before():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.1, loss="log", alpha=0.5)
    first = scored_bits(training, start)
    training.advance(10)
    training.evaluate(start - 3.0)
    assert scored_bits(training, start) == first


def test_the_cost_that_is_scored_is_that_of_the_model_and_the_last_at_hand():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.1, loss="log", alpha=0.5)
    cost, _ = training.evaluate(start + 1.0)
    assert cost == training.model().cost == training.costs(training.step)[0]


def test_scoring_is_a_step():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.1)
    assert training.step == 0
    training.evaluate(start)
    assert training.step == 1


def test_the_gradient_is_what_the_next_step_goes_against():
    X, y, start, _ = made_samples()
    eta = 2.0**-7  # a product with it is exact
    training = Training(X, y, start, eta=eta, loss="log", alpha=0.5)
    _, gradient = training.evaluate(start)
    training.advance(1)
    assert parameters_of(training).tolist() == (start - eta * gradient).tolist()


def test_a_descent_goes_on_from_what_was_scored():
    X, y, start, _ = made_samples()
    found = Training(X, y, start + 5.0, eta=0.1, alpha=0.5)
    found.evaluate(start)
    expected = Training(X, y, start, eta=0.1, alpha=0.5)
    for training in (found, expected):
        training.advance(10)
    assert found.costs(2).tolist() == expected.costs(1).tolist()


def test_neither_the_parameters_nor_the_gradient_are_shared_with_the_caller():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.1)
    mine = start + 1.0
    _, gradient = training.evaluate(mine)
    before = mine.tolist(), gradient.tolist()
    training.advance(5)
    assert (mine.tolist(), gradient.tolist()) == before


def test_the_lowest_is_the_lowest_of_what_was_scored():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.1)
    tried = [start + shift for shift in (1.0, 0.0, 0.25, -2.0)]
    costs = [training.evaluate(parameters)[0] for parameters in tried]
    lowest = training.model("lowest")
    assert (lowest.cost, lowest.step) == (min(costs), 1 + np.argmin(costs))


# --- The bias stays ---


@pytest.mark.parametrize("bias", [0.0, 0.3])
@pytest.mark.parametrize("loss", LOSSES)
def test_without_an_intercept_the_bias_stays_and_the_weights_are_those_of_the_reference(loss, bias):
    X, y, start, _ = made_samples()
    start[-1] = bias
    training = Training(X, y, start, eta=0.01, loss=loss, fit_intercept=False)
    training.advance(30)
    weights = start[:-1]
    for _ in range(30):
        weights = weights - 0.01 * reference.gradient(X, y, weights, bias, loss)[0]
    model = training.model()
    # Margins are rounded differently, and sums are of another order, as in test_descent.
    np.testing.assert_allclose(model.weights, weights, rtol=1e-12)
    assert model.bias == bias


def test_without_an_intercept_the_derivative_of_the_bias_is_zero_and_the_others_as_with_it():
    X, y, start, _ = made_samples()
    gradients = [
        Training(X, y, start, eta=0.1, fit_intercept=fit_intercept).evaluate(start)[1]
        for fit_intercept in (False, True)
    ]
    assert gradients[0].tolist() == [*gradients[1][:-1], 0.0]
    assert gradients[1][-1] != 0.0


def test_without_an_intercept_a_bias_that_is_scored_counts():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.1, loss="log", fit_intercept=False)
    cost, _ = training.evaluate(start)
    assert cost == Training(X, y, start, eta=0.1, loss="log").model().cost


# --- Starting anew ---


def some_steps(training, start):
    training.advance(50)


def more_steps_than_costs_are_kept(training, start):
    training.advance(COSTS_KEPT + 77)


def other_parameters_scored(training, start):
    for shift in (0.5, -1.0):
        training.evaluate(start + shift)


def a_step_to_infinite_parameters(training, start):
    training.advance(2)
    eta, training.eta = training.eta, 1e308
    training.advance(5)
    training.eta = eta
    assert training.diverged


def an_infinite_cost(training, start):
    training.advance(2)
    # Margins of a fifth of the largest number there is, times some normal numbers and log2 e.
    training.evaluate(np.full_like(start, np.finfo(training.model().weights.dtype).max / 5.0))
    assert training.diverged


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "d"), [(200, 3), (3000, 20), (40, 4097)])
@pytest.mark.parametrize(
    "before",
    [
        some_steps, more_steps_than_costs_are_kept, other_parameters_scored,
        a_step_to_infinite_parameters, an_infinite_cost,
    ],
)  # fmt: skip
def test_a_restart_is_a_fresh_training_to_the_last_bit(before, n, d, dtype):
    X, y, start, _ = made_samples(n, d, dtype)
    options = dict(eta=1.0 / n / d, loss="log", alpha=0.3, n_threads=1)
    found, fresh = (Training(X, y, at, **options) for at in (start - 1.0, start))
    before(found, start)
    found.restart(start)
    assert bits(found) == bits(fresh)
    for training in (found, fresh):
        training.advance(20)
    assert not fresh.diverged
    assert bits(found) == bits(fresh)


def test_a_restart_from_flat_ground_is_a_fresh_training_to_the_last_bit():
    X, y, start, _ = made_samples()
    options = dict(eta=0.02, loss="log", limits=np.full(4, 0.5))
    found, fresh = (Training(X, y, at, **options) for at in (start - 1.0, start))
    assert not found.advance(10_000) and found.flat
    found.restart(start)
    assert not found.flat
    for training in (found, fresh):
        training.advance(20)
    assert bits(found) == bits(fresh)


def test_a_restart_at_an_infinite_cost_is_a_fresh_training_there():
    X, y, start, _ = made_samples()
    found, fresh = (Training(X, y, at, eta=0.1, loss="log") for at in (start, np.full(4, 3e307)))
    found.advance(10)
    found.restart(np.full(4, 3e307))
    assert found.diverged
    assert bits(found) == bits(fresh)


def test_a_restart_forgets_the_best_and_the_lowest():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.1)
    training.advance(50)
    training.restart(-5.0 * start)
    last, best, lowest = (training.model(which) for which in ("last", "best", "lowest"))
    assert (best.step, best.accuracy, best.cost) == (0, last.accuracy, last.cost)
    assert (lowest.step, lowest.cost) == (0, last.cost)


# --- With helpers ---


@pytest.mark.parametrize("loss", LOSSES)
def test_parameters_that_are_scored_with_helpers_have_the_bits_of_one_thread(loss, helped_by):
    X, y, start, rng = made_samples(10_000, 30)
    alone, helped = (
        Training(X, y, start, eta=1.0, loss=loss, alpha=2.0, n_threads=n) for n in (1, 4)
    )
    tried = start + rng.standard_normal((30, len(start)))
    expected = [scored_bits(alone, parameters) for parameters in tried]
    with helped.helped(1000):
        assert helped_by == [3]
        assert [scored_bits(helped, parameters) for parameters in tried] == expected


def test_a_restart_among_helpers_has_the_bits_of_one_thread(helped_by):
    X, y, start, _ = made_samples(10_000, 30)
    alone, helped = (Training(X, y, start, eta=1.0, n_threads=n) for n in (1, 4))
    with helped.helped(1000):
        assert helped_by == [3]
        for _ in range(30):  # helpers must not take up the step before its parameters are there
            helped.evaluate(start + 1.0)
            helped.restart(start)
            assert bits(helped) == bits(alone)


def test_scoring_needs_no_helpers_after_they_have_gone(helped_by):
    X, y, start, _ = made_samples(10_000, 30)
    training = Training(X, y, start, eta=1.0, n_threads=4)
    before = scored_bits(training, start)
    with training.helped(1000):
        training.evaluate(start + 1.0)
    assert helped_by == [3]
    assert scored_bits(training, start) == before


def test_few_steps_are_not_worth_helpers(helped_by):
    X, y, start, _ = made_samples(10_000, 30)
    with Training(X, y, start, eta=1.0, n_threads=4).helped(1):
        assert helped_by == [0]


def test_helpers_stay_until_the_context_ends_also_the_second_time():
    X, y, start, _ = made_samples(10_000, 30)
    training = Training(X, y, start, eta=1.0, n_threads=4)
    before = threading.active_count()
    for _ in range(2):
        with training.helped(1000):
            training.evaluate(start)
            time.sleep(0.01)  # enough to end for those that take themselves to be dismissed
            assert threading.active_count() == before + 3
        assert threading.active_count() == before


@pytest.mark.parametrize(("n", "d"), [(10_000, 30), (2100, 4097)])
def test_a_restart_after_steps_with_helpers_has_the_bits_of_one_thread(n, d, helped_by):
    X, y, start, _ = made_samples(n, d)
    options = dict(eta=1.0 / n / d, loss="log", alpha=0.3)
    found = Training(X, y, start - 1.0, n_threads=3, **options)
    found.advance(40)
    found.restart(start)
    found.advance(40)
    assert set(helped_by) == {2}
    alone = Training(X, y, start, n_threads=1, **options)
    alone.advance(40)
    assert bits(found) == bits(alone)


def test_the_step_that_is_flat_is_the_same_with_helpers(helped_by):
    X, y, start, _ = made_samples(10_000, 30)
    limits = np.full(31, 20.0)
    found = [
        Training(X, y, start, eta=3e-4, loss="log", limits=limits, n_threads=n) for n in (3, 1)
    ]
    for training in found:
        assert not training.advance(5000)
    assert helped_by == [2, 0] and found[0].step > 10
    assert bits(found[0]) == bits(found[1])


# --- Steps that take several calls, or that failed ---


def test_a_step_that_takes_a_call_for_each_block_has_the_bits_of_one_that_does_not():
    X, y, start, _ = made_samples(5000, 3)
    found, expected = (Training(X, y, start, eta=1e-4, loss="log") for _ in range(2))
    found._budget = 1
    for training in (found, expected):
        training.advance(20)
    assert bits(found) == bits(expected)


def test_what_is_scored_after_a_flat_step_is_scored_to_the_end():
    X, y, start, _ = made_samples(5000, 3)
    training = Training(X, y, start, eta=1e-4, limits=np.full(4, 1e9))
    assert training.flat
    training._budget = 1  # as of samples so many that a step takes several calls
    expected, _ = Training(X, y, start + 1.0, eta=1e-4).evaluate(start + 1.0)
    assert training.evaluate(start + 1.0)[0] == expected


def test_a_restart_in_the_middle_of_a_step_is_a_fresh_training():
    X, y, start, _ = made_samples(5000, 3)
    found = Training(X, y, start - 1.0, eta=1e-4)
    found._neuron.descend(1e-4, 0.0, 1, 1)  # as where Ctrl-C came between two calls
    found.restart(start)
    assert bits(found) == bits(Training(X, y, start, eta=1e-4))


def test_what_is_scored_after_an_infinite_cost_does_not_depend_on_it():
    X, y, start, _ = made_samples()
    training = Training(X, y, start, eta=0.1, loss="log")
    expected = scored_bits(training, start)
    training.evaluate(np.full(4, 3e307))
    assert training.diverged
    assert scored_bits(training, start) == expected


def test_derivatives_that_are_no_numbers_are_not_flat():
    # In blocks of one class each, half of them sums to infinity and half to minus infinity.
    X, y = np.full((8000, 1), 1e308), np.arange(8000) < 4000
    training = Training(X, y, np.zeros(2), eta=1.0, limits=np.ones(2))
    assert not training.flat
