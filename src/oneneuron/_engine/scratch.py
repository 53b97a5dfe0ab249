"""Shards in a temporary file, for samples that do not fit into memory.

The file has no name where the system allows that, and disappears with its last user in any case,
even if the process is killed. It is read through memory maps of one shard at a time: the pages of a
map are those of the system's cache, so nothing is copied, and compiled code reads them at the speed
of memory. While a shard is summed, the system is asked to read the next one from the disk.

Nobody else can shorten the file. A disk that fails while it is read ends the process (SIGBUS), as
it does for every program that maps files.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .._typing import AnyArray, Float64Array, FloatArray
from .passes import as_num_threads
from .samples import Samples, band_rows, lay_out
from .shard import Description, Shard
from .shards import Form, Shards, take_parts

# Returns rows from a first to an end: the samples, their class codes, and their weights or None, as
# `lay_out` needs them.
ReadRows: TypeAlias = Callable[[int, int], tuple[FloatArray, AnyArray, FloatArray | None]]

_CACHE_LINE = 64

# Samples are laid out about this many bytes at a time, which is large enough to need no tuning.
_PIECE_BYTES = 2**25

# The disk is full, or the user's part of it; Windows has no quotas here.
_NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class _Place(NamedTuple):
    """Where an array is in a record."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class _Record(NamedTuple):
    """A shard in the file."""

    offset: int
    num_bytes: int
    places: dict[str, _Place]
    other: dict[str, Any]


class Scratch(Shards):
    """Shards in a temporary file.

    Parameters
    ----------
    folder : str or path-like
        Where the file is.
    pieces : iterable of Samples
        The samples of each shard, in order. They are written one by one.
    form : Form
        The form of the samples.
    n_threads : int, default None
        The largest number of threads to use. None means one for each core.

    Raises
    ------
    OSError
        If the file cannot be written.
    """

    def __init__(
        self, folder: str | os.PathLike[str], pieces: Iterable[Samples], form: Form,
        n_threads: int | None = None,
    ) -> None:  # fmt: skip
        self._folder, self._num_threads = Path(folder), as_num_threads(n_threads)
        self._records: list[_Record] = []
        self._descriptions: list[Description] = []
        self._heaviest: tuple[float, Float64Array] | None = None
        with self._naming_the_folder():
            self._file: Any = tempfile.TemporaryFile(dir=folder, buffering=0)
        weakref.finalize(self, self._file.close)  # which deletes it
        for samples in pieces:
            self._append(samples)
        super().__init__(form)

    # --- Writing ---

    def _append(self, samples: Samples) -> None:
        """Write a shard, and note what can be known of it without reading it again."""
        shard = Shard(samples, self._num_threads)
        self._descriptions.append(shard.describe())
        heaviest = shard.heaviest_tile()
        if self._heaviest is None or heaviest[0] > self._heaviest[0]:
            self._heaviest = heaviest
        arrays = {"values": samples.values, "runs": samples.runs, "blocks": samples.blocks}
        if samples.weights is not None:
            arrays["weights"] = samples.weights
        offset, places, end = self._file.tell(), {}, 0
        with self._naming_the_folder():
            for name, array in arrays.items():
                places[name] = _Place(end, array.shape, array.dtype)
                end += self._write(array, _CACHE_LINE)
            self._write(np.empty(0, np.uint8), mmap.ALLOCATIONGRANULARITY)
        other = {
            name: getattr(samples, name)
            for name in ("blocks_per_band", "num_classes", "num_samples", "first_block")
        }
        self._records.append(_Record(offset, end, places, other))

    def _write(self, array: AnyArray, alignment: int) -> int:
        """Write an array and zeros up to the next multiple of `alignment`; return their number."""
        before = self._file.tell()
        for data in (array.reshape(-1).view(np.uint8), bytes(-(before + array.nbytes) % alignment)):
            left = memoryview(data)  # type: ignore[arg-type]
            while left:
                left = left[self._file.write(left) :]
        return int(self._file.tell() - before)

    @contextmanager
    def _naming_the_folder(self) -> Iterator[None]:
        """Have errors in writing the file name its folder, and say what to do."""
        try:
            yield
        except OSError as error:
            remedy = "choose another folder for scratch"
            if error.errno in _NO_SPACE:
                remedy = "free space there, or " + remedy
            message = f"scratch cannot be written, {error.strerror}: {remedy}"
            raise OSError(error.errno, message, str(self._folder)) from error

    # --- Reading ---

    def ask(self, method: str, *arguments: Any) -> Iterable[Any]:
        """Call a method of each shard, and return the results in the order of the samples."""
        if method == "describe":
            return self._descriptions
        if method == "heaviest_tile":
            return [] if self._heaviest is None else [self._heaviest]
        return (
            getattr(Shard(samples, self._num_threads), method)(*arguments)
            for samples in self._read()
        )

    def _read(self) -> Iterator[Samples]:
        """Yield the samples of each shard, while the system reads the next one."""
        following = [self._map(record) for record in self._records[:1]]
        for i, record in enumerate(self._records):
            mapped, following = following[0], [self._map(r) for r in self._records[i + 1 : i + 2]]
            arrays = {name: _array_in(mapped, place) for name, place in record.places.items()}
            yield Samples(**{"weights": None, **arrays, **record.other})

    def _map(self, record: _Record) -> mmap.mmap:
        """Map a record into memory, and have the system read it ahead of time."""
        mapped = mmap.mmap(
            self._file.fileno(), record.num_bytes, access=mmap.ACCESS_READ, offset=record.offset
        )
        if hasattr(mapped, "madvise"):  # not on Windows
            mapped.madvise(mmap.MADV_WILLNEED)
        return mapped

    def take_part(self, every: int) -> Scratch:
        """Return a part of the samples that stands for all of them, in a file of its own."""
        parts = take_parts(self._read(), every)
        return Scratch(self._folder, parts, self.form_of_part, self._num_threads)


def lay_out_pieces(
    read: ReadRows, num_rows: int, row_bytes: int, num_classes: int, *, first_band: int = 0,
    n_threads: int | None = None,
) -> Iterator[Samples]:  # fmt: skip
    """Lay out rows that are read in pieces of whole bands.

    Parameters
    ----------
    read : callable
        ``read(first, end)`` returns rows `first` to `end` - 1; see `ReadRows`.
    num_rows : int
    row_bytes : int
        The size of a row, in bytes.
    num_classes : int
    first_band : int, default=0
        The number of bands before these rows.
    n_threads : int, default=None
        The largest number of threads to use. None means one for each core.

    Yields
    ------
    Samples
    """
    band = band_rows(num_classes)
    bands = max(1, _PIECE_BYTES // (band * row_bytes))
    threads = as_num_threads(n_threads)
    for first in range(0, num_rows, bands * band):
        X, codes, weights = read(first, min(first + bands * band, num_rows))
        before = first_band + first // band
        yield lay_out(X, codes, num_classes, weights, n_threads=threads, first_band=before)


def require_space(folder: str | os.PathLike[str], num_bytes: int) -> None:
    """Raise OSError unless a folder has space for a file of this size."""
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise OSError(
            errno.ENOSPC,
            f"scratch needs about {num_bytes / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free: free "
            f"space there, or choose another folder for scratch",
            str(folder),
        )


def _array_in(mapped: mmap.mmap, place: _Place) -> AnyArray:
    count = int(np.prod(place.shape))
    return np.frombuffer(mapped, place.dtype, count, place.offset).reshape(place.shape)
