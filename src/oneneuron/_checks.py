"""Checks of the arguments of public functions, made once; inner code relies on them.

Each function returns its argument in the form that the rest of the package uses, or raises an error
that names the argument and says what was found and what to do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeGuard, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _frames
from ._losses import LOSSES, Loss
from ._typing import AnyArray, ClassWeight, Float64Array, FloatArray, RandomDraws, RandomState

_Choice = TypeVar("_Choice", bound=str)

_SLAB_VALUES = 2**17

# In an array of objects, NumPy converts these types to float, although they are not numbers or lose
# part of their value.
_NOT_NUMBERS = (
    str, bytes, complex, np.complexfloating, np.datetime64, np.timedelta64, np.ndarray,
)  # fmt: skip


class ParameterError(ValueError, TypeError):
    """A parameter of the wrong type: a ValueError and a TypeError at once, as in scikit-learn."""


def refuse_masked(value: object, name: str) -> None:
    """Raise ValueError if values are masked, in an array or in a list of arrays.

    NumPy would use the values beneath the mask.
    """
    rows = value if isinstance(value, list | tuple) else [value]
    # There are far fewer types than rows.
    if not any(issubclass(kind, np.ma.MaskedArray) for kind in set(map(type, rows))):
        return
    if any(isinstance(row, np.ma.MaskedArray) and np.ma.is_masked(row) for row in rows):
        raise ValueError(f"{name} has masked values: fill them, or drop their samples.")


def as_array(value: ArrayLike, name: str) -> AnyArray:
    """Return the value as an array of any dtype, whose shape nobody else can change."""
    if hasattr(value, "tocsr"):  # NumPy would make a single object of it
        raise TypeError(f"{name} is a sparse matrix: convert it with {name}.toarray().")
    refuse_masked(value, name)
    value = _frames.as_numpy(value, name)
    try:
        return np.asarray(value).view()
    except ValueError as error:
        raise ValueError(f"{name} must have rows of equal length: {error}") from error


def float_type(value: ArrayLike, name: str) -> type[np.floating[Any]]:
    """Return the dtype to compute in: float32 for float32 numbers, float64 for all others."""
    return float_type_of(_numbers(value, name).dtype)


def float_type_of(dtype: np.dtype[Any]) -> type[np.floating[Any]]:
    """Return the dtype to compute in, for numbers of the given dtype."""
    return np.float32 if dtype.newbyteorder("=") == np.float32 else np.float64


def _numbers(value: ArrayLike, name: str) -> AnyArray:
    """Return the value as an array of numbers, in the dtype in which they were given."""
    raw = as_array(value, name)
    if raw.dtype.kind not in "biufO":
        is_text = raw.dtype.kind in "US"
        how = f" (text): convert it with {_as_code(value, name)}.astype(float)."
        raise ParameterError(
            f"{name} must hold numbers, found dtype {raw.dtype}"
            + (how if is_text else ": convert it first.")
        )
    if raw.dtype.kind == "O":
        for value in raw.flat:
            if isinstance(value, _NOT_NUMBERS):
                raise ParameterError(
                    f"{name} must hold numbers, found {value!r}: convert it first."
                )
    return raw


def as_numbers(value: ArrayLike, name: str, dtype: DTypeLike | None = None) -> AnyArray:
    """Return an array of floats, by default of `float_type`; numbers too large become infinite."""
    raw = _numbers(value, name)
    try:
        with np.errstate(over="ignore"):
            return raw.astype(float_type_of(raw.dtype) if dtype is None else dtype, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise ParameterError(f"{name} must hold numbers: {error}.") from error


def as_samples(X: ArrayLike, name: str = "X") -> FloatArray:
    """Return samples as an array of shape (n, d) of finite numbers, float32 or float64."""
    samples = as_numbers(X, name)
    if samples.ndim != 2:
        raise ValueError(
            f"{name} must have two dimensions, samples by features, found shape {samples.shape}: "
            f"reshape it to (n, d){_reshape_hint(samples, _as_code(X, name))}."
        )
    if 0 in samples.shape:
        raise ValueError(
            f"{name} must have at least one sample and one feature, found shape {samples.shape}."
        )
    feature_names = list(cast("Any", X).columns) if _frames.is_frame(X) else None
    refuse_non_finite(samples, name, feature_names=feature_names)
    return samples


def _as_code(value: object, name: str) -> str:
    """Return what to write for a value as a NumPy array, to which a remedy adds a method."""
    return name if isinstance(value, np.ndarray) else f"np.array({name})"


def _reshape_hint(samples: FloatArray, code: str) -> str:
    """Return how to reshape a list of numbers, which is a single feature or a single sample."""
    if samples.ndim != 1:
        return ""
    return (
        f", for one feature with {code}.reshape(-1, 1), for one sample with {code}.reshape(1, -1)"
    )


def refuse_non_finite(
    samples: FloatArray, name: str, first_row: int = 0, feature_names: Sequence[str] | None = None
) -> None:
    """Raise ValueError with the place of the first value that is not finite.

    The samples may be a part of the table, which begins at `first_row`.
    """
    size = max(1, _SLAB_VALUES // samples.shape[1])  # avoids a second array as large as X
    for first in range(0, len(samples), size):
        finite = np.isfinite(samples[first : first + size])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            feature = column if feature_names is None else repr(feature_names[column])
            raise ValueError(
                f"{name} must be finite, found {samples[first + row, column]} in sample "
                f"{first_row + first + row}, feature {feature}: drop the sample, or fill in the "
                f"value."
            )


def as_any_labels(y: ArrayLike, num_samples: int, name: str = "y") -> AnyArray:
    """Return labels of any kind as an array of shape (n,)."""
    labels = as_array(y, name)
    _check_shape(labels, num_samples, name, "label", _as_code(y, name))
    return labels


def _check_shape(values: AnyArray, num_samples: int, name: str, noun: str, code: str) -> None:
    """Raise ValueError unless there is one value for each sample."""
    if values.shape != (num_samples,):
        is_column = values.shape in ((num_samples, 1), (1, num_samples))
        remedy = (
            f"use {code}.ravel()"
            if is_column
            else f"pass the {noun}s of the same samples, with one sample in each row of the table"
        )
        raise ValueError(
            f"{name} must have shape ({num_samples},), one {noun} for each sample, found shape "
            f"{values.shape}: {remedy}."
        )


def as_labels(y: ArrayLike, num_samples: int, name: str = "y", first_row: int = 0) -> AnyArray:
    """Return labels as a new array of zeros and ones, of shape (n,) and dtype uint8.

    They may be a part of all labels, which begins at `first_row`.
    """
    given = labels = as_any_labels(y, num_samples, name)
    if labels.dtype.kind == "O":  # a nullable column of a frame, for instance
        with suppress(TypeError):
            labels = as_numbers(labels, name, np.float64)
    if labels.dtype.kind in "biuf":
        is_one: NDArray[np.bool_] = labels == 1
        if np.count_nonzero(labels == 0) + np.count_nonzero(is_one) == num_samples:
            return is_one.view(np.uint8)
    refuse_missing(given, name, first_row)
    raise _wrong_labels(labels, name, _as_code(y, name))


def _wrong_labels(labels: AnyArray, name: str, code: str) -> ValueError:
    """Return the error for labels that are not all 0 or 1."""
    found = sorted(set(map(repr, labels.tolist())))
    if set(found) <= {"'0'", "'1'"}:
        remedy = f"convert it, for instance with {code}.astype(int)"
    elif labels.dtype.kind == "f" and (labels % 1).any():
        remedy = f"recode it with a threshold, for instance as {code} > 0.5"
    elif len(found) > 2:
        remedy = (
            f"recode it, for instance as {code} == {found[-1]} for one class against the rest, or "
            f"use NeuronClassifier, which takes any labels"
        )
    else:
        remedy = f"recode it, for instance as {code} == {found[-1]}"
    listed = ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")
    return ValueError(f"{name} must hold the labels 0 and 1, found {listed}: {remedy}.")


def refuse_missing(labels: AnyArray, name: str, first_row: int = 0) -> None:
    """Raise ValueError if a label is NaN, None, or a missing value of pandas.

    The labels may be a part of all, which begins at `first_row`.
    """
    if labels.dtype.kind in "fcmM":
        missing = labels != labels
    elif labels.dtype.kind == "O" and any(map(_may_be_missing, set(map(type, labels.flat)))):
        missing = np.array([_is_missing(label) for label in labels.flat], dtype=bool)
    else:
        return
    if missing.any():
        row = int(missing.argmax())
        label = labels.flat[row]
        found = "NaN" if isinstance(label, float | np.floating) else label
        raise ValueError(
            f"{name} contains {found} at row {first_row + row}: drop or fill those samples."
        )


def _may_be_missing(kind: type) -> bool:
    """Return whether values of a type can be missing; far fewer types than labels are asked."""
    # The types of pandas are recognised by name, which does not need pandas.
    missing_types = "NoneType", "NAType", "NaTType"
    return kind.__name__ in missing_types or issubclass(kind, float | np.floating)


def _is_missing(label: object) -> bool:
    if isinstance(label, float | np.floating):
        return bool(label != label)
    return _may_be_missing(type(label))


def as_sample_weight(
    sample_weight: ArrayLike | None, num_samples: int, dtype: np.dtype[Any],
    name: str = "sample_weight", may_all_be_zero: bool = False, first_row: int = 0,
) -> FloatArray | None:  # fmt: skip
    """Return sample weights of shape (n,), finite and not negative; None stays None.

    They may be a part of all weights, which begins at `first_row`.
    """
    if sample_weight is None:
        return None
    weights = as_numbers(sample_weight, name, dtype)
    _check_shape(weights, num_samples, name, "weight", _as_code(sample_weight, name))
    with np.errstate(over="ignore", invalid="ignore"):
        total = weights.sum()  # in the dtype of the samples, like the sums of the training
        if weights.min() >= 0 and total < np.inf and (total > 0 or may_all_be_zero):
            return weights
    raise _wrong_weights(weights, name, first_row)


def _wrong_weights(weights: FloatArray, name: str, first_row: int) -> ValueError:
    """Return the error for weights that are negative or not finite, singly or in sum."""
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        return ValueError(
            f"{name} must be finite and 0 or more, found {weights[wrong][0]} for sample "
            f"{first_row + np.flatnonzero(wrong)[0]}."
        )
    if not weights.any():
        return ValueError(f"{name} must be above 0 for at least one sample, found only zeros.")
    return ValueError(
        f"{name} must have a finite sum in {weights.dtype}, the dtype of the samples: scale the "
        f"weights down."
    )


def as_choice(
    value: object, name: str, choices: Sequence[_Choice], remedies: Mapping[str, str] | None = None
) -> _Choice:
    """Return the value, which must be one of a few strings.

    The remedies are what to do about some other strings that are likely to be given.
    """
    for choice in choices:
        if isinstance(value, str) and value == choice:
            return choice
    listed = " or ".join(map(repr, choices))
    remedy = ""
    if remedies is not None and isinstance(value, str) and value in remedies:
        remedy = f": {remedies[value]}"
    raise ParameterError(f"{name} must be {listed}, found {value!r}{remedy}.")


def as_loss(value: object) -> Loss:
    """Return the record of a loss from its name."""
    return LOSSES[as_choice(value, "loss", tuple(LOSSES))]


def as_flag(value: object, name: str) -> bool:
    """Return the value, which must be True or False, as a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise ParameterError(f"{name} must be True or False, found {value!r}.")
    return bool(value)


def as_count(value: object, name: str, least: int = 0, most: int = sys.maxsize) -> int:
    """Return a whole number from `least` to `most`."""
    if not (_is_real(value) and isinstance(value, Integral)):
        is_whole = isinstance(value, float) and value.is_integer()
        remedy = f": use int({name})" if is_whole else ""
        raise ParameterError(
            f"{name} must be a whole number, {least} or more, found {value!r}{remedy}."
        )
    if value < least:
        raise ValueError(f"{name} must be {least} or more, found {value}.")
    if value > most:
        raise ValueError(f"{name} must be at most {most}, found {value}.")
    return int(value)


def _is_real(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_, np.timedelta64))


def _as_float(value: float) -> float:
    """Return any real number as a float, infinite if it is too large."""
    try:
        return float(value)
    except OverflowError:
        return np.inf


def as_eta_or_auto(eta: float | Literal["auto"]) -> float | Literal["auto"]:
    """Return a step size, or "auto"."""
    if isinstance(eta, str) and eta == "auto":
        return eta
    if not _is_real(eta):
        raise ParameterError(f"eta must be a number above 0 or 'auto', found {eta!r}.")
    return as_eta(eta, "'auto'")


def as_alpha_or_auto(alpha: float | Literal["auto"]) -> float | Literal["auto"]:
    """Return the strength of a penalty, or "auto"."""
    if isinstance(alpha, str) and alpha == "auto":
        return alpha
    if not _is_real(alpha):
        raise ParameterError(f"alpha must be a number, 0 or more, or 'auto', found {alpha!r}.")
    return as_size(alpha, "alpha")


def as_eta(eta: object, to_try: str = "0.01") -> float:
    """Return a step size, which is finite and above zero; an error says what to try."""
    if not _is_real(eta):
        raise ParameterError(f"eta must be a number above 0, found {eta!r}: try {to_try}.")
    size = _as_float(eta)
    if not (np.isfinite(size) and size > 0):
        raise ValueError(f"eta must be finite and above 0, found {eta}: try {to_try}.")
    return size


def as_number(value: object, name: str) -> float:
    """Return a finite number."""
    if not _is_real(value):
        raise ParameterError(f"{name} must be a number, found {value!r}.")
    number = _as_float(value)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, found {value}.")
    return number


def as_size(value: object, name: str) -> float:
    """Return a finite number, zero or more."""
    if not _is_real(value):
        raise ParameterError(f"{name} must be a number, 0 or more, found {value!r}.")
    size = _as_float(value)
    if not (np.isfinite(size) and size >= 0):
        raise ValueError(f"{name} must be finite and 0 or more, found {value}.")
    return size


def as_path(value: object, name: str) -> str | None:
    """Return a path as a string; None stays None."""
    if value is None:
        return None
    if not (isinstance(value, (str, os.PathLike)) and os.fspath(value)):
        raise ParameterError(f"{name} must be the path of a file, or None, found {value!r}.")
    return os.fsdecode(value)


def as_threads(n_threads: object) -> int | None:
    """Return a number of threads, one or more; None stays None."""
    if n_threads is None:
        return None
    if _is_real(n_threads) and isinstance(n_threads, Integral) and n_threads < 1:
        raise ValueError(
            f"n_threads must be 1 or more, or None for an automatic choice, found {n_threads}."
        )
    return as_count(n_threads, "n_threads", least=1)


def as_folder(value: object, name: str) -> Path | None:
    """Return a folder that files can be written to; None stays None."""
    if value is None:
        return None
    if not isinstance(value, str | PathLike):
        raise ParameterError(f"{name} must be the path of a folder, or None, found {value!r}.")
    folder = Path(value)
    if not folder.is_dir():
        raise ParameterError(f"{name} must be an existing folder, found {str(folder)!r}.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(
            f"{name} must be a folder that can be written to, found {str(folder)!r}: choose "
            f"another one, or change its permissions."
        )
    return folder


def as_class_weight(class_weight: ClassWeight) -> ClassWeight:
    """Return a dict from labels to weights of 0 or more; "balanced" and None stay as they are."""
    if not isinstance(class_weight, dict):
        if class_weight is None or (isinstance(class_weight, str) and class_weight == "balanced"):
            return class_weight
        raise ParameterError(
            f"class_weight must be 'balanced', a dict of label to weight, or None, found "
            f"{class_weight!r}."
        )
    return {
        label: as_size(weight, f"class_weight[{label!r}]") for label, weight in class_weight.items()
    }


def as_parameters(init: tuple[ArrayLike, float], num_features: int) -> Float64Array:
    """Return ``(weights, bias)`` as one float64 array of shape (d + 1,), with the bias last."""
    try:
        given_weights, given_bias = init
    except (TypeError, ValueError) as error:
        raise TypeError(f"init must be a pair (weights, bias) of numbers: {error}.") from error
    weights = as_numbers(given_weights, "init", np.float64)
    bias = as_numbers(given_bias, "init", np.float64)
    if (weights.shape, bias.shape) != ((num_features,), ()):
        raise ValueError(
            f"init must have weights of shape ({num_features},), one for each feature, and one "
            f"bias, found shapes {weights.shape} and {bias.shape}."
        )
    parameters = np.append(weights, bias)
    if not np.isfinite(parameters).all():
        raise ValueError(f"init must be finite, found {parameters.tolist()}.")
    return parameters


def as_coefficients(
    given: tuple[ArrayLike, ArrayLike], num_neurons: int, num_features: int, name: str
) -> Float64Array:
    """Return ``(coef, intercept)`` as one array of shape (num_neurons, d + 1), bias last."""
    try:
        given_coef, given_intercept = given
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} must be a pair (coef, intercept): {error}.") from error
    coef = as_numbers(given_coef, name, np.float64)
    intercept = as_numbers(given_intercept, name, np.float64)
    expected = (num_neurons, num_features), (num_neurons,)
    if (coef.shape, intercept.shape) != expected:
        raise ValueError(
            f"{name} must have shapes {expected[0]} and {expected[1]} for these classes and "
            f"features, found {coef.shape} and {intercept.shape}."
        )
    if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
        raise ValueError(f"{name} must be finite, found infinities or NaN.")
    return np.column_stack([coef, intercept])


def as_random_state(random_state: RandomState) -> RandomDraws:
    """Return a source of random numbers; None means NumPy's global state, a whole number a seed."""
    if random_state is None:
        return np.random
    if isinstance(random_state, (np.random.RandomState, np.random.Generator)):
        return random_state
    return np.random.RandomState(as_count(random_state, "random_state", most=2**32 - 1))
