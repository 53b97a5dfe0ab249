"""The layout of the samples for the kernel: tiles of one class each, as `kernel.pyx` describes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from .._typing import AnyArray, FloatArray
from .pack import pack

if TYPE_CHECKING:
    from .kernel import Kernel

_CACHE_LINE = 64
_SLAB_BYTES = 2**20

# From this number of features on, a normal tile and its partial sums would outgrow a cache, and
# narrow tiles are faster.
_WIDE = 4096


class Tiles(NamedTuple):
    """The samples as the kernel reads them.

    Attributes
    ----------
    values : ndarray of shape (num_tiles, d, tile), float32 or float64
        The samples times the sign of their class. Lanes without a sample hold zeros.
    sample_weight : ndarray of shape (num_tiles or 2, tile)
        If `weighted`, the weights of all samples. Otherwise, only the weights in the last tile of
        each class, class 1 first: 1 for a sample, 0 for a lane without one.
    weighted : bool
    num_positive : int
        The number of tiles of class 1, which come first.
    """

    values: FloatArray
    sample_weight: FloatArray
    weighted: bool
    num_positive: int


def lay_out(X: FloatArray, y: AnyArray, sample_weight: FloatArray | None, kernel: Kernel) -> Tiles:
    """Lay out samples in tiles.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    y : ndarray of shape (n,), 0 and 1
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
    kernel : Kernel
        The kernel's module, which defines the size of a tile.

    Returns
    -------
    Tiles
    """
    n, d = X.shape
    tile = kernel.TILE_SAMPLES if d < _WIDE else kernel.NARROW_TILE_SAMPLES
    # A copy that holds only zeros and ones. It decides where samples are written, and another
    # thread may change y in the meantime.
    labels = (y != 0).view(np.uint8)
    positives = int(np.count_nonzero(labels))
    num_positive = -(-positives // tile)
    num_tiles = num_positive + -(-(n - positives) // tile)
    values = aligned_empty((num_tiles, d, tile), X.dtype)
    values[num_positive - 1] = values[-1] = 0.0  # the only tiles with lanes to spare
    if sample_weight is None:
        filled = np.array([[positives], [n - positives]])
        tile_weights = (np.arange(tile) <= (filled - 1) % tile).astype(X.dtype)
    else:
        tile_weights = np.zeros((num_tiles, tile), X.dtype)
    placed, weights_placed = np.zeros((2, 2), np.intp)
    # A slab at a time, since Ctrl-C cannot interrupt a call.
    slab = max(tile, _SLAB_BYTES // (d * X.itemsize))
    for first in range(0, n, slab):
        rows = slice(first, first + slab)
        pack(X[rows], labels[rows], -1.0, num_positive, values, placed)
        if sample_weight is not None:
            column, out = sample_weight[rows, None], tile_weights[:, None, :]
            pack(column, labels[rows], 1.0, num_positive, out, weights_placed)
    return Tiles(values, tile_weights, sample_weight is not None, num_positive)


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike) -> AnyArray:
    """Return an uninitialised array whose rows are rounded up to whole cache lines.

    Threads that write to different rows then never write to the same cache line.
    """
    dtype = np.dtype(dtype)
    per_line = _CACHE_LINE // dtype.itemsize
    shape = (*shape[:-1], -(-shape[-1] // per_line) * per_line)
    num_bytes = dtype.itemsize * math.prod(shape)
    buffer = np.empty(num_bytes + _CACHE_LINE, dtype=np.uint8)
    offset = -buffer.__array_interface__["data"][0] % _CACHE_LINE
    return buffer[offset : offset + num_bytes].view(dtype).reshape(shape)
