"""Arrays and frames of Dask as arrays of known chunks, whose blocks are checked when they are read.

Dask knows the type of a collection from its metadata, which may be wrong. Where it joins blocks, it
takes the type of the first one. So each block is first converted to a type that all can have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import dask.array as da
import numpy as np
from dask import delayed, is_dask_collection
from dask.delayed import Delayed
from dask.utils import is_dataframe_like, is_series_like

from .. import _checks, _frames
from .._typing import AnyArray, FloatArray
from ._workers import Workers

# Labels and weights in memory are sent in blocks of this many.
_SENT_ROWS = 2**20


# Returns a block converted to a dtype, given its first row.
Convert: TypeAlias = Callable[[Any, np.dtype[Any], int], AnyArray]


class Arrays(NamedTuple):
    """The data of a fit, as arrays of Dask.

    Attributes
    ----------
    X : dask.array.Array of shape (n, d), float32 or float64
        Its values may be infinite or NaN.
    y : dask.array.Array of shape (n,)
        The labels. Strings are objects, as they may be of different lengths.
    label_type : object
        The dtype of the labels as they were given.
    sample_weight : dask.array.Array of shape (n,), with the dtype of X, or None
    """

    X: da.Array
    y: da.Array
    label_type: Any
    sample_weight: da.Array | None

    @property
    def columns(self) -> tuple[da.Array, da.Array, da.Array | None]:
        """X, y and the sample weights."""
        return self.X, self.y, self.sample_weight


def is_array(value: object) -> bool:
    """Return whether a value is an array of Dask."""
    return isinstance(value, da.Array)


def is_frame(value: Any) -> bool:
    """Return whether a value is a frame of Dask."""
    return bool(is_dask_collection(value) and is_dataframe_like(getattr(value, "_meta", None)))


def is_series(value: Any) -> bool:
    """Return whether a value is a series of Dask."""
    return bool(is_dask_collection(value) and is_series_like(getattr(value, "_meta", None)))


def as_arrays(workers: Workers, X: Any, y: Any, sample_weight: Any) -> Arrays:
    """Return the data of a fit as arrays of known chunks.

    Parameters
    ----------
    workers : Workers
        They compute lengths that are not known.
    X : array or frame of Dask, of shape (n, d)
    y, sample_weight : array or series of Dask, or array-like, of shape (n,)
        The sample weights may be None.

    Raises
    ------
    ValueError, TypeError
        If something can be seen to be wrong without reading blocks.
    """
    dtype = _dtype_of_samples(X)
    given = {"X": X, "y": as_column(y, "y")}
    if sample_weight is not None:
        given["sample_weight"] = as_column(sample_weight, "sample_weight")
    arrays = dict(zip(given, _with_known_chunks(workers, list(given.values())), strict=True))
    num_samples = arrays["X"].shape[0]
    if num_samples == 0:
        raise ValueError("X must have at least one sample, found none.")
    for name, noun in (("y", "label"), ("sample_weight", "weight")):
        if name in arrays and arrays[name].shape != (num_samples,):
            raise ValueError(
                f"{name} must have shape ({num_samples},), one {noun} for each sample, found shape "
                f"{arrays[name].shape}."
            )
    samples = _mapped(arrays["X"], _as_samples, dtype).rechunk({1: -1})
    labels = _mapped(arrays["y"], _as_labels, _dtype_of_labels(given["y"]))
    weights = None
    if sample_weight is not None:
        weights = _mapped(arrays["sample_weight"], _as_weights, dtype)
    return Arrays(samples, labels, given["y"].dtype, weights)


def _mapped(array: da.Array, convert: Convert, dtype: np.dtype[Any]) -> da.Array:
    """Return an array whose blocks are ``convert(block, dtype, first_row)``."""
    meta = np.empty((0,) * array.ndim, dtype)
    return array.map_blocks(_converted, convert=convert, to=dtype, dtype=dtype, meta=meta)


def _converted(block: Any, convert: Convert, to: np.dtype[Any], block_info: Any = None) -> AnyArray:
    place = block_info[0]["array-location"]
    converted: AnyArray = convert(block, to, place[0][0])
    expected = tuple(end - first for first, end in place)
    if converted.shape != expected:
        raise ValueError(
            f"a block of shape {converted.shape} is {expected} according to the chunks of its "
            f"array: correct them, for instance with compute_chunk_sizes()."
        )
    return converted


# --- Blocks ---


def _as_samples(block: Any, dtype: np.dtype[Any], first_row: int) -> FloatArray:
    _refuse_sparse(block)
    found = _checks.float_type(block, "X")
    if not np.can_cast(found, dtype):
        raise _wrong_type("X", np.dtype(found), dtype, first_row)
    return _checks.as_numbers(block, "X", dtype)


def _as_labels(block: Any, dtype: np.dtype[Any] | None, first_row: int) -> AnyArray:
    labels = _checks.as_array(block, "y")
    _checks.refuse_missing(labels, "y", first_row)
    if labels.dtype.kind in "US":
        labels = labels.astype(object)
    if dtype is None:
        return labels
    if not np.can_cast(labels.dtype, dtype):
        raise _wrong_type("y", labels.dtype, dtype, first_row)
    return labels.astype(dtype, copy=False)


def _as_weights(block: Any, dtype: np.dtype[Any], first_row: int) -> FloatArray:
    if len(block) == 0:
        return np.empty(0, dtype)
    weights = _checks.as_sample_weight(
        block, len(block), dtype, may_all_be_zero=True, first_row=first_row
    )
    assert weights is not None
    return weights


def _refuse_sparse(block: Any) -> None:
    if not (isinstance(block, np.ndarray) or _frames.is_frame(block) or _frames.is_array(block)):
        raise TypeError(
            f"X has blocks of type {type(block).__name__}, and must have dense ones: convert them, "
            f"for instance with X.map_blocks(lambda block: block.toarray())."
        )


def _wrong_type(
    name: str, found: np.dtype[Any], expected: np.dtype[Any], first_row: int
) -> TypeError:
    return TypeError(
        f"{name} has a block of {found} at row {first_row}, and is {expected} according to its "
        f"metadata: correct that, for instance with {name}.map_blocks(convert, dtype={found})."
    )


# --- Collections ---


def _dtype_of_samples(X: Any) -> np.dtype[Any]:
    """Return the dtype to compute in, after a look at the metadata."""
    if is_frame(X):
        return np.dtype(_checks.float_type(X._meta, "X"))
    if X.ndim != 2 or np.isnan(X.shape[1]):
        raise ValueError(
            f"X must have two dimensions, samples by features, and a known number of features, "
            f"found shape {X.shape}."
        )
    _refuse_sparse(X._meta)
    return np.dtype(_checks.float_type(np.empty((0, 0), X.dtype), "X"))


def _dtype_of_labels(y: Any) -> np.dtype[Any]:
    """Return the dtype of labels, after a look at the metadata."""
    meta = y._meta if is_series(y) else np.empty(0, y.dtype)
    return _as_labels(meta, None, 0).dtype


def as_column(values: Any, name: str) -> Any:
    """Return an array or a series of Dask. Values in memory become an array."""
    if is_series(values):
        return values
    if not is_array(values):
        if is_dask_collection(values):
            raise TypeError(
                f"{name} must be an array or a series, found {type(values).__name__}: select a "
                f"column."
            )
        values = da.from_array(_checks.as_array(_frames.as_numpy(values, name), name), _SENT_ROWS)
    if values.ndim != 1:
        raise ValueError(
            f"{name} must have one dimension, found shape {values.shape}: use {name}.ravel()."
        )
    return values


def _with_known_chunks(workers: Workers, collections: Sequence[Any]) -> list[da.Array]:
    """Return arrays of known chunks. The blocks of those made of frames are parts of frames."""
    lengths = [_lengths(collection) for collection in collections]
    unknown = [i for i, known in enumerate(lengths) if known is None]
    if unknown:
        tasks = [[_length(block) for block in _row_blocks(collections[i])] for i in unknown]
        found = iter(workers.compute([task for own in tasks for task in own]))
        for i, own in zip(unknown, tasks, strict=True):
            lengths[i] = [next(found) for _ in own]
    return [
        _with_chunks(collection, own)
        for collection, own in zip(collections, lengths, strict=True)
        if own is not None
    ]


def _lengths(collection: Any) -> list[int] | None:
    """Return the lengths of the blocks, if they are known."""
    if not is_array(collection) or np.isnan(collection.chunks[0]).any():
        return None
    return list(collection.chunks[0])


@partial(delayed, pure=False)
def _length(block: Any) -> int:
    return int(block.shape[0])


def _row_blocks(collection: Any) -> list[Delayed]:
    """Return the blocks of rows; of an array, only their first features."""
    if not is_array(collection):
        return list(collection.to_delayed())
    # If each array is optimized by itself, blocks that several arrays share are read again.
    blocks = collection.to_delayed(optimize_graph=False)
    return list(blocks.reshape(blocks.shape[0], -1)[:, 0])


def _with_chunks(collection: Any, lengths: Sequence[int]) -> da.Array:
    """Return an array with blocks of these lengths."""
    if is_array(collection):
        chunks = (tuple(lengths), *collection.chunks[1:])
        return da.Array(collection.dask, collection.name, chunks, meta=collection._meta)
    meta = np.empty((0,) * collection.ndim)
    shape = collection.shape[1:]
    blocks = [
        da.from_delayed(part, (n, *shape), meta=meta)
        for part, n in zip(collection.to_delayed(), lengths, strict=True)
    ]
    return da.concatenate(blocks)
