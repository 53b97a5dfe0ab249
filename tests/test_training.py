"""A gradient descent of one neuron, watched step by step."""

import numpy as np
import pytest
from helpers import TOLERANCE, bits, cost_and_gradient, make_samples, make_start

from oneneuron import _training, reference
from oneneuron._diagnostics import OF_TRAIN
from oneneuron._engine.samples import lay_out
from oneneuron._engine.second_moments import SecondMoments
from oneneuron._engine.shards import InMemory
from oneneuron._losses import QUADRATIC
from oneneuron._training import Training, accuracy, next_due

WHICH = ["last", "best", "lowest"]


class Problem:
    """Samples, labels, weights and a start."""

    def __init__(self, n=200, d=3, dtype=np.float64, weighted=False):
        self.X, self.y, rng = make_samples(n + d, n, d, dtype)
        self.start = make_start(rng, d)
        self.weights = rng.random(n).astype(dtype) if weighted else None

    def training(self, eta=0.05, alpha=0.0, n_threads=None):
        """Return a training at its start."""
        samples = lay_out(self.X, self.y, 2, self.weights)
        return Training(InMemory([samples], n_threads), self.start, eta=eta, alpha=alpha)


def state(training):
    """Return the bits of all that a training tells."""
    flags = training.step, training.diverged, training.best_accuracy, training.parameters
    return bits([training.result(), flags])


def record(training, num_steps):
    """Return the last model at the start and after each of some steps."""
    models = [training.model()]
    for _ in training.walk(training.step + num_steps, [1]):
        models.append(training.model())
    return models


# --- The start ---


def test_the_moments_are_measured_once_for_a_safe_eta_and_for_the_warnings(monkeypatch):
    made = []
    monkeypatch.setattr(
        _training, "SecondMoments", lambda samples: made.append(SecondMoments(samples)) or made[-1]
    )
    training = Problem().training(eta="auto")
    training.advance(200)
    training.diagnose(OF_TRAIN)
    assert len(made) == 1
    assert training.eta == made[0].safe_eta(0.0, QUADRATIC.max_curvature)


def test_the_start_is_step_0():
    assert Problem().training().step == 0


def test_before_any_step_the_parameters_are_those_of_the_start():
    problem = Problem()
    assert problem.training().parameters.tolist() == problem.start.tolist()


def test_the_start_is_scored_at_once():
    problem = Problem()
    expected = reference.cost(problem.X, problem.y, problem.start[:-1], problem.start[-1])
    np.testing.assert_allclose(problem.training().model().cost, expected, rtol=TOLERANCE)


def test_before_any_step_the_start_stands_in_for_the_best_and_the_lowest_model():
    training = Problem().training()
    assert bits(training.model("best")) == bits(training.model())
    assert bits(training.model("lowest")) == bits(training.model())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_start_too_large_for_the_type_of_the_samples_has_diverged(dtype):
    problem = Problem(dtype=dtype)
    problem.start[0] = np.finfo(dtype).max  # times log2 e, as the kernel needs it, it is infinite
    assert problem.training().diverged


def test_the_start_is_not_shared_with_the_caller():
    problem = Problem()
    training = problem.training()
    before = problem.start.tolist()
    training.advance(5)
    assert problem.start.tolist() == before


def test_parameters_are_a_copy():
    training = Problem().training()
    given = training.parameters
    before = given.tolist()
    training.advance(5)
    assert given.tolist() == before


# --- Steps ---


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_each_step_goes_against_the_gradient_of_the_penalised_cost(weighted, alpha):
    problem = Problem(weighted=weighted)
    training = problem.training(alpha=alpha)
    expected = problem.start.copy()
    for _ in range(30):
        _, gradient = cost_and_gradient(expected, problem.X, problem.y, problem.weights, alpha)
        expected -= 0.05 * gradient
    training.advance(30)
    np.testing.assert_allclose(training.parameters, expected, rtol=TOLERANCE)


def test_float32_samples_follow_float64_samples_to_a_hundred_thousandth():
    # 30 steps, each with sums whose relative error is some 1e-7.
    expected, found = Problem(), Problem(dtype=np.float32)
    expected.X[:] = found.X
    trainings = [expected.training(), found.training()]
    for training in trainings:
        training.advance(30)
    np.testing.assert_allclose(trainings[1].parameters, trainings[0].parameters, rtol=1e-5)


def test_no_steps_change_no_bit():
    training = Problem().training()
    before = state(training)
    training.advance(0)
    assert state(training) == before


def test_one_call_and_many_give_the_same_bits():
    one, many = (Problem().training() for _ in range(2))
    one.advance(60)
    for num_steps in (7, 50, 3):
        many.advance(num_steps)
    assert state(one) == state(many)


def test_any_number_of_threads_gives_the_same_bits():
    problem = Problem(10_000, 30)
    found = [problem.training(1e-4, n_threads=n_threads) for n_threads in (1, 2, 3)]
    for training in found:
        training.advance(20)
    assert state(found[0]) == state(found[1]) == state(found[2])


def test_the_descent_goes_on_where_all_derivatives_are_zero():
    problem = Problem(4, 1)
    problem.X[:], problem.y, problem.start = 0.0, np.arange(4) % 2, np.zeros(2)
    training = problem.training()
    training.advance(5)
    assert training.step == 5


# --- Divergence ---


def test_a_step_to_infinite_parameters_is_not_made():
    training = Problem().training(eta=1e308)
    before = bits(training.model())
    training.advance(5)
    assert bits(training.model()) == before


def test_a_training_that_cannot_make_its_next_step_has_diverged():
    training = Problem().training(eta=1e308)
    assert not training.diverged
    training.advance(5)
    assert training.diverged


def test_float32_samples_diverge_where_the_parameters_leave_float32():
    # At the start each gradient is of order 10, so that the first step leaves float32 alone.
    found = [Problem(dtype=dtype).training(eta=1e38) for dtype in (np.float64, np.float32)]
    for training in found:
        training.advance(1)
    assert [training.diverged for training in found] == [False, True]


# --- Models ---


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_weights_have_the_dtype_of_the_samples(dtype):
    assert Problem(dtype=dtype).training().model().weights.dtype == dtype


def test_the_cost_includes_the_penalty_on_the_weights():
    problem = Problem(weighted=True)
    model = problem.training(alpha=0.7).model()
    expected, _ = cost_and_gradient(problem.start, problem.X, problem.y, problem.weights, 0.7)
    np.testing.assert_allclose(model.cost, expected, rtol=TOLERANCE)


def test_the_accuracy_is_that_of_the_rounded_outputs():
    problem = Problem()
    training = problem.training()
    training.advance(10)
    model = training.model()
    outputs = reference.sigma(problem.X @ model.weights + model.bias)
    assert model.accuracy == np.mean(np.round(outputs) == problem.y)


def test_the_accuracy_counts_samples_by_their_weight():
    problem = Problem(weighted=True)
    model = problem.training().model()
    right = (problem.X @ model.weights + model.bias > 0) == problem.y
    expected = problem.weights[right].sum() / problem.weights.sum()
    np.testing.assert_allclose(model.accuracy, expected, rtol=TOLERANCE)


@pytest.mark.parametrize(
    ("which", "rank"),
    [("best", lambda model: -model.accuracy), ("lowest", lambda model: model.cost)],
    ids=["best", "lowest"],
)
@pytest.mark.parametrize("eta", [0.05, 1.0])  # with the second one, the cost often rises
def test_a_kept_model_is_the_first_of_its_rank_among_all_steps(which, rank, eta):
    training = Problem().training(eta)
    models = record(training, 100)[1:]
    assert bits(training.model(which)) == bits(min(models, key=rank))


def test_a_start_better_than_all_steps_is_not_kept():
    problem = Problem()
    training = problem.training()
    training.advance(50)
    problem.start = training.parameters
    worse = problem.training(eta=10.0)
    start = worse.model()
    worse.advance(3)
    assert worse.model("lowest").cost > start.cost
    assert worse.model("lowest").step > 0


def test_the_best_accuracy_is_that_of_the_best_model():
    training = Problem().training(eta=1.0)
    training.advance(100)
    assert training.best_accuracy == training.model("best").accuracy


@pytest.mark.parametrize("which", WHICH)
def test_models_are_not_changed_by_later_steps(which):
    training = Problem().training()
    training.advance(1)
    model = training.model(which)
    before = bits(model)
    training.advance(50)
    assert bits(model) == before


def test_without_a_wrong_sample_the_accuracy_is_exactly_1():
    assert accuracy(0.0, 0.1 + 0.2) == 1.0


def test_the_accuracy_is_never_negative():
    # Added up in another order, the wrong weights may be a little more than all weights.
    assert accuracy(0.1 + 0.2, 0.3) == 0.0


# --- Walks ---


@pytest.mark.parametrize(
    ("strides", "offset", "expected"),
    [
        ([], 0, [20]),
        ([8], 0, [8, 16, 20]),
        ([10], 0, [10, 20]),
        ([8, 5], 0, [5, 8, 10, 15, 16, 20]),
        ([8], 3, [3, 11, 19, 20]),
        ([8], 11, [3, 11, 19, 20]),
        ([100], 0, [20]),
    ],
)
def test_a_walk_pauses_at_each_step_that_is_due(strides, offset, expected):
    assert list(Problem().training().walk(20, strides, offset)) == expected


def test_a_walk_has_made_the_steps_that_it_yields():
    training = Problem().training()
    assert [training.step for _ in training.walk(20, [8])] == [8, 16, 20]


def test_a_walk_continues_from_the_steps_already_made():
    training = Problem().training()
    training.advance(9)
    assert list(training.walk(20, [8])) == [16, 20]


def test_a_walk_that_is_left_early_makes_no_further_steps():
    training = Problem().training()
    next(training.walk(20, [8]))
    assert training.step == 8


def test_a_walk_to_a_step_already_made_yields_nothing():
    training = Problem().training()
    training.advance(9)
    assert list(training.walk(9, [1])) == []


def test_a_walk_and_a_single_call_give_the_same_bits():
    walked, advanced = (Problem().training() for _ in range(2))
    for _ in walked.walk(20, [8, 5]):
        pass
    advanced.advance(20)
    assert state(walked) == state(advanced)


def test_a_walk_ends_when_the_training_diverges():
    training = Problem().training()
    steps = []
    for step in training.walk(20, [8]):
        steps.append(step)
        if step == 8:
            training.solver = Problem().training(eta=1e308).solver
    assert training.diverged and steps == [8]


def test_a_walk_of_a_training_that_has_diverged_yields_nothing():
    training = Problem().training(eta=1e308)
    training.advance(1)
    assert list(training.walk(20, [8])) == []


def test_without_strides_only_the_last_step_is_due():
    assert next_due(3, 20, []) == 20


def test_a_step_that_is_due_is_not_its_own_successor():
    assert next_due(8, 20, [8]) == 16


# --- Results ---


@pytest.mark.parametrize("which", WHICH)
def test_a_result_has_the_models_of_the_training(which):
    training = Problem().training(eta=1.0)
    training.advance(50)
    assert bits(getattr(training.result(), which)) == bits(training.model(which))


def test_a_result_has_the_step_size_and_the_number_of_steps():
    training = Problem().training(eta=0.25)
    training.advance(7)
    assert (training.result().eta, training.result().num_steps) == (0.25, 7)


@pytest.mark.parametrize(("eta", "reason"), [(0.05, "num_steps"), (1e308, "diverged")])
def test_a_result_tells_why_the_descent_stopped(eta, reason):
    training = Problem().training(eta)
    training.advance(7)
    assert training.result().stop_reason == reason


def test_a_result_has_the_recorded_models_as_its_history():
    training = Problem().training()
    models = record(training, 3)
    history = training.result(models).history
    assert history.cost.tolist() == [model.cost for model in models]
    assert history.step.tolist() == [0, 1, 2, 3]


def test_a_history_without_models_keeps_its_shape():
    assert Problem().training().result().history.weights.shape == (0, 3)
