"""scikit-learn's callbacks in a fit: what they see, what they may stop, what they change."""

import numpy as np
import pandas as pd
import pytest
from helpers import SOLVERS, bits, cost_and_gradient, make_classes, printed_by
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from oneneuron import NeuronClassifier
from oneneuron._fit.neurons import _MOST_STRETCHES

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")

ignore_max_iter = pytest.mark.filterwarnings("ignore:Training stopped at max_iter")


def three_classes(seed):
    return make_classes(seed, num_classes=3)


class Recorder:
    """Keeps a record of every hook, and stops the fit at its stretch number `stop_at`."""

    def __init__(self, stop_at=None):
        self.events, self.stop_at = [], stop_at

    def setup(self, estimator, context):
        self.events.append(("setup", context))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context))

    def on_fit_task_end(self, estimator, context):
        self.events.append(("end", context))
        return context.task_name == "steps" and context.task_id == self.stop_at

    def tasks(self, name):
        return [task for event, task in self.events if event == "end" and task.task_name == name]


class Predictor(Recorder):
    """Predicts with the fitted estimator at the end of every task."""

    def __init__(self, X):
        super().__init__()
        self.X, self.answers = X, []

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        super().on_fit_task_end(estimator, context)
        probabilities = fitted_estimator.predict_proba(self.X)
        self.answers.append((context.task_name, probabilities, bits(fitted_estimator)))
        assert np.isfinite(probabilities).all()
        assert len(fitted_estimator.predict(self.X)) == len(self.X)


class BeginningPredictor(Predictor):
    """Predicts at the beginning of every task too."""

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator=None):
        self.answers.append((context.task_name, fitted_estimator.predict_proba(self.X), None))


# --- The tree of tasks ---


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_task_begins_before_its_subtasks_and_ends_after_them(solver):
    X, y, _ = three_classes(0)
    recorder = Recorder()
    NeuronClassifier(solver=solver, n_init=2, random_state=0).set_callbacks(recorder).fit(X, y)
    (first, root), *events, (last, _) = recorder.events
    assert (first, last) == ("setup", "teardown")
    under_way = []
    for event, task in events:
        if event == "begin":
            assert task.parent is (under_way[-1] if under_way else None)
            under_way.append(task)
        else:
            assert under_way.pop() is task
    assert under_way == [] and events[0][1] is root


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_all_neurons_and_starts_make_the_stretches_of_a_fit_together(num_classes, solver):
    X, y, _ = make_classes(1, num_classes=num_classes)
    recorder = Recorder()
    classifier = NeuronClassifier(solver=solver, n_init=2, random_state=0)
    classifier.set_callbacks(recorder).fit(X, y)
    (fit,) = recorder.tasks("fit")
    stretches = recorder.tasks("steps")
    assert {task.task_name for _, task in recorder.events} == {"fit", "steps"}
    assert all(task.parent is fit for task in stretches)
    assert [task.task_id for task in stretches] == list(range(len(stretches)))
    assert 3 < len(stretches) <= fit.max_subtasks


@ignore_max_iter
@pytest.mark.parametrize("max_iter", [1, 99, 100, 101, 250, 3000])
def test_a_descent_has_at_most_100_stretches_and_a_last_one(max_iter):
    X, y, _ = three_classes(2)
    recorder = Recorder()
    classifier = NeuronClassifier(solver="gd", max_iter=max_iter, tol=0.0, eta=1e-4)
    classifier.set_callbacks(recorder).fit(X, y)
    (fit,) = recorder.tasks("fit")
    count = len(recorder.tasks("steps"))
    assert min(max_iter, 50) <= count <= fit.max_subtasks <= _MOST_STRETCHES + 1


def test_lbfgs_has_a_stretch_for_each_step_and_a_last_one():
    X, y, _ = make_classes(3)
    recorder = Recorder()
    found = NeuronClassifier().set_callbacks(recorder).fit(X, y)
    assert len(recorder.tasks("steps")) == found.n_iter_[0] + 1


@ignore_max_iter
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
@pytest.mark.parametrize("max_iter", [0, 1, 2, 1000])
def test_a_fit_has_as_many_tasks_for_its_steps_as_logistic_regression(max_iter):
    X, y, _ = make_classes(21)
    most = []
    for Classifier in (LogisticRegression, NeuronClassifier):
        recorder = Recorder()
        found = Classifier(max_iter=max_iter).set_callbacks(recorder).fit(X, y)
        begun = [task for event, task in recorder.events if event == "begin"]
        # The fit, at least one step, and an empty last task.
        assert len(begun) == 1 + max(found.n_iter_[0], 1) + 1
        most.append(begun[0].max_subtasks)
    assert most[0] == most[1]


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_fit_that_begins_at_the_minimum_has_an_empty_first_stretch(solver):
    X, y, _ = make_classes(22)
    found = NeuronClassifier(solver=solver, warm_start=True).fit(X, y)
    recorder = Recorder()
    found.set_callbacks(recorder).fit(X, y)
    assert found.n_iter_.tolist() == [0] and len(recorder.tasks("steps")) == 2


# --- What they see ---


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_estimator_can_predict_at_the_end_of_any_task(num_classes, solver):
    X, y, _ = make_classes(4, num_classes=num_classes)
    names = np.array(["a", "b", "c"])
    predictor = Predictor(X)
    NeuronClassifier(solver=solver).set_callbacks(predictor).fit(X, names[y])
    assert {name for name, *_ in predictor.answers} == {"steps", "fit"}
    assert all(answer.shape == (120, num_classes) for _, answer, _ in predictor.answers)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_estimator_can_predict_at_the_beginning_of_any_task(solver):
    X, y, _ = three_classes(5)
    predictor = BeginningPredictor(X)
    NeuronClassifier(solver=solver).set_callbacks(predictor).fit(X, y)
    # All weights are zero, so all classes are equally likely.
    np.testing.assert_allclose(predictor.answers[0][1], 1 / 3)


class Keeper(Recorder):
    """Keeps the parameters at the beginning of the fit, and after each stretch."""

    def __init__(self):
        super().__init__()
        self.coefs, self.intercepts = [], []

    def keep(self, fitted_estimator):
        self.coefs.append(fitted_estimator.coef_)
        self.intercepts.append(fitted_estimator.intercept_)

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "fit":
            self.keep(fitted_estimator)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "steps":
            self.keep(fitted_estimator)


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("solver", SOLVERS)
def test_callbacks_see_the_models_after_each_step(solver):
    X, y, rng = three_classes(6)
    X[:, 0] += 3.0 * (y == 0)  # so the neurons end at different steps
    init = rng.standard_normal((3, 3)), rng.standard_normal(3)
    keeper = Keeper()
    found = NeuronClassifier(
        multi_class="ovr", solver=solver, init=init, record_every=1, max_iter=100, tol=1e-3
    )
    found.set_callbacks(keeper).fit(X, y)
    assert len({len(history.step) for history in found.history_}) > 1
    for k, history in enumerate(found.history_):
        # A neuron that has ended stays where it is. The last stretch is empty.
        for step in range(max(found.n_iter_) + 1):
            i = min(step, len(history.step) - 1)
            assert keeper.coefs[step][k].tobytes() == history.weights[i].tobytes()
            assert keeper.intercepts[step][k] == history.bias[i]


@pytest.mark.parametrize("solver", SOLVERS)
def test_callbacks_see_the_start_of_each_neuron_that_now_has_the_lowest_cost(solver):
    X, y, _ = three_classes(20)
    keeper = Keeper()
    # The first start is so bad that one of those drawn is better.
    init = np.full((3, 3), 30.0), np.zeros(3)
    options = dict(multi_class="ovr", solver=solver, loss="log", init=init, record_every=1)
    one = NeuronClassifier(**options).fit(X, y)
    found = NeuronClassifier(n_init=3, random_state=0, **options).set_callbacks(keeper).fit(X, y)
    for k, history in enumerate(one.history_):
        seen = [np.append(c[k], b[k]) for c, b in zip(keeper.coefs, keeper.intercepts, strict=True)]
        costs = [cost_and_gradient(p, X, y == k, alpha=0.3, loss="log")[0] for p in seen]
        assert costs[0] < 0.9 * history.cost[0]
        if solver == "lbfgs":  # each stretch is a step
            steps = np.minimum(np.arange(len(costs)), history.step[-1])
            assert np.all(costs <= history.cost[steps] * (1 + 1e-12))
        assert seen[-1].tolist() == [*found.coef_[k], found.intercept_[k]]


@pytest.mark.filterwarnings("ignore:The cost rose in")
@ignore_max_iter
@pytest.mark.parametrize("keep", ["last", "best", "lowest"])
def test_the_model_at_the_end_of_the_fit_is_the_kept_one(keep):
    X, y, _ = three_classes(7)
    predictor = Predictor(X)
    found = NeuronClassifier(keep=keep, solver="gd", eta=5.0, max_iter=40, alpha=0.0, n_init=2)
    found.set_params(random_state=0).set_callbacks(predictor).fit(X, y)
    name, _, seen = predictor.answers[-1]
    assert (name, seen) == ("fit", bits(found))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_scoring_monitor_has_a_score_for_each_stretch(solver):
    X, y, rng = make_classes(8)
    u = rng.random(len(y))
    monitor, recorder = callback.ScoringMonitor(scoring="accuracy"), Recorder()
    found = NeuronClassifier(solver=solver, record_every=1).set_callbacks(monitor, recorder)
    found.fit(X, y, sample_weight=u)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "steps"]
    assert len(rows) == len(recorder.tasks("steps"))
    # The last stretch may be empty. The scorer adds the weights up in another order.
    assert rows[-1]["accuracy"] == pytest.approx(found.score(X, y, sample_weight=u), rel=1e-12)
    if solver == "lbfgs":
        scores = [row["accuracy"] for row in rows[:-1]]
        assert scores == pytest.approx(found.history_[0].accuracy[1:].tolist(), rel=1e-12)


def test_a_scoring_monitor_on_a_frame_does_not_warn():
    X, y, _ = three_classes(9)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    NeuronClassifier().set_callbacks(monitor).fit(pd.DataFrame(X, columns=list("abc")), y)


# --- What they stop ---


@pytest.mark.parametrize(("solver", "num_steps"), [("gd", 3 * 20), ("lbfgs", 3)])
@pytest.mark.parametrize("n_init", [1, 2])
def test_a_callback_that_returns_true_stops_all_neurons(n_init, solver, num_steps):
    X, y, _ = three_classes(10)
    recorder = Recorder(stop_at=2)
    found = NeuronClassifier(
        multi_class="ovr",
        solver=solver,
        max_iter=2000,
        tol=1e-9,
        record_every=1,
        n_init=n_init,
        random_state=0,
    )
    found.set_callbacks(recorder).fit(X, y)
    assert found.stop_reason_ == "callback"
    assert found.n_iter_.tolist() == [num_steps] * 3 and found.loss_curve_.shape == (num_steps + 1,)
    assert [h.step.tolist() for h in found.history_] == [list(range(num_steps + 1))] * 3
    assert len(recorder.tasks("fit")) == 1 and recorder.events[-1][0] == "teardown"


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_stopped_fit_makes_the_first_steps_of_the_whole(solver):
    X, y, _ = three_classes(11)
    options = dict(solver=solver, max_iter=2000, tol=1e-9)
    stopped = NeuronClassifier(**options).set_callbacks(Recorder(stop_at=2)).fit(X, y)
    whole = NeuronClassifier(record_every=1, **options).fit(X, y)
    reached = [history.weights[max(stopped.n_iter_)] for history in whole.history_]
    assert stopped.coef_.tobytes() == np.array(reached).tobytes()


@pytest.mark.parametrize("solver", SOLVERS)
def test_true_from_another_task_stops_nothing(solver):
    X, y, _ = three_classes(12)

    class Stopper(Recorder):
        def on_fit_task_end(self, estimator, context):
            return context.task_name != "steps"

    found = NeuronClassifier(solver=solver).set_callbacks(Stopper()).fit(X, y)
    assert found.stop_reason_ == "converged"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_error_in_a_callback_leaves_the_last_model_and_calls_teardown(error):
    X, y, _ = three_classes(13)
    found = NeuronClassifier().fit(X, y)
    before = bits(found)

    class Raiser(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise error

    raiser = Raiser()
    with pytest.raises(error):
        found.set_callbacks(raiser).fit(-X, y)
    assert bits(found) == before and raiser.events[-1][0] == "teardown"


# --- What they change ---


@ignore_max_iter
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_init", [1, 3])
def test_callbacks_change_no_bit(n_init, solver):
    X, y, _ = three_classes(14)
    options = dict(solver=solver, n_init=n_init, random_state=0, max_iter=333, tol=1e-7)
    plain = NeuronClassifier(**options).fit(X, y)
    found = NeuronClassifier(**options).set_callbacks(Predictor(X)).fit(X, y)
    assert bits(found) == bits(plain)
    assert found.loss_curve_.tobytes() == plain.loss_curve_.tobytes()
    assert found.stop_reason_ == plain.stop_reason_


def test_no_context_is_made_without_callbacks(monkeypatch):
    def refused(*args, **options):
        raise AssertionError("a context was made")

    X, y, _ = three_classes(15)
    monkeypatch.setattr(callback.CallbackContext, "_from_estimator", refused)
    found = NeuronClassifier().fit(X, y)
    with pytest.raises(AssertionError, match="a context was made"):
        found.set_callbacks(Recorder()).fit(X, y)
    found.set_callbacks().fit(X, y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_fitted_classifier_does_not_keep_its_tasks(solver):
    X, y, _ = three_classes(16)
    plain = NeuronClassifier(solver=solver).fit(X, y)
    watched = NeuronClassifier(solver=solver).set_callbacks(Recorder()).fit(X, y)
    assert vars(watched).keys() - vars(plain).keys() == {"_skl_callbacks"}


# --- Parameters that are NumPy integers ---


@ignore_max_iter
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "numbers",
    [
        {"n_init": np.int8(100), "max_iter": 1},  # 300 neurons in lockstep
        {"max_iter": np.uint8(200)},
        {"max_iter": np.int8(127)},
        {"record_every": np.uint8(200), "max_iter": 300},
    ],
    ids=str,
)
def test_numpy_integers_count_as_python_integers(numbers, solver):
    X, y, _ = three_classes(19)
    options = {"solver": solver, "random_state": 0, "tol": 0.0, "eta": 1e-4, **numbers}
    as_int = {**options, **{name: int(number) for name, number in numbers.items()}}
    recorder = Recorder()
    found = NeuronClassifier(**options).set_callbacks(recorder).fit(X, y)
    (fit,) = recorder.tasks("fit")
    assert 1 < len(recorder.tasks("steps")) <= fit.max_subtasks
    expected = NeuronClassifier(**as_int).fit(X, y)
    assert bits(found) == bits(expected)
    assert bits(found.history_) == bits(expected.history_)


# --- scikit-learn's own callbacks ---


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_progress_bar_runs_to_its_end(solver, capsys):
    pytest.importorskip("rich")
    X, y, _ = three_classes(17)
    NeuronClassifier(solver=solver).set_callbacks(callback.ProgressBar()).fit(X, y)
    out = capsys.readouterr().out
    assert "NeuronClassifier - fit" in out and "100%" in out


def test_a_grid_search_shows_its_progress(capsys):
    pytest.importorskip("rich")
    X, y, _ = three_classes(18)
    grid = {"neuronclassifier__alpha": [0.1, 1.0]}
    pipeline = make_pipeline(StandardScaler(), NeuronClassifier(solver="gd"))
    search = GridSearchCV(pipeline, grid, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=2)).fit(X, y)
    assert "NeuronClassifier - fit" in capsys.readouterr().out
    plain = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_params_ == plain.best_params_
    assert bits(search.best_estimator_[-1]) == bits(plain.best_estimator_[-1])


def test_a_fit_works_with_a_scikit_learn_without_callbacks():
    code = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: (
    None if name == "sklearn.callback" else find_spec(name, *rest)
)
from oneneuron import NeuronClassifier
classifier = NeuronClassifier(alpha=0.01).fit([[0.0], [1.0], [2.0]], [0, 1, 1])
assert not hasattr(classifier, "set_callbacks")
print(classifier.predict([[0.0], [2.0]]))
"""
    assert printed_by(code) == "[0 1]\n"
