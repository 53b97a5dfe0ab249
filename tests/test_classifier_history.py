"""The models, costs and lines that NeuronClassifier keeps, records and prints of a training."""

import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, bits, cost_and_gradient, make_classes, parameters_of

from oneneuron import NeuronClassifier, safe_eta

ignore_max_iter = pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
ignore_training_warnings = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning"
)


# --- loss_curve_ and loss_ ---


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_loss_curve_holds_the_cost_of_the_start_and_of_each_step(num_classes, solver):
    X, y, _ = make_classes(14, 200, 4, num_classes)
    for loss, cost_of_one in (("quadratic", 1 / 8), ("log", np.log(2))):
        found = NeuronClassifier(multi_class="ovr", solver=solver, loss=loss).fit(X, y)
        num_neurons = 1 if num_classes == 2 else num_classes
        assert found.loss_curve_.shape == (max(found.n_iter_) + 1,)
        # At zero weights every answer is 1/2. The tolerance covers the roundings of the sum.
        assert found.loss_curve_[0] == pytest.approx(num_neurons * 200 * cost_of_one, rel=1e-14)
        assert found.loss_curve_[-1] == pytest.approx(found.loss_, rel=1e-15)


def test_loss_curve_sums_the_neurons_and_a_finished_one_keeps_its_last_cost():
    X, y, _ = make_classes(15, 200, 4, 3)
    X[:, 0] += 4.0 * (y == 0)  # the neuron of class 0 needs fewer steps
    alone = [NeuronClassifier(multi_class="ovr").fit(X, y == k).loss_curve_ for k in range(3)]
    longest = max(map(len, alone))
    assert min(map(len, alone)) < longest
    padded = [np.append(curve, np.full(longest - len(curve), curve[-1])) for curve in alone]
    # Tiles hold one class each. With other classes, the sums have another order of additions.
    np.testing.assert_allclose(
        NeuronClassifier(multi_class="ovr").fit(X, y).loss_curve_, sum(padded), rtol=1e-12
    )


def cost_of(classifier, X, y, u=None):
    """Return the cost of a fitted binary classifier by the formula."""
    parameters = parameters_of(classifier)[0]
    is_second = y == classifier.classes_[1]
    return cost_and_gradient(parameters, X, is_second, u, classifier.alpha_, classifier.loss)[0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("keep", ["last", "best", "lowest"])
def test_loss_is_the_cost_of_the_kept_model(keep, solver, loss):
    X, y, rng = make_classes(16, 200, 4)
    u = rng.random(len(X))
    found = NeuronClassifier(keep=keep, solver=solver, loss=loss).fit(X, y, sample_weight=u)
    assert found.loss_ == pytest.approx(cost_of(found, X, y, u), rel=1e-13)  # 200 roundings


# --- keep ---


def oscillating_descent(keep="last"):
    """Fit with steps so large that cost and accuracy go up and down."""
    X, y, _ = make_classes(44, 200, 4)
    classifier = NeuronClassifier(
        solver="gd", eta=40 * safe_eta(X), max_iter=50, keep=keep, record_every=1, alpha=0.0
    )
    return classifier.fit(X, y)


@ignore_training_warnings
def test_keep_last_keeps_the_last_model():
    found = oscillating_descent()
    (history,) = found.history_
    assert bits(found) == bits((history.weights[-1:], history.bias[-1:]))


@ignore_training_warnings
def test_keep_best_keeps_the_first_model_of_the_highest_accuracy():
    found = oscillating_descent("best")
    (history,) = found.history_
    best = 1 + np.argmax(history.accuracy[1:])
    assert best < 50
    assert bits(found) == bits((history.weights[[best]], history.bias[[best]]))


@ignore_training_warnings
def test_keep_lowest_keeps_the_model_of_the_lowest_cost():
    found = oscillating_descent("lowest")
    (history,) = found.history_
    lowest = 1 + np.argmin(history.cost[1:])
    assert lowest < 50 and found.loss_ == history.cost[lowest]
    assert bits(found) == bits((history.weights[[lowest]], history.bias[[lowest]]))


@ignore_training_warnings
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_lbfgs_keeps_no_point_of_a_line_search_but_a_recorded_model(loss, dtype):
    for seed in range(30):
        X, y, rng = make_classes(seed, 60, 3, 3)
        # Tails so heavy that many line searches take several trial points.
        X = (X * np.exp(rng.standard_normal((60, 1)) * 2)).astype(dtype)
        options = dict(loss=loss, alpha=0.01, tol=0.0, max_iter=60, record_every=1)
        fits = {
            keep: NeuronClassifier(multi_class="ovr", keep=keep, **options).fit(X, y)
            for keep in ("last", "best", "lowest")
        }
        for k, history in enumerate(fits["last"].history_):
            kept = {
                "last": len(history.step) - 1,
                "best": 1 + np.argmax(history.accuracy[1:]),
                "lowest": 1 + np.argmin(history.cost[1:]),
            }
            for keep, step in kept.items():
                found = fits[keep]
                assert bits(found.history_[k]) == bits(history)
                assert found.coef_[k].tobytes() == history.weights[step].tobytes()
                assert found.intercept_[k] == history.bias[step].astype(dtype)


@ignore_training_warnings
def test_keep_does_not_change_the_loss_curve():
    curves = {
        oscillating_descent(keep).loss_curve_.tobytes() for keep in ("last", "best", "lowest")
    }
    assert len(curves) == 1


# --- history_ and eta_ ---


@ignore_max_iter
@pytest.mark.parametrize("solver", SOLVERS)
def test_history_holds_the_start_and_every_second_step_of_each_neuron(solver):
    X, y, _ = make_classes(39, 200, 4, 3)
    found = NeuronClassifier(
        multi_class="ovr", solver=solver, record_every=2, max_iter=7, tol=0.0
    ).fit(X, y)
    assert [h.step.tolist() for h in found.history_] == [[0, 2, 4, 6]] * 3
    # The costs of the neurons add up to the curve, but for three roundings.
    costs = sum(h.cost for h in found.history_)
    np.testing.assert_allclose(costs, found.loss_curve_[:7:2], rtol=1e-15)
    assert all(h.weights.shape == (4, 4) and h.accuracy.shape == (4,) for h in found.history_)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_history_of_each_neuron_is_that_of_the_neuron_alone(loss, solver):
    X, y, rng = make_classes(80, 200, 4, 3)
    X[:, 0] += 4.0 * (y == 0)  # the neurons end at different steps
    u = rng.random(len(X))
    options = dict(solver=solver, loss=loss, tol=1e-3, record_every=1)
    together = NeuronClassifier(multi_class="ovr", **options).fit(X, y, sample_weight=u)
    assert len({len(history.step) for history in together.history_}) > 1
    for k, history in enumerate(together.history_):
        (alone,) = (
            NeuronClassifier(multi_class="ovr", **options).fit(X, y == k, sample_weight=u).history_
        )
        assert history.step.tolist() == alone.step.tolist()
        # Tiles hold one class each. With other classes, the sums have another order of additions.
        np.testing.assert_allclose(history.weights, alone.weights, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(history.cost, alone.cost, rtol=1e-12)
        np.testing.assert_allclose(history.accuracy, alone.accuracy, rtol=1e-14)


@ignore_training_warnings
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_history_is_that_of_the_start_that_wins(num_classes, solver):
    X, y, rng = make_classes(81, 200, 4, num_classes)
    num_neurons = 1 if num_classes == 2 else num_classes
    options = dict(solver=solver, max_iter=5, record_every=1, alpha=1.0, loss="log")
    # After 5 steps from zero, the cost is lower than from any start that is drawn.
    first = NeuronClassifier(**options).fit(X, y)
    found = NeuronClassifier(n_init=3, random_state=0, **options).fit(X, y)
    assert bits(found) == bits(first)
    assert bits(found.history_) == bits(first.history_)
    assert found.loss_curve_.tobytes() == first.loss_curve_.tobytes()
    # And if that start is bad, another one wins.
    options["init"] = rng.standard_normal((num_neurons, 4)) + 30.0, np.zeros(num_neurons)
    bad = NeuronClassifier(**options).fit(X, y)
    found = NeuronClassifier(n_init=3, random_state=0, **options).fit(X, y)
    for history, other in zip(found.history_, bad.history_, strict=True):
        assert history.cost[0] < other.cost[0] and history.cost[-1] < other.cost[-1]
    np.testing.assert_allclose(sum(h.cost for h in found.history_), found.loss_curve_, rtol=1e-15)


def test_history_is_empty_by_default():
    X, y, _ = make_classes(40, 200, 4)
    assert [h.weights.shape for h in NeuronClassifier().fit(X, y).history_] == [(0, X.shape[1])]


def test_a_fit_without_record_every_clears_the_history_of_the_last_fit():
    X, y, _ = make_classes(41, 200, 4)
    classifier = NeuronClassifier(record_every=1).fit(X, y).set_params(record_every=0).fit(X, y)
    assert len(classifier.history_[0].step) == 0


def test_eta_attribute_is_the_step_size_used():
    X, y, rng = make_classes(42, 200, 4)
    u = rng.random(len(X))
    found = NeuronClassifier(solver="gd", alpha=2.0, loss="log").fit(X, y, sample_weight=u)
    assert found.eta_ == safe_eta(X, sample_weight=u, alpha=2.0, loss="log")
    assert NeuronClassifier(solver="gd", eta=0.01).fit(X, y).eta_ == 0.01
    assert NeuronClassifier(eta=0.01).fit(X, y).eta_ is None


@ignore_training_warnings
@pytest.mark.parametrize("record_every", [1, 2, 5])
def test_a_descent_that_diverges_has_no_step_twice(record_every):
    X, y, _ = make_classes(78, 200, 4)
    classifier = NeuronClassifier(solver="gd", eta=200.0, alpha=0.3, record_every=record_every)
    found = classifier.fit(X, y)
    (history,) = found.history_
    assert found.stop_reason_ == "diverged" and found.n_iter_[0] > 50
    assert history.step.tolist() == list(range(0, found.n_iter_[0] + 1, record_every))
    assert found.loss_curve_.shape == (max(found.n_iter_) + 1,)
    assert history.cost.tolist() == found.loss_curve_[::record_every].tolist()


def test_a_descent_that_diverges_at_the_start_records_it_once():
    X, y, _ = make_classes(79, 200, 4)
    with pytest.warns(RuntimeWarning, match="Training stopped at step 0"):
        found = NeuronClassifier(solver="gd", eta=1e308, record_every=1).fit(X, y)
    assert found.history_[0].step.tolist() == [0] and found.loss_curve_.shape == (1,)


# --- Printed lines ---


def test_nothing_is_printed_by_default(capsys):
    X, y, _ = make_classes(61, 200, 4)
    NeuronClassifier().fit(X, y)
    assert capsys.readouterr().out == ""


def test_verbose_prints_how_each_training_ends(capsys):
    X, y, _ = make_classes(62, 200, 4, 3)
    found = NeuronClassifier(multi_class="ovr", verbose=1, record_every=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    expected = [
        f"neuron {k + 1} of 3, step {h.step[-1]}: cost {h.cost[-1]:.6g}, accuracy "
        f"{100 * h.accuracy[-1]:.1f} % (converged)"
        for k, h in enumerate(found.history_)
    ]
    assert lines == expected


@ignore_max_iter
def test_verbose_prints_every_1000_steps(capsys):
    X, y, _ = make_classes(63, 200, 4)
    NeuronClassifier(solver="gd", verbose=1, max_iter=2500, tol=0.0, eta=1e-5).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"neuron 1 of 1, step {step}" for step in (1000, 2000, 2500)
    ]
    assert lines[-1].endswith("(max_iter)")


@ignore_max_iter
def test_verbose_prints_the_neurons_and_their_starts_side_by_side(capsys):
    X, y, _ = make_classes(82, 200, 4, 3)
    options = dict(solver="gd", max_iter=2500, tol=0.0, eta=1e-5, random_state=0)
    found = NeuronClassifier(
        multi_class="ovr", n_init=2, verbose=1, record_every=2500, **options
    ).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    starts = [f"neuron {k} of 3, start {i} of 2" for k in (1, 2, 3) for i in (1, 2)]
    assert [line.split(":")[0] for line in lines] == [
        f"{start}, step {step}" for step in (1000, 2000, 2500) for start in starts
    ]
    last = lines[-6:]
    assert all(line.endswith("(max_iter)") for line in last)
    for k, history in enumerate(found.history_):  # the winners are among them
        ending = f"step 2500: cost {history.cost[-1]:.6g}, "
        assert sum(ending in line for line in last[2 * k : 2 * k + 2]) == 1


@pytest.mark.filterwarnings("ignore:Training stopped")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("options", [{"verbose": 1}, {"record_every": 1}])
def test_recording_and_printing_change_no_bit(options, solver):
    X, y, _ = make_classes(64, 200, 4)
    options = {"solver": solver, "max_iter": 1500, **options}
    found = NeuronClassifier(**options).fit(X, y)
    assert bits(found) == bits(NeuronClassifier(solver=solver, max_iter=1500).fit(X, y))
