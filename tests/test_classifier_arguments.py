"""Arguments that NeuronClassifier refuses, and what a fit that fails leaves behind."""

import inspect
import re
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from helpers import SOLVERS, bits, make_classes

from oneneuron import NeuronClassifier
from oneneuron._fit.recording import Recorder

SECOND = np.timedelta64(1, "s")  # NumPy registers it as a whole number

# --- Parameters ---


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "hinge"}, r"loss must be 'quadratic' or 'log', found 'hinge'"),
        ({"loss": None}, r"loss must be 'quadratic' or 'log', found None"),
        ({"solver": "sgd"}, r"solver must be 'lbfgs' or 'gd', found 'sgd'"),
        ({"eta": 0}, r"eta must be finite and above 0, found 0"),
        ({"eta": -1.0}, r"eta must be finite and above 0, found -1.0"),
        ({"eta": np.nan}, r"eta must be finite and above 0, found nan"),
        ({"eta": "fast"}, r"eta must be a number above 0 or 'auto', found 'fast'"),
        ({"eta": None}, r"eta must be a number above 0 or 'auto', found None"),
        ({"eta": 10**400}, r"eta must be finite and above 0, found 1000"),
        (
            {"eta": SECOND},
            rf"eta must be a number above 0 or 'auto', found {re.escape(repr(SECOND))}",
        ),
        ({"eta": True}, r"eta must be a number above 0 or 'auto', found True"),
        ({"max_iter": -1}, r"max_iter must be 0 or more, found -1"),
        ({"max_iter": 1.5}, r"max_iter must be a whole number, 0 or more, found 1.5"),
        (
            {"max_iter": 2**63},
            r"max_iter must be at most 9223372036854775807, found 9223372036854775808",
        ),
        ({"max_iter": True}, r"max_iter must be a whole number, 0 or more, found True"),
        ({"tol": -1e-3}, r"tol must be finite and 0 or more, found -0.001"),
        ({"tol": np.inf}, r"tol must be finite and 0 or more, found inf"),
        ({"tol": None}, r"tol must be a number, 0 or more, found None"),
        ({"alpha": -1}, r"alpha must be finite and 0 or more, found -1"),
        ({"alpha": "1"}, r"alpha must be a number, 0 or more, or 'auto', found '1'"),
        ({"fit_intercept": "yes"}, r"fit_intercept must be True or False, found 'yes'"),
        ({"fit_intercept": 1}, r"fit_intercept must be True or False, found 1"),
        (
            {"class_weight": "auto"},
            r"class_weight must be 'balanced', a dict of label to weight, or None, found 'auto'\.",
        ),
        ({"class_weight": {7: 1.0}}, r"classes, \[0, 1\], are not in class_weight"),
        ({"n_init": 0}, r"n_init must be 1 or more, found 0"),
        ({"n_init": 2.0}, r"n_init must be a whole number, 1 or more, found 2.0"),
        ({"init": 3}, r"init must be a pair \(coef, intercept\)"),
        ({"init": ([1.0, 2], 0.0)}, r"init must have shapes \(1, 2\) and \(1,\).*\(2,\) and \(\)"),
        ({"init": ([[1.0]], [0.0])}, r"init must have shapes .* found \(1, 1\) and \(1,\)"),
        ({"init": ([[1.0, 2]] * 2, [0.0] * 2)}, r"init must have shapes .* found \(2, 2\) and"),
        ({"init": ([[1.0, 2]], [0.0, 0.0])}, r"init must have shapes .* found \(1, 2\) and \(2,\)"),
        ({"init": ([[1.0, np.nan]], [0.0])}, r"init must be finite"),
        ({"init": ([["a", "b"]], [0.0])}, r"init must hold numbers, found dtype <U1"),
        ({"init": ([[1.0, 2j]], [0.0])}, r"init must hold numbers, found dtype complex128"),
        ({"warm_start": 1}, r"warm_start must be True or False, found 1"),
        ({"keep": "first"}, r"keep must be 'last' or 'best' or 'lowest', found 'first'"),
        ({"n_threads": 0}, r"n_threads must be 1 or more, .*None.*, found 0"),
        ({"record_every": -1}, r"record_every must be 0 or more, found -1"),
        ({"record_every": 0.5}, r"record_every must be a whole number, 0 or more, found 0.5"),
        ({"verbose": -1}, r"verbose must be 0 or more, found -1"),
        ({"verbose": "loud"}, r"verbose must be a whole number, 0 or more, found 'loud'"),
        ({"class_weight": {0: -1, 1: 1}}, r"class_weight\[0\] must be .*0 or more.* found -1"),
        ({"class_weight": {0: np.nan, 1: 1}}, r"class_weight\[0\] must be .* found nan"),
        (
            {"class_weight": {0: "a", 1: 1}},
            r"class_weight\[0\] must be a number, 0 or more, found 'a'",
        ),
        ({"n_threads": -1}, r"n_threads must be 1 or more.* found -1"),
        ({"n_threads": 1.5}, r"n_threads must be a whole number, 1 or more, found 1.5"),
        ({"random_state": "x"}, r"random_state must be .* found 'x'"),
        ({"random_state": -1}, r"random_state must be .*0.* found -1"),
        ({"random_state": 2**32}, r"random_state must be at most 4294967295, found 4294967296"),
        ({"verbose": 1.0}, r"verbose must be a whole number, 0 or more, found 1.0"),
        ({"verbose": np.zeros(2)}, r"verbose must be a whole number, 0 or more, found array"),
    ],
)
def test_a_bad_parameter_raises_with_its_name_range_and_value(change, message, method):
    options = {"classes": [0, 1]} if method == "partial_fit" else {}
    X, y = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [0, 1, 1]
    with pytest.raises(ValueError, match=message):
        getattr(NeuronClassifier(**change), method)(X, y, **options)


def test_class_weights_that_are_all_zero_raise():
    with pytest.raises(ValueError, match="class_weight times sample_weight must be above 0"):
        NeuronClassifier(class_weight={0: 0, 1: 0}).fit([[0.0], [1.0]], [0, 1])


def test_the_docstring_describes_every_parameter():
    words = inspect.getdoc(NeuronClassifier)
    for name in NeuronClassifier().get_params():
        assert f"\n{name} : " in words


@pytest.mark.parametrize("flag", [True, False, np.True_, np.False_])
def test_verbose_may_be_true_or_false(flag, capsys):
    X, y, _ = make_classes(28, 200, 4)
    NeuronClassifier(verbose=flag).fit(X, y)
    assert bool(capsys.readouterr().out) == bool(flag)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble, Fraction])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ["eta", "tol", "alpha", "class_weight"])
def test_a_number_of_any_type_counts_as_the_float_of_equal_value(name, solver, kind):
    X, y, _ = make_classes(69, 200, 4)
    found, expected = (
        NeuronClassifier(
            solver=solver, **{name: {0: number} if name == "class_weight" else number}
        ).fit(X, y)
        for number in (kind(0.125), 0.125)
    )
    assert bits(found) == bits(expected) and found.loss_ == expected.loss_


# --- Samples and labels ---


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.array([["1", "2"]] * 3)}, r"X must hold numbers, found dtype <U1"),
        ({"X": np.array([[1, 2]] * 3, "M8[s]")}, r"X must hold numbers, found dtype datetime64"),
        ({"X": np.array([[1, "2"]] * 3, object)}, r"X must hold numbers, found '2'"),
        ({"X": np.array([[1, 10**400]] * 3)}, r"X must hold numbers: int too large"),
        ({"X": np.ma.masked_equal([[0, 1], [1, 0], [2, 2]], 2)}, r"X has masked values"),
        ({"X": tuple(np.ma.masked_equal([[0, 1], [1, 0], [2, 2]], 2))}, r"X has masked values"),
        ({"y": np.ma.masked_equal([0, 1, 1], 0)}, r"y has masked values"),
        ({"y": [np.ma.masked, 1, 1]}, r"y has masked values"),
        ({"sample_weight": np.ma.masked_equal([1, 2, 2], 1)}, r"sample_weight has masked values"),
        ({"sample_weight": [1, 1j, 1]}, r"sample_weight must hold numbers, found dtype complex128"),
        ({"sample_weight": ["1", "2", "3"]}, r"sample_weight must hold numbers, found dtype <U1"),
    ],
)
def test_masked_or_non_numeric_arrays_raise(change, message, method):
    options = {"classes": [0, 1]} if method == "partial_fit" else {}
    arguments = {"X": [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], "y": [0, 1, 1], **change}
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(NeuronClassifier(), method)(**arguments, **options)


def test_continuous_labels_raise():
    X, y, rng = make_classes(19, 200, 4)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        NeuronClassifier().fit(X, y + rng.random(len(y)))


def test_labels_too_large_for_whole_numbers_raise_without_a_warning():
    with pytest.raises(ValueError, match="Unknown label type"):
        NeuronClassifier().fit([[0.0], [1.0]], [3e38, 1.0])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("missing", "name"),
    [(np.nan, "(?i:nan)"), (np.float32("nan"), "(?i:nan)"), (None, "None"), (pd.NA, "<NA>")],
    ids=["NaN", "NaN of float32", "None", "NA of pandas"],
)
@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"]], ids=["numbers", "strings"])
def test_a_missing_label_raises_with_its_row(labels, missing, name, method):
    options = {"classes": labels} if method == "partial_fit" else {}
    y = np.array([*labels, missing, labels[0]], object)
    message = rf"^y contains {name} at row 2: drop or fill those samples\.$"
    with pytest.raises(ValueError, match=message):
        getattr(NeuronClassifier(), method)(np.eye(4), y, **options)


@pytest.mark.parametrize("y", [[0.0, 1.0, np.nan], pd.array([0, 1, None], dtype="Int64")])
def test_a_missing_label_in_an_array_of_numbers_raises_with_its_row(y):
    with pytest.raises(ValueError, match=r"^y contains (?i:nan|<na>) at row 2: drop or fill"):
        NeuronClassifier().fit(np.eye(3), y)


def test_samples_of_one_dimension_raise_with_a_hint_at_reshape():
    with pytest.raises(ValueError, match=r"reshape\(-1, 1\) if your data has a single feature"):
        NeuronClassifier().fit(np.arange(4.0), [0, 1, 0, 1])


def test_classes_of_mixed_kinds_raise():
    with pytest.raises(TypeError, match="classes must hold labels of one kind"):
        NeuronClassifier().partial_fit([[0.0], [1.0]], [0, 1], classes=np.array([0, "a"], object))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinite_samples_of_both_signs_raise_without_a_warning(dtype):
    with pytest.raises(ValueError, match="contains infinity"):
        NeuronClassifier().fit(np.array([[np.inf], [-np.inf]], dtype), [0, 1])


@pytest.mark.parametrize("kind", [np.array, list])
def test_a_missing_value_is_reported_with_its_row_and_column(kind):
    X = np.arange(8.0).reshape(4, 2)
    X[2, 1] = np.nan
    message = r"^X contains NaN at row 2, column 1: drop or fill those samples\.$"
    with pytest.raises(ValueError, match=message):
        NeuronClassifier().fit(kind(X), [0, 1, 0, 1])


def test_features_with_infinite_squares_raise_since_tol_depends_on_them():
    with pytest.raises(ValueError, match=r"^X has features whose squares are infinite: scale X\.$"):
        NeuronClassifier(solver="gd", eta=1e-300).fit([[1e200], [0.0]], [0, 1])


@pytest.mark.parametrize("solver", SOLVERS)
def test_features_with_an_infinite_sum_raise_without_a_warning(solver):
    message = r"^X has features whose squares are infinite: scale X\.$"
    with pytest.raises(ValueError, match=message):
        NeuronClassifier(solver=solver, n_init=2).fit([[1.7e308], [1.7e308]], [0, 1])


def test_a_fit_does_not_change_its_arguments():
    X, y, rng = make_classes(68, 200, 4, 3)
    given_arrays = X, y, rng.random(200), rng.standard_normal((3, 4)), rng.standard_normal(3)
    before = [array.tobytes() for array in given_arrays]
    classifier = NeuronClassifier(init=given_arrays[3:], class_weight="balanced", n_init=2)
    classifier.fit(X, y, sample_weight=given_arrays[2]).predict(X)
    assert [array.tobytes() for array in given_arrays] == before


# --- After a fit that failed ---


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_init", [1, 3])
def test_ctrl_c_leaves_the_model_of_the_last_fit(solver, n_init, monkeypatch):
    X, y, _ = make_classes(65, 200, 4, 3)
    names = np.array(["a", "b", "c"])
    classifier = NeuronClassifier(solver=solver, n_init=n_init, random_state=0).fit(X, names[y])
    before = {name: repr(value) for name, value in vars(classifier).items()}
    calls, record = [], Recorder.__call__

    def interrupted(self):
        record(self)
        calls.append(self)
        if len(calls) == 2:  # after the start, steps have been made
            raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(-X, y)
    assert {name: repr(value) for name, value in vars(classifier).items()} == before
    assert classifier.predict(X[:3]).dtype == names.dtype


REFUSED = {
    "parameter": SimpleNamespace(options={"eta": -1.0}, sample_weight=None, factor=1.0),
    "sample_weight": SimpleNamespace(options={}, sample_weight=-np.ones(200), factor=1.0),
    "overflow": SimpleNamespace(options={}, sample_weight=None, factor=1e300),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_fit_that_raises_leaves_the_model_of_the_last_fit(kind):
    X, y, _ = make_classes(66, 200, 4, 3)
    classifier = NeuronClassifier().fit(X, y)
    before, classes = bits(classifier), classifier.classes_.tolist()
    refused = REFUSED[kind]
    with pytest.raises(ValueError):
        classifier.set_params(**refused.options).fit(
            refused.factor * X, y == 0, refused.sample_weight
        )
    assert (bits(classifier), classifier.classes_.tolist()) == (before, classes)
    assert classifier.predict_proba(X).shape == (200, 3)


@pytest.mark.parametrize("kind", ["sample_weight", "overflow"])
def test_a_fit_on_other_features_that_raises_leaves_a_model_that_predicts(kind):
    X, y, _ = make_classes(67, 200, 4)
    classifier = NeuronClassifier().fit(X, y)
    refused = REFUSED[kind]
    with pytest.raises(ValueError):
        classifier.fit(refused.factor * X[:, :2], y, refused.sample_weight)
    assert classifier.predict(X).shape == (200,)
