"""What callers hand over, checked once at the edge; everything beneath trusts it.

Each function returns its argument in the form the rest of the package uses, or raises an error
that names the argument, what was found and what to do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from numbers import Integral, Real
from typing import Any, Literal, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ._typing import AnyArray, ClassWeight, Draws, Float64Array, FloatArray, RandomState

_Choice = TypeVar("_Choice", bound=str)

_SLAB_VALUES = 2**17

# What NumPy makes floats of where they are in an array of objects, though they are no numbers, or
# lose a part of themselves.
_NO_NUMBERS = (
    str, bytes, complex, np.complexfloating, np.datetime64, np.timedelta64, np.ndarray,
)  # fmt: skip


class ParameterError(ValueError, TypeError):
    """A parameter of the wrong type: both errors, as scikit-learn's own are."""


def refuse_masked(value: object, name: str) -> None:
    """Raise ValueError if values are masked, also in rows: NumPy would take what lies beneath."""
    rows = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(row, np.ma.MaskedArray) and np.ma.is_masked(row) for row in rows):
        raise ValueError(f"{name} has masked values: fill them or drop their samples.")


def as_array(value: ArrayLike, name: str) -> AnyArray:
    """Whatever NumPy makes an array of."""
    refuse_masked(value, name)
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must have rows of equal length: {error}") from error


def float_type(value: ArrayLike, name: str) -> type[np.floating[Any]]:
    """The type to compute numbers in: float32 if they are, and else float64."""
    return _float_type(_numbers(value, name))


def _float_type(raw: AnyArray) -> type[np.floating[Any]]:
    return np.float32 if raw.dtype.newbyteorder("=") == np.float32 else np.float64


def _numbers(value: ArrayLike, name: str) -> AnyArray:
    """An array of numbers, as they were given."""
    raw = as_array(value, name)
    if raw.dtype.kind not in "biufO":
        raise ParameterError(
            f"{name} must hold numbers, found dtype {raw.dtype}: convert it first."
        )
    if raw.dtype.kind == "O":
        for value in raw.flat:
            if isinstance(value, _NO_NUMBERS):
                raise ParameterError(
                    f"{name} must hold numbers, found {value!r}: convert it first."
                )
    return raw


def as_numbers(value: ArrayLike, name: str, dtype: DTypeLike | None = None) -> AnyArray:
    """Numbers as an array of floats, by default of `float_type`; infinite if too large for it."""
    raw = _numbers(value, name)
    try:
        with np.errstate(over="ignore"):
            return raw.astype(_float_type(raw) if dtype is None else dtype, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise ParameterError(f"{name} must hold numbers: {error}.") from error


def as_samples(X: ArrayLike, name: str = "X") -> FloatArray:
    """Samples as an array of shape (n, d), float32 if they are and else float64, all finite."""
    samples = as_numbers(X, name)
    if samples.ndim != 2:
        raise ValueError(
            f"{name} must have two dimensions, samples by features, found shape {samples.shape}: "
            f"reshape it to (n, d)."
        )
    if 0 in samples.shape:
        raise ValueError(
            f"{name} must have at least one sample and one feature, found shape {samples.shape}."
        )
    _refuse_non_finite(samples, name)
    return samples


def _refuse_non_finite(samples: FloatArray, name: str) -> None:
    size = max(1, _SLAB_VALUES // samples.shape[1])  # never a second array as large as X
    for first in range(0, len(samples), size):
        finite = np.isfinite(samples[first : first + size])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise ValueError(
                f"{name} must be finite, found {samples[first + row, column]} in sample "
                f"{first + row}, feature {column}: drop the sample or fill the value in."
            )


def as_any_labels(y: ArrayLike, num_samples: int, name: str = "y") -> AnyArray:
    """Labels of any kind as an array of shape (n,)."""
    labels = as_array(y, name)
    if labels.shape != (num_samples,):
        raise ValueError(
            f"{name} must have shape ({num_samples},), one label for each sample, found shape "
            f"{labels.shape}."
        )
    return labels


def as_labels(y: ArrayLike, num_samples: int, name: str = "y") -> AnyArray:
    """Labels as an array of shape (n,) of zeros and ones, of any dtype."""
    labels = as_any_labels(y, num_samples, name)
    if labels.dtype.kind == "O":  # from a nullable column, for instance
        with suppress(TypeError):
            labels = as_numbers(labels, name, np.float64)
    if labels.dtype.kind not in "biuf" or num_samples != (
        np.count_nonzero(labels == 0) + np.count_nonzero(labels == 1)
    ):
        found = sorted(set(map(str, labels.tolist())))[:4]
        raise ValueError(
            f"{name} must hold the labels 0 and 1, found {', '.join(found)}: "
            f"recode it, for instance (y == positive_label)."
        )
    return labels


def distinct(labels: ArrayLike, name: str) -> tuple[AnyArray, NDArray[np.intp]]:
    """The different labels, sorted, and the place of each label among them."""
    try:
        return np.unique(as_array(labels, name), return_inverse=True)
    except TypeError as error:
        raise TypeError(
            f"{name} must hold labels of one kind, such as numbers or strings: {error}."
        ) from error


def finite_margins(
    X: FloatArray, weights: FloatArray, bias: float | FloatArray, name: str
) -> FloatArray:
    """w.x + b of samples; ValueError where it left the finite numbers, as that is no answer."""
    with np.errstate(over="ignore", invalid="ignore"):
        # In the order of C: BLAS adds up in another where samples are laid out in another.
        margins: FloatArray = np.ascontiguousarray(X) @ weights + bias
    if not np.isfinite(margins).all():
        raise ValueError(
            f"{name} is too large for w.x + b to be finite: scale the features, as those of the "
            f"training."
        )
    return margins


def as_weights(
    sample_weight: ArrayLike | None, num_samples: int, dtype: np.dtype[Any],
    name: str = "sample_weight",
) -> FloatArray | None:  # fmt: skip
    """Weights of the samples, of shape (n,), finite, none below zero; None stays None."""
    if sample_weight is None:
        return None
    weights = as_numbers(sample_weight, name, dtype)
    if weights.shape != (num_samples,):
        raise ValueError(
            f"{name} must have shape ({num_samples},), one weight for each sample, found "
            f"shape {weights.shape}."
        )
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        raise ValueError(
            f"{name} must be finite and 0 or more, found {weights[wrong][0]} for sample "
            f"{np.flatnonzero(wrong)[0]}."
        )
    if not weights.any():
        raise ValueError(f"{name} must be above 0 for a sample, found zeros alone.")
    with np.errstate(over="ignore"):
        if not np.isfinite(weights.sum(dtype=np.float64)):
            raise ValueError(f"{name} must have a finite sum: scale the weights down.")
    return weights


def as_choice(value: _Choice, name: str, choices: Sequence[_Choice]) -> _Choice:
    """One of a few strings."""
    if not isinstance(value, str) or value not in choices:
        listed = " or ".join(map(repr, choices))
        raise ParameterError(f"{name} must be {listed}, found {value!r}.")
    return value


def as_flag(value: object, name: str) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ParameterError(f"{name} must be True or False, found {value!r}.")
    return bool(value)


def as_count(value: object, name: str, least: int = 0, most: int = sys.maxsize) -> int:
    """A whole number, from `least` to `most`."""
    if not (_is_real(value) and isinstance(value, Integral)):
        raise ParameterError(f"{name} must be a whole number, found {value!r}: {least} or more.")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, found {value}.")
    if value > most:
        raise ValueError(f"{name} must be {most} at most, found {value}.")
    return int(value)


def _is_real(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_, np.timedelta64))


def _as_float(value: float) -> float:
    """Any real number as a float, infinite if it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return np.inf


def as_eta_or_auto(eta: float | Literal["auto"]) -> float | Literal["auto"]:
    """A step size, or "auto"."""
    if isinstance(eta, str) and eta == "auto":
        return eta
    if not _is_real(eta):
        raise ParameterError(f"eta must be a number above 0 or 'auto', found {eta!r}.")
    return as_eta(eta)


def as_eta(eta: object) -> float:
    """A step size: finite and above zero."""
    if not _is_real(eta):
        raise ParameterError(f"eta must be a number, found {eta!r}: above 0, for instance 0.01.")
    size = _as_float(eta)
    if not (np.isfinite(size) and size > 0):
        raise ValueError(f"eta must be finite and above 0, found {eta}: try 0.01.")
    return size


def as_number(value: object, name: str) -> float:
    """A finite number."""
    if not _is_real(value):
        raise ParameterError(f"{name} must be a number, found {value!r}.")
    number = _as_float(value)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, found {value}.")
    return number


def as_size(value: object, name: str) -> float:
    """A number: finite, zero or more."""
    if not _is_real(value):
        raise ParameterError(f"{name} must be a number, found {value!r}: 0 or more.")
    size = _as_float(value)
    if not (np.isfinite(size) and size >= 0):
        raise ValueError(f"{name} must be finite and 0 or more, found {value}.")
    return size


def as_threads(n_threads: object) -> int | None:
    """A number of threads, one or more; None stays None."""
    if n_threads is None:
        return None
    if _is_real(n_threads) and isinstance(n_threads, Integral) and n_threads < 1:
        raise ValueError(
            f"n_threads must be 1 or more, or None for as many as the work is worth, found "
            f"{n_threads}."
        )
    return as_count(n_threads, "n_threads", least=1)


def as_class_weight(class_weight: ClassWeight) -> ClassWeight:
    """Weights of classes, zero or more, by label; "balanced" and None stay as they are."""
    if not isinstance(class_weight, dict):
        if class_weight is not None:
            as_choice(class_weight, "class_weight", ("balanced",))
        return class_weight
    return {
        label: as_size(weight, f"class_weight[{label!r}]") for label, weight in class_weight.items()
    }


def as_parameters(init: tuple[ArrayLike, float], num_features: int) -> Float64Array:
    """``(weights, bias)`` as one float64 array of shape (d + 1,), the bias last."""
    try:
        given_weights, given_bias = init
    except (TypeError, ValueError) as error:
        raise TypeError(f"init must be (weights, bias), all numbers: {error}.") from error
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
    """``(coef, intercept)`` as one float64 array of shape (num_neurons, d + 1), the biases last."""
    try:
        given_coef, given_intercept = given
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} must be (coef, intercept), all numbers: {error}.") from error
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


def as_random_state(random_state: RandomState) -> Draws:
    """A source of draws as NumPy's are: None is NumPy's global state, a whole number a seed."""
    if random_state is None:
        return np.random
    if isinstance(random_state, (np.random.RandomState, np.random.Generator)):
        return random_state
    return np.random.RandomState(as_count(random_state, "random_state", most=2**32 - 1))
