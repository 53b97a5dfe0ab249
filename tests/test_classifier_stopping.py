"""Why the trainings of NeuronClassifier stop, and when they have converged."""

import numpy as np
import pytest
from helpers import SOLVERS, bits, cost_and_gradient, make_classes

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
    steps = [NeuronClassifier(solver="gd").fit(X, y == k).n_iter_ for k in range(3)]
    found = NeuronClassifier(solver="gd", max_iter=max(steps) - 1).fit(X, y)
    assert min(steps) < max(steps) - 1
    assert (found.stop_reason_, found.n_iter_) == ("max_iter", max(steps) - 1)


@pytest.mark.parametrize("alpha", [0.1, 3.0])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_training_converges_at_the_first_step_with_every_derivative_within_tol(solver, alpha):
    X, y, rng = make_classes(44, 200, 4)
    X = X * [0.2, 1.0, 3.0, 5.0] + [0.0, 2.0, 0.0, 0.0]
    u, tol = rng.random(len(X)), 1e-3
    found = NeuronClassifier(solver=solver, tol=tol, alpha=alpha, record_every=1)
    (history,) = found.fit(X, y, sample_weight=u).history_
    variances = np.average((X - np.average(X, axis=0, weights=u)) ** 2, axis=0, weights=u)
    # For features that are zero, alpha stands in for the samples: see OneVsRest._limits.
    limits = tol * np.append(np.sqrt(u.sum() ** 2 * variances + u.sum() * alpha), u.sum())
    is_flat = [
        np.all(np.abs(cost_and_gradient(np.append(w, b), X, y, u, alpha, "quadratic")[1]) <= limits)
        for w, b in zip(history.weights, history.bias, strict=True)
    ]
    assert found.stop_reason_ == "converged" and len(is_flat) == found.n_iter_ + 1 > 3
    assert is_flat == [False] * found.n_iter_ + [True]


@ignore_training_warnings
@pytest.mark.parametrize("options", [{"eta": 1e-300}, {"eta": "auto"}, {"solver": "lbfgs"}])
def test_huge_features_do_not_count_as_converged_at_the_start(options):
    # The sum of the squares is finite, but eight times the sum is not.
    X, y = 4e153 * np.tile([[1.0], [0.0], [0.5], [2.0]], (2, 1)), [0, 1, 0, 1] * 2
    classifier = NeuronClassifier(**{"solver": "gd", "max_iter": 5, **options})
    found = classifier.fit(X, y)
    assert found.n_iter_ > 0


def test_a_start_at_the_minimum_makes_no_step():
    X, y, _ = make_classes(46, 200, 4)
    found = NeuronClassifier(tol=1e-6).fit(X, y)
    again = NeuronClassifier(init=(found.coef_, found.intercept_)).fit(X, y)
    assert (again.n_iter_, again.stop_reason_) == (0, "converged")
    assert again.loss_curve_.shape == (1,) and bits(again) == bits(found)


def test_the_model_is_the_last_of_the_curve_even_if_a_line_search_fails():
    # It fails in one fit of fifty, and has then tried other parameters last.
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((100, 4)).astype(np.float32)
        found = NeuronClassifier(tol=0.0).fit(X, X[:, 0] + rng.standard_normal(100) > 0)
        assert found.loss_ == found.loss_curve_[-1]
