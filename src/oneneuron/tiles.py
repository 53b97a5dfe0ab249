"""Samples laid out for the kernel: tiles of one class each; see `_kernel.pyx` for the layout."""

from dataclasses import dataclass

import numpy as np

from ._pack import pack

_SLAB_BYTES = 2**20


@dataclass(frozen=True)
class Tiles:
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

    values: np.ndarray
    weights: np.ndarray
    weighted: bool
    num_positive: int


def lay_out(X, y, sample_weight, tile):
    """The tiles, of `tile` samples, of X (n, d), y (n,) of 0 and 1, and weights (n,) or None."""
    n, d = X.shape
    positives = int(np.count_nonzero(y))
    num_positive = -(-positives // tile)
    num_tiles = num_positive + -(-(n - positives) // tile)
    values = aligned_empty((num_tiles, d, tile), X.dtype)
    values[[num_positive - 1, -1]] = 0.0
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
        labels = y[rows].astype(np.uint8)
        pack(X[rows], labels, -1.0, num_positive, values, placed)
        if sample_weight is not None:
            of_rows = sample_weight[rows, None]
            pack(of_rows, labels, 1.0, num_positive, weights[:, None, :], weights_placed)
    return Tiles(values, weights, sample_weight is not None, num_positive)


def aligned_empty(shape, dtype, alignment=64):
    """An uninitialised array on a cache line, which no vector load then straddles."""
    num_bytes = np.dtype(dtype).itemsize * int(np.prod(shape))
    buffer = np.empty(num_bytes + alignment, dtype=np.uint8)
    offset = -buffer.ctypes.data % alignment
    return buffer[offset : offset + num_bytes].view(dtype).reshape(shape)
