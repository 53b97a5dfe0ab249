"""Why the trainings of NeuronClassifier stop, and when they have converged."""

import numpy as np
import pytest
from helpers import SOLVERS, bits, cost_and_gradient, make_classes
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from oneneuron import NeuronClassifier

ignore_training_warnings = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning"
)


@ignore_training_warnings
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "converged"),
        ({"solver": "gd"}, "converged"),
        ({"tol": 0.0}, "precision"),
        ({"max_iter": 2}, "max_iter"),
        ({"max_iter": 2, "solver": "gd"}, "max_iter"),
        ({"init": ([[-1e3, 0, 0, 0]], [0.0]), "alpha": 0.0, "solver": "gd"}, "saturated"),
        ({"eta": 1e308, "solver": "gd"}, "diverged"),
    ],
)  # fmt: skip
def test_stop_reason_names_each_reason(options, reason):
    X, y, _ = make_classes(43, 200, 4)
    X[:, 0] = np.where(y == 1, 1.0, -1.0) * (1.0 + np.abs(X[:, 0]))
    y[:5] = 1 - y[:5]
    found = NeuronClassifier(**options).fit(X, y)
    assert found.stop_reason_ == reason


@ignore_training_warnings
def test_stop_reason_is_the_worst_of_all_neurons():
    X, y, _ = make_classes(45, 200, 4, 3)
    X[:, 0] += 4.0 * (y == 0)
    steps = [NeuronClassifier(solver="gd").fit(X, y == k).n_iter_[0] for k in range(3)]
    found = NeuronClassifier(solver="gd", max_iter=max(steps) - 1).fit(X, y)
    assert min(steps) < max(steps) - 1
    assert (found.stop_reason_, max(found.n_iter_)) == ("max_iter", max(steps) - 1)


@pytest.mark.parametrize("alpha", [0.1, 3.0])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_training_converges_at_the_first_step_with_every_derivative_within_tol(solver, alpha):
    X, y, rng = make_classes(44, 200, 4)
    X = X * [0.2, 1.0, 3.0, 5.0] + [0.0, 2.0, 0.0, 0.0]
    u, tol = rng.random(len(X)), 1e-3
    found = NeuronClassifier(solver=solver, tol=tol, alpha=alpha, record_every=1)
    (history,) = found.fit(X, y, sample_weight=u).history_
    variances = np.average((X - np.average(X, axis=0, weights=u)) ** 2, axis=0, weights=u)
    rarer = min(u[y == 1].sum(), u[y == 0].sum())
    # For features that are zero, alpha stands in for the samples: see Neurons._flatness.
    limits = tol * np.append(np.sqrt(rarer**2 * variances + rarer * alpha), rarer)

    def is_within_limits(w, b):
        _, gradient = cost_and_gradient(np.append(w, b), X, y, u, alpha, "quadratic")
        gradient[:-1] -= np.average(X, axis=0, weights=u) * gradient[-1]  # with centred features
        return np.all(np.abs(gradient) <= limits)

    is_flat = list(map(is_within_limits, history.weights, history.bias))
    assert found.stop_reason_ == "converged" and len(is_flat) == found.n_iter_[0] + 1 > 3
    assert is_flat == [False] * found.n_iter_[0] + [True]


@ignore_training_warnings
@pytest.mark.parametrize("options", [{"eta": 1e-300}, {"eta": "auto"}, {"solver": "lbfgs"}])
def test_huge_features_do_not_count_as_converged_at_the_start(options):
    # The sum of the squares is finite, but eight times the sum is not.
    X, y = 4e153 * np.tile([[1.0], [0.0], [0.5], [2.0]], (2, 1)), [0, 1, 0, 1] * 2
    classifier = NeuronClassifier(**{"solver": "gd", "max_iter": 5, **options})
    found = classifier.fit(X, y)
    assert found.n_iter_[0] > 0


def test_a_start_at_the_minimum_makes_no_step():
    X, y, _ = make_classes(46, 200, 4)
    found = NeuronClassifier(tol=1e-6).fit(X, y)
    again = NeuronClassifier(init=(found.coef_, found.intercept_)).fit(X, y)
    assert (again.n_iter_.tolist(), again.stop_reason_) == ([0], "converged")
    assert again.loss_curve_.shape == (1,) and bits(again) == bits(found)


# --- No step ---


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("loss", ["quadratic", "log"])
@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_with_max_iter_0_the_start_is_the_result(solver, multi_class, loss):
    X, y, rng = make_classes(48, 200, 4, 3)
    init = rng.standard_normal((3, 4)), rng.standard_normal(3)
    options = dict(solver=solver, multi_class=multi_class, loss=loss, max_iter=0)
    found = NeuronClassifier(init=init, **options).fit(X, y)
    assert bits(found) == bits(init)
    assert found.loss_curve_.tolist() == [found.loss_]
    assert not NeuronClassifier(**options).fit(X, y).coef_.any()


@pytest.mark.parametrize("solver", SOLVERS)
def test_with_max_iter_0_a_fit_does_not_claim_to_have_converged(solver):
    X, y, _ = make_classes(48, 200, 4)
    with pytest.warns(ConvergenceWarning, match="stopped at max_iter=0 before the cost was flat"):
        found = NeuronClassifier(solver=solver, max_iter=0).fit(X, y)
    assert (found.n_iter_.tolist(), found.stop_reason_) == ([0], "max_iter")


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
def test_with_max_iter_0_the_samples_of_a_draft_change_nothing():
    X, y, _ = make_classes(49, 150_000, 2)
    found = NeuronClassifier(max_iter=0, record_every=1).fit(X, y)
    assert not found.coef_.any() and found.history_[0].step.tolist() == [0]


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
def test_with_max_iter_0_the_best_of_several_starts_is_kept():
    X, y, _ = make_classes(50, 200, 4)
    far = np.full((1, 4), 50.0), np.zeros(1)
    options = dict(max_iter=0, init=far, random_state=0)
    one, several = (NeuronClassifier(n_init=k, **options).fit(X, y) for k in (1, 5))
    assert several.loss_ < one.loss_


# --- The last model ---


def test_the_model_is_the_last_of_the_curve_even_if_a_line_search_fails():
    # It fails in one fit of fifty, and has then tried other parameters last.
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((100, 4)).astype(np.float32)
        found = NeuronClassifier(tol=0.0).fit(X, X[:, 0] + rng.standard_normal(100) > 0)
        assert found.loss_ == found.loss_curve_[-1]


# --- The default tol can be trusted ---

CONVERGED = 1e-10  # a tol at which nothing visible is left to gain


def of_logits(seed, n, d, share, dtype):
    """Return samples whose classes overlap, with about this share of class 1."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    scores = X[:, 0] + 0.5 * X[:, 1] + rng.logistic(size=n)
    return X.astype(dtype), (scores > np.quantile(scores, 1.0 - share)).astype(int)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
@pytest.mark.parametrize("share", [2e-4, 1e-3, 1e-2])
def test_a_rare_class_gets_its_share_of_the_probability(share, loss, dtype):
    X, y = of_logits(1, 50_000, 5, share, dtype)
    found = NeuronClassifier(loss=loss).fit(X, y)
    expected = NeuronClassifier(loss=loss, tol=CONVERGED).fit(X, y)
    mean, expected_mean = (c.predict_proba(X)[:, 1].mean() for c in (found, expected))
    # An older rule, relative to all samples, missed it by a factor of six.
    assert mean == pytest.approx(expected_mean, rel=0.05)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_more_features_than_samples_of_a_class_still_lead_to_the_minimum(loss, dtype):
    X, y = make_blobs(n_samples=500, n_features=100, random_state=42, centers=10, cluster_std=15.0)
    X, _, y, _ = train_test_split(X.astype(dtype), y, train_size=0.5, random_state=0)
    found = NeuronClassifier(loss=loss).fit(X, y)
    assert found.loss_ <= 1.01 * NeuronClassifier(loss=loss, tol=CONVERGED).fit(X, y).loss_


@pytest.mark.slow
@pytest.mark.parametrize("num_classes", [300, 1000])
def test_many_classes_are_as_accurate_as_after_a_converged_fit(num_classes):
    rng = np.random.default_rng(2)
    centres = 2.0 * rng.standard_normal((num_classes, 20))
    y = np.tile(np.arange(num_classes), 8)
    X, test = (centres[y] + rng.standard_normal((len(y), 20)) for _ in range(2))
    found, expected = (NeuronClassifier(**o).fit(X, y) for o in ({}, {"tol": 1e-8}))
    assert found.score(test, y) >= expected.score(test, y) - 0.005


@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_julian_dates_of_one_day_are_told_apart_like_hours(loss):
    rng = np.random.default_rng(3)
    hours = rng.uniform(0.0, 24.0, (2000, 1))
    y = hours[:, 0] > 9.3
    days = 2_460_000.5 + hours / 24.0
    # The penalty on a weight for each day is 576 times that for each hour, so there is none.
    scores = [NeuronClassifier(loss=loss, alpha=1e-9).fit(x, y).score(x, y) for x in (hours, days)]
    assert min(scores) >= 0.999


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1 / 500, 1e-12, 1e12])
def test_the_scale_of_all_sample_weights_does_not_matter(scale, dtype):
    X, y, _ = make_classes(47, 500, 8)
    X = X.astype(dtype)
    u = np.full(len(X), scale, dtype)
    found = NeuronClassifier(alpha=0.3 * float(u[0])).fit(X, y, sample_weight=u)
    expected = NeuronClassifier(alpha=0.3).fit(X, y)
    # Rounding errors of the first steps are magnified a little by the later ones.
    atol = 1e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=0.0, atol=atol)
