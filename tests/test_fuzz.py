"""Random arguments of every kind are refused by a check, or count as the numbers they hold."""

import builtins
import inspect
import re
import tempfile
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from numbers import Integral, Real
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.exceptions
from helpers import bits, unaligned
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

import oneneuron
from oneneuron import NeuronClassifier, plots, reference, safe_eta
from oneneuron.lecture import first_network

OURS, THEIRS = (str(Path(package.__file__).parent) for package in (oneneuron, sklearn))

# --- Arrays of every kind ---

MODERATE = st.floats(-4.0, 4.0, width=16)
FINITE = MODERATE | st.sampled_from([
    -0.0, 5e-324, 1e-310, -1e-160, 1e-38, 2.0**24 + 1, 2.0**53, 3e38, 1e39, 1e154, -1e200, 1.7e308,
])  # fmt: skip
ANY_FLOAT = FINITE | st.sampled_from([np.inf, -np.inf, np.nan])

ANY_TYPE = st.sampled_from(["f8", "f8", "f4", "i8", "?"]) | st.sampled_from([
    *"bBhHiIlLqQefdgFDG", "M8[s]", "m8[s]", "S9", "U9", "O", [("a", "f8")],
])  # fmt: skip
with np.errstate(over="ignore"):
    LARGE = np.ldexp(np.longdouble(1), 2000)  # infinite where a long double is a double
ODD_OBJECTS = [
    None, pd.NA, Decimal("0.5"), Fraction(1, 3), True, 10**400, "1.5", b"1", 1 + 2j,
    np.complex64(1), LARGE, np.datetime64(1, "s"), np.timedelta64(1, "s"), [1.0], object(),
]  # fmt: skip


class Subclass(np.ndarray):
    def __array_finalize__(self, parent):
        self.unit = getattr(parent, "unit", "cm")


class Holder:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class InterfaceHolder:
    def __init__(self, array):
        self.array, self.__array_interface__ = array, array.__array_interface__


def memory_mapped(array):
    on_disk = np.memmap(tempfile.TemporaryFile(), array.dtype, "w+", shape=array.shape)
    on_disk[...] = array
    return on_disk


def made_read_only(array):
    array.flags.writeable = False
    return array


def with_object(value, array):
    objects = array.astype(object)
    objects[(0,) * objects.ndim] = value
    return objects


LAYOUTS = [
    np.asfortranarray, made_read_only, unaligned, memory_mapped, np.ma.array,
    lambda a: a[::-1],
    lambda a: a[..., ::-1],
    lambda a: np.repeat(a, 2, axis=0)[::2],
    lambda a: np.repeat(a, 3, axis=-1)[..., ::3],
    lambda a: np.broadcast_to(a[:1], a.shape),
    lambda a: a.astype(a.dtype.newbyteorder()),
    lambda a: np.ma.array(a, mask=np.arange(a.size).reshape(a.shape) == 0),
    lambda a: a.view(np.matrix),
    lambda a: a.view(Subclass),
]  # fmt: skip
CONTAINERS = [
    Holder, InterfaceHolder, list, np.ndarray.tolist, pd.DataFrame, pd.Series,
    lambda a: tuple(map(list, np.asarray(a))),
    lambda a: [*a.tolist(), [1.0]],
    lambda a: pd.DataFrame(a).convert_dtypes(),
    lambda a: pd.Series(a).convert_dtypes(),
    lambda a: a.astype(object),
    *(partial(with_object, value) for value in ODD_OBJECTS),
]  # fmt: skip


@st.composite
def disguised(draw, values, types=ANY_TYPE):
    """Draw an array, or an object that NumPy can convert to one, of these values in some dtype."""
    array, kind = draw(values), draw(types)
    disguises = [lambda a: a if kind is None else a.astype(kind)]
    disguises += draw(st.lists(st.sampled_from(LAYOUTS), max_size=1))
    disguises += draw(st.just([]) | st.lists(st.sampled_from(CONTAINERS), max_size=1))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for disguise in disguises:
            try:
                array = disguise(array)
            except (IndexError, TypeError, ValueError, OverflowError, OSError):
                pass  # not possible for this shape or dtype
    return array


def is_masked(value):
    return any(map(np.ma.is_masked, value if isinstance(value, list | tuple) else [value]))


def plain(name, value):
    """Return an accepted argument as plain numbers: arrays, ints, floats."""
    if name in ("X", "x", "sample_weight") and value is not None:
        return plain_numbers(value)
    if name in ("y", "classes"):
        assert not is_masked(value)
        raw = np.asarray(value)
        return np.array(raw, raw.dtype.newbyteorder("="), order="C", subok=False)
    if name == "init" and value is not None:
        weights, bias = value
        return plain_numbers(weights), float(plain_numbers(bias))
    if isinstance(value, dict):
        return {key: plain(name, number) for key, number in value.items()}
    if isinstance(value, Real) and not isinstance(value, bool):
        return int(value) if isinstance(value, Integral) else float(value)
    return value


def plain_numbers(value):
    """Return a C-contiguous copy, in float32 if it was and else in float64, converted by Python."""
    assert not is_masked(value)
    raw = np.asarray(value)
    copy = np.empty(raw.shape, "f4" if raw.dtype.newbyteorder("=") == np.float32 else "f8")
    for index in np.ndindex(raw.shape):
        assert isinstance(raw[index], (Real, Decimal, np.bool_))
        copy[index] = float(raw[index])
    return copy


# --- Strategies for each argument, with n samples of d features ---


def samples(n, d):
    palettes = st.sampled_from([MODERATE, MODERATE, MODERATE, FINITE, ANY_FLOAT])
    return disguised(palettes.flatmap(lambda palette: arrays("f8", (n, d), elements=palette)))


def points(n, d):
    return samples(n, 2)


def zeros_and_ones(n, d):
    return disguised(arrays("f8", n, elements=st.sampled_from([0.0, 1.0])))


def labels(n, d):
    names = st.sampled_from([[0, 1, 2], [1, 0, 1.0], ["a", "b", "c"], [True, False], [7, "7"], [3]])
    lists = names.flatmap(lambda few: st.lists(st.sampled_from(few), min_size=n, max_size=n))
    return disguised(lists.map(np.array), types=st.none())


def codes(n, d):
    return disguised(arrays("i8", n, elements=st.integers(0, 2)), types=st.none())


def sample_weights(n, d):
    return st.none() | disguised(arrays("f8", n, elements=MODERATE.map(abs)))


def init(n, d):
    return st.tuples(disguised(arrays("f8", d, elements=MODERATE)), number(-1, 0.5)(n, d))


def lecture_model(n, d):
    names = ["b", *(f"w{j + 1}" for j in range(d))]
    return st.fixed_dictionaries({name: number(-1, 0.5)(n, d) for name in names})


def one_of(*values):
    return lambda n, d: st.sampled_from(values)


def number(*values):
    kinds = [float, np.float16, np.float32, np.longdouble, Fraction]
    return one_of(*(kind(value) for kind in kinds for value in values))


COUNTS = one_of(0, 1, 7, np.int8(5), np.uint64(3))
POSITIVE = one_of(1, 2, np.int16(3))
TRAIN = {
    "X": samples, "y": zeros_and_ones, "sample_weight": sample_weights, "init": init,
    "num_steps": COUNTS, "eta": lambda n, d: st.just("auto") | number(0.125, 3)(n, d),
    "alpha": number(0, 0.25),
    "record_every": COUNTS, "n_threads": one_of(None, 1, 2), "random_state": COUNTS,
}  # fmt: skip
FIT = {name: make for name, make in TRAIN.items() if name not in ("init", "num_steps")} | {
    "y": labels, "loss": one_of("quadratic", "log"), "solver": one_of("lbfgs", "gd"),
    "max_iter": COUNTS, "n_init": POSITIVE, "tol": number(0, 0.001),
    "class_weight": one_of(None, None, {0: np.float32(0.5)}, {0: Fraction(1, 3)}),
}  # fmt: skip
ODD_SHAPES = st.sampled_from([(), (0,), (3,), (0, 2), (3, 0), (3, 1), (2, 2, 2)])
ANYTHING = (
    disguised(ODD_SHAPES.flatmap(lambda shape: arrays("f8", shape, elements=FINITE)))
    | st.sampled_from([0, -1, 1.5, np.nan, np.inf, -np.inf, 5e-324, 1.7e308, 2**63, -(10**400)])
    | st.sampled_from([*ODD_OBJECTS, "auto", [], {}, {0: -1}, (), (1, 2), np.int8(2), np.array(2)])
)

# --- Calls ---


@dataclass(frozen=True, eq=False)
class Case:
    """A public function, a call of it, and functions of n and d that make its arguments."""

    function: Callable[..., Any]
    call: Callable[..., Any]
    arguments: dict[str, Callable[..., Any]]


def fitted(classifier):
    return {name: value for name, value in vars(classifier).items() if name.endswith("_")}


def fitting(method, **pieces):
    def call(X, y, sample_weight, **options):
        found = getattr(NeuronClassifier(**options), method)(
            X, y, sample_weight=sample_weight, **pieces
        )
        # scikit-learn turns the integers of a nullable column into floats.
        return fitted(found) | {"classes_": set(found.classes_.tolist())}

    return call


NEURON, LECTURE = NeuronClassifier, first_network.build_model
FITTED = NEURON().fit([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]], [0, 1, 1])
CASES = {
    "train": Case(oneneuron.train, oneneuron.train, TRAIN),
    "safe_eta": Case(
        safe_eta, safe_eta, {name: FIT[name] for name in ("X", "sample_weight", "alpha", "loss")}
    ),
    "sigma": Case(
        first_network.sigma, first_network.sigma, {"x": samples, "model": lecture_model}
    ),
    "build_model": Case(
        LECTURE, partial(LECTURE, print_best=False),
        {"x": samples, "y": zeros_and_ones, "eta": number(0.125, 3), "num_steps": COUNTS},
    ),
    "fit": Case(NEURON.fit, fitting("fit"), FIT),
    "partial_fit": Case(
        NEURON.partial_fit, fitting("partial_fit", classes=[0, 1, 2]), FIT | {"y": codes}
    ),
    "decision_function": Case(NEURON.decision_function, FITTED.decision_function, {"X": points}),
    "predict": Case(NEURON.predict, FITTED.predict, {"X": points}),
    "predict_proba": Case(NEURON.predict_proba, FITTED.predict_proba, {"X": points}),
    "predict_log_proba": Case(
        NEURON.predict_log_proba, FITTED.predict_log_proba, {"X": points}
    ),
    "score": Case(
        NEURON.predict, lambda X: FITTED.score(X, FITTED.predict(X)[::-1]), {"X": points}
    ),
}  # fmt: skip


@cache
def calls(case):
    """Return a strategy for the arguments of a case, of which up to two may be anything."""
    sizes = st.sampled_from([(n, d) for n in range(2, 6) for d in range(1, 4)])
    wild = st.just([]) | st.sets(st.sampled_from(sorted(case.arguments)), max_size=2)
    return st.tuples(sizes, wild.map(frozenset)).flatmap(lambda drawn: _calls(case, *drawn))


@cache
def _calls(case, size, wild):
    made = {name: make(*size) for name, make in case.arguments.items() if name not in wild}
    return st.fixed_dictionaries(made | dict.fromkeys(sorted(wild), ANYTHING))


def outcome(call, arguments):
    """Return the result, the error and the warnings of a call."""
    np.random.seed(0)
    result = error = None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = call(**arguments)
        except Exception as raised:
            error = raised
    return SimpleNamespace(result=result, error=error, warned=warned)


def documented(function, section):
    """Return the classes that a section of the docstring names."""
    text = inspect.getdoc(function)
    found = re.search(rf"^{section}\n-+\n(.*?)(?=\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^\w.*", found[1], re.MULTILINE) if found else []
    names = [name for line in lines for name in line.split(", ")]
    return tuple(getattr(builtins, n, None) or getattr(sklearn.exceptions, n) for n in names)


def assert_errors_are_deliberate(case, arguments):
    """Check that the error is documented, and raised by a check of ours or by scikit-learn."""
    error = outcome(case.call, arguments).error
    assume(error is not None)
    frames = traceback.extract_tb(error.__traceback__)
    inner = [frame for frame in frames if frame.filename.startswith((OURS, THEIRS))][-1]
    is_on_purpose = inner is frames[-1] and inner.line.startswith("raise ")
    found = "".join(traceback.format_exception(error))
    assert is_on_purpose or inner.filename.startswith(THEIRS), found
    assert isinstance(error, documented(case.function, "Raises")) and str(error), found


def assert_counts_as_plain(call, arguments):
    """Check that accepted arguments have the same result as their plain numbers."""
    found = outcome(call, arguments)
    assume(found.error is None)
    expected = outcome(call, {name: plain(name, value) for name, value in arguments.items()})
    assert bits(found.result) == bits(expected.result), expected.error


def floats_in(value):
    if isinstance(value, (dict, list, tuple)):
        parts = value.values() if isinstance(value, dict) else value
        return [number for part in parts for number in floats_in(part)]
    array = np.asarray(value)
    return array.ravel().tolist() if array.dtype.kind == "f" else []


def contents(value):
    """Return everything about an argument that a callee could change."""
    value = getattr(value, "array", value)
    if isinstance(value, np.ndarray):
        form = value.dtype, value.shape, value.strides, value.flags.num
        return np.ma.getdata(value).tobytes(), np.ma.getmaskarray(value).tobytes(), form
    return [contents(part) for part in value] if isinstance(value, tuple) else repr(value)


# --- Properties of every function ---

every_function = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_function
@given(data=st.data())
def test_every_error_is_documented_and_raised_by_a_check(case, data):
    assert_errors_are_deliberate(case, data.draw(calls(case)))


@every_function
@given(data=st.data())
def test_every_warning_is_documented(case, data):
    for warned in outcome(case.call, data.draw(calls(case))).warned:
        assert issubclass(warned.category, documented(case.function, "Warns")), warned
        assert "encountered in" not in str(warned.message)  # as NumPy would say


@every_function
@given(data=st.data())
def test_accepted_arguments_count_as_their_plain_numbers(case, data):
    assert_counts_as_plain(case.call, data.draw(calls(case)))


@every_function
@given(data=st.data())
def test_no_argument_is_changed(case, data):
    arguments = data.draw(calls(case))
    before = [contents(value) for value in arguments.values()]
    outcome(case.call, arguments)
    assert [contents(value) for value in arguments.values()] == before


@every_function
@given(data=st.data())
def test_every_result_is_finite(case, data):
    assert np.isfinite(floats_in(outcome(case.call, data.draw(calls(case))).result)).all()


# --- Properties of some functions ---


@given(arguments=calls(CASES["train"]))
def test_every_error_of_train_begins_with_the_name_of_an_argument(arguments):
    error = outcome(oneneuron.train, arguments).error
    assume(error is not None)
    assert str(error).split()[0] in inspect.signature(oneneuron.train).parameters


@given(data=st.data(), n=st.integers(1, 40), d=st.integers(1, 3))
def test_train_makes_the_steps_of_the_reference(data, n, d):
    X = data.draw(disguised(arrays("f8", (n, d), elements=MODERATE), st.sampled_from("bef")))
    y = data.draw(zeros_and_ones(n, d))
    options = {"eta": 0.01, "num_steps": 5}
    found = outcome(partial(oneneuron.train, init=([0.5] * d, 0.0), **options), {"X": X, "y": y})
    assume(found.error is None)
    X, y = plain("X", X), plain("y", y)
    *_, expected = reference.gradient_descent(X.astype("f8"), y, np.full(d, 0.5), 0.0, **options)
    # Five steps of parameters of order 1 have rounding errors of some units in the last place.
    tolerance = 20 * np.finfo(X.dtype).eps
    np.testing.assert_allclose(
        np.append(*found.result.last[:2]), np.append(*expected), 0, tolerance
    )


@pytest.mark.parametrize("is_fitted", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@given(data=st.data())
def test_a_failing_call_keeps_the_model_of_the_last_fit(method, is_fitted, data):
    classifier = NEURON()
    if is_fitted:
        classifier.fit([[0.0], [1.0]], [0, 1])
    before = fitted(classifier)
    arguments = data.draw(calls(CASES[method]))
    options = {name: arguments.pop(name) for name in classifier.get_params() & arguments.keys()}
    call = getattr(classifier.set_params(**options), method)
    assume(outcome(call, arguments).error is not None)
    after = fitted(classifier)
    assert after.keys() == before.keys() and all(after[name] is before[name] for name in before)


# --- Pictures ---


def surface(ax, X, y):
    options = {"eta": "auto", "num_steps": 3, "init": ([0.5, -0.5], 0.0), "record_every": 1}
    plots.plot_cost_surface(X, y, oneneuron.train(X, y, **options), bias=0.0, ax=ax)


def boundary(ax, X, y):
    model = oneneuron.Model(np.array([1.0, -1.0]), 0.0, 0, 0.0, 0.0)
    plots.plot_decision_boundary(X, y, model, ax=ax)


def drawn(draw, X, y):
    """Return the numbers that a picture shows."""
    ax = Figure().subplots()
    draw(ax, X, y)
    return [
        [path.vertices for path in part.get_paths()]
        if isinstance(part, ContourSet)
        else (np.ma.getdata(part.get_offsets()), np.ma.getdata(part.get_array()))
        for part in ax.collections
    ]


PICTURES = {
    "dots": Case(
        plots.plot_dots, partial(drawn, lambda ax, X, y: plots.plot_dots(X, y, ax=ax)),
        {"X": points, "y": labels},
    ),
    "boundary": Case(
        plots.plot_decision_boundary, partial(drawn, boundary), {"X": points, "y": zeros_and_ones}
    ),
    "surface": Case(
        plots.plot_cost_surface, partial(drawn, surface), {"X": points, "y": zeros_and_ones}
    ),
}  # fmt: skip
every_picture = pytest.mark.parametrize("case", PICTURES.values(), ids=PICTURES)
few_examples = settings(max_examples=settings().max_examples // 5)


@every_picture
@few_examples
@given(data=st.data())
def test_every_error_of_a_picture_is_documented_and_raised_by_a_check(case, data):
    assert_errors_are_deliberate(case, data.draw(calls(case)))


@every_picture
@few_examples
@given(data=st.data())
def test_a_picture_shows_the_plain_numbers(case, data):
    assert_counts_as_plain(case.call, data.draw(calls(case)))
