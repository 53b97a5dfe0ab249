"""NeuronClassifier with several classes as a layer of neurons with a softmax."""

import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, bits, make_classes, parameters_of
from scipy.optimize import minimize
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import scale

from oneneuron import NeuronClassifier, reference

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)


def penalised_minimum(X, y, loss, alpha):
    """Return the coefficients and the cost that SciPy finds from zero, (K, d + 1)."""
    num_classes, d = y.max() + 1, X.shape[1]

    def cost_and_gradient(flat):
        w, b = np.split(flat.reshape(num_classes, d + 1), [d], axis=1)
        dw, db = reference.layer_gradient(X, y, w, b[:, 0], loss)
        cost = reference.layer_cost(X, y, w, b[:, 0], loss) + 0.5 * alpha * np.sum(w * w)
        return cost, np.column_stack([dw + alpha * w, db]).ravel()

    found = minimize(
        cost_and_gradient, np.zeros(num_classes * (d + 1)), jac=True, method="L-BFGS-B",
        options={"gtol": 1e-9, "ftol": 1e-15, "maxiter": 10_000, "maxcor": 30},
    )  # fmt: skip
    return found.x.reshape(num_classes, d + 1), found.fun


def coefficients(classifier):
    """Return the weights and biases of all neurons, (K, d + 1)."""
    return np.column_stack([classifier.coef_, classifier.intercept_])


@pytest.mark.parametrize("load", [load_iris, load_wine])
@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_with_the_log_loss_it_is_multinomial_logistic_regression(load, alpha):
    X, y = load(return_X_y=True)
    X = scale(X)
    found = NeuronClassifier(loss="log", alpha=alpha, tol=1e-9).fit(X, y)
    expected = LogisticRegression(C=1 / alpha, solver="newton-cg", tol=1e-10).fit(X, y)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-4)
    # A number added to all biases changes nothing.
    biases = expected.intercept_ - expected.intercept_.mean()
    np.testing.assert_allclose(found.intercept_ - found.intercept_.mean(), biases, atol=1e-4)


@every_loss
@every_solver
def test_a_fit_ends_at_the_minimum_that_scipy_finds(loss, solver):
    X, y, _ = make_classes(50, 200, 4, 3)
    found = NeuronClassifier(loss=loss, solver=solver, tol=1e-8, alpha=0.5).fit(X, y)
    expected, cost = penalised_minimum(X, y, loss, 0.5)
    assert found.loss_ == pytest.approx(cost, rel=1e-9)
    np.testing.assert_allclose(coefficients(found), expected, atol=1e-4)


@every_loss
@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
def test_the_safe_step_size_never_raises_the_cost(loss):
    X, y, _ = make_classes(51, 300, 4, 5)
    descent = NeuronClassifier(loss=loss, solver="gd", alpha=0.1, max_iter=1000)
    curve = descent.fit(5 * X + 3, y).loss_curve_
    assert (np.diff(curve) <= 1e-12 * curve[0]).all()


@every_loss
def test_two_classes_have_one_neuron_whatever_multi_class_says(loss):
    X, y, _ = make_classes(52)
    models = [
        NeuronClassifier(loss=loss, multi_class=kind).fit(X, y) for kind in ("softmax", "ovr")
    ]
    assert bits(models[0].coef_) == bits(models[1].coef_) and models[0].coef_.shape == (1, 3)


@every_loss
@every_solver
def test_a_sample_of_weight_k_counts_as_k_copies(loss, solver):
    X, y, rng = make_classes(53, 200, 4, 3)
    k = rng.integers(0, 4, len(X))
    options = dict(loss=loss, solver=solver, tol=1e-9)
    weighted = NeuronClassifier(**options).fit(X, y, sample_weight=k)
    copied = NeuronClassifier(**options).fit(np.repeat(X, k, axis=0), np.repeat(y, k))
    np.testing.assert_allclose(parameters_of(weighted), parameters_of(copied), atol=1e-5)


@every_loss
def test_float32_samples_are_fitted_in_float32(loss):
    X, y, _ = make_classes(54, 200, 4, 3)
    found = NeuronClassifier(loss=loss).fit(X.astype(np.float32), y)
    expected = NeuronClassifier(loss=loss).fit(X, y)
    assert found.coef_.dtype == found.predict_proba(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), atol=1e-2)


def test_the_history_holds_the_whole_layer():
    X, y, _ = make_classes(55, 100, 4, 3)
    found = NeuronClassifier(record_every=1).fit(X, y)
    (history,) = found.history_
    steps = found.n_iter_[0] + 1
    assert history.weights.shape == (steps, 3, 4) and history.bias.shape == (steps, 3)
    assert history.weights[-1].tolist() == found.coef_.tolist()
    assert history.cost.tolist() == found.loss_curve_.tolist()
    assert history.accuracy[-1] == found.score(X, y)


def test_without_recording_there_is_one_empty_history():
    X, y, _ = make_classes(55, 100, 4, 3)
    (history,) = NeuronClassifier().fit(X, y).history_
    assert len(history.step) == len(history.weights) == len(history.bias) == 0


def test_partial_fit_makes_a_step_of_the_layer():
    X, y, rng = make_classes(56, 60, 3, 3)
    init = rng.standard_normal((3, 3)), rng.standard_normal(3)
    found = NeuronClassifier(eta=0.01, alpha=0.2, init=init)
    found.partial_fit(X, y, classes=[0, 1, 2])
    dw, db = reference.layer_gradient(X, y, *init)
    np.testing.assert_allclose(found.coef_, init[0] - 0.01 * (dw + 0.2 * init[0]), rtol=1e-12)
    np.testing.assert_allclose(found.intercept_, init[1] - 0.01 * db, rtol=1e-12)


def test_a_warm_start_at_the_minimum_makes_no_step():
    X, y, _ = make_classes(57, 100, 4, 3)
    found = NeuronClassifier(warm_start=True).fit(X, y)
    assert found.fit(X, y).n_iter_.tolist() == [0]


def test_the_start_with_the_lowest_cost_is_kept():
    X, y, _ = make_classes(58, 200, 4, 3)
    bad = np.full((3, 4), 50.0) * [[1], [-1], [0]], np.zeros(3)
    options = dict(init=bad, max_iter=20, random_state=0, solver="gd", record_every=20)
    with pytest.warns():
        one, several = (NeuronClassifier(n_init=k, **options).fit(X, y) for k in (1, 4))
    assert several.loss_ < one.loss_ and len(several.history_) == 1


def test_without_an_intercept_every_bias_is_zero():
    X, y, _ = make_classes(59, 100, 4, 3)
    assert NeuronClassifier(fit_intercept=False).fit(X, y).intercept_.tolist() == [0.0] * 3


def test_verbose_prints_a_line_for_the_layer(capsys):
    X, y, _ = make_classes(60, 100, 4, 3)
    found = NeuronClassifier(verbose=1).fit(X, y)
    assert capsys.readouterr().out == (
        f"layer of 3 neurons, step {found.n_iter_[0]}: cost {found.loss_:.6g}, "
        f"accuracy {100 * found.score(X, y):.1f} % (converged)\n"
    )


def test_a_draft_of_a_layer_leads_to_the_same_minimum():
    rng = np.random.default_rng(61)
    X = rng.standard_normal((150_000, 2))
    y = (X + rng.gumbel(size=(150_000, 2))).argmax(axis=1) + (rng.random(150_000) < 0.2)
    found = NeuronClassifier().fit(X, y)
    exact = NeuronClassifier(tol=1e-9).fit(X, y)
    start, first, *_ = found.loss_curve_
    assert first - found.loss_ < 1e-3 * (start - found.loss_)
    np.testing.assert_allclose(parameters_of(found), parameters_of(exact), atol=1e-4)


def test_iris_is_classified_as_well_as_by_logistic_regression():
    X, y = load_iris(return_X_y=True)
    assert cross_val_score(NeuronClassifier(), X, y).mean() >= 0.96


def test_another_multi_class_is_refused():
    with pytest.raises(ValueError, match="multi_class must be 'softmax' or 'ovr'"):
        NeuronClassifier(multi_class="multinomial").fit([[0.0], [1.0]], [0, 1])


# --- The start of the quadratic loss ---


def log_loss(X, y, layer):
    """Return the log loss of a recorded layer (weights, biases)."""
    return reference.layer_cost(X, y, *layer, "log")


def test_from_zero_the_first_step_leads_near_the_minimum_of_the_log_loss():
    X, y = load_wine(return_X_y=True)
    X = scale(X)
    (history,) = NeuronClassifier(record_every=1).fit(X, y).history_
    start, first = (log_loss(X, y, (history.weights[i], history.bias[i])) for i in (0, 1))
    # alpha=1 is 0.3 of the quadratic loss, converted.
    best = NeuronClassifier(loss="log", alpha=1.0).fit(X, y)
    lowest = log_loss(X, y, (best.coef_, best.intercept_))
    assert first - lowest < 0.05 * (start - lowest)


def test_the_minimum_of_the_log_loss_leads_to_a_lower_cost_than_zero():
    X, y = load_digits(return_X_y=True)
    found = NeuronClassifier(alpha=0.1).fit(X, y)
    # A tiny start other than zero has no draft.
    init = np.full((10, 64), 1e-12), np.zeros(10)
    plain = NeuronClassifier(alpha=0.1, init=init).fit(X, y)
    assert found.loss_ <= plain.loss_ * (1 + 1e-4)


def test_a_start_that_was_given_is_not_replaced():
    X, y, rng = make_classes(62, 200, 4, 3)
    init = rng.standard_normal((3, 4)), rng.standard_normal(3)
    descent = NeuronClassifier(init=init, record_every=1, max_iter=1)
    with pytest.warns(match="max_iter"):
        (history,) = descent.fit(X, y).history_
    assert history.weights[0].tolist() == init[0].tolist()
    # One step of L-BFGS goes less far than to the minimum of the log loss.
    assert np.abs(history.weights[1] - init[0]).max() < 2.0
