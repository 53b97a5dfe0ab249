"""A training in pieces: where it ends, its costs, single evaluations, and restarts."""

import threading
import time

import numpy as np
import pytest
from helpers import TOLERANCE, bits, make_samples, make_start, new_threads

from oneneuron import reference
from oneneuron._engine.training import COSTS_KEPT, Training
from oneneuron._losses import LOG, LOSSES, QUADRATIC

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def make_problem(n=200, d=3, dtype=np.float64):
    """Return samples, labels, a start and the generator."""
    X, y, rng = make_samples(n + d, n, d, dtype)
    return X, y, make_start(rng, d), rng


def state(training):
    """Return the bits of all that a training tells."""
    models = [training.model(which) for which in ("last", "best", "lowest")]
    costs = training.costs(max(0, training.step + 1 - COSTS_KEPT))
    flags = training.step, training.diverged, training.flat, training.best_accuracy
    return bits([models, costs, flags])


def last_parameters(training):
    model = training.model()
    return np.append(model.weights, model.bias)


def evaluated_bits(training, parameters):
    return bits(training.evaluate(parameters))


# --- Where it ends ---


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@every_loss
@pytest.mark.parametrize("j", range(4))
def test_the_cost_is_flat_if_each_derivative_is_at_its_limit_and_not_if_one_is_just_beyond(
    j, loss, alpha
):
    X, y, start, _ = make_problem()
    options = dict(eta=1.0, loss=loss, alpha=alpha)
    _, gradient = Training(X, y, start, **options).evaluate(start)
    limits = np.abs(gradient)
    assert Training(X, y, start, limits=limits, **options).flat
    limits[j] = np.nextafter(limits[j], 0.0)
    assert not Training(X, y, start, limits=limits, **options).flat


@pytest.mark.linetrace
@pytest.mark.parametrize(
    ("loss", "alpha"), [(QUADRATIC, 0.0), (LOG, 0.5)], ids=["quadratic", "log"]
)
def test_the_descent_ends_at_the_first_step_that_is_flat(loss, alpha):
    X, y, start, rng = make_problem()
    limits = np.array([0.1, 0.2, 0.1, 0.2])
    options = dict(eta=0.02, sample_weight=rng.random(200), loss=loss, alpha=alpha)
    stepper, probe = (Training(X, y, start, **options) for _ in range(2))
    while np.any(np.abs(probe.evaluate(last_parameters(stepper))[1]) > limits):
        assert stepper.step < 1000
        stepper.advance(1)
    assert stepper.step > 10  # fewer would prove little
    training = Training(X, y, start, limits=limits, **options)
    training.advance(10_000)
    assert (training.step, training.flat, training.diverged) == (stepper.step, True, False)


def test_a_descent_that_is_not_flat_yet_makes_all_its_steps():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.02, limits=np.full(4, 1e-9))
    training.advance(10)
    assert (training.step, training.flat, training.diverged) == (10, False, False)


def test_limits_that_are_never_met_change_no_bit():
    X, y, start, _ = make_problem()
    found = [
        Training(X, y, start, eta=0.02, loss=LOG, limits=limits)
        for limits in (None, np.zeros(4))
    ]  # fmt: skip
    for training in found:
        training.advance(100)
    assert state(found[0]) == state(found[1])


def flat_ground(**options):
    """Return a training whose derivatives are all zero: no data, and a bias that stays."""
    return Training(
        np.zeros((4, 1)), np.arange(4) % 2, np.zeros(2), eta=1.0, fit_intercept=False, **options
    )


def test_without_limits_the_descent_goes_on_where_all_derivatives_are_zero():
    training = flat_ground()
    training.advance(5)
    assert (training.step, training.flat, training.diverged) == (5, False, False)


def test_with_limits_of_zero_the_descent_ends_where_all_derivatives_are_zero():
    assert flat_ground(limits=np.zeros(2)).flat


def test_the_derivative_of_a_bias_that_stays_counts_as_flat():
    X, y, start, _ = make_problem()
    limits = np.array([np.inf, np.inf, np.inf, 0.0])
    assert Training(X, y, start, eta=1.0, fit_intercept=False, limits=limits).flat


# --- The costs ---


def test_costs_are_those_of_the_models_from_the_start_on():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.05, loss=LOG, alpha=0.3)
    costs = [training.model().cost]
    for _ in range(20):
        training.advance(1)
        costs.append(training.model().cost)
    for first in (0, 1, 7, 20):
        assert training.costs(first).tolist() == costs[first:]


def test_there_are_no_costs_of_future_steps():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.05)
    training.advance(3)
    assert training.costs(4).tolist() == []


@pytest.mark.parametrize("steps", [COSTS_KEPT - 1, COSTS_KEPT, COSTS_KEPT + 1, 2500])
def test_the_last_1024_costs_are_kept_after_any_number_of_steps(steps):
    X, y, start, _ = make_problem(20, 1)
    training = Training(X, y, start, eta=0.001)
    costs = [training.model().cost]
    for _ in range(steps):
        training.advance(1)
        costs.append(training.model().cost)
    assert len(set(costs)) == len(costs)
    first = max(0, steps + 1 - COSTS_KEPT)
    assert training.costs(first).tolist() == costs[first:]


def test_costs_do_not_depend_on_the_number_of_steps_in_a_call():
    X, y, start, _ = make_problem()
    found = [Training(X, y, start, eta=0.05) for _ in range(2)]
    for training, strides in zip(found, ([1] * 60, [7, 50, 3]), strict=True):
        for stride in strides:
            training.advance(stride)
    assert found[0].costs(0).tolist() == found[1].costs(0).tolist()


def test_costs_are_a_copy():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.05)
    before = training.costs(0)
    training.restart(start + 1.0)
    assert before.tolist() != training.costs(0).tolist()


# --- Evaluations ---


@every_loss
def test_evaluated_parameters_are_not_moved_by_a_step(loss):
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=1e6, loss=loss, alpha=0.5)
    training.evaluate(start + 1.0)
    assert last_parameters(training).tolist() == (start + 1.0).tolist()


def test_an_evaluation_does_not_depend_on_earlier_steps():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.1, loss=LOG, alpha=0.5)
    first = evaluated_bits(training, start)
    training.advance(10)
    training.evaluate(start - 3.0)
    assert evaluated_bits(training, start) == first


def test_an_evaluated_cost_is_that_of_the_last_model_and_the_last_in_costs():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.1, loss=LOG, alpha=0.5)
    cost, _ = training.evaluate(start + 1.0)
    assert cost == training.model().cost == training.costs(training.step)[0]


def test_an_evaluation_counts_as_a_step():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.1)
    assert training.step == 0
    training.evaluate(start)
    assert training.step == 1


def test_the_next_step_goes_against_the_evaluated_gradient():
    X, y, start, _ = make_problem()
    eta = 2.0**-7  # multiplying by it is exact
    training = Training(X, y, start, eta=eta, loss=LOG, alpha=0.5)
    _, gradient = training.evaluate(start)
    training.advance(1)
    assert last_parameters(training).tolist() == (start - eta * gradient).tolist()


def test_a_descent_goes_on_from_evaluated_parameters():
    X, y, start, _ = make_problem()
    found = Training(X, y, start + 5.0, eta=0.1, alpha=0.5)
    found.evaluate(start)
    expected = Training(X, y, start, eta=0.1, alpha=0.5)
    for training in (found, expected):
        training.advance(10)
    assert found.costs(2).tolist() == expected.costs(1).tolist()


def test_neither_the_parameters_nor_the_gradient_are_shared_with_the_caller():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.1)
    mine = start + 1.0
    _, gradient = training.evaluate(mine)
    before = mine.tolist(), gradient.tolist()
    training.advance(5)
    assert (mine.tolist(), gradient.tolist()) == before


def test_the_lowest_model_is_the_lowest_of_all_evaluated():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.1)
    tried = [start + shift for shift in (1.0, 0.0, 0.25, -2.0)]
    costs = [training.evaluate(parameters)[0] for parameters in tried]
    lowest = training.model("lowest")
    assert (lowest.cost, lowest.step) == (min(costs), 1 + np.argmin(costs))


# --- The bias stays ---


@pytest.mark.linetrace
@pytest.mark.parametrize("bias", [0.0, 0.3])
@every_loss
def test_without_an_intercept_the_bias_stays_and_the_weights_are_those_of_the_reference(loss, bias):
    X, y, start, _ = make_problem()
    start[-1] = bias
    training = Training(X, y, start, eta=0.01, loss=loss, fit_intercept=False)
    training.advance(30)
    weights = start[:-1]
    for _ in range(30):
        weights = weights - 0.01 * reference.gradient(X, y, weights, bias, loss.name)[0]
    model = training.model()
    np.testing.assert_allclose(model.weights, weights, rtol=TOLERANCE)
    assert model.bias == bias


@pytest.mark.linetrace
def test_without_an_intercept_the_derivative_of_the_bias_is_zero_and_the_others_as_with_it():
    X, y, start, _ = make_problem()
    gradients = [
        Training(X, y, start, eta=0.1, fit_intercept=fit_intercept).evaluate(start)[1]
        for fit_intercept in (False, True)
    ]
    assert gradients[0].tolist() == [*gradients[1][:-1], 0.0]
    assert gradients[1][-1] != 0.0


@pytest.mark.linetrace
def test_without_an_intercept_the_bias_still_counts_in_the_cost():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.1, loss=LOG, fit_intercept=False)
    cost, _ = training.evaluate(start)
    assert cost == Training(X, y, start, eta=0.1, loss=LOG).model().cost


# --- Restarts ---


def some_steps(training, start):
    training.advance(50)


def more_steps_than_costs_are_kept(training, start):
    training.advance(COSTS_KEPT + 77)


def other_parameters_evaluated(training, start):
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
    # Margins are a fifth of the largest number, times some normal numbers and log2 e.
    training.evaluate(np.full_like(start, np.finfo(training.model().weights.dtype).max / 5.0))
    assert training.diverged


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "d"), [(200, 3), (3000, 20), (40, 4097)])
@pytest.mark.parametrize(
    "before",
    [
        some_steps, more_steps_than_costs_are_kept, other_parameters_evaluated,
        a_step_to_infinite_parameters, an_infinite_cost,
    ],
)  # fmt: skip
def test_a_restarted_training_has_the_bits_of_a_new_one(before, n, d, dtype):
    X, y, start, _ = make_problem(n, d, dtype)
    options = dict(eta=1.0 / n / d, loss=LOG, alpha=0.3, n_threads=1)
    found, fresh = (Training(X, y, at, **options) for at in (start - 1.0, start))
    before(found, start)
    found.restart(start)
    assert state(found) == state(fresh)
    for training in (found, fresh):
        training.advance(20)
    assert not fresh.diverged
    assert state(found) == state(fresh)


def test_a_training_restarted_where_it_was_flat_has_the_bits_of_a_new_one():
    X, y, start, _ = make_problem()
    options = dict(eta=0.02, loss=LOG, limits=np.full(4, 0.5))
    found, fresh = (Training(X, y, at, **options) for at in (start - 1.0, start))
    found.advance(10_000)
    assert found.flat
    found.restart(start)
    assert not found.flat
    for training in (found, fresh):
        training.advance(20)
    assert state(found) == state(fresh)


def test_a_training_restarted_at_an_infinite_cost_has_the_bits_of_a_new_one():
    X, y, start, _ = make_problem()
    found, fresh = (Training(X, y, at, eta=0.1, loss=LOG) for at in (start, np.full(4, 3e307)))
    found.advance(10)
    found.restart(np.full(4, 3e307))
    assert found.diverged
    assert state(found) == state(fresh)


def test_a_restart_forgets_the_best_and_the_lowest_model():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.1)
    training.advance(50)
    training.restart(-5.0 * start)
    last, best, lowest = (training.model(which) for which in ("last", "best", "lowest"))
    assert (best.step, best.accuracy, best.cost) == (0, last.accuracy, last.cost)
    assert (lowest.step, lowest.cost) == (0, last.cost)


# --- With helpers ---


@every_loss
def test_evaluations_with_helpers_have_the_bits_of_one_thread(loss, helper_counts):
    X, y, start, rng = make_problem(10_000, 30)
    alone, helped = (
        Training(X, y, start, eta=1.0, loss=loss, alpha=2.0, n_threads=n) for n in (1, 4)
    )
    tried = start + rng.standard_normal((30, len(start)))
    expected = [evaluated_bits(alone, parameters) for parameters in tried]
    with helped.helped(1000):
        assert helper_counts == [3]
        assert [evaluated_bits(helped, parameters) for parameters in tried] == expected


def test_a_restart_with_helpers_has_the_bits_of_one_thread(helper_counts):
    X, y, start, _ = make_problem(10_000, 30)
    alone, helped = (Training(X, y, start, eta=1.0, n_threads=n) for n in (1, 4))
    with helped.helped(1000):
        assert helper_counts == [3]
        for _ in range(30):  # helpers must not begin the step before its parameters are there
            helped.evaluate(start + 1.0)
            helped.restart(start)
            assert state(helped) == state(alone)


def test_an_evaluation_needs_no_helpers_after_they_have_stopped(helper_counts):
    X, y, start, _ = make_problem(10_000, 30)
    training = Training(X, y, start, eta=1.0, n_threads=4)
    before = evaluated_bits(training, start)
    with training.helped(1000):
        training.evaluate(start + 1.0)
    assert helper_counts == [3]
    assert evaluated_bits(training, start) == before


def test_few_steps_are_not_worth_a_helper(helper_counts):
    X, y, start, _ = make_problem(10_000, 30)
    with Training(X, y, start, eta=1.0, n_threads=4).helped(1):
        assert helper_counts == [0]


def test_helpers_run_until_the_context_ends_even_the_second_time():
    X, y, start, _ = make_problem(10_000, 30)
    training = Training(X, y, start, eta=1.0, n_threads=4)
    before = threading.enumerate()
    for _ in range(2):
        with training.helped(1000):
            training.evaluate(start)
            time.sleep(0.01)  # long enough for a helper to end that believes it should
            assert len(new_threads(before)) == 3
        assert new_threads(before) == []


@pytest.mark.parametrize(("n", "d"), [(10_000, 30), (2100, 4097)])
def test_a_training_restarted_after_steps_with_helpers_has_the_bits_of_one_thread(
    n, d, helper_counts
):
    X, y, start, _ = make_problem(n, d)
    options = dict(eta=1.0 / n / d, loss=LOG, alpha=0.3)
    found = Training(X, y, start - 1.0, n_threads=3, **options)
    found.advance(40)
    found.restart(start)
    found.advance(40)
    assert set(helper_counts) == {2}
    alone = Training(X, y, start, n_threads=1, **options)
    alone.advance(40)
    assert state(found) == state(alone)


def test_a_descent_is_flat_at_the_same_step_with_helpers(helper_counts):
    X, y, start, _ = make_problem(10_000, 30)
    limits = np.full(31, 20.0)
    found = [Training(X, y, start, eta=3e-4, loss=LOG, limits=limits, n_threads=n) for n in (3, 1)]
    for training in found:
        training.advance(5000)
        assert training.flat
    assert helper_counts == [2, 0] and found[0].step > 10
    assert state(found[0]) == state(found[1])


# --- Steps that take several calls, or that fail ---


@pytest.mark.linetrace
def test_a_step_to_infinite_parameters_is_not_made():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=1e308)
    before = bits(training.model())
    training.advance(5)
    assert training.diverged and training.step == 0
    assert bits(training.model()) == before


def test_steps_of_one_call_for_each_block_have_the_bits_of_steps_of_one_call():
    X, y, start, _ = make_problem(5000, 3)
    found, expected = (Training(X, y, start, eta=1e-4, loss=LOG) for _ in range(2))
    found._budget = 1
    for training in (found, expected):
        training.advance(20)
    assert state(found) == state(expected)


def test_an_evaluation_after_a_flat_step_is_finished_in_several_calls():
    X, y, start, _ = make_problem(5000, 3)
    training = Training(X, y, start, eta=1e-4, limits=np.full(4, 1e9))
    assert training.flat
    training._budget = 1  # so that a step takes several calls
    expected, _ = Training(X, y, start + 1.0, eta=1e-4).evaluate(start + 1.0)
    assert training.evaluate(start + 1.0)[0] == expected


def test_a_training_restarted_in_the_middle_of_a_step_has_the_bits_of_a_new_one():
    X, y, start, _ = make_problem(5000, 3)
    found = Training(X, y, start - 1.0, eta=1e-4)
    found._neuron.descend(1e-4, 0.0, 1, 1)  # as if Ctrl-C had come between two calls
    found.restart(start)
    assert state(found) == state(Training(X, y, start, eta=1e-4))


def test_an_evaluation_does_not_depend_on_an_infinite_cost_before_it():
    X, y, start, _ = make_problem()
    training = Training(X, y, start, eta=0.1, loss=LOG)
    expected = evaluated_bits(training, start)
    training.evaluate(np.full(4, 3e307))
    assert training.diverged
    assert evaluated_bits(training, start) == expected


def test_derivatives_that_are_nan_are_not_flat():
    # Blocks hold one class each: half of them sum to infinity, half to minus infinity.
    X, y = np.full((8000, 1), 1e308), np.arange(8000) < 4000
    training = Training(X, y, np.zeros(2), eta=1.0, limits=np.ones(2))
    assert not training.flat
