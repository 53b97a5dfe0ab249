"""Predictions for arrays and frames of Dask, block by block, and their accuracy."""

from __future__ import annotations

from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask import delayed

from .. import _checks
from .._typing import AnyArray
from ._arrays import as_column, is_array


def lazy(estimator: Any, method: str, X: Any) -> da.Array:
    """Return a prediction for samples as an array of Dask, which is computed when it is needed.

    Parameters
    ----------
    estimator : NeuronClassifier
        It is sent to the workers.
    method : str
    X : array or frame of Dask, of shape (n, d)
    """
    if is_array(X):
        if X.ndim != 2 or np.isnan(X.shape[1]):
            raise ValueError(
                f"X must have two dimensions, samples by features, and a known number of features, "
                f"found shape {X.shape}."
            )
        X = X.rechunk({1: -1})
        example = np.zeros((1, X.shape[1]), X.dtype)
    else:
        example = X._meta_nonempty
    none: AnyArray = getattr(estimator, method)(example)[:0]  # also refuses other features
    if not is_array(X):
        return X.map_partitions(_predicted, estimator, method, none, meta=none)
    if none.ndim == 1:
        shape: dict[str, Any] = {"drop_axis": 1}
    else:
        shape = {"chunks": (X.chunks[0], (none.shape[1],))}
    return X.map_blocks(_predicted, estimator, method, none, dtype=none.dtype, meta=none, **shape)


def _predicted(block: Any, estimator: Any, method: str, none: AnyArray) -> AnyArray:
    if block.shape[0] == 0:  # which scikit-learn refuses, but which is ordinary here
        return none
    predicted: AnyArray = getattr(estimator, method)(block)
    return predicted


def accuracy(predicted: da.Array, y: Any, sample_weight: Any) -> float:
    """Return the share of right predictions, by weight.

    Parameters
    ----------
    predicted : dask.array.Array of shape (n,)
    y, sample_weight : array or series of Dask, or array-like, of shape (n,)
        The sample weights may be None.
    """
    columns = predicted.to_delayed().ravel(), _blocks(predicted, y, "y")
    weights = [None] * predicted.numblocks[0]
    if sample_weight is not None:
        weights = _blocks(predicted, sample_weight, "sample_weight")
    sums = dask.compute([_right(*blocks) for blocks in zip(*columns, weights, strict=True)])[0]
    right, total = np.sum(sums, axis=0)
    if not total > 0.0:
        raise ValueError("X must have at least one sample of positive weight, found none.")
    return float(right / total)


def _blocks(predicted: da.Array, values: Any, name: str) -> list[Any]:
    """Return the blocks of labels or weights, one for each block of predictions."""
    column = as_column(values, name)
    if is_array(column) and not np.isnan(predicted.shape + column.shape).any():
        if predicted.shape != column.shape:
            raise ValueError(
                f"{name} must have shape {predicted.shape}, one value for each sample, found shape "
                f"{column.shape}."
            )
        column = column.rechunk(predicted.chunks)
    blocks = list(np.ravel(column.to_delayed()))
    if len(blocks) != predicted.numblocks[0]:
        raise ValueError(
            f"{name} has {len(blocks)} blocks and X has {predicted.numblocks[0]}, some of unknown "
            f"lengths: compute them, for instance with X.to_dask_array(lengths=True)."
        )
    return blocks


@partial(delayed, pure=False)
def _right(predicted: AnyArray, y: Any, sample_weight: Any) -> tuple[float, float]:
    """Return the weight of the right predictions, and that of all."""
    labels = _checks.as_any_labels(y, len(predicted))
    if sample_weight is None:
        return float(np.count_nonzero(predicted == labels)), float(len(predicted))
    if len(predicted) == 0:
        return 0.0, 0.0
    weights = _checks.as_sample_weight(
        sample_weight, len(predicted), np.dtype(float), may_all_be_zero=True
    )
    assert weights is not None
    return float(weights[predicted == labels].sum()), float(weights.sum())
