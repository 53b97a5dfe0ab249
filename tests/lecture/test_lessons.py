"""The data for lessons: the effect that each docstring claims happens."""

import inspect

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import oneneuron
from oneneuron import NeuronClassifier, reference
from oneneuron.lecture import lessons

LESSONS = [
    lessons.get_two_minima, lessons.get_outliers, lessons.get_wrong_labels,
    lessons.get_unlike_scales,
]  # fmt: skip
SEEDS = range(5)

every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.__name__)
every_seed = pytest.mark.parametrize("seed", SEEDS)

# The descents below are meant to fail, and may say so.
pytestmark = pytest.mark.filterwarnings("ignore")


def descend(X, y, weights=(0.0, 0.0), bias=0.0):
    """Return the last model of 10,000 safe steps."""
    return oneneuron.train(X, y, eta="auto", init=(weights, bias)).last


def accuracy(model, X, y):
    return reference.accuracy(X, y, model.weights, model.bias)


# --- All lessons ---


@every_lesson
def test_a_fifth_of_the_samples_is_held_out(lesson):
    shapes = [part.shape for part in lesson(500, random_state=0)]
    assert shapes == [(400, 2), (100, 2), (400,), (100,)]


@every_lesson
def test_the_default_is_500_samples_as_in_the_lecture(lesson):
    assert inspect.signature(lesson).parameters["n"].default == 500


@every_lesson
def test_the_same_seed_draws_the_same_samples(lesson):
    pairs = zip(lesson(random_state=3), lesson(random_state=3), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@every_lesson
def test_samples_are_drawn_from_numpys_global_state_by_default(lesson):
    np.random.seed(3)
    pairs = zip(lesson(), lesson(random_state=3), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@every_lesson
def test_a_generator_is_accepted(lesson):
    draws = (
        lesson(random_state=np.random.default_rng(0)),
        lesson(random_state=np.random.default_rng(0)),
    )
    assert all(np.array_equal(a, b) for a, b in zip(*draws, strict=True))


@every_lesson
def test_every_part_has_both_classes_in_the_smallest_lesson(lesson):
    _, _, train_value, test_value = lesson(50, random_state=0)
    assert set(train_value) == set(test_value) == {0, 1}


@every_lesson
@pytest.mark.parametrize(("n", "error"), [(49, ValueError), (2.5, TypeError)])
def test_a_bad_n_raises(lesson, n, error):
    with pytest.raises(error, match="n must be"):
        lesson(n)


# --- Two minima ---


@every_seed
def test_opposite_starts_end_at_opposite_lines(seed):
    X, _, y, _ = lessons.get_two_minima(random_state=seed)
    left, right = (descend(X, y, (w, 0.0), -3.0) for w in (-1.0, 1.0))
    assert left.weights[0] < -1 and right.weights[0] > 1


@every_seed
@pytest.mark.parametrize("w", [-1.0, 1.0])
def test_each_line_is_a_minimum_of_the_quadratic_cost_with_the_default_penalty(seed, w):
    X, _, y, _ = lessons.get_two_minima(random_state=seed)
    end = NeuronClassifier(init=([[w, 0.0]], [-3.0])).fit(X, y)
    assert end.stop_reason_ == "converged" and np.sign(end.coef_[0, 0]) == w

    def cost(weights, bias):
        return reference.cost(X, y, weights, bias) + 0.3 / 2 * weights @ weights

    lowest = cost(end.coef_[0], end.intercept_[0])
    for *weights, bias in 0.1 * np.random.default_rng(seed).standard_normal((50, 3)):
        assert cost(end.coef_[0] + weights, end.intercept_[0] + bias) > lowest


@every_seed
def test_the_left_line_gets_87_percent_right_and_the_right_line_81(seed):
    X, _, y, _ = lessons.get_two_minima(random_state=seed)
    left, right = (descend(X, y, (w, 0.0), -3.0) for w in (-1.0, 1.0))
    assert [left.accuracy, right.accuracy] == pytest.approx([0.87, 0.81], abs=0.025)


@every_seed
def test_the_lectures_starts_end_on_the_left(seed):
    X, _, y, _ = lessons.get_two_minima(random_state=seed)
    assert oneneuron.train(X, y, eta="auto", random_state=seed).last.weights[0] < -1


@every_seed
def test_the_log_loss_ends_at_small_weights_from_both_starts(seed):
    X, _, y, _ = lessons.get_two_minima(random_state=seed)
    ends = [
        NeuronClassifier(loss="log", init=([[w, 0.0]], [-3.0])).fit(X, y).coef_ for w in (-1.0, 1.0)
    ]
    np.testing.assert_allclose(*ends, atol=1e-3)
    assert np.abs(ends).max() < 0.5


# --- Outliers ---


def far(X):
    return X[:, 0] > 10


@every_seed
def test_one_training_sample_in_25_is_an_outlier_of_class_0(seed):
    X, X_test, y, _ = lessons.get_outliers(random_state=seed)
    assert far(X).sum() == 16 and not y[far(X)].any()
    assert not far(X_test).any()


@every_seed
def test_outliers_cost_logistic_regression_many_test_samples_and_the_neuron_none(seed):
    X, X_test, y, y_test = lessons.get_outliers(random_state=seed)
    clean = ~far(X)
    expected = NeuronClassifier().fit(X[clean], y[clean]).score(X_test, y_test)
    assert NeuronClassifier().fit(X, y).score(X_test, y_test) > expected - 0.015
    assert LogisticRegression().fit(X, y).score(X_test, y_test) < expected - 0.04


def test_outliers_further_away_mislead_some_descents_from_zero_but_not_the_best_of_ten():
    one_start, ten_starts = [], []
    for seed in range(10):
        X, X_test, y, y_test = lessons.get_outliers(random_state=seed)
        X[far(X)] += (10.0, 0.0)
        for n_init, scores in ((1, one_start), (10, ten_starts)):
            model = NeuronClassifier(n_init=n_init, random_state=0).fit(X, y)
            scores.append(model.score(X_test, y_test))
    assert sum(score < 0.8 for score in one_start) >= 3
    assert min(ten_starts) > 0.88


# --- Wrong labels ---


@every_seed
def test_three_tenths_of_class_1_are_labelled_0_in_the_training_samples(seed):
    X, X_test, y, y_test = lessons.get_wrong_labels(random_state=seed)
    # The clouds are four standard deviations apart, so this tells them apart but for a few samples.
    assert np.mean(y[X[:, 0] > 0] == 0) == pytest.approx(0.3, abs=0.04)
    assert np.mean(y[X[:, 0] < 0] == 1) < 0.04
    assert np.mean((X_test[:, 0] > 0) == y_test) > 0.93


def test_wrong_labels_cost_the_neuron_fewer_test_samples_than_logistic_regression():
    gains = []
    for seed in range(10):
        X, X_test, y, y_test = lessons.get_wrong_labels(random_state=seed)
        ours, theirs = NeuronClassifier().fit(X, y), LogisticRegression().fit(X, y)
        gains.append(ours.score(X_test, y_test) - theirs.score(X_test, y_test))
    assert min(gains) >= 0
    assert np.mean(gains) == pytest.approx(0.04, abs=0.01)


@pytest.mark.parametrize(
    "model", [NeuronClassifier(), LogisticRegression()], ids=["ours", "theirs"]
)
def test_wrong_labels_on_both_sides_do_little_harm(model):
    for seed in SEEDS:
        X, X_test, _, y_test = lessons.get_wrong_labels(random_state=seed)
        y = (X[:, 0] > 0).astype(int)
        y[np.random.default_rng(seed).random(len(y)) < 0.15] ^= 1
        assert model.fit(X, y).score(X_test, y_test) > 0.92


@every_seed
def test_most_of_the_largest_errors_are_at_wrong_labels(seed):
    X, _, y, _ = lessons.get_wrong_labels(random_state=seed)
    is_wrong = (X[:, 0] > 0) & (y == 0)
    error = np.abs(NeuronClassifier().fit(X, y).predict_proba(X)[:, 1] - y)
    assert is_wrong[np.argsort(error)[-is_wrong.sum() :]].mean() > 0.6


# --- Unlike scales ---


@every_seed
def test_the_second_feature_is_about_a_thousand_times_larger(seed):
    first, second = lessons.get_unlike_scales(random_state=seed)[0].std(axis=0)
    assert 500 < second / first < 1000


@every_seed
def test_a_safe_descent_is_slow_until_the_features_are_scaled(seed):
    X, X_test, y, y_test = lessons.get_unlike_scales(random_state=seed)
    scale = X.std(axis=0)
    assert accuracy(descend(X, y), X_test, y_test) < 0.85
    assert accuracy(descend(X / scale, y), X_test / scale, y_test) > 0.94


@every_seed
def test_lbfgs_needs_no_scaling(seed):
    X, X_test, y, y_test = lessons.get_unlike_scales(random_state=seed)
    assert NeuronClassifier().fit(X, y).score(X_test, y_test) > 0.94


@every_seed
def test_most_outputs_are_0_or_1_at_the_lectures_start(seed):
    X, _, _, _ = lessons.get_unlike_scales(random_state=seed)
    w1, w2, b = np.random.default_rng(seed).uniform(size=3)
    f = reference.sigma(X @ np.array([w1, w2]) + b)
    assert np.mean(f * (1 - f) < 1e-6) > 0.9
