"""Labels as class codes, and the weights of the samples."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from .. import _checks
from .._typing import AnyArray, ClassWeight, Float64Array, FloatArray

# Up to this number of classes, a code fits into a byte. Bytes are compared four times as fast as
# intp, which outweighs that indexing with them takes 1.4 times as long.
_CODES_OF_A_BYTE = 256

# Whole numbers are looked up in a table if their range is at most this, or at most twice the number
# of labels.
_LEAST_RANGE = 1024


def encode(labels: AnyArray, name: str) -> tuple[AnyArray, AnyArray]:
    """Return the distinct labels, sorted, and the index of each label among them.

    The result is that of `numpy.unique`, which sorts. Booleans, whole numbers in a small range and
    Python's strings, which are nearly all labels, need no sorting.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    name : str
        The name of the labels in error messages.

    Returns
    -------
    distinct : ndarray
        The distinct labels, sorted, with the dtype of the labels.
    codes : ndarray of shape (n,)
        The index of each label, as uint8 for up to 256 distinct labels, otherwise as intp. It
        shares no memory with the labels, and stays valid if another thread writes to them.

    Raises
    ------
    TypeError
        If the labels cannot be sorted.
    """
    encoded = None
    if labels.size:
        kind = labels.dtype.kind
        if kind == "b":
            encoded = _encode_bytes(labels.astype(np.uint8), np.False_)
        elif kind in "iu":
            encoded = _encode_whole_numbers(labels)
        elif kind == "f":
            encoded = _encode_floats(labels)
        elif kind == "O":
            encoded = _encode_strings(labels)
    if encoded is None:
        try:
            encoded = np.unique(labels, return_inverse=True)
        except TypeError as error:
            raise TypeError(
                f"{name} must hold labels of one kind, such as numbers or strings: {error}."
            ) from error
    distinct, codes = encoded
    return distinct.astype(labels.dtype, copy=False), codes.astype(_code_type(distinct), copy=False)


def _code_type(distinct: Sized) -> type[np.uint8 | np.intp]:
    return np.uint8 if len(distinct) <= _CODES_OF_A_BYTE else np.intp


def _encode_bytes(offsets: NDArray[np.uint8], lowest: Any) -> tuple[AnyArray, AnyArray]:
    """Encode labels that are `lowest` plus their offsets, which nobody else can write to."""
    values = offsets.tobytes()
    present = [offset for offset in range(int(offsets.max()) + 1) if offset in values]
    if len(present) == 2:  # such as -1 and 1
        offsets = (offsets > 0).view(np.uint8)
    elif len(present) <= present[-1]:  # some offsets between them are absent
        codes = bytearray(256)
        for code, offset in enumerate(present):
            codes[offset] = code
        offsets = np.frombuffer(bytearray(values.translate(codes)), np.uint8)
    return np.array(present).astype(lowest.dtype) + lowest, offsets


def _encode_whole_numbers(labels: AnyArray) -> tuple[AnyArray, AnyArray] | None:
    lowest = labels.min()
    span = int(labels.max()) - int(lowest)
    if span < _CODES_OF_A_BYTE:
        # A difference below 256 is exact in bytes, whose arithmetic is modulo 256.
        return _encode_bytes(labels.astype(np.uint8) - lowest.astype(np.uint8), lowest)
    if span > max(_LEAST_RANGE, 2 * len(labels)):
        return None
    offsets = labels.astype(np.intp) - lowest.astype(np.intp)
    is_present = np.bincount(offsets) > 0
    codes = np.cumsum(is_present, dtype=np.intp) - 1
    return np.flatnonzero(is_present).astype(labels.dtype) + lowest, codes[offsets]


def _encode_floats(labels: AnyArray) -> tuple[AnyArray, AnyArray] | None:
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN
        lowest, highest = labels.min(), labels.max()
        if not (lowest == np.floor(lowest) and highest - lowest < _CODES_OF_A_BYTE):
            return None
    differences = labels - lowest
    offsets = differences.astype(np.uint8)
    if not np.array_equal(offsets, differences):
        return None
    if lowest <= 0 <= highest:
        has_sign = np.signbit(labels)
        if lowest < 0:
            has_sign &= labels == 0
        if has_sign.any():
            return None  # NumPy decides whether the class is 0.0 or -0.0
    return _encode_bytes(offsets, lowest)


def _encode_strings(labels: AnyArray) -> tuple[AnyArray, AnyArray] | None:
    """Encode Python's strings with a dict, which takes a tenth of the time of sorting them."""
    strings = labels.tolist()
    if set(map(type, strings)) != {str}:
        return None
    distinct = sorted(set(strings))
    codes = {label: code for code, label in enumerate(distinct)}
    coded = np.fromiter(map(codes.__getitem__, strings), _code_type(distinct), len(strings))
    return np.array(distinct, object), coded


def codes_among(classes: AnyArray, labels: AnyArray, codes: AnyArray) -> AnyArray:
    """Return the index of each label among the classes.

    Parameters
    ----------
    classes : ndarray of shape (num_classes,), sorted
    labels : ndarray of shape (num_labels,), sorted
        The distinct labels.
    codes : ndarray of shape (n,)
        The index of each label among `labels`.

    Returns
    -------
    ndarray of shape (n,), uint8 or intp

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    known = set(classes.tolist())
    unknown = [label for label in labels.tolist() if label not in known]
    if unknown:
        raise ValueError(
            f"y must only hold labels that are among the classes {classes.tolist()}, found "
            f"{unknown[:4]}: drop those samples, or name all classes at the first call."
        )
    if len(labels) == len(classes):
        return codes
    return np.searchsorted(classes, labels).astype(_code_type(classes))[codes]


def class_factors(
    class_weight: ClassWeight, classes: AnyArray, weights: Callable[[], Float64Array]
) -> Float64Array | None:
    """Return the factor that multiplies the sample weights of each class; None if all are 1.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    classes : ndarray of shape (num_classes,)
    weights : callable
        Returns the total weight of each class, (num_classes,), which only "balanced" needs.

    Returns
    -------
    ndarray of shape (num_classes,), or None
    """
    if not isinstance(class_weight, str):
        return dict_factors(class_weight, classes)
    sums = weights()
    balanced: Float64Array = sums.sum() / (len(classes) * np.where(sums > 0, sums, 1.0))
    return balanced


def dict_factors(class_weight: ClassWeight, classes: AnyArray) -> Float64Array | None:
    """Return the factors of `class_factors` for a dict or None, which need no samples."""
    if class_weight is None:
        return None
    factors: Float64Array = compute_class_weight(class_weight, classes=classes, y=classes)
    return factors


def times_factors(
    sample_weight: FloatArray | None, factors: Float64Array | None, codes: AnyArray,
    dtype: np.dtype[Any], may_all_be_zero: bool = False,
) -> FloatArray | None:  # fmt: skip
    """Return the sample weights times the factors of their classes; None if all are 1.

    Parameters
    ----------
    sample_weight : ndarray of shape (n,), or None
    factors : ndarray of shape (num_classes,), or None
    codes : ndarray of shape (n,)
    dtype : dtype
        The dtype of the samples and of the result.
    may_all_be_zero : bool, default False

    Returns
    -------
    ndarray of shape (n,), or None

    Raises
    ------
    ValueError
        If a product is not finite, or if all are zero although they must not be.
    """
    if factors is None:
        return sample_weight
    with np.errstate(over="ignore"):
        weights = factors[codes] * (1.0 if sample_weight is None else sample_weight)
    return _checks.as_sample_weight(
        weights, len(codes), dtype, "class_weight times sample_weight", may_all_be_zero
    )
