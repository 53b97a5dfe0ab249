"""The results of training: predictions and representations."""

import numpy as np
import pytest
from helpers import make_classes, make_samples

import oneneuron
from oneneuron import NeuronClassifier
from oneneuron.lecture import first_network

DTYPES = [np.float64, np.float32]


def descent(dtype=np.float64, d=2, **options):
    """Return a descent, and its samples."""
    X, y, _ = make_samples(0, 200, d, dtype)
    options = {"eta": 0.1, "num_steps": 20, "random_state": 0} | options
    return oneneuron.train(X, y, **options), X


# --- Predictions ---


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_predictions_of_a_model_have_its_accuracy(dtype):
    X, y, _ = make_samples(0, 200, 2, dtype)
    model = oneneuron.train(X, y, eta=0.1, num_steps=20, random_state=0).last
    assert np.mean(model.predict(X) == y) == model.accuracy


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_probabilities_of_a_model_have_the_bits_of_a_classifier(dtype):
    X, y, _ = make_samples(0, 200, 3, dtype)
    classifier = NeuronClassifier(record_every=1).fit(X, y)
    model = oneneuron.Model(classifier.coef_[0], classifier.intercept_.item(), 1, 1.0, 0.0)
    expected = classifier.predict_proba(X)
    assert model.predict_proba(X).dtype == expected.dtype
    assert model.predict_proba(X).tobytes() == expected.tobytes()


def test_the_second_column_of_probabilities_is_the_lectures_output():
    found, X = descent()
    assert (
        found.last.predict_proba(X)[:, 1].tolist() == first_network.predict(X, found.last).tolist()
    )


def test_the_predictions_of_a_layer_are_those_of_its_classifier():
    X, y, _ = make_classes(0, 200, 3, 4)
    classifier = NeuronClassifier().fit(X, y)
    layer = oneneuron.Model(classifier.coef_, classifier.intercept_, 1, 1.0, 0.0)
    assert layer.predict(X).tolist() == classifier.predict(X).tolist()
    assert layer.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()


def test_samples_with_other_features_are_refused_with_both_numbers():
    found, _ = descent()
    with pytest.raises(ValueError, match=r"X must have 2 features, as in the training, found 3\."):
        found.best.predict(np.zeros((1, 3)))


def test_samples_too_large_for_finite_margins_are_refused():
    model = oneneuron.Model(np.full(2, 10.0), 0.0, 0, 0.5, 1.0)
    with pytest.raises(ValueError, match="X is too large for w"):
        model.predict_proba(np.full((1, 2), 1e308))


# --- Representations ---


def test_a_model_is_represented_by_its_step_scores_and_rounded_parameters():
    model = oneneuron.Model(np.array([1.23456, -2e-7]), 5.0, 1234, 0.96789, 7.2456)
    assert repr(model) == (
        "<Model at step 1,234: accuracy 96.8 %, cost 7.25, w = (1.23, -2e-07), b = 5>"
    )


def test_many_weights_are_counted():
    model = oneneuron.Model(np.zeros(64), 0.0, 0, 0.5, 1.0)
    assert repr(model).endswith("cost 1, 64 weights>")


def test_a_layer_is_represented_by_its_shape():
    layer = oneneuron.Model(np.zeros((10, 64)), np.zeros(10), 0, 0.5, 1.0)
    assert repr(layer).endswith("cost 1, 10 neurons of 64 weights>")


def test_a_descent_is_represented_by_its_course():
    found, _ = descent(record_every=1)
    assert repr(found).startswith("<Descent that made 20 steps with eta = 0.1: cost ")
    assert repr(found).endswith("21 records>") and "best accuracy" in repr(found)


def test_a_descent_that_diverged_says_so():
    with pytest.warns(RuntimeWarning, match="infinite"):
        found, _ = descent(eta=1e308)
    assert repr(found).startswith("<Descent that diverged after 0 steps")


def test_a_history_is_represented_by_the_range_of_its_steps():
    found, _ = descent(record_every=10)
    assert repr(found.history) == "<History of 3 records, from step 0 to step 20>"
    assert repr(descent()[0].history) == "<History without records>"
