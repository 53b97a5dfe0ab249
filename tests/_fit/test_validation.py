"""The samples and labels of a fit: what scikit-learn sees of them, and what a fit keeps."""

import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import bits, make_classes
from sklearn.base import clone
from sklearn.utils.multiclass import check_classification_targets

from oneneuron import NeuronClassifier, _checks
from oneneuron._fit import validation
from oneneuron._fit.validation import validated_samples, validated_samples_and_labels

X, y, _ = make_classes(70, 60, 2)
FRAME = pd.DataFrame(X, columns=["a", "b"])


@pytest.fixture
def classifier():
    return NeuronClassifier()


@pytest.fixture
def asked(monkeypatch):
    """Return a list that gets the name of each function of scikit-learn that is called."""
    names = []

    def watch(name):
        function = getattr(validation, name)

        def watched(*arguments, **options):
            names.append(name)
            return function(*arguments, **options)

        monkeypatch.setattr(validation, name, watched)

    watch("validate_data")
    watch("check_classification_targets")
    return names


# --- Samples ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_samples_of_floats_are_not_copied(classifier, order, dtype):
    given = np.array(X, dtype, order=order)
    samples = validated_samples(classifier, given, reset=True)
    assert np.shares_memory(samples, given) and samples.strides == given.strides


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_samples_of_a_frame_of_one_dtype_are_not_copied(classifier, order):
    frame = pd.DataFrame(np.array(X, order=order), columns=["a", "b"])
    samples, own = validated_samples(classifier, frame, reset=True), frame.to_numpy()
    assert np.shares_memory(samples, own) and samples.strides == own.strides


def test_another_shape_for_the_callers_arrays_changes_nothing(classifier):
    given, labels = X.copy(), y.copy()
    samples, distinct, codes = validated_samples_and_labels(classifier, given, labels, reset=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy 2.5 advises against it
        given.shape = (2, 60)
        labels.shape = (60, 1)
    labels[:] = 7
    assert samples.shape == (60, 2) and samples.tobytes() == X.tobytes()
    assert distinct[codes].tolist() == y.tolist()


@pytest.mark.parametrize("change", ["infinite", "column"])
def test_scikit_learn_too_gets_a_view_of_the_samples(classifier, change, monkeypatch):
    given = []
    monkeypatch.setattr(validation, "validate_data", lambda _, *arrays, **__: given.extend(arrays))
    samples = np.full((60, 2), np.inf) if change == "infinite" else X
    with pytest.raises(TypeError):  # the stand-in returns None
        validated_samples_and_labels(classifier, samples, y[:, None], reset=True)
    assert given[0] is not samples and np.shares_memory(given[0], samples)


def test_plain_arrays_and_lists_do_without_scikit_learn(classifier, asked):
    for samples in (X, X.astype(np.float32), X.tolist(), (10 * X).astype(int)):
        for labels in (y, y.tolist(), y > 0, y.astype(float), np.array(["a", "b"])[y]):
            classifier.fit(samples, labels).predict(samples)
    assert asked == []


def test_a_frame_is_shown_to_scikit_learn_for_its_names(classifier, asked):
    classifier.fit(FRAME, y)
    assert asked == ["validate_data"]
    assert classifier.feature_names_in_.tolist() == ["a", "b"] and classifier.n_features_in_ == 2


def test_a_fit_on_an_array_forgets_the_names_of_a_frame(classifier):
    classifier.fit(FRAME, y).fit(X[:, :1], y)
    assert not hasattr(classifier, "feature_names_in_") and classifier.n_features_in_ == 1


def test_an_array_for_a_model_of_a_frame_warns(classifier):
    classifier.fit(FRAME, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        classifier.predict(X)


def test_a_frame_with_other_names_raises(classifier):
    classifier.fit(FRAME, y)
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(FRAME.rename(columns={"a": "c"}))


@pytest.mark.parametrize("samples", [X[:, :1], FRAME[["a"]]], ids=["array", "frame"])
def test_another_number_of_features_raises(samples):
    fitted = NeuronClassifier().fit(X if isinstance(samples, np.ndarray) else FRAME, y)
    with pytest.raises(ValueError):
        fitted.predict(samples)


def test_samples_whose_sum_overflows_are_accepted(classifier):
    samples = validated_samples(classifier, np.full((60, 2), 1e308), reset=True)
    assert samples.tolist() == np.full((60, 2), 1e308).tolist()


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_not_finite_raises(classifier, missing):
    samples = X.copy()
    samples[-1, -1] = missing
    with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
        classifier.fit(samples, y)


def test_a_frame_with_a_sparse_column_is_left_to_scikit_learn(classifier):
    frame = FRAME.assign(b=pd.arrays.SparseArray(y))
    with pytest.warns(UserWarning, match="sparse columns"):
        classifier.fit(frame, y)


@pytest.mark.parametrize("dtype", ["Float64", "Int64"])
def test_a_frame_of_nullable_columns_gives_the_model_of_its_numbers(dtype):
    frame = pd.DataFrame((10 * X).round(), columns=["a", "b"])
    expected = NeuronClassifier().fit(frame, y)
    assert bits(NeuronClassifier().fit(frame.astype(dtype), y)) == bits(expected)


def test_a_matrix_is_refused_by_scikit_learn(classifier):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.asmatrix(X)
    with pytest.raises(TypeError, match=r"np\.matrix is not supported"):
        classifier.fit(matrix, y)


# --- Labels ---


def test_the_labels_of_a_column_are_flattened_with_a_warning(classifier):
    with pytest.warns(match="A column-vector y was passed"):
        classifier.fit(X, y[:, None])
    assert bits(classifier) == bits(clone(classifier).fit(X, y))


@pytest.mark.parametrize(
    "given", [y, y > 0, y + 0.0, np.array(["b", "c"])[y]], ids=lambda y: str(y.dtype)
)
@pytest.mark.parametrize("container", [np.asarray, list, tuple, pd.Series, pd.Categorical])
def test_labels_in_any_container_give_the_same_classes(classifier, container, given):
    classifier.fit(X, container(given))
    assert classifier.classes_.tolist() == np.unique(given).tolist()
    assert bits(classifier) == bits(clone(classifier).fit(X, given))


@pytest.mark.parametrize("kind", ["numbers", "strings", "column"])
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_a_list_of_labels_is_converted_once(classifier, kind, monkeypatch):
    named = np.array(["a", "b"])[y]
    labels = {"numbers": y, "strings": named, "column": named[:, None]}[kind].tolist()
    converted, given = [], []
    as_array, validate_data = _checks.as_array, validation.validate_data

    def convert(value, name):
        converted.append(value is labels)
        return as_array(value, name)

    def validate(estimator, *arrays, **options):
        given.extend(arrays)
        return validate_data(estimator, *arrays, **options)

    monkeypatch.setattr(_checks, "as_array", convert)
    monkeypatch.setattr(validation, "validate_data", validate)
    classifier.fit(X, labels)
    assert sum(converted) == 1 and labels not in [x for x in given if isinstance(x, list)]


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (y + 0.5, ValueError, "Unknown label type: continuous"),
        (np.where(y, 1e300, 0.0), ValueError, "Unknown label type: continuous"),
        (np.where(y, np.inf, 0.0), ValueError, "Input y contains infinity"),
        (y.astype(object), ValueError, "Unknown label type: unknown"),
        (np.array([0, "a"] * 30, object), ValueError, "Unknown label type: unknown"),
        (np.array(["a", 0] * 30, object), TypeError, "^y must hold labels of one kind"),
        (y + 0j, ValueError, "Complex data not supported"),
        (np.column_stack([y, y]), ValueError, "y should be a 1d array"),
        (y[1:], ValueError, "inconsistent numbers of samples"),
        (None, ValueError, "requires y to be passed"),
    ],
    ids=str,
)  # fmt: skip
def test_labels_that_are_no_classes_are_refused(classifier, labels, error, message):
    with pytest.raises(error, match=message):
        classifier.fit(X, labels)


def verdict(call):
    """Return the error and the warnings of a call as text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
            error = None
        except (ValueError, TypeError) as raised:
            error = repr(raised)
    return error, [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    "labels",
    [
        np.minimum(np.arange(60), 29), np.minimum(np.arange(60), 30),
        np.minimum(np.arange(60), 30.0), np.minimum(np.arange(60), 30).astype(str),
        np.minimum(np.arange(60), 30).astype(str).astype(object), np.arange(20), np.arange(2),
        np.arange(3), np.array([b"a", b"b"])[y], np.array(["2020", "2021"], "M8[D]")[y],
        y.astype("m8[s]"), y.astype(np.longdouble), y + 0.5,
    ],
    ids=lambda labels: f"{labels.dtype}-{len(np.unique(labels))}-of-{len(labels)}",
)  # fmt: skip
def test_the_verdict_on_labels_is_that_of_scikit_learn(classifier, labels):
    found = verdict(
        lambda: validated_samples_and_labels(classifier, X[: len(labels)], labels, reset=True)
    )
    assert found == verdict(lambda: check_classification_targets(labels))


def test_labels_of_bytes_and_numbers_are_refused_without_a_warning(classifier):
    with pytest.raises((TypeError, ValueError)):  # as scikit-learn has it
        classifier.fit(X[:2], np.array([b"1", 0], dtype=object))
