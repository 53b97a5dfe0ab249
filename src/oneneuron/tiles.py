"""Samples laid out for the kernel: tiles of one class each; see `_kernel.pyx` for the layout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ._pack import pack
from ._typing import AnyArray, FloatArray

if TYPE_CHECKING:
    from ._kernel import Kernel

_CACHE_LINE = 64
_SLAB_BYTES = 2**20

# From here on a tile and its partial sums would outgrow a cache, and narrow ones are faster.
_WIDE = 4096


class Tiles(NamedTuple):
    """What the kernel reads of the samples.

    Attributes
    ----------
    values : ndarray of shape (num_tiles, d, tile), float32 or float64
        Samples times the sign of their class, zeros where there are none.
    weights : ndarray of shape (num_tiles or 2, tile)
        Weights of the samples, of all tiles if `weighted`, else of the last of class 1 and the
        last of class 0: 1 where there is a sample.
    weighted : bool
    num_positive : int
        Tiles of class 1, the first ones.
    """

    values: FloatArray
    weights: FloatArray
    weighted: bool
    num_positive: int


def lay_out(X: FloatArray, y: AnyArray, sample_weight: FloatArray | None, kernel: Kernel) -> Tiles:
    """The tiles of X (n, d), y (n,) of 0 and 1, and weights (n,) or None."""
    n, d = X.shape
    tile = kernel.TILE_SAMPLES if d < _WIDE else kernel.NARROW_TILE_SAMPLES
    # A copy, of zeros and ones for sure: they say where samples go, whoever writes to y meanwhile.
    labels = (y != 0).view(np.uint8)
    positives = int(np.count_nonzero(labels))
    num_positive = -(-positives // tile)
    num_tiles = num_positive + -(-(n - positives) // tile)
    values = aligned_empty((num_tiles, d, tile), X.dtype)
    values[num_positive - 1] = values[-1] = 0.0  # the only ones with lanes to spare
    if sample_weight is None:
        filled = np.array([[positives], [n - positives]])
        weights = (np.arange(tile) <= (filled - 1) % tile).astype(X.dtype)
    else:
        weights = np.zeros((num_tiles, tile), X.dtype)
    placed, weights_placed = np.zeros((2, 2), np.intp)
    # A slab at a time: one call for a large X would keep Ctrl-C waiting.
    slab = max(tile, _SLAB_BYTES // (d * X.itemsize))
    for first in range(0, n, slab):
        rows = slice(first, first + slab)
        pack(X[rows], labels[rows], -1.0, num_positive, values, placed)
        if sample_weight is not None:
            of_rows = sample_weight[rows, None]
            pack(of_rows, labels[rows], 1.0, num_positive, weights[:, None, :], weights_placed)
    return Tiles(values, weights, sample_weight is not None, num_positive)


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike) -> AnyArray:
    """An array whose rows, rounded up, are whole cache lines: no two threads then write to one."""
    dtype = np.dtype(dtype)
    per_line = _CACHE_LINE // dtype.itemsize
    shape = (*shape[:-1], -(-shape[-1] // per_line) * per_line)
    num_bytes = dtype.itemsize * math.prod(shape)
    buffer = np.empty(num_bytes + _CACHE_LINE, dtype=np.uint8)
    offset = -buffer.__array_interface__["data"][0] % _CACHE_LINE
    return buffer[offset : offset + num_bytes].view(dtype).reshape(shape)
