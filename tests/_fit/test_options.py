"""The options of a fit: checked once, frozen, and made of plain Python numbers."""

import dataclasses

import numpy as np
import pytest

from oneneuron import NeuronClassifier
from oneneuron._fit.options import Options
from oneneuron._losses import LOG

FIELDS = [field.name for field in dataclasses.fields(Options)]


def checked(**parameters):
    """Return the options of a classifier with these parameters."""
    return Options.checked(NeuronClassifier(**parameters).get_params())


def test_options_hold_every_parameter_except_init():
    assert set(FIELDS) == set(NeuronClassifier().get_params()) - {"init"}


@pytest.mark.parametrize("name", FIELDS)
def test_options_cannot_be_changed(name):
    options = checked()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(options, name, getattr(options, name))


def test_options_equal_the_default_parameters():
    options = checked()
    parameters = NeuronClassifier().get_params()
    for name in set(FIELDS) - {"loss", "random_state"}:
        assert getattr(options, name) == parameters[name]
    assert (options.loss.name, options.random_state) == (parameters["loss"], np.random)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int64, np.uint64])
@pytest.mark.parametrize("name", ["max_iter", "n_init", "record_every", "n_threads", "verbose"])
def test_numpy_integers_become_python_integers(name, kind):
    value = getattr(checked(**{name: kind(100)}), name)
    assert type(value) is int and value == 100


@pytest.mark.parametrize("kind", [int, np.int32, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["eta", "tol", "alpha"])
def test_numpy_numbers_become_python_floats(name, kind):
    value = getattr(checked(**{name: kind(2)}), name)
    assert type(value) is float and value == 2.0


def test_numbers_of_a_class_weight_become_python_floats():
    class_weight = checked(class_weight={0: 1, 1: np.float32(2.5)}).class_weight
    assert class_weight == {0: 1.0, 1: 2.5}
    assert {type(weight) for weight in class_weight.values()} == {float}


@pytest.mark.parametrize("name", ["fit_intercept", "warm_start"])
def test_numpy_flags_become_python_flags(name):
    assert getattr(checked(**{name: np.True_}), name) is True
    assert getattr(checked(**{name: np.False_}), name) is False


def test_verbose_may_be_a_flag():
    assert (checked(verbose=True).verbose, checked(verbose=np.False_).verbose) == (1, 0)


def test_the_loss_is_its_record():
    assert checked(loss="log").loss is LOG


def test_a_seed_becomes_a_random_state():
    assert checked(random_state=3).random_state.random() == np.random.RandomState(3).random_sample()


def test_the_parameters_of_the_classifier_stay_as_they_were():
    classifier = NeuronClassifier(max_iter=np.uint8(200), n_init=np.int8(2), random_state=0)
    parameters = classifier.get_params()
    classifier.fit(np.eye(4), [0, 1, 0, 1])
    assert all(classifier.get_params()[name] is value for name, value in parameters.items())
