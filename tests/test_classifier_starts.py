"""The starts of NeuronClassifier's trainings: init, n_init, random_state and warm_start."""

import numpy as np
import pytest
from helpers import SOLVERS, bits, make_classes

from oneneuron import NeuronClassifier

ignore_max_iter = pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
ignore_training_warnings = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning"
)


def far_outliers():
    """Return two separate classes, and a tenth of the samples far off with the wrong label."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    X = rng.standard_normal((300, 2))
    X[:, 0] += 4 * y
    X[:30, 0] = np.where(y[:30] == 1, -40.0, 40.0) + rng.standard_normal(30)
    return X, y


# --- Several starts ---


def test_several_starts_find_the_lower_cost_that_the_zero_start_misses():
    X, y = far_outliers()
    options = dict(alpha=0.0, random_state=0)
    one = NeuronClassifier(**options).fit(X, y)
    several = NeuronClassifier(n_init=20, **options).fit(X, y)
    assert several.loss_ < 0.5 * one.loss_
    right = slice(30, None)
    assert one.score(X[right], y[right]) < 0.9 < several.score(X[right], y[right])


def costs_of_short_descents(X, y, n_init, **options):
    """Return the cost of each neuron after 30 steps, from some starts far from a minimum."""
    classifier = NeuronClassifier(
        solver="gd", alpha=0.0, max_iter=30, n_init=n_init, random_state=0, record_every=30,
        **options,
    )  # fmt: skip
    return [history.cost[-1] for history in classifier.fit(X, y).history_]


@ignore_training_warnings
def test_the_training_of_the_lowest_cost_is_kept():
    X, y = far_outliers()
    # The first k starts are the same for every n_init of k or more.
    costs = [costs_of_short_descents(X, y, n_init)[0] for n_init in (1, 2, 4, 8, 16)]
    assert costs == sorted(costs, reverse=True) and costs[-1] < costs[0]


@ignore_training_warnings
def test_each_neuron_keeps_its_own_training_of_the_lowest_cost():
    X, y = far_outliers()
    y[200:] *= 2
    one, several = (costs_of_short_descents(X, y, n_init, multi_class="ovr") for n_init in (1, 8))
    assert all(s <= o for s, o in zip(several, one, strict=True)) and sum(several) < sum(one)


@ignore_max_iter
def test_the_same_seed_gives_the_same_starts_and_another_seed_others():
    X, y = far_outliers()
    # The first start is so bad that one of those drawn wins.
    options = dict(n_init=4, init=([[-9.0, 0.0]], [0.0]), max_iter=1, solver="gd", alpha=0.0)
    first, again, other = (
        bits(NeuronClassifier(random_state=seed, **options).fit(X, y)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_starts_are_drawn_from_the_given_random_state():
    X, y, _ = make_classes(30, 200, 4)
    state, untouched = np.random.RandomState(0), np.random.RandomState(0)
    NeuronClassifier(n_init=2, random_state=state).fit(X, y)
    assert state.random() != untouched.random()


def test_a_single_start_draws_no_random_numbers():
    X, y, _ = make_classes(31, 200, 4)
    state, untouched = np.random.RandomState(0), np.random.RandomState(0)
    NeuronClassifier(random_state=state).fit(X, y)
    assert state.random() == untouched.random()


# --- init ---


@ignore_max_iter
@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_first_start_is_init(num_classes):
    X, y, rng = make_classes(32, 200, 4, num_classes)
    num_neurons = 1 if num_classes == 2 else num_classes
    coef, intercept = rng.standard_normal((num_neurons, 4)), rng.standard_normal(num_neurons)
    found = NeuronClassifier(
        multi_class="ovr", solver="gd", init=(coef, intercept), max_iter=1, record_every=1
    )
    found.fit(X, y)
    assert [h.weights[0].tolist() for h in found.history_] == coef.tolist()
    assert [h.bias[0] for h in found.history_] == intercept.tolist()


def test_without_fit_intercept_the_bias_of_init_stays():
    X, y, _ = make_classes(33, 200, 4)
    found = NeuronClassifier(fit_intercept=False, init=([[0.0] * 4], [0.75])).fit(X, y)
    assert found.intercept_[0] == 0.75


@ignore_max_iter
def test_without_fit_intercept_drawn_starts_have_no_bias():
    X, y, _ = make_classes(33, 200, 4)
    # The first start is so bad that one of those drawn wins.
    found = NeuronClassifier(
        fit_intercept=False, n_init=4, random_state=0, init=([[-50.0] * 4], [0.0]), max_iter=1
    ).fit(X, y)
    assert np.abs(found.coef_).max() < 10 and found.intercept_[0] == 0.0


# --- warm_start ---


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_warm_start_continues_where_the_last_fit_ended(solver):
    X, y, _ = make_classes(34, 200, 4, 3)
    classifier = NeuronClassifier(solver=solver, warm_start=True).fit(X, y)
    first, ended = bits(classifier), classifier.loss_
    classifier.fit(X, y)
    assert classifier.loss_curve_[0] == pytest.approx(ended, rel=1e-14)  # added up in another order
    assert max(classifier.n_iter_) == 0 or ended >= classifier.loss_
    cold = NeuronClassifier(solver=solver).fit(X, y)
    assert first == bits(cold) and cold.loss_curve_[0] > ended


@ignore_max_iter
def test_three_warm_fits_of_7_steps_make_the_21_steps_of_one_fit():
    X, y, _ = make_classes(35, 200, 4)
    found = NeuronClassifier(solver="gd", warm_start=True, max_iter=7, tol=0.0)
    for _ in range(3):
        found.fit(X, y)
    assert bits(found) == bits(NeuronClassifier(solver="gd", max_iter=21, tol=0.0).fit(X, y))


def test_without_a_warm_start_a_second_fit_repeats_the_first():
    X, y, _ = make_classes(36, 200, 4)
    classifier = NeuronClassifier(n_init=3, random_state=0).fit(X, y)
    first = bits(classifier)
    assert bits(classifier.fit(X, y)) == first


def test_a_warm_start_on_other_classes_or_features_raises():
    X, y, _ = make_classes(37, 200, 4, 3)
    classifier = NeuronClassifier(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"warm_start .*\[0, 1, 2\], found \[False, True\]"):
        classifier.fit(X, y == 0)
    with pytest.raises(ValueError, match=r"warm_start .*shapes \(3, 2\).*found \(3, 4\)"):
        classifier.fit(X[:, :2], y)
