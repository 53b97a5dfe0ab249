"""Checks of arguments: what they return, and messages that say what to do."""

import warnings

import numpy as np
import pandas as pd
import pytest

import oneneuron
from oneneuron import NeuronClassifier, _checks
from oneneuron._losses import LOSSES


def message_of(function, *arguments, error=ValueError):
    """Return the message of the error that a call raises."""
    with pytest.raises(error) as raised:
        function(*arguments)
    return str(raised.value)


# --- Labels ---


@pytest.mark.parametrize(
    ("y", "name"),
    [
        ([0.0, 1.0, np.nan], "nan"),
        (np.array([0, 1, np.nan], np.float32), "nan"),
        (np.array([0, 1, np.float32("nan")], object), "nan"),
        ([0, 1, pd.NA], "<na>"),
        (["no", "yes", None], "none"),
        (["no", "yes", np.nan], "nan"),
        (np.array(["2020-01-01", "2020-01-02", "NaT"], "M8[D]"), "nat"),
    ],
    ids=str,
)
def test_a_missing_label_is_reported_with_its_row(y, name):
    y = y if isinstance(y, np.ndarray) else np.array(y, object)
    message = message_of(_checks.as_labels, y, 3)
    assert message.lower() == f"y contains {name} at row 2: drop or fill those samples."


@pytest.mark.parametrize("y", [[0, 1, None], pd.array([0, 1, None], dtype="Int64")], ids=str)
def test_none_among_numbers_is_reported_as_missing(y):
    message = message_of(_checks.as_labels, y, 3)
    assert message.startswith("y contains ") and "at row 2: drop or fill those samples." in message


def test_a_column_of_labels_is_answered_with_ravel():
    message = message_of(_checks.as_labels, np.zeros((400, 1)), 400)
    assert "found shape (400, 1)" in message and message.endswith(": use y.ravel().")


def test_a_row_of_labels_is_answered_with_ravel():
    assert message_of(_checks.as_labels, np.zeros((1, 400)), 400).endswith(": use y.ravel().")


def test_labels_of_another_length_are_not_answered_with_ravel():
    assert message_of(_checks.as_labels, np.zeros(399), 400) == (
        "y must have shape (400,), one label for each sample, found shape (399,): pass the labels "
        "of the same samples, with one sample in each row of the table."
    )


@pytest.mark.parametrize("dtype", [str, object])
def test_strings_of_0_and_1_are_quoted_and_answered_with_astype(dtype):
    assert message_of(_checks.as_labels, np.array(["0", "1"], dtype), 2) == (
        "y must hold the labels 0 and 1, found '0', '1': convert it, for instance with "
        "y.astype(int)."
    )


def test_other_strings_are_quoted_and_answered_with_a_comparison():
    assert message_of(_checks.as_labels, np.array(["no", "yes"]), 2) == (
        "y must hold the labels 0 and 1, found 'no', 'yes': recode it, for instance as y == 'yes'."
    )


def test_a_remedy_for_a_list_makes_an_array_of_it_first():
    for remedy, y in [("np.array(y) == 'yes'", ["no", "yes"]), ("np.array(y).ravel()", [[0], [1]])]:
        assert message_of(_checks.as_labels, y, 2).endswith(f"{remedy}.")
    assert message_of(_checks.as_samples, [1.0]).endswith(
        "feature with np.array(X).reshape(-1, 1), for one sample with np.array(X).reshape(1, -1)."
    )
    assert message_of(_checks.as_samples, [["1"]], error=TypeError).endswith(
        "found dtype <U1 (text): convert it with np.array(X).astype(float)."
    )


def test_many_labels_are_listed_up_to_four():
    message = message_of(_checks.as_labels, np.arange(9), 9)
    assert "found 0, 1, 2, 3, ...: recode it" in message


def test_several_labels_are_answered_with_the_classifier_too():
    assert message_of(_checks.as_labels, np.array([0, 1, 2]), 3).endswith(
        "recode it, for instance as y == 2 for one class against the rest, or use "
        "NeuronClassifier, which takes any labels."
    )


@pytest.mark.parametrize("y", [[0.1, 0.9], [0.0, 0.3, 1.0], [17.2, 40.0]], ids=str)
def test_fractions_are_answered_with_a_threshold(y):
    assert message_of(_checks.as_labels, np.array(y), len(y)).endswith(
        "recode it with a threshold, for instance as y > 0.5."
    )


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float32, object])
def test_labels_become_a_new_array_of_bytes(dtype):
    given = np.array([0, 1, 1, 0]).astype(dtype)
    labels = _checks.as_labels(given, 4)
    assert labels.tolist() == [0, 1, 1, 0] and labels.dtype == np.uint8
    assert not np.shares_memory(labels, given)


# --- Other arrays ---


def test_a_column_of_sample_weights_is_answered_with_ravel():
    weights = np.ones((5, 1))
    message = message_of(_checks.as_sample_weight, weights, 5, np.dtype(float))
    assert "found shape (5, 1)" in message and message.endswith(": use sample_weight.ravel().")


def test_samples_of_one_dimension_are_answered_with_reshape():
    message = message_of(_checks.as_samples, np.arange(5.0))
    assert "found shape (5,)" in message and "X.reshape(-1, 1)" in message
    assert "for one sample with X.reshape(1, -1)" in message
    assert "reshape(-1, 1)" not in message_of(_checks.as_samples, np.zeros((2, 3, 4)))


def test_a_value_that_is_not_finite_is_reported_with_its_row_in_the_whole_table():
    part = np.zeros((200_000, 2))
    part[150_000, 1] = np.inf
    assert message_of(_checks.refuse_non_finite, part, "X", 1_000_000) == (
        "X must be finite, found inf in sample 1150000, feature 1: drop the sample, or fill in "
        "the value."
    )


def test_a_value_that_is_not_finite_is_reported_with_the_name_of_its_feature():
    message = message_of(_checks.refuse_non_finite, np.array([[0.0, np.nan]]), "X", 0, ["a", "b"])
    assert "found nan in sample 0, feature 'b': drop" in message


def test_a_missing_value_of_a_frame_is_reported_with_the_name_of_its_column():
    frame = pd.DataFrame({"width": [1.0, 2.0], "height": [1.0, np.nan]})
    assert "found nan in sample 1, feature 'height': drop" in message_of(_checks.as_samples, frame)


def test_checked_arrays_keep_their_shape_when_the_callers_change():
    given = np.ones((2, 3))
    samples, values = _checks.as_samples(given), _checks.as_array(given, "y")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy 2.5 advises against it
        given.shape = (3, 2)
    assert samples.shape == values.shape == (2, 3)
    weights = np.ones(4)
    assert _checks.as_sample_weight(weights, 4, weights.dtype) is not weights


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sample_weights_whose_sum_overflows_are_named_with_the_dtype(dtype):
    weights = np.full(3, 0.9 * np.finfo(dtype).max, dtype)
    assert message_of(_checks.as_sample_weight, weights, 3, np.dtype(dtype)) == (
        f"sample_weight must have a finite sum in {np.dtype(dtype)}, the dtype of the samples: "
        f"scale the weights down."
    )


def test_weights_too_large_for_float32_samples_are_not_called_large_samples():
    with pytest.raises(ValueError, match=r"^sample_weight must have a finite sum in float32"):
        oneneuron.train(
            np.ones((3, 1), np.float32), [0, 1, 1], eta=0.1, sample_weight=np.full(3, 3e38)
        )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -1, 2], r"sample_weight must be finite and 0 or more, found -1.0 for sample 1."),
        ([1, 2, np.nan], r"sample_weight must be finite and 0 or more, found nan for sample 2."),
        ([np.inf, 2, 1], r"sample_weight must be finite and 0 or more, found inf for sample 0."),
        ([0, 0, 0], "sample_weight must be above 0 for at least one sample, found only zeros."),
    ],
    ids=str,
)
def test_invalid_sample_weights_are_quoted_with_their_sample(weights, message):
    assert message_of(_checks.as_sample_weight, weights, 3, np.dtype(float)) == message


@pytest.mark.parametrize("container", [list, tuple])
def test_an_array_without_masked_values_may_be_among_the_rows(container):
    rows = container([np.ma.array([0.0, 1.0]), [2.0, 3.0]])
    assert _checks.as_samples(rows).tolist() == [[0.0, 1.0], [2.0, 3.0]]


# --- Choices and numbers ---


@pytest.mark.parametrize("name", LOSSES)
def test_as_loss_returns_the_record_of_a_loss(name):
    assert _checks.as_loss(name) is LOSSES[name]


@pytest.mark.parametrize("loss", ["hinge", "LOG", "", None, 0, ["log"]])
@pytest.mark.parametrize(
    "call",
    [
        _checks.as_loss,
        lambda loss: oneneuron.safe_eta([[0.0], [1.0]], loss=loss),
        lambda loss: NeuronClassifier(loss=loss).fit([[0.0], [1.0]], [0, 1]),
        lambda loss: NeuronClassifier(loss=loss).partial_fit([[0.0]], [0], classes=[0, 1]),
    ],
    ids=["as_loss", "safe_eta", "fit", "partial_fit"],
)
def test_an_unknown_loss_raises(call, loss):
    expected = f"loss must be 'quadratic' or 'log', found {loss!r}."
    assert message_of(call, loss) == expected


@pytest.mark.parametrize("class_weight", ["auto", 1.0, [1.0, 2.0], True])
def test_an_unknown_class_weight_is_answered_with_all_that_is_allowed(class_weight):
    assert message_of(_checks.as_class_weight, class_weight) == (
        f"class_weight must be 'balanced', a dict of label to weight, or None, found "
        f"{class_weight!r}."
    )


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1.0, 1: 2.0}])
def test_allowed_class_weights_are_returned(class_weight):
    assert _checks.as_class_weight(class_weight) == class_weight


@pytest.mark.parametrize("kind", [int, np.int8, np.uint8, np.int64, np.uint64])
def test_whole_numbers_of_any_type_become_python_integers(kind):
    assert type(_checks.as_count(kind(100), "n_init")) is int
    assert type(_checks.as_threads(kind(2))) is int


def test_a_whole_number_written_as_a_float_is_answered_with_int():
    message = message_of(_checks.as_count, 1e4, "num_steps", error=TypeError)
    assert message == (
        "num_steps must be a whole number, 0 or more, found 10000.0: use int(num_steps)."
    )


def test_a_step_size_of_zero_is_answered_with_the_automatic_one():
    message = message_of(_checks.as_eta_or_auto, 0)
    assert message == "eta must be finite and above 0, found 0: try 'auto'."


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_numbers_of_any_type_become_python_floats(kind):
    for check in (_checks.as_size, _checks.as_number):
        assert type(check(kind(0.5), "alpha")) is float
    assert type(_checks.as_eta(kind(0.5))) is float
    assert type(_checks.as_eta_or_auto(kind(0.5))) is float


def test_a_fraction_is_not_answered_with_int():
    assert message_of(_checks.as_count, 1.5, "num_steps", error=TypeError).endswith("found 1.5.")
