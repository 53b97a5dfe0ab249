"""Sample weights and class weights of NeuronClassifier."""

import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, bits, make_classes, parameters_of
from sklearn.datasets import load_iris
from sklearn.ensemble import AdaBoostClassifier
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from oneneuron import NeuronClassifier

# test_classifier.py derives it.
LBFGS_TOLERANCE = 1e-5


def repeated(X, y, k):
    """Return k copies of each sample."""
    return np.repeat(X, k, axis=0), np.repeat(y, k)


# --- Sample weights ---


@pytest.mark.parametrize("class_weight", [None, {0: 2.5, 1: 0.75}, "balanced"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_sample_of_weight_k_counts_as_k_copies_with_gd(num_classes, loss, class_weight):
    X, y, rng = make_classes(5, 200, 4, num_classes)
    k = rng.integers(0, 5, len(X))
    classifier = NeuronClassifier(solver="gd", loss=loss, class_weight=class_weight)
    weighted = parameters_of(classifier.fit(X, y, sample_weight=k))
    eta, num_steps = classifier.eta_, classifier.n_iter_.tolist()
    classifier.fit(*repeated(X, y, k))
    assert (classifier.eta_, classifier.n_iter_.tolist()) == (eta, num_steps)
    # Sums in another order differ by 1e-14, and a descent to a minimum does not amplify that.
    np.testing.assert_allclose(parameters_of(classifier), weighted, rtol=1e-10, atol=1e-10)


def test_a_sample_of_weight_2_counts_as_two_copies_with_600_features():
    X, y, _ = make_classes(6, 300, 600)
    classifier = NeuronClassifier(solver="gd", alpha=30.0)
    weighted = parameters_of(classifier.fit(X, y, sample_weight=np.full(300, 2)))
    classifier.fit(*repeated(X, y, 2))
    np.testing.assert_allclose(parameters_of(classifier), weighted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("class_weight", [None, {0: 2.5, 1: 0.75}, "balanced"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_sample_of_weight_k_counts_as_k_copies_with_lbfgs(loss, class_weight):
    X, y, rng = make_classes(7, 200, 4)
    k = rng.integers(0, 5, len(X))
    classifier = NeuronClassifier(loss=loss, class_weight=class_weight, tol=1e-9)
    weighted = parameters_of(classifier.fit(X, y, sample_weight=k))
    # A rounding can change a step of the line search, so the path to the minimum may differ.
    found = parameters_of(classifier.fit(*repeated(X, y, k)))
    np.testing.assert_allclose(found, weighted, atol=LBFGS_TOLERANCE)


@pytest.mark.parametrize(("n", "d"), [(200, 4), (300, 5), (300, 8), (400, 30)])
@pytest.mark.parametrize("solver", SOLVERS)
def test_weights_of_1_give_the_same_bits_as_no_weights(solver, n, d):
    X, y, _ = make_classes(8, n, d)
    found = NeuronClassifier(solver=solver).fit(X, y, sample_weight=np.ones(len(X)))
    assert bits(found) == bits(NeuronClassifier(solver=solver).fit(X, y))


@pytest.mark.parametrize("factor", [2.0**-40, 2.0**40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_weights_and_alpha_times_a_power_of_two_change_no_bit(
    solver, loss, num_classes, dtype, factor
):
    X, y, rng = make_classes(12, 300, 5, num_classes)
    X, u = X.astype(dtype), rng.random(len(X)).astype(dtype)
    options = dict(solver=solver, loss=loss, tol=1e-3, n_init=2, random_state=0)
    plain = NeuronClassifier(alpha=0.3, **options).fit(X, y, sample_weight=u)
    scaled = NeuronClassifier(alpha=0.3 * factor, **options).fit(X, y, sample_weight=factor * u)
    assert bits(scaled) == bits(plain)
    assert scaled.loss_curve_.tobytes() == (factor * plain.loss_curve_).tobytes()
    assert scaled.n_iter_.tolist() == plain.n_iter_.tolist()
    assert scaled.stop_reason_ == plain.stop_reason_


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("sample_weight", "error", "message"),
    [
        ([1, -1, 1, 1], ValueError, r"sample_weight must be .*or more, found -1.0 for sample 1"),
        ([1, 1, np.nan, 1], ValueError, r"sample_weight must be finite.* found nan for sample 2"),
        ([np.inf, 1, 1, 1], ValueError, r"sample_weight must be finite.* found inf for sample 0"),
        ([1, 1], ValueError, r"sample_weight must have shape \(4,\).*found shape \(2,\): pass"),
        (
            [[1]] * 4,
            ValueError,
            r"sample_weight must have shape \(4,\).*found shape \(4, 1\): "
            r"use .*\(sample_weight\)\.ravel\(\)\.$",
        ),
        (["a"] * 4, TypeError, r"sample_weight must hold numbers"),
    ],
)
def test_bad_sample_weights_raise_an_error_that_names_them(sample_weight, error, message, method):
    options = {"classes": [0, 1]} if method == "partial_fit" else {}
    with pytest.raises(error, match=message):
        getattr(NeuronClassifier(), method)(
            [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1], sample_weight=sample_weight, **options
        )


def test_sample_weights_that_are_all_zero_raise():
    with pytest.raises(ValueError, match=r"sample_weight must be above 0 .*found only zeros"):
        NeuronClassifier().fit([[0.0], [1.0]], [0, 1], sample_weight=[0, 0])


# --- Weights that are shares of 1 ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("total", [1.0, 1e-3])
def test_shares_of_1_give_the_model_of_weights_with_a_mean_of_1(total, dtype):
    X, y, rng = make_classes(71, 200, 4, 3)
    u = rng.random(len(X)) * (np.arange(len(X)) % 3 > 0)
    u /= u.sum()
    X, shares = X.astype(dtype), (total * u).astype(dtype)
    found = NeuronClassifier().fit(X, y, sample_weight=shares)
    counts = (u * np.count_nonzero(u)).astype(dtype)
    expected = NeuronClassifier().fit(X, y, sample_weight=counts)
    # The roundings of the weights differ.
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=rtol, atol=rtol)
    assert found.alpha_ == pytest.approx(0.1 * total / np.count_nonzero(u), rel=1e-6)


def test_shares_of_1_do_not_change_an_alpha_that_is_given():
    X, y, _ = make_classes(72, 200, 4)
    u = np.full(len(X), 1 / len(X))
    assert NeuronClassifier(alpha=0.5).fit(X, y, sample_weight=u).alpha_ == 0.5


@pytest.mark.parametrize("u", [None, [0.01, 1.0, 0.0], [0.5, 1.0, 0.0], [3.0, 2.0, 1.0]], ids=str)
def test_other_weights_do_not_change_alpha(u):
    found = NeuronClassifier().fit([[0.0], [1.0], [2.0]], [0, 1, 1], sample_weight=u)
    assert found.alpha_ == 0.3


def test_boosting_is_as_accurate_as_a_single_layer():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    boosted = AdaBoostClassifier(NeuronClassifier(), n_estimators=20, random_state=0)
    accuracies = [cross_val_score(c, X, y).mean() for c in (boosted, NeuronClassifier())]
    # With a penalty that is 150 times as strong, the boosted neurons reached 0.83.
    assert accuracies[0] > accuracies[1] - 0.03


# --- Class weights ---


def test_a_class_weight_multiplies_the_weights_of_its_samples():
    X, y, rng = make_classes(9, 200, 4, 3)
    u = rng.random(len(X)) + 0.1
    factors = np.array([0.5, 2.0, 7.0])
    found = NeuronClassifier(class_weight=dict(enumerate(factors))).fit(X, y, sample_weight=u)
    assert bits(found) == bits(NeuronClassifier().fit(X, y, sample_weight=u * factors[y]))


def test_a_class_missing_from_class_weight_has_weight_1():
    X, y, _ = make_classes(10, 200, 4)
    found = NeuronClassifier(class_weight={1: 3.0}).fit(X, y)
    assert bits(found) == bits(NeuronClassifier(class_weight={0: 1.0, 1: 3.0}).fit(X, y))


def test_balanced_class_weights_equal_those_of_scikit_learn():
    X, y, _ = make_classes(11, 200, 4, 3)
    y[y == 2] = np.where(np.arange(np.sum(y == 2)) % 4 == 0, 2, 1)  # classes of unequal size
    factors = compute_class_weight("balanced", classes=np.arange(3), y=y)
    found = NeuronClassifier(class_weight="balanced", tol=1e-9).fit(X, y)
    expected = NeuronClassifier(class_weight=dict(enumerate(factors)), tol=1e-9).fit(X, y)
    # The factors may differ in their last digit, and L-BFGS then takes another path.
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=LBFGS_TOLERANCE)


def test_balanced_class_weights_count_sample_weights_and_keep_their_total():
    X, y, rng = make_classes(12, 200, 4)
    u = rng.random(len(X)) * (1 + 5 * y)
    sums = np.bincount(y, u)
    factors = u.sum() / (2 * sums)
    found = NeuronClassifier(class_weight="balanced", tol=1e-9).fit(X, y, sample_weight=u)
    expected = NeuronClassifier(tol=1e-9).fit(X, y, sample_weight=u * factors[y])
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=LBFGS_TOLERANCE)


def test_a_class_of_total_weight_0_keeps_its_column_at_almost_no_probability():
    X, y, _ = make_classes(13, 200, 4, 3)
    found = NeuronClassifier().fit(X, y, sample_weight=(y != 1).astype(float))
    assert found.classes_.tolist() == [0, 1, 2]
    assert found.predict_proba(X)[:, 1].max() < 0.05
    assert not np.any(found.predict(X) == 1)


def test_an_infinite_product_of_class_weight_and_sample_weight_raises():
    with pytest.raises(ValueError, match=r"class_weight times sample_weight must be finite"):
        NeuronClassifier(class_weight={0: 1e300}).fit([[0.0], [1.0]], [0, 1], [1e300, 1.0])


@pytest.mark.parametrize("loss", LOSSES)
def test_a_sample_of_weight_0_counts_for_nothing_even_if_its_margin_is_infinite(loss):
    X, y, _ = make_classes(9, 100, 2)
    outlier = np.vstack([X, [1e308, -1e308]])
    weights = np.append(np.ones(100), 0.0)
    found = NeuronClassifier(loss=loss).fit(outlier, np.append(y, 1), sample_weight=weights)
    expected = NeuronClassifier(loss=loss).fit(X, y)
    assert found.stop_reason_ == "converged"
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), rtol=LBFGS_TOLERANCE)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_of_weight_0_must_be_finite_too(value):
    X, y, _ = make_classes(9, 100, 2)
    X[7, 1] = value
    with pytest.raises(ValueError, match="X contains"):
        NeuronClassifier().fit(X, y, sample_weight=np.arange(100) != 7)
