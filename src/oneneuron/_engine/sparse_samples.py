"""Sparse samples as passes read them: by rows, with the rows' numbers in tiles.

If most columns hold no value, as after hashing, these are left out, unless their weights are not
zero at the start. Their derivatives are zero, so their weights stay zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import AnyArray, Float64Array, FloatArray
from .samples import Samples, lay_out, weigh_bands
from .sparse import SparseRows, count_places
from .sums import add_up, subtrees_of
from .turns import turn

# Columns are left out if at most this share of them is kept.
_MOST_KEPT = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class SparseSamples:
    """Sparse samples.

    Parameters
    ----------
    rows : SparseRows
        The samples, with the columns that are kept.
    counts : ndarray of shape (num_kept,), int64
        The number of values in each of these columns.
    kept : ndarray of shape (num_kept,), intp
        The numbers of these columns.
    width : int
        The number of all columns.
    lanes : ndarray of shape (num_tiles, tile), int32
        The number of the row in each lane of the tiles; -1 for lanes without a sample, or with one
        of weight 0.
    weights : ndarray of shape (n,), float64, or None
        The sample weights, by rows. None means that all samples have weight 1.
    tiles : Samples
        The tiles, which hold the rows' numbers plus 1, and all that belongs to tiles.
    class_weights : ndarray of shape (num_classes,), float64
        The total weight of each class.
    dtype : dtype
        The type of the values, float32 or float64.
    """

    rows: SparseRows
    counts: NDArray[np.int64]
    kept: NDArray[np.intp]
    width: int
    lanes: NDArray[np.int32]
    weights: Float64Array | None
    tiles: Samples
    class_weights: Float64Array
    dtype: np.dtype[np.floating]

    @property
    def num_samples(self) -> int:
        """The number of samples, n."""
        return self.tiles.num_samples

    @property
    def num_features(self) -> int:
        """The number of features that are kept, d."""
        return len(self.kept)

    @property
    def num_classes(self) -> int:
        """The number of classes, including those without a sample."""
        return self.tiles.num_classes

    @property
    def is_weighted(self) -> bool:
        """Whether samples have weights."""
        return self.weights is not None

    @property
    def num_weighted(self) -> int:
        """The number of samples of positive weight."""
        return self.num_samples if self.weights is None else int(np.count_nonzero(self.weights))

    @property
    def total_weight(self) -> float:
        """The total weight of all samples."""
        return math.fsum(self.class_weights)

    def gather(self, parameters: Float64Array) -> Float64Array:
        """Return the parameters (any, width + 1) of the columns that are kept, and the biases."""
        return np.hstack([parameters[:, self.kept], parameters[:, -1:]])

    def scatter(self, parameters: Float64Array) -> Float64Array:
        """Return the parameters of all columns, with zeros for the columns that were left out."""
        out = np.zeros((len(parameters), self.width + 1))
        out[:, self.kept], out[:, -1] = parameters[:, :-1], parameters[:, -1]
        return out


def lay_out_sparse(
    X: Any, codes: AnyArray, num_classes: int, sample_weight: FloatArray | None = None,
    *, needed: NDArray[np.intp] | None = None, n_threads: int = 1,
) -> SparseSamples:  # fmt: skip
    """Lay out sparse samples.

    Parameters
    ----------
    X : csr_array of shape (n, d), float32 or float64
        In canonical format, with places in int32. Its values are not copied.
    codes : ndarray of shape (n,), integer or bool
        The class of each sample: 0, ..., num_classes - 1.
    num_classes : int
    sample_weight : ndarray of shape (n,) or None
        None gives all samples weight 1.
    needed : ndarray of column numbers, or None
        The columns to keep even if they hold no value.
    n_threads : int, default=1
        The largest number of threads to use.

    Returns
    -------
    SparseSamples
    """
    weights = None if sample_weight is None else sample_weight.astype(np.float64)
    tiles = _tiles_of_numbers(X.shape[0], codes, num_classes, weights, n_threads)
    lanes = tiles.values[:, 0].astype(np.int32) - np.int32(1)
    if tiles.weights is not None:
        lanes[tiles.weights == 0.0] = -1
    counts = np.zeros(X.shape[1], np.int64)
    count_places(X.indices, counts)
    is_kept = _are_kept(counts, needed)
    kept, places = np.flatnonzero(is_kept), X.indices
    if len(kept) < X.shape[1]:
        places = (np.cumsum(is_kept, dtype=np.int32) - np.int32(1))[places]
        counts = counts[kept]
    rows = SparseRows(X.data, places, X.indptr.astype(np.int64), _ranges(counts, n_threads))
    return SparseSamples(
        rows=rows, counts=counts, kept=kept, width=X.shape[1], lanes=lanes, weights=weights,
        tiles=tiles, class_weights=add_up(subtrees_of(0, weigh_bands(tiles))), dtype=X.dtype,
    )  # fmt: skip


def _tiles_of_numbers(
    n: int, codes: AnyArray, num_classes: int, weights: Float64Array | None, n_threads: int
) -> Samples:
    """Return tiles with the numbers of the rows plus 1, and zeros in lanes without a row."""
    numbers = np.arange(1.0, n + 1.0)[:, None]
    tiles = lay_out(numbers, codes, num_classes, n_threads=n_threads)
    if weights is None:
        return tiles
    in_tiles = lay_out(weights[:, None], codes, num_classes, n_threads=n_threads).values[:, 0]
    return replace(tiles, weights=in_tiles)


def _are_kept(counts: NDArray[np.int64], needed: NDArray[np.intp] | None) -> NDArray[np.bool_]:
    """Return which columns are kept: at least one."""
    is_kept = counts > 0
    is_kept[[] if needed is None else needed] = True
    if np.count_nonzero(is_kept) > _MOST_KEPT * len(counts):
        is_kept[:] = True
    is_kept[0] |= not is_kept.any()
    return is_kept


def _ranges(counts: NDArray[np.int64], num_ranges: int) -> NDArray[np.int64]:
    """Return the first columns of ranges with about as many values each, and at the end d."""
    ends = np.cumsum(counts)
    inner = np.searchsorted(ends, ends[-1] * np.arange(1, num_ranges) / num_ranges) + 1
    return np.unique(np.concatenate([[0], inner, [len(counts)]])).astype(np.int64, copy=False)


def multiply_rows(X: Any, coef: FloatArray, intercept: FloatArray, n_threads: int) -> Float64Array:
    """Return w.x + b of each sample and neuron, in double.

    Parameters
    ----------
    X : csr_array of shape (n, d)
        As for `lay_out_sparse`.
    coef : ndarray of shape (K, d)
    intercept : ndarray of shape (K,)
    n_threads : int
        The largest number of threads to use.

    Returns
    -------
    ndarray of shape (n, K)
    """
    out = np.empty((X.shape[0], len(coef)))
    places = X.indices.astype(np.int32, copy=False)  # SciPy may have chosen int64 for some rows
    rows = SparseRows(X.data, places, X.indptr.astype(np.int64), np.array([0, X.shape[1]]))
    rows.multiply(
        np.ascontiguousarray(coef.T, dtype=np.float64), intercept.astype(np.float64), None, out,
        n_threads, turn,
    )  # fmt: skip
    return out
