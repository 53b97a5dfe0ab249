"""A fit's samples and labels, validated: plain arrays here, and all others by scikit-learn.

scikit-learn's `validate_data` and `check_classification_targets` take 600 us for the smallest
arrays, and sort all labels. What can be seen to be valid at a glance therefore does without them.
They get everything else, so that all refusals and warnings are scikit-learn's own.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from .. import _checks, _frames
from .._typing import AnyArray, FloatArray, SamplesLike
from .classes import encode
from .sparse_validation import as_canonical_rows


def validated_samples(estimator: Any, X: SamplesLike, *, reset: bool) -> FloatArray:
    """Return the samples as finite floats, and note or compare their features.

    Parameters
    ----------
    estimator : NeuronClassifier
    X : {array-like, sparse matrix} of shape (n, d)
    reset : bool
        Whether to store the number and names of the features in the estimator. Otherwise, they
        must be those that it has stored.

    Returns
    -------
    ndarray of shape (n, d), float32 or float64
        A view or a copy, in any memory order. Nothing that is done to X can change its shape. For
        sparse X, a csr_array in canonical format.

    Raises
    ------
    ValueError, TypeError
        If X is not a table of finite numbers, or has other features than the estimator.
    """
    kind = _sparse_type(X)
    if kind is not None:
        return cast("FloatArray", _validated_sparse(estimator, [X], kind, reset)[0])
    raw, dtype = _as_raw_samples(X)
    samples = _plain_samples(X, raw, dtype)
    if samples is not None and _check_features(estimator, X, samples, reset):
        if not _is_sum_finite(samples):
            refuse_infinite(samples, X)
        return samples
    return cast("FloatArray", _validated_by_sklearn(estimator, [_given(X, raw)], dtype, reset))


def validated_samples_and_labels(
    estimator: Any, X: SamplesLike, y: ArrayLike, *, reset: bool
) -> tuple[FloatArray, AnyArray, AnyArray]:
    """Return the samples as `validated_samples` does, the distinct labels, and their codes.

    The samples may still hold infinities or NaN. The training notices, since the means are then not
    finite, and calls `refuse_infinite`. This saves one reading of all samples.

    Parameters
    ----------
    estimator : NeuronClassifier
    X : {array-like, sparse matrix} of shape (n, d)
    y : array-like of shape (n,)
    reset : bool
        Whether to store the number and names of the features in the estimator. Otherwise, they
        must be those that it has stored.

    Returns
    -------
    samples : ndarray or csr_array of shape (n, d), float32 or float64
        As for `validated_samples`, but dense samples are perhaps not finite.
    labels : ndarray
        The distinct labels, sorted.
    codes : ndarray of shape (n,), uint8 or intp
        The index of each sample's label. It is a copy: nothing that is done to y can change it.

    Raises
    ------
    ValueError, TypeError
        If X is invalid, if a label is missing, or if the labels are not those of classes.
    """
    if y is None:  # scikit-learn has its own error for it
        _validated_by_sklearn(estimator, [X, y], np.float64, reset)
    y = _frames.as_numpy(y, "y")
    raw_labels = _checks.as_array(y, "y")
    _checks.refuse_missing(raw_labels, "y")
    kind = _sparse_type(X)
    if kind is not None:
        given = [X, _given(y, raw_labels)]
        samples, raw_labels = _validated_sparse(estimator, given, kind, reset)
        return samples, *_encoded(raw_labels)
    raw, dtype = _as_raw_samples(X)
    samples = _plain_samples(X, raw, dtype)
    if (
        samples is not None
        and _are_plain_labels(y, raw_labels, len(samples))
        and _check_features(estimator, X, samples, reset)
    ):
        return samples, *_encoded(raw_labels)
    given = [_given(X, raw), _given(y, raw_labels)]
    samples, raw_labels = _validated_by_sklearn(estimator, given, dtype, reset)
    return samples, *_encoded(raw_labels)


def refuse_infinite(samples: FloatArray, given: SamplesLike | None) -> None:
    """Raise scikit-learn's error for an infinity, or one that says where the first NaN is.

    Parameters
    ----------
    samples : ndarray or csr_array of shape (n, d), float32 or float64
        Sparse samples may hold infinities, but no NaN.
    given : array-like of shape (n, d), or None
        The samples as they were passed to the fit.

    Raises
    ------
    ValueError
        If a sample has an infinity or NaN.
    """
    if isinstance(samples, np.ndarray):
        _frames.refuse_missing(given, samples, "X")
    with np.errstate(over="ignore", invalid="ignore"):
        assert_all_finite(samples, estimator_name="NeuronClassifier", input_name="X")


def _is_sum_finite(samples: FloatArray) -> bool:
    """Return False if samples have infinities or NaN, or are so large that their sum overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(samples.sum()))


def _as_raw_samples(X: SamplesLike) -> tuple[AnyArray, type[np.floating[Any]]]:
    """Return the samples as an array of numbers or objects, and the dtype to compute in."""
    raw = _checks.as_array(cast("ArrayLike", X), "X")
    # scikit-learn has its own error for complex numbers.
    return raw, np.float64 if raw.dtype.kind == "c" else _checks.float_type(raw, "X")


def _is_array_or_list(value: object) -> bool:
    is_either = isinstance(value, list | tuple) or _frames.is_array(value)
    return is_either and not isinstance(value, np.matrix)


def _given(value: SamplesLike, raw: AnyArray) -> SamplesLike:
    """Return what scikit-learn gets: `raw` for arrays and lists, and otherwise the value itself."""
    return raw if _is_array_or_list(value) else value


def _plain_samples(
    X: SamplesLike, raw: AnyArray, dtype: type[np.floating[Any]]
) -> FloatArray | None:
    """Return samples that are valid at a glance, with the given dtype; None for all others.

    They may still hold infinities or NaN.
    """
    if raw.dtype.kind not in "biuf" or raw.ndim != 2 or 0 in raw.shape or isinstance(X, np.matrix):
        return None
    # A frame of pandas may have sparse columns, of which scikit-learn warns.
    if hasattr(X, "iloc") and not _frames.are_numbers(getattr(X, "dtypes", ())):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        samples: FloatArray = raw.astype(dtype, copy=False)
    return samples


def _are_plain_labels(y: ArrayLike, raw: AnyArray, num_samples: int) -> bool:
    """Return whether scikit-learn would take the labels as they are."""
    if raw.shape != (num_samples,) or raw.dtype.kind not in "biufUO":
        return False
    # An extension array of pandas may have a dtype that scikit-learn converts.
    if not (_is_array_or_list(y) or isinstance(getattr(y, "dtype", None), np.dtype)):
        return False
    return raw.dtype.kind != "f" or bool(np.isfinite(raw).all())


def _check_features(estimator: Any, X: SamplesLike, samples: FloatArray, reset: bool) -> bool:
    """Note or compare the features of valid samples; return False if scikit-learn must do it."""
    if not _is_array_or_list(X):
        # Only frames name their features. In other types, scikit-learn may not find any features.
        is_frame = hasattr(X, "columns") or hasattr(X, "__dataframe__")
        validate_data(estimator, X if is_frame else samples, reset=reset, skip_check_array=True)
        return True
    attributes = vars(estimator)
    if reset:
        attributes.pop("feature_names_in_", None)
        estimator.n_features_in_ = samples.shape[1]
        return True
    return (
        "feature_names_in_" not in attributes
        and attributes.get("n_features_in_") == samples.shape[1]
    )


def _sparse_type(X: Any) -> Any:
    """Return the dtype of the values of a sparse matrix or frame; None for all else."""
    is_matrix = issparse(X)
    return X.dtype if is_matrix else _frames.sparse_type(X)


def _validated_sparse(
    estimator: Any, given: list[Any], kind: np.dtype[Any], reset: bool
) -> list[Any]:
    """Return sparse X in canonical format, and y if it is given, as scikit-learn validates them."""
    X, *labels = given
    dtype, is_frame = _checks.float_type_of(kind), not issparse(X)
    if not is_frame and kind.kind != "c":  # scikit-learn has its own error for complex numbers
        X = as_canonical_rows(X, dtype)
    validated = _validated_by_sklearn(estimator, [X, *labels], dtype, reset)
    samples, *labels = validated if labels else [validated]
    return [as_canonical_rows(samples, dtype) if is_frame else samples, *labels]


def _validated_by_sklearn(
    estimator: Any, given: list[Any], dtype: type[np.floating[Any]], reset: bool
) -> Any:
    """Return X, and y if it is given, as scikit-learn validates them."""
    try:
        # Numbers too large for the dtype become infinite, and are refused as such.
        with np.errstate(over="ignore", invalid="ignore"):
            return validate_data(estimator, *given, dtype=dtype, reset=reset, accept_sparse="csr")
    except OverflowError as error:
        raise TypeError(f"X must hold numbers: {error}.") from error


def _encoded(y: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the distinct labels and the codes, unless scikit-learn refuses the labels."""
    try:
        labels, codes = encode(y, "y")
    except TypeError:
        # scikit-learn's TypeError would say less, and its older versions also warn of bytes.
        with suppress(TypeError), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            check_classification_targets(y)
        raise
    if not _are_surely_classes(labels, len(y)):
        with np.errstate(invalid="ignore"):
            check_classification_targets(y)
    return labels, codes


def check_distinct_labels(labels: AnyArray, num_samples: int) -> None:
    """Have scikit-learn refuse distinct labels that are not those of classes.

    Parameters
    ----------
    labels : ndarray of shape (num_labels,), sorted
    num_samples : int
        The number of samples that they belong to.

    Raises
    ------
    ValueError
        If the labels are the values of a regression, for instance.
    """
    if not _are_surely_classes(labels, num_samples):
        with np.errstate(invalid="ignore"):
            check_classification_targets(labels)


def _are_surely_classes(labels: AnyArray, num_samples: int) -> bool:
    """Return whether scikit-learn would take the distinct labels without a warning or an error."""
    if len(labels) > 2 and 2 * len(labels) >= num_samples:
        return False  # it may warn that these are many classes
    if labels.dtype.kind == "O":
        return all(isinstance(label, str) for label in labels)
    if labels.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            return bool((labels == labels.astype(np.int64)).all())
    return labels.dtype.kind in "biuU"
