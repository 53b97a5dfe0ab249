"""The warnings of a training: each in its case and only there, with a remedy that helps."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import oneneuron
from oneneuron import NeuronClassifier, safe_eta
from oneneuron._diagnostics import is_saturated, unlike_scales


def made_samples(seed=0, n=200, d=3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, (X[:, 0] + rng.standard_normal(n) > 0).astype(int)


def warned_by(train):
    """What `train` gives, and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return train(), caught


def only_warning(classifier, X, y, **options):
    """The fitted classifier and the text of the only warning, which points here."""
    line = inspect.currentframe().f_lineno + 1
    found, caught = warned_by(lambda: classifier.fit(X, y, **options))
    assert [(w.filename, w.lineno) for w in caught] == [(__file__, line)]
    return found, caught[0].category, str(caught[0].message)


UNLIKE = np.array([1.0, 1.0, 1000.0])


# --- Cut short ---


def test_a_descent_on_unscaled_features_is_told_to_scale_them_or_to_use_lbfgs():
    X, y = made_samples()
    _, category, text = only_warning(NeuronClassifier(solver="gd", max_iter=300), UNLIKE * X, y)
    assert category is ConvergenceWarning and "stopped at max_iter=300" in text
    assert "The features are not scaled" in text and "e+02" in text
    assert "StandardScaler" in text and "solver='lbfgs'" in text and "Raise" not in text


def test_both_remedies_for_unscaled_features_help():
    X, y = made_samples()
    scaled = StandardScaler().fit_transform(UNLIKE * X)
    assert NeuronClassifier(solver="gd", max_iter=300).fit(scaled, y).stop_reason_ == "converged"
    assert NeuronClassifier(max_iter=300).fit(UNLIKE * X, y).stop_reason_ == "converged"


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_a_training_on_scaled_features_is_told_to_raise_max_iter_or_tol(solver):
    X, y = made_samples()
    _, category, text = only_warning(NeuronClassifier(solver=solver, max_iter=2), X, y)
    assert category is ConvergenceWarning and "stopped at max_iter=2 before" in text
    assert "Raise max_iter, or raise tol" in text and "scale" not in text
    for remedy in ({"max_iter": 1000}, {"max_iter": 2, "tol": 0.02}):
        assert NeuronClassifier(solver=solver, **remedy).fit(X, y).stop_reason_ == "converged"


def test_lbfgs_on_unscaled_features_is_not_told_to_scale_them():
    X, y = made_samples()
    _, _, text = only_warning(NeuronClassifier(max_iter=2), UNLIKE * X, y)
    assert "Raise max_iter, or raise tol" in text and "scale" not in text


@pytest.mark.parametrize(
    ("scales", "expected"),
    [
        ([1.0, 29.0], False),
        ([1.0, 31.0], True),
        ([31.0, 5.0, 1.0], True),
        ([1e-6, 2e-6], False),
        ([0.0, 1.0], False),
        ([0.0, 1.0, 40.0], True),
        ([0.0], False),
    ],
)
def test_scales_are_unlike_by_their_ratio_zeros_left_out(scales, expected):
    assert unlike_scales(np.array(scales)) == expected


# --- Saturated ---


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_a_neuron_that_starts_at_large_weights_is_told_that_it_is_saturated(solver):
    X, y = made_samples()
    start = [[50.0, -50.0, 50.0]], [0.0]
    found, category, text = only_warning(
        NeuronClassifier(solver=solver, init=start, alpha=0.0), X, y
    )
    assert category is ConvergenceWarning and "The neuron is saturated" in text
    assert "StandardScaler" in text and "init=None" in text and "n_init" in text
    assert found.stop_reason_ == "saturated"
    assert NeuronClassifier(solver=solver, alpha=0.0).fit(X, y).stop_reason_ == "converged"


def test_the_lectures_random_start_on_raw_data_is_saturated_where_the_gradient_alone_is_flat():
    X, y = load_breast_cancer(return_X_y=True)
    start = np.random.RandomState(0).random((1, 30)), np.zeros(1)
    classifier = NeuronClassifier(solver="gd", init=start, alpha=0.0)
    found, category, text = only_warning(classifier, X, y)
    assert category is ConvergenceWarning and "The neuron is saturated" in text
    assert found.n_iter_ < 10  # not for want of steps
    # Scaled, the classes can be told apart, and alpha keeps the minimum at finite weights.
    scaled = NeuronClassifier(solver="gd", init=start).fit(StandardScaler().fit_transform(X), y)
    assert scaled.stop_reason_ == "converged"


def test_a_neuron_that_can_do_no_better_than_a_guess_is_not_saturated():
    rng = np.random.default_rng(1)
    for X in (np.zeros((200, 2)), np.ones((200, 2)), rng.standard_normal((200, 2))):
        y = rng.integers(0, 2, 200)
        for loss in ("quadratic", "log"):
            assert NeuronClassifier(loss=loss).fit(X, y).stop_reason_ == "converged"


@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_rare_samples_without_an_intercept_are_not_called_saturated(loss):
    # The best constant is then 1/2, however rare a class is.
    X, _ = made_samples()
    y = np.arange(200) < 5
    found = NeuronClassifier(loss=loss, fit_intercept=False).fit(X, y)
    assert found.stop_reason_ == "converged"


def test_a_cost_above_a_guess_by_more_than_a_little_is_saturated():
    assert is_saturated(1.02, 1.0) and not is_saturated(1.005, 1.0) and not is_saturated(1.0, 0.0)


# --- eta ---


def test_a_cost_that_rises_under_a_large_eta_is_told_of_the_safe_one():
    X, y = made_samples()
    safe = safe_eta(X, None, 0.3)
    _, caught = warned_by(
        lambda: NeuronClassifier(solver="gd", eta=10 * safe, max_iter=100).fit(X, y)
    )
    (text,) = [str(w.message) for w in caught if w.category is RuntimeWarning]
    assert f"eta = {10 * safe:g} is 10 times {safe:.2g}" in text and "eta='auto'" in text
    assert {w.filename for w in caught} == {__file__}
    assert NeuronClassifier(solver="gd").fit(X, y).stop_reason_ == "converged"


def test_the_rises_that_are_told_are_those_of_the_curve():
    X, y = made_samples()
    found, caught = warned_by(
        lambda: NeuronClassifier(solver="gd", eta=0.6, max_iter=100).fit(X, y)
    )
    rises = np.count_nonzero(np.diff(found.loss_curve_) > 0)
    assert rises > 0
    assert any(f"The cost rose in {rises} of 100 steps" in str(w.message) for w in caught)


def test_a_large_eta_is_not_told_to_raise_max_iter():
    X, y = made_samples()
    classifier = NeuronClassifier(solver="gd", eta=10 * safe_eta(X, None, 0.3), max_iter=500)
    _, category, text = only_warning(classifier, X, y)
    assert category is RuntimeWarning and "The cost rose in" in text


@pytest.mark.parametrize("times", [2, 5])
def test_a_large_eta_under_which_the_cost_falls_is_nothing_to_warn_of(times):
    X, y = made_samples()
    eta = times * safe_eta(X, None, 0.3)
    assert np.all(np.diff(NeuronClassifier(solver="gd", eta=eta).fit(X, y).loss_curve_) <= 0)


def test_lbfgs_is_never_warned_of_eta():
    X, y = made_samples()
    NeuronClassifier(eta=1e6).fit(X, y)


# --- Divergence ---


def test_a_descent_that_diverges_is_told_of_a_smaller_eta():
    X, y = made_samples()
    found, category, text = only_warning(NeuronClassifier(solver="gd", eta=1e308), X, y)
    assert category is RuntimeWarning and "Training stopped at step 0" in text
    assert "smaller eta or eta='auto'" in text and "scale the features" in text
    assert np.isfinite(found.coef_).all() and found.stop_reason_ == "diverged"


def test_a_descent_that_diverges_over_many_steps_warns_in_our_words_alone():
    X, y = made_samples()
    found, caught = warned_by(lambda: NeuronClassifier(solver="gd", eta=200.0, alpha=0.3).fit(X, y))
    assert found.stop_reason_ == "diverged" and found.n_iter_ > 10
    assert {w.filename for w in caught} == {__file__}


def test_a_warning_of_eta_is_short_however_large_eta_is():
    X, y = made_samples()
    _, caught = warned_by(lambda: NeuronClassifier(solver="gd", eta=1e300).fit(X, y))
    assert max(len(str(w.message)) for w in caught) < 300


def test_a_divergence_in_partial_fit_and_in_train_points_at_its_caller():
    X, y = made_samples()
    for train in (
        lambda: NeuronClassifier(eta=1e308).partial_fit(X, y, classes=[0, 1]),
        lambda: oneneuron.train(X, y, eta=1e308, init=(np.zeros(3), 0.0), num_steps=5),
    ):
        _, caught = warned_by(train)
        assert [(w.category, w.filename) for w in caught] == [(RuntimeWarning, __file__)]


# --- One class ---


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
@pytest.mark.parametrize(
    ("labels", "weights", "name"),
    [
        (np.full(60, "yes"), None, "'yes'"),
        (np.ones(60, int), None, "1"),
        (np.arange(60) % 2, np.arange(60) % 2, "1"),
        (np.arange(60) % 3, np.where(np.arange(60) % 3 == 2, 0.5, 0.0), "2"),
    ],
    ids=["strings", "numbers", "by weights of two", "by weights of three"],
)
def test_one_class_that_counts_is_told_by_its_name(labels, weights, name, solver):
    X, _ = made_samples(n=60)
    classifier = NeuronClassifier(solver=solver)
    _, category, text = only_warning(classifier, X, labels, sample_weight=weights)
    assert category is UserWarning
    assert f"All samples are of one class, {name}:" in text and "filter" in text


# --- Nothing to warn of ---


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_wine])
@pytest.mark.parametrize("options", [{}, {"loss": "log"}, {"solver": "gd"}], ids=str)
def test_scaled_data_is_nothing_to_warn_of(load, options):
    X, y = load(return_X_y=True)
    _, caught = warned_by(
        lambda: NeuronClassifier(**options).fit(StandardScaler().fit_transform(X), y)
    )
    assert caught == []


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_wine])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_raw_data_is_nothing_to_warn_lbfgs_of(load, loss):
    X, y = load(return_X_y=True)
    _, caught = warned_by(lambda: NeuronClassifier(loss=loss).fit(X, y))
    assert caught == []
