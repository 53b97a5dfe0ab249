"""Frames, columns and arrays of other libraries: read as the numbers they hold, or refused."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import bits, make_classes

import oneneuron
from oneneuron import NeuronClassifier, _frames

X, y, _ = make_classes(71, 60, 3)
X = (10 * X).round()
NAMES = ["age", "height", "weight"]
FRAME = pd.DataFrame(X, columns=NAMES)
NUMBERS = ["Float64", "Int64", "double[pyarrow]", "int64[pyarrow]"]
BOOLEANS = ["boolean", "bool[pyarrow]"]


def with_dtype(frame, dtype):
    """Return a frame or a column with a dtype of pandas, which may need pyarrow."""
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    return frame.astype(dtype)


def fitted(samples, labels=y):
    return NeuronClassifier().fit(samples, labels)


# --- pandas: samples ---


@pytest.mark.parametrize("dtype", NUMBERS)
def test_a_nullable_frame_gives_the_model_of_its_numbers(dtype):
    assert bits(fitted(with_dtype(FRAME, dtype))) == bits(fitted(X))


@pytest.mark.parametrize("dtype", BOOLEANS)
def test_a_frame_of_nullable_booleans_gives_the_model_of_zeros_and_ones(dtype):
    assert bits(fitted(with_dtype(FRAME > 0, dtype))) == bits(fitted((X > 0).astype(float)))


@pytest.mark.parametrize("dtype", [*NUMBERS, *BOOLEANS])
def test_no_value_of_a_nullable_frame_is_looked_at_as_an_object(dtype):
    assert _frames.as_numpy(with_dtype(FRAME > 0, dtype), "X").dtype == np.float64


def test_no_value_is_looked_at_as_an_object_where_some_columns_are_booleans():
    frame = FRAME.assign(age=FRAME["age"] > 0)
    converted = _frames.as_numpy(frame, "X")
    assert converted.dtype == np.float64 and (converted == frame.astype(float)).all(axis=None)


@pytest.mark.parametrize("dtype", ["Float32", "float[pyarrow]"])
def test_a_frame_of_single_precision_is_computed_in_single_precision(dtype):
    assert fitted(with_dtype(FRAME, dtype)).coef_.dtype == np.float32


def test_one_column_of_another_dtype_makes_the_computation_double():
    assert fitted(FRAME.astype("Float32").assign(age=X[:, 0])).coef_.dtype == np.float64


def test_plain_frames_are_left_to_numpy():
    assert _frames.as_numpy(FRAME, "X") is FRAME


@pytest.mark.parametrize("dtype", ["Float64", "double[pyarrow]"])
def test_the_names_of_a_nullable_frame_are_kept(dtype):
    assert fitted(with_dtype(FRAME, dtype)).feature_names_in_.tolist() == NAMES


def test_a_nullable_frame_with_other_names_raises():
    model = fitted(FRAME.astype("Float64"))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(FRAME.astype("Float64").rename(columns={"age": "size"}))


def test_columns_of_the_same_name_are_all_read():
    frame = FRAME.set_axis(["age", "age", "age"], axis=1).astype("Float64")
    assert _frames.as_numpy(frame, "X").tolist() == X.tolist()


def test_the_model_does_not_change_with_the_frame():
    frame = FRAME.astype("Float64")
    converted = _frames.as_numpy(frame, "X")
    frame.iloc[:] = 0.0
    assert converted.tolist() == X.tolist()


def test_a_column_of_strings_is_refused():
    with pytest.raises(TypeError, match="X must hold numbers, found 'tall'"):
        fitted(FRAME.astype("Int64").assign(height="tall"))


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
@pytest.mark.parametrize("dtype", ["float", *NUMBERS, *BOOLEANS])
def test_a_missing_value_of_a_frame_is_named_by_row_and_column(dtype, method):
    frame = with_dtype(FRAME > 0, dtype) if dtype in BOOLEANS else with_dtype(FRAME, dtype)
    model = fitted(frame) if method == "predict" else NeuronClassifier()
    frame.loc[[17, 40], "height"] = None
    arguments = {"fit": (y,), "partial_fit": (y, [0, 1]), "predict": ()}[method]
    message = r"^X contains NaN at row 17, column 'height': drop or fill those samples\.$"
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(frame, *arguments)


@pytest.mark.parametrize("method", ["fit", "predict"])
def test_an_infinite_value_of_a_nullable_frame_is_refused(method):
    model, frame = fitted(FRAME), FRAME.astype("Float64")
    frame.loc[17, "height"] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.fit(frame, y) if method == "fit" else model.predict(frame)


def test_nullable_sample_weights_count_as_their_numbers():
    weights = np.arange(60.0)
    found = NeuronClassifier().fit(X, y, pd.Series(weights, dtype="Float64"))
    assert bits(found) == bits(NeuronClassifier().fit(X, y, weights))


def test_train_takes_a_nullable_frame():
    options = {"eta": "auto", "init": (np.zeros(3), 0.0), "num_steps": 10}
    found = oneneuron.train(FRAME.astype("Int64"), pd.Series(y, dtype="Int64"), **options)
    expected = oneneuron.train(X, y, **options)
    assert found.last.weights.tolist() == expected.last.weights.tolist()


# --- pandas: labels ---


@pytest.mark.parametrize(
    ("labels", "dtype", "classes"),
    [
        (y, "Int64", np.array([0, 1])),
        (y, "int64[pyarrow]", np.array([0, 1])),
        (y, "Float64", np.array([0.0, 1.0])),
        (y == 1, "boolean", np.array([False, True])),
        (y == 1, "bool[pyarrow]", np.array([False, True])),
        (np.array(["no", "yes"])[y], "string[python]", np.array(["no", "yes"], object)),
        (np.array(["no", "yes"])[y], "string[pyarrow]", np.array(["no", "yes"], object)),
    ],
)  # fmt: skip
def test_the_classes_of_nullable_labels_have_the_dtype_in_numpy(labels, dtype, classes):
    model = fitted(X, with_dtype(pd.Series(labels), dtype))
    assert model.classes_.tolist() == classes.tolist()
    assert model.predict(X).dtype == model.classes_.dtype == classes.dtype


@pytest.mark.parametrize(
    "dtype", ["Int64", "int64[pyarrow]", "boolean", "bool[pyarrow]", "string[python]"]
)
def test_a_missing_nullable_label_raises_with_its_row(dtype):
    labels = pd.Series(["no", "yes"]).iloc[y] if "string" in dtype else pd.Series(y == 1)
    labels = with_dtype(labels.reset_index(drop=True), dtype)
    labels[17] = None
    message = r"^y contains (NaN|<NA>) at row 17: drop or fill those samples\.$"
    with pytest.raises(ValueError, match=message):
        fitted(X, labels)


# --- polars ---


@pytest.fixture
def pl():
    return pytest.importorskip("polars")


def polars_frame(pl, **changes):
    return pl.DataFrame({**{name: FRAME[name].to_list() for name in NAMES}, **changes})


def test_a_frame_of_polars_gives_the_model_of_its_numbers(pl):
    assert bits(fitted(polars_frame(pl))) == bits(fitted(X))


def test_the_names_of_a_frame_of_polars_are_read(pl):
    assert fitted(polars_frame(pl)).feature_names_in_.tolist() == NAMES


def test_a_frame_of_polars_with_other_names_raises(pl):
    model = fitted(polars_frame(pl))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(polars_frame(pl).rename({"age": "size"}))


@pytest.mark.parametrize("method", ["fit", "predict"])
@pytest.mark.parametrize(
    ("missing", "kind", "found"),
    [(None, float, "null"), (None, int, "null"), (None, bool, "null"), (np.nan, float, "NaN")],
)
def test_a_missing_value_of_polars_is_named_by_row_and_column(pl, missing, kind, found, method):
    values = [kind(value) for value in X[:, 1]]
    values[17] = missing
    frame, model = polars_frame(pl, height=values), fitted(polars_frame(pl))
    message = f"^X contains {found} at row 17, column 'height': drop or fill those samples\\.$"
    with pytest.raises(ValueError, match=message):
        model.fit(frame, y) if method == "fit" else model.predict(frame)


def test_a_null_is_named_in_a_frame_of_booleans_alone(pl):
    booleans = [True, False, None] * 20
    with pytest.raises(ValueError, match="X contains null at row 2, column 'a'"):
        fitted(pl.DataFrame({"a": booleans, "b": [True, False, False] * 20}))


def test_decimals_of_polars_count_as_numbers(pl):
    frame = polars_frame(pl).cast(pl.Decimal(10, 2))
    assert bits(fitted(frame)) == bits(fitted(X))


def test_a_column_of_strings_of_polars_is_refused(pl):
    with pytest.raises(TypeError, match="X must hold numbers, found 'tall'"):
        fitted(polars_frame(pl, height=["tall"] * 60))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (y, np.array([0, 1])),
        (y == 1, np.array([False, True])),
        (np.array(["no", "yes"])[y], np.array(["no", "yes"], object)),
    ],
    ids=["numbers", "booleans", "strings"],
)
def test_a_series_of_polars_gives_the_labels(pl, labels, classes):
    model = fitted(X, pl.Series(labels.tolist()))
    assert model.classes_.tolist() == classes.tolist()
    assert model.predict(X).dtype == model.classes_.dtype == classes.dtype


@pytest.mark.parametrize("labels", [[0, 1], [False, True], ["no", "yes"]], ids=str)
def test_a_null_among_the_labels_raises_with_its_row(pl, labels):
    given = [labels[code] for code in y]
    given[17] = None
    message = r"^y contains (NaN|None) at row 17: drop or fill those samples\.$"
    with pytest.raises(ValueError, match=message):
        fitted(X, pl.Series(given))


@pytest.mark.parametrize("method", ["fit", "predict"])
def test_a_lazy_frame_raises_with_the_call_that_loads_it(pl, method):
    model, lazy = fitted(X), polars_frame(pl).lazy()
    with pytest.raises(TypeError, match=r"^X is a LazyFrame.*: call \.collect\(\) first\.$"):
        model.fit(lazy, y) if method == "fit" else model.predict(lazy)


# --- The array API ---


def test_an_array_of_another_library_gives_the_model_of_its_numbers():
    xp = pytest.importorskip("array_api_strict")
    assert bits(fitted(xp.asarray(X), xp.asarray(y))) == bits(fitted(X))


def test_an_array_that_numpy_cannot_read_raises():
    xp = pytest.importorskip("array_api_strict")
    samples = xp.asarray(X, device=xp.Device("device1"))
    with pytest.raises(TypeError, match=r"^X must be an array that NumPy can read: convert"):
        fitted(samples)


# The same with scikit-learn's dispatch, for which SciPy must be told before it is imported.
DISPATCHED = """
import array_api_strict as xp
import numpy as np
import sklearn
from oneneuron import NeuronClassifier
X = np.random.default_rng(0).standard_normal((60, 3))
y = (X[:, 0] > 0).astype(int)
expected = NeuronClassifier().fit(X, y).predict_proba(X)
try:
    sklearn.set_config(array_api_dispatch=True)
except ImportError as error:
    raise SystemExit(f"no dispatch: {error}")
model = NeuronClassifier().fit(xp.asarray(X), xp.asarray(y))
found = model.predict_proba(xp.asarray(X))
assert type(found) is np.ndarray and (found == expected).all()
assert type(model.predict(xp.asarray(X))) is np.ndarray
assert type(model.coef_) is np.ndarray
X[17, 1] = np.nan
try:
    model.predict(xp.asarray(X))
except ValueError as error:
    assert "X contains NaN at row 17, column 1: drop" in str(error), error
else:
    raise AssertionError
"""


def test_the_array_api_dispatch_of_scikit_learn_gives_arrays_of_numpy():
    pytest.importorskip("array_api_strict")
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-c", DISPATCHED], capture_output=True, text=True, env=environment
    )
    if done.stderr.startswith("no dispatch"):
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
