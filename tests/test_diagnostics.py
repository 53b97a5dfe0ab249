"""The warnings of a training: each comes in its case only, and its remedy helps."""

import inspect
import warnings

import numpy as np
import pytest
from helpers import make_classes, make_samples
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import oneneuron
from oneneuron import NeuronClassifier, safe_eta
from oneneuron._diagnostics import OF_TRAIN, Ending, unlike_scales, warn_of_descent
from oneneuron.lecture.example1 import get_data
from oneneuron.lecture.first_network import build_model


def warned_by(train):
    """Return the result of `train`, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return train(), caught


def only_warning(classifier, X, y, **options):
    """Return the fitted classifier, and the category and text of its only warning.

    The warning must point at the line that called fit.
    """
    line = inspect.currentframe().f_lineno + 1
    found, caught = warned_by(lambda: classifier.fit(X, y, **options))
    assert [(w.filename, w.lineno) for w in caught] == [(__file__, line)]
    return found, caught[0].category, str(caught[0].message)


def ending(**changes):
    """Return how a training ended: by default, well."""
    well = dict(
        num_steps=1000, cost=1.0, guess_cost=10.0, num_rises=0, eta=0.1, is_flat=lambda: True,
        means=lambda: np.zeros(2), scales=lambda: np.ones(2), safe_eta=lambda: 0.1,
    )  # fmt: skip
    return Ending(**well | changes)


UNLIKE = np.array([1.0, 1.0, 1000.0])


@pytest.mark.parametrize(
    "train",
    [
        lambda X, y: oneneuron.train(X, y, eta=1e-9, random_state=0),
        lambda X, y: NeuronClassifier(max_iter=3).fit(X, y),
    ],
    ids=["train", "fit"],
)
def test_the_same_mistake_on_the_same_line_warns_each_time(train):
    X, y, _ = make_samples(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            train(X, y)
    assert len(caught) == 3
    assert len({str(warning.message) for warning in caught}) == 1


# --- max_iter ---


def test_max_iter_on_unscaled_features_advises_to_scale_them_or_to_use_lbfgs():
    X, y, _ = make_samples(0)
    _, category, text = only_warning(NeuronClassifier(solver="gd", max_iter=300), UNLIKE * X, y)
    assert category is ConvergenceWarning and "stopped at max_iter=300" in text
    assert "The features are not scaled" in text and "e+02" in text
    assert "StandardScaler" in text and "solver='lbfgs'" in text and "Raise" not in text


def test_both_remedies_for_unscaled_features_help():
    X, y, _ = make_samples(0)
    scaled = StandardScaler().fit_transform(UNLIKE * X)
    assert NeuronClassifier(solver="gd", max_iter=300).fit(scaled, y).stop_reason_ == "converged"
    assert NeuronClassifier(max_iter=300).fit(UNLIKE * X, y).stop_reason_ == "converged"


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_max_iter_on_scaled_features_advises_to_raise_max_iter_or_tol(solver):
    X, y, _ = make_samples(0)
    _, category, text = only_warning(NeuronClassifier(solver=solver, max_iter=2), X, y)
    assert category is ConvergenceWarning and "stopped at max_iter=2 before" in text
    assert "Raise max_iter, or raise tol" in text and "scale" not in text
    for remedy in ({"max_iter": 1000}, {"max_iter": 2, "tol": 0.02}):
        assert NeuronClassifier(solver=solver, **remedy).fit(X, y).stop_reason_ == "converged"


def test_max_iter_of_lbfgs_does_not_advise_to_scale_the_features():
    X, y, _ = make_samples(0)
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
def test_unlike_scales_have_a_ratio_above_30_without_zeros(scales, expected):
    assert unlike_scales(np.array(scales)) == expected


# --- Saturated ---


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_a_start_at_large_weights_warns_of_saturation(solver):
    X, y, _ = make_samples(0)
    start = [[50.0, -50.0, 50.0]], [0.0]
    # At most 1 of 200 samples has a slope, so gradient descent would take 10^6 steps to tol=1e-5.
    found, category, text = only_warning(
        NeuronClassifier(solver=solver, init=start, alpha=0.0, tol=2e-4), X, y
    )
    assert category is ConvergenceWarning and "The neuron is saturated" in text
    assert "StandardScaler" in text and "init=None" in text and "n_init" in text
    assert found.stop_reason_ == "saturated"
    assert NeuronClassifier(solver=solver, alpha=0.0).fit(X, y).stop_reason_ == "converged"


def test_the_lectures_random_start_on_raw_data_warns_of_saturation():
    X, y = load_breast_cancer(return_X_y=True)
    start = np.random.RandomState(0).random((1, 30)), np.zeros(1)
    classifier = NeuronClassifier(solver="gd", init=start, alpha=0.0)
    found, category, text = only_warning(classifier, X, y)
    assert category is ConvergenceWarning and "The neuron is saturated" in text
    assert max(found.n_iter_) < 10  # it did not run out of steps
    # On scaled features it learns, and alpha keeps the minimum at finite weights.
    scaled = NeuronClassifier(solver="gd", init=start).fit(StandardScaler().fit_transform(X), y)
    assert scaled.stop_reason_ == "converged"


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_rare_class_with_a_large_tol_advises_to_use_a_smaller_one(num_classes, solver):
    X, *_ = make_samples(0)
    y = np.arange(200) < 3 if num_classes == 2 else np.minimum(np.arange(200) // 3, 2)
    options = dict(solver=solver, multi_class="ovr", max_iter=100_000)
    found, category, text = only_warning(NeuronClassifier(tol=0.1, **options), X, y)
    assert category is ConvergenceWarning and found.stop_reason_ == "saturated"
    assert "tol=0.1 is too large" in text and "such as 0.001." in text and "scale" not in text
    assert NeuronClassifier(tol=0.001, **options).fit(X, y).stop_reason_ == "converged"


def test_a_model_no_better_than_a_guess_has_converged_if_nothing_better_exists():
    rng = np.random.default_rng(1)
    for X in (np.zeros((200, 2)), np.ones((200, 2)), rng.standard_normal((200, 2))):
        y = rng.integers(0, 2, 200)
        for loss in ("quadratic", "log"):
            assert NeuronClassifier(loss=loss).fit(X, y).stop_reason_ == "converged"


@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_a_rare_class_without_an_intercept_is_not_called_saturated(loss):
    # Without a bias, the best constant guess is 1/2, however rare a class is.
    X, *_ = make_samples(0)
    y = np.arange(200) < 5
    found = NeuronClassifier(loss=loss, fit_intercept=False).fit(X, y)
    assert found.stop_reason_ == "converged"


@pytest.mark.parametrize(
    ("cost", "guess_cost", "expected"), [(1.02, 1.0, True), (1.005, 1.0, False), (1.0, 0.0, False)]
)
def test_a_cost_more_than_1_percent_above_a_guess_is_worse_than_one(cost, guess_cost, expected):
    assert ending(cost=cost, guess_cost=guess_cost).is_worse_than_a_guess == expected


# --- Separable samples ---


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_separable_samples_without_a_penalty_warn_of_a_cost_without_a_minimum(
    num_classes, multi_class, loss, solver
):
    y = np.arange(60) % num_classes
    X = 3.0 * np.eye(3)[y] + np.random.default_rng(0).random((60, 3))
    options = dict(multi_class=multi_class, loss=loss, solver=solver, tol=1e-2)
    _, category, text = only_warning(NeuronClassifier(alpha=0.0, **options), X, y)
    assert category is ConvergenceWarning
    assert "alpha = 0, so the cost has no minimum" in text and "Use alpha > 0" in text
    _, caught = warned_by(lambda: NeuronClassifier(**options).fit(X, y))
    assert caught == []


@pytest.mark.parametrize("loss", ["quadratic", "log"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_samples_that_overlap_do_not_warn_without_a_penalty(num_classes, loss):
    X, y, _ = make_classes(3, 200, 2, num_classes)
    X = X / 10.0
    _, caught = warned_by(lambda: NeuronClassifier(alpha=0.0, loss=loss).fit(X, y))
    assert caught == []


def test_separable_samples_do_not_advise_to_raise_max_iter():
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    classifier = NeuronClassifier(solver="gd", alpha=0.0, max_iter=50)
    *_, text = only_warning(classifier, X, y)
    assert "no minimum" in text and classifier.stop_reason_ == "max_iter"


def test_wrong_samples_of_weight_0_do_not_hide_that_the_others_are_separable():
    X, y = [[0.0], [1.0], [2.0], [3.0], [9.0]], [0, 0, 1, 1, 0]
    classifier = NeuronClassifier(alpha=0.0)
    *_, text = only_warning(classifier, X, y, sample_weight=[1, 1, 1, 1, 0])
    assert "no minimum" in text


# --- eta ---


def test_a_rising_cost_warns_and_names_the_safe_eta():
    X, y, _ = make_samples(0)
    safe = safe_eta(X, alpha=0.3)
    _, caught = warned_by(
        lambda: NeuronClassifier(solver="gd", eta=10 * safe, max_iter=100).fit(X, y)
    )
    (text,) = [str(w.message) for w in caught if w.category is RuntimeWarning]
    assert f"eta = {10 * safe:g} is 10 times {safe:.2g}" in text and "eta='auto'" in text
    assert {w.filename for w in caught} == {__file__}
    assert NeuronClassifier(solver="gd").fit(X, y).stop_reason_ == "converged"


def test_the_warning_counts_the_rises_of_the_loss_curve():
    X, y, _ = make_samples(0)
    found, caught = warned_by(
        lambda: NeuronClassifier(solver="gd", eta=0.6, max_iter=100).fit(X, y)
    )
    rises = np.count_nonzero(np.diff(found.loss_curve_) > 0)
    assert rises > 0
    assert any(f"The cost rose in {rises} of 100 steps" in str(w.message) for w in caught)


def test_a_rising_cost_does_not_advise_to_raise_max_iter():
    X, y, _ = make_samples(0)
    classifier = NeuronClassifier(solver="gd", eta=10 * safe_eta(X, alpha=0.3), max_iter=500)
    _, category, text = only_warning(classifier, X, y)
    assert category is RuntimeWarning and "The cost rose in" in text


@pytest.mark.parametrize("times", [2, 5])
def test_a_large_eta_with_a_falling_cost_does_not_warn(times):
    X, y, _ = make_samples(0)
    eta = times * safe_eta(X, alpha=0.3)
    # With 5 times, the steps get nearer to the minimum until they jump from side to side of it.
    # This tol ends the training before.
    found = NeuronClassifier(solver="gd", eta=eta, tol=2e-4).fit(X, y)
    assert max(found.n_iter_) > 3 and np.all(np.diff(found.loss_curve_) <= 0)


def test_lbfgs_is_never_warned_of_eta():
    X, y, _ = make_samples(0)
    NeuronClassifier(eta=1e6).fit(X, y)


# --- The rules for descents ---

NOT_FLAT = dict(is_flat=lambda: False)
WORSE = dict(cost=10.2)  # than a guess
TINY = dict(eta=0.9e-4)  # below a thousandth of 1/L
UNSCALED = dict(scales=lambda: np.array([1.0, 31.0]))
FAR = dict(means=lambda: np.array([0.0, -31.0]))
LARGE = dict(num_rises=7, eta=0.41)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (LARGE, "The cost rose in 7 of 1,000 steps: eta = 0.41 is 4.1 times"),
        (LARGE | UNSCALED, "The cost rose in 7 .* not scaled: .* Scale the features first, then"),
        (WORSE, "is saturated and has learned nothing: .* cost only 10. Scale"),
        (WORSE | UNSCALED, "is saturated .* deviations range from 1 to 31. Scale"),
        (WORSE | NOT_FLAT, "learned nothing: after 1,000 steps, the cost is 10.2, and the same"),
        (WORSE | NOT_FLAT | TINY, "learned nothing: .* Its steps are too small: eta = 9e-05 is"),
        (WORSE | NOT_FLAT | UNSCALED, "learned nothing: .* The features are not scaled"),
        (NOT_FLAT | TINY, "learned little: .* steps are too small: eta = 9e-05 is 0.0009 times"),
        (NOT_FLAT | UNSCALED, "learned little: .* deviations range from 1 to 31"),
        (NOT_FLAT | FAR, "learned little: .* far from zero: its mean is 31 times its standard"),
        (NOT_FLAT | TINY | dict(num_steps=100), "learned little"),
    ],
    ids=[
        "rises", "rises, unscaled", "saturated", "saturated, unscaled", "nothing",
        "nothing, tiny eta", "nothing, unscaled", "tiny eta", "unscaled", "far", "100 steps",
    ],
)  # fmt: skip
def test_a_failed_descent_warns_with_the_reason(changes, expected):
    with pytest.warns(RuntimeWarning, match=expected):
        warn_of_descent(ending(**changes), OF_TRAIN)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        dict(num_rises=7, eta=0.39),
        dict(eta=100.0),
        dict(cost=10.05),
        dict(cost=5.0, guess_cost=0.0),
        NOT_FLAT,
        NOT_FLAT | dict(eta=1.1e-4),
        NOT_FLAT | dict(scales=lambda: np.array([1.0, 29.0])),
        NOT_FLAT | dict(means=lambda: np.array([29.0, -29.0])),
        TINY | UNSCALED,
        WORSE | dict(num_steps=99),
    ],
    ids=[
        "well", "rises below 4/L", "no rise", "1 % above a guess", "one class", "not flat",
        "eta above 1e-3/L", "scales of 29", "means of 29", "flat", "99 steps",
    ],
)  # fmt: skip
def test_a_descent_that_nearly_failed_does_not_warn(changes):
    _, caught = warned_by(lambda: warn_of_descent(ending(**changes), OF_TRAIN))
    assert caught == []


def by_train(X, y, eta, num_steps=1000):
    return oneneuron.train(X, y, eta=eta, num_steps=num_steps)


def by_build_model(X, y, eta, num_steps=1000):
    return build_model(X, y, eta, num_steps, print_best=False)


both = pytest.mark.parametrize("train", [by_train, by_build_model])


def warning_of_descent(train, X, y, eta, **options):
    """Return the text of the only warning of a descent from the start of seed 0; "" if none."""
    np.random.seed(0)
    _, caught = warned_by(lambda: train(X, y, eta, **options))
    assert [w.category for w in caught] in ([], [RuntimeWarning])
    assert {w.filename for w in caught} <= {__file__}
    return str(caught[0].message) if caught else ""


@both
def test_raw_digits_saturate_the_lectures_neuron_and_standardised_ones_do_not(train):
    X, digits = load_digits(return_X_y=True)
    text = warning_of_descent(train, X, digits == 0, "auto")
    assert "is saturated" in text and "would cost only 80.2" in text and "StandardScaler" in text
    scaled = StandardScaler().fit_transform(X)
    assert warning_of_descent(train, scaled, digits == 0, "auto") == ""


@both
def test_steps_of_the_lectures_size_are_large_enough_and_a_thousandth_of_it_is_not(train):
    np.random.seed(1)
    X, _, y, _ = get_data(500)
    text = warning_of_descent(train, X, y, 5e-8, num_steps=10_000)
    assert "Its steps are too small: eta = 5e-08 is 1.02e-05 times 0.0049" in text
    assert warning_of_descent(train, X, y, 5e-5, num_steps=10_000) == ""


@both
def test_a_feature_a_thousand_times_larger_warns_and_one_ten_times_larger_does_not(train):
    X, y, _ = make_samples(0)
    text = warning_of_descent(train, X * [1, 1, 1000], y, "auto", num_steps=200)
    assert "The features are not scaled: their standard deviations range from" in text
    assert warning_of_descent(train, X * [1, 1, 10], y, "auto", num_steps=200) == ""


@both
def test_features_far_from_zero_warn_and_centred_ones_do_not(train):
    X, y, _ = make_samples(0)
    text = warning_of_descent(train, X + 1000, y, "auto", num_steps=200)
    assert "A feature is far from zero: its mean is" in text
    assert warning_of_descent(train, X, y, "auto", num_steps=200) == ""


@both
def test_a_rising_cost_of_the_lectures_neuron_warns(train):
    X, y, _ = make_samples(0)
    text = warning_of_descent(train, X, y, 20 * safe_eta(X))
    assert "is 20 times" in text and "Use eta='auto' or a smaller eta" in text
    assert warning_of_descent(train, X, y, safe_eta(X)) == ""


def test_the_rises_are_those_of_the_recorded_costs():
    X, y, _ = make_samples(0)
    descent, caught = warned_by(
        lambda: oneneuron.train(X, y, eta=0.6, num_steps=100, random_state=0, record_every=1)
    )
    rises = np.count_nonzero(np.diff(descent.history.cost) > 0)
    assert rises > 0 and f"rose in {rises} of 100 steps" in str(caught[0].message)


def test_features_whose_squares_overflow_do_not_stop_the_rules():
    X, y, _ = make_samples(0)
    descent = oneneuron.train(1e200 * X, y, eta=1e-250, num_steps=200, init=(np.zeros(3), 0.0))
    assert descent.num_steps == 200


def test_a_classifier_with_a_tiny_eta_advises_a_larger_one():
    X, y, _ = make_samples(0)
    *_, text = only_warning(NeuronClassifier(solver="gd", eta=1e-6, max_iter=300), X, y)
    assert "stopped at max_iter=300" in text and "Its steps are too small: eta = 1e-06" in text


# --- Divergence ---


def test_a_descent_that_diverges_advises_a_smaller_eta():
    X, y, _ = make_samples(0)
    found, category, text = only_warning(NeuronClassifier(solver="gd", eta=1e308), X, y)
    assert category is RuntimeWarning and "Training stopped at step 0" in text
    assert f"eta = 1e+308 is far above {safe_eta(X, alpha=0.3):.2g}, a step" in text
    assert "Use eta='auto' or a smaller eta, or scale the features" in text
    assert np.isfinite(found.coef_).all() and found.stop_reason_ == "diverged"


def test_a_descent_that_diverges_on_features_whose_squares_overflow_says_that_eta_is_too_large():
    X, y, _ = make_samples(0)
    start = np.zeros(3), 0.0
    _, caught = warned_by(lambda: oneneuron.train(1e200 * X, y, eta=1e300, init=start))
    assert "eta = 1e+300 is too large for these features" in str(caught[0].message)


def test_a_descent_that_diverges_after_many_steps_gives_no_warnings_of_numpy():
    X, y, _ = make_samples(0)
    found, caught = warned_by(lambda: NeuronClassifier(solver="gd", eta=200.0, alpha=0.3).fit(X, y))
    assert found.stop_reason_ == "diverged" and max(found.n_iter_) > 10
    assert {w.filename for w in caught} == {__file__}


@pytest.mark.parametrize(("eta", "reason"), [(5.0, "saturated"), (50.0, "diverged")])
def test_a_descent_that_too_large_steps_saturate_or_diverge_gives_one_warning(eta, reason):
    X, _, y, _ = get_data(500, random_state=1)
    found, category, text = only_warning(NeuronClassifier(solver="gd", eta=eta), X, y)
    assert found.stop_reason_ == reason and category is RuntimeWarning
    assert f"eta = {eta:g} is " in text and "or a smaller eta" in text


def test_the_warning_of_a_huge_eta_is_short():
    X, y, _ = make_samples(0)
    _, caught = warned_by(lambda: NeuronClassifier(solver="gd", eta=1e300).fit(X, y))
    assert max(len(str(w.message)) for w in caught) < 300


def test_divergence_in_partial_fit_and_train_points_at_their_caller():
    X, y, _ = make_samples(0)
    for train in (
        lambda: NeuronClassifier(eta=1e308).partial_fit(X, y, classes=[0, 1]),
        lambda: oneneuron.train(X, y, eta=1e308, init=(np.zeros(3), 0.0), num_steps=5),
    ):
        _, caught = warned_by(train)
        assert [(w.category, w.filename) for w in caught] == [(RuntimeWarning, __file__)]


# --- One class ---


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
@pytest.mark.parametrize(
    ("labels", "sample_weight", "name"),
    [
        (np.full(60, "yes"), None, "'yes'"),
        (np.ones(60, int), None, "1"),
        (np.arange(60) % 2, np.arange(60) % 2, "1"),
        (np.arange(60) % 3, np.where(np.arange(60) % 3 == 2, 0.5, 0.0), "2"),
    ],
    ids=["strings", "numbers", "by weights of two", "by weights of three"],
)
def test_a_single_class_of_positive_weight_warns_with_its_label(
    labels, sample_weight, name, solver
):
    X, *_ = make_samples(0, 60)
    classifier = NeuronClassifier(solver=solver, tol=1e-4)
    _, category, text = only_warning(classifier, X, labels, sample_weight=sample_weight)
    assert category is UserWarning
    assert f"All samples are of one class, {name}, so" in text and "filter" in text


@both
def test_a_descent_on_a_single_class_warns_with_its_label(train):
    X, y, _ = make_samples(0)
    _, caught = warned_by(lambda: train(X, np.ones_like(y), 0.01))
    assert [w.category for w in caught] == [UserWarning]
    assert "All samples are of one class, 1, so" in str(caught[0].message)


# --- No warning ---


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_wine])
# Descents on wine take 27,000 steps: with so weak a penalty, the cost is flat in some directions.
@pytest.mark.parametrize(
    "options", [{}, {"loss": "log"}, {"solver": "gd", "max_iter": 30_000}], ids=str
)
def test_a_fit_on_scaled_data_does_not_warn(load, options):
    X, y = load(return_X_y=True)
    _, caught = warned_by(
        lambda: NeuronClassifier(**options).fit(StandardScaler().fit_transform(X), y)
    )
    assert caught == []


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_wine])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_lbfgs_on_raw_data_does_not_warn(load, loss):
    X, y = load(return_X_y=True)
    _, caught = warned_by(lambda: NeuronClassifier(loss=loss).fit(X, y))
    assert caught == []
