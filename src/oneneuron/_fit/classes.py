"""Labels as class codes, and the weights of the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from .. import _checks
from .._typing import AnyArray, ClassWeight, FloatArray


def codes_of(y: AnyArray, classes: AnyArray) -> NDArray[np.intp]:
    """Return the index of each label among the classes.

    Parameters
    ----------
    y : ndarray of shape (n,)
    classes : ndarray of shape (num_classes,), sorted

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    known = set(classes.tolist())
    unknown = [label for label in _checks.distinct(y, "y")[0].tolist() if label not in known]
    if unknown:
        raise ValueError(
            f"y must only hold labels that are among the classes {classes.tolist()}, found "
            f"{unknown[:4]}: drop those samples, or name all classes at the first call."
        )
    return np.searchsorted(classes, y)


def with_class_weight(
    sample_weight: FloatArray | None, class_weight: ClassWeight, codes: NDArray[np.intp],
    classes: AnyArray, dtype: np.dtype[Any],
) -> FloatArray | None:  # fmt: skip
    """Return the sample weights times the weights of their classes; None if all are 1.

    Parameters
    ----------
    sample_weight : ndarray of shape (n,), or None
    class_weight : dict, "balanced" or None
    codes : ndarray of shape (n,)
    classes : ndarray of shape (num_classes,)
    dtype : dtype
        The dtype of the samples and of the result.

    Returns
    -------
    ndarray of shape (n,), or None

    Raises
    ------
    ValueError
        If a product is not finite, or if all are zero.
    """
    if class_weight is None:
        return sample_weight
    if isinstance(class_weight, dict):
        factors = compute_class_weight(class_weight, classes=classes, y=classes)
    else:
        sums = np.bincount(codes, sample_weight, len(classes))
        factors = sums.sum() / (len(classes) * np.where(sums > 0, sums, 1.0))
    with np.errstate(over="ignore"):
        weights = factors[codes] * (1.0 if sample_weight is None else sample_weight)
    return _checks.as_sample_weight(weights, len(codes), dtype, "class_weight times sample_weight")
