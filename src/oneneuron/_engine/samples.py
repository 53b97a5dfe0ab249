"""The samples as the kernel reads them: in tiles of one class each, which `pack.pyx` explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._typing import AnyArray, Float64Array, FloatArray
from .pack import Packer, cut_into_blocks, weigh_runs
from .turns import turn

_CACHE_LINE = 64

# A tile of ordinary width takes four cache lines for each feature. From this number of features on,
# such a tile would outgrow a cache, and tiles of one cache line are faster.
_WIDE = 4096

# The rows of a band, unless there are many classes. Each class takes whole tiles of it, which
# leaves half a tile of 64 lanes empty on average. That may be a tenth of the band.
_BAND_ROWS = 2**14
_ROWS_PER_CLASS = 10 * 32

# The rows of a block, or fewer, so that its values take at most this number of bytes in float64.
_BLOCK_ROWS = 2**10
_BLOCK_BYTES = 2**22


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """Samples in tiles.

    Parameters
    ----------
    values : ndarray of shape (num_tiles, d, tile), float32 or float64
        The samples. Lanes without a sample hold zeros.
    weights : ndarray of shape (num_tiles, tile) or None
        The sample weights, in the dtype of `values`: 0 in lanes without a sample. None means that
        all samples have weight 1.
    runs : ndarray of shape (num_runs, 4), int64
        The class code, the first tile, the end tile, and the number of samples in the last tile of
        each run, which is the tiles of one class in one band.
    blocks : ndarray of shape (num_blocks, 3), int64
        The first tile, the end tile, and the number of the run that holds the first tile.
    blocks_per_band : int
        The number of blocks in a whole band, a power of two.
    num_classes : int
        The number of classes, including those without a sample.
    num_samples : int
    first_block : int, default=0
        The number of the first block in the whole data, if these samples are only a part of it.
    """

    values: FloatArray
    weights: FloatArray | None
    runs: NDArray[np.int64]
    blocks: NDArray[np.int64]
    blocks_per_band: int
    num_classes: int
    num_samples: int
    first_block: int = 0

    @property
    def num_features(self) -> int:
        """The number of features, d."""
        return int(self.values.shape[1])

    @property
    def tile(self) -> int:
        """The number of lanes of a tile."""
        return int(self.values.shape[2])

    @property
    def first_band(self) -> int:
        """The number of the first band in the whole data."""
        return self.first_block // self.blocks_per_band

    @property
    def band_runs(self) -> NDArray[np.int64]:
        """The first run of each band, then the number of runs, of shape (num_bands + 1,)."""
        return np.append(self.blocks[:: self.blocks_per_band, 2], len(self.runs))

    @property
    def class_sizes(self) -> NDArray[np.int64]:
        """The number of samples of each class, of shape (num_classes,)."""
        sizes = np.zeros(self.num_classes, np.int64)
        np.add.at(sizes, self.runs[:, 0], _run_sizes(self.runs, self.tile))
        return sizes

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """The type of the values."""
        return self.values.dtype

    @property
    def nbytes(self) -> int:
        """The memory that the values and the weights take, in bytes."""
        return self.values.nbytes + (0 if self.weights is None else self.weights.nbytes)


def lay_out(
    X: FloatArray,
    codes: AnyArray,
    num_classes: int,
    sample_weight: FloatArray | None = None,
    *,
    n_threads: int = 1,
    first_band: int = 0,
) -> Samples:
    """Lay out samples in tiles.

    The result does not depend on the number of threads. Whole bands may be laid out on their own,
    and then have the same tiles as among all samples.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
        The samples, of any strides.
    codes : ndarray of shape (n,), integer or bool
        The class of each sample: 0, ..., num_classes - 1.
    num_classes : int
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
        None gives all samples weight 1.
    n_threads : int, default=1
        The largest number of threads to use.
    first_band : int, default=0
        The number of bands before `X`, if it is a part of the data.

    Returns
    -------
    Samples

    Raises
    ------
    ValueError
        If a class code is out of range.
    """
    X = X.view()  # another thread may give the caller's array a new shape
    n, d = X.shape
    tile, rows = tile_lanes(d, X.dtype), band_rows(num_classes)
    packer = Packer(codes, num_classes, rows, tile, n_threads, turn)
    values = aligned_empty((packer.num_tiles, d, tile), X.dtype)
    packer.pack(X, values)
    weights = None
    if sample_weight is not None:
        weights = aligned_empty((packer.num_tiles, tile), X.dtype)
        packer.pack(sample_weight[:, None], weights[:, None, :])
        # Without weight, a sample must not count even if its cost is infinite. Its values become
        # zeros, except those that are not finite: they become NaN, and are noticed.
        tiles, lanes = np.nonzero(weights == 0.0)
        with np.errstate(invalid="ignore"):
            values[tiles, :, lanes] *= 0.0
    per_block = block_rows(d, tile)
    per_band = rows // per_block
    in_band = _count_blocks(n, per_block, per_band, tile, packer.band_tiles)
    return Samples(
        values=values,
        weights=weights,
        runs=packer.runs,
        blocks=_cut_into_blocks(in_band, packer.band_tiles, packer.runs),
        blocks_per_band=per_band,
        num_classes=num_classes,
        num_samples=n,
        first_block=first_band * per_band,
    )


def take_part(samples: Samples, every: int) -> Samples:
    """Return a part of the samples that stands for all of them.

    It has one tile in `every` of each run. Which ones these are changes from band to band, so a
    class with few samples is represented, too. The weights are multiplied by `every`. Whole bands
    give the same part on their own as among all samples.

    Parameters
    ----------
    samples : Samples
    every : int
        A power of two.

    Returns
    -------
    Samples
        There are none if the samples have too few tiles.
    """
    runs, first_runs = samples.runs, samples.band_runs[:-1]
    run = np.repeat(np.arange(len(runs)), runs[:, 2] - runs[:, 1])  # of each tile
    band = np.searchsorted(first_runs, run, side="right") - 1
    place = np.arange(len(run)) - runs[run, 1]
    taken = np.flatnonzero((place - samples.first_band - band) % every == 0)
    part_runs = _runs_of_part(samples, taken, run[taken])
    weights = _weights_of_part(samples, taken, part_runs, every)
    part_tiles = np.searchsorted(band[taken], np.arange(len(first_runs) + 1))
    blocks_per_band = max(1, samples.blocks_per_band // every)
    in_band = np.where(np.diff(part_tiles) > 0, blocks_per_band, 0)  # the last may have no tile
    return Samples(
        values=_take_tiles(samples.values, taken),
        weights=weights,
        runs=part_runs,
        blocks=_cut_into_blocks(in_band, part_tiles, part_runs),
        blocks_per_band=blocks_per_band,
        num_classes=samples.num_classes,
        num_samples=int(_run_sizes(part_runs, samples.tile).sum()),
        first_block=samples.first_band * blocks_per_band,
    )


def _take_tiles(tiles: FloatArray, taken: NDArray[np.intp]) -> FloatArray:
    """Return a copy of some tiles."""
    out = aligned_empty((len(taken), *tiles.shape[1:]), tiles.dtype)
    np.take(tiles, taken, axis=0, out=out, mode="clip")  # the other modes need a second copy
    return out


def _runs_of_part(
    samples: Samples, taken: NDArray[np.intp], run: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Return the runs of a part, given its tiles and the run that each of them comes from."""
    first = np.flatnonzero(np.diff(run, prepend=-1))
    end = np.flatnonzero(np.diff(run, append=-1)) + 1
    code, _, whole_end, filled = samples.runs[run[first]].T
    filled = np.where(taken[end - 1] == whole_end - 1, filled, samples.tile)
    return np.column_stack([code, first, end, filled])


def _weights_of_part(
    samples: Samples, taken: NDArray[np.intp], runs: NDArray[np.int64], factor: int
) -> FloatArray:
    """Return the weights of the samples in a part, times a factor."""
    if samples.weights is not None:
        weights = _take_tiles(samples.weights, taken)
        weights *= factor
        return weights
    weights = aligned_empty((len(taken), samples.tile), samples.dtype)
    weights[:] = factor
    last = runs[:, 2] - 1
    weights[last] *= np.arange(samples.tile) < runs[:, 3, None]
    return weights


def weigh_bands(samples: Samples) -> Float64Array:
    """Return the weight of each class in each band, of shape (num_bands, num_classes)."""
    if samples.weights is None:
        run_weights = _run_sizes(samples.runs, samples.tile).astype(np.float64)
    else:
        run_weights = np.empty(len(samples.runs))
        weigh_runs(samples.weights, samples.runs, run_weights)
    bands = samples.band_runs
    out = np.zeros((len(bands) - 1, samples.num_classes))
    band = np.repeat(np.arange(len(out)), np.diff(bands))  # of each run
    out[band, samples.runs[:, 0]] = run_weights
    return out


def tile_lanes(d: int, dtype: DTypeLike) -> int:
    """Return the number of lanes of a tile: 256 bytes for each feature, or 64 for wide data."""
    lines = 4 if d < _WIDE else 1
    return lines * _CACHE_LINE // np.dtype(dtype).itemsize


def band_rows(num_classes: int) -> int:
    """Return the number of rows of a band: a power of two, more for many classes."""
    return max(_BAND_ROWS, _power_of_two_from(_ROWS_PER_CLASS * num_classes))


def block_rows(d: int, tile: int) -> int:
    """Return the number of rows of a block: a power of two, fewer for wide data."""
    rows = _BLOCK_ROWS
    while rows > tile and 8 * rows * d > _BLOCK_BYTES:
        rows //= 2
    return rows


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike) -> AnyArray:
    """Return an uninitialised array that begins at a cache line."""
    dtype = np.dtype(dtype)
    num_bytes = dtype.itemsize * math.prod(shape)
    buffer = np.empty(num_bytes + _CACHE_LINE, np.uint8)
    offset = -buffer.__array_interface__["data"][0] % _CACHE_LINE
    return buffer[offset : offset + num_bytes].view(dtype).reshape(shape)


def as_aligned(array: AnyArray) -> AnyArray:
    """Return an array that begins at a cache line: a copy if it does not do so yet."""
    if array.ctypes.data % _CACHE_LINE == 0:
        return array
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def _count_blocks(
    n: int, rows: int, per_band: int, tile: int, band_tiles: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the number of blocks in each band of n samples: `per_band` in a whole band.

    A block of an incomplete band has at most `rows` rows on average, or fewer where many classes
    leave many lanes empty: it has at most a quarter more lanes than `rows`. No block is empty, as a
    band has at least as many tiles.
    """
    in_band = np.full(len(band_tiles) - 1, per_band)
    rest = n % (rows * per_band)
    if rest > 0:
        lanes = int(band_tiles[-1] - band_tiles[-2]) * tile
        in_band[-1] = max(-(-rest // rows), -(-4 * lanes // (5 * rows)))
    return in_band


def _cut_into_blocks(
    in_band: NDArray[np.int64], band_tiles: NDArray[np.int64], runs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the blocks of all bands; see `Samples.blocks`."""
    blocks = np.empty((int(in_band.sum()), 3), np.int64)
    cut_into_blocks(in_band, band_tiles, runs, blocks)
    return blocks


def _run_sizes(runs: NDArray[np.int64], tile: int) -> NDArray[np.int64]:
    """Return the number of samples in each run."""
    sizes: NDArray[np.int64] = (runs[:, 2] - runs[:, 1] - 1) * tile + runs[:, 3]
    return sizes


def _power_of_two_from(least: int) -> int:
    """Return the smallest power of two that is at least `least`."""
    return 1 << (least - 1).bit_length()
