"""Arrays in .npy files and memory maps, read by rows."""

from __future__ import annotations

import math
import mmap
import os
import weakref
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike

from .. import _checks
from .._typing import AnyArray, FloatArray
from .arguments import existing, is_path

# The part of a file that is read at once fits into a processor's cache. It is converted there.
_SLAB_BYTES = 2**20

# Rows that are further apart are read one by one. Otherwise, what lies between them is read, too.
_LONGEST_GAP = 2**16

# The parts of a memory map that are compared with its file.
_NUM_PROBES = 16
_PROBE_BYTES = 2**12


class _File:
    """A file that one thread reads at any positions. It is closed when nobody uses it any more."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.raw = open(path, "rb", buffering=0)
        # Without this, Python would warn that the file has not been closed.
        weakref.finalize(self, self.raw.close)

    def size(self) -> int:
        """Return the number of bytes that the file has now."""
        return os.fstat(self.raw.fileno()).st_size

    def check_size(self, expected: int) -> None:
        """Raise ValueError if the file is too short."""
        if self.size() < expected:
            raise self._cut_off(expected)

    def _cut_off(self, expected: int) -> ValueError:
        """Return the error for a file that is too short."""
        return ValueError(
            f"{self.path} must have {expected} bytes or more, found {self.size()}: it was cut off, "
            f"so write it again."
        )

    def read_into(self, buffer: AnyArray, position: int) -> None:
        """Fill a buffer of bytes with those at a position of the file."""
        view, done = buffer.data, 0
        try:
            self.raw.seek(position)
            while done < len(view):
                count = self.raw.readinto(view[done:])
                if not count:
                    break
                done += count
        except OSError as error:
            raise OSError(
                f"{self.path} cannot be read ({error.strerror}): check the disk."
            ) from error
        if done < len(view):
            raise self._cut_off(position + len(view))


def stored_array(value: ArrayLike, name: str) -> StoredArray | None:
    """Return an array in a .npy file or a memory map; None for values in memory."""
    if is_path(value):
        return _open_npy(_npy_path(value, name), name)
    memory_map = memory_map_of(value) if isinstance(value, np.ndarray) else None
    if memory_map is None:
        return None
    return _open_memory_map(cast("AnyArray", value), memory_map, name)


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array in a file, of any strides, read as two dimensions.

    Parameters
    ----------
    file : _File
    start : int
        The position of the first value in the file.
    shape : tuple of int
    strides : tuple of int
        The bytes from one value to the next along each dimension. They may be negative.
    dtype : dtype
        The type of the stored values.
    """

    file: _File
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]

    def as_one_feature(self) -> StoredArray:
        """Return an array of one dimension as one of shape (n, 1)."""
        return replace(self, shape=(*self.shape, 1), strides=(*self.strides, self.dtype.itemsize))

    @property
    def end(self) -> int:
        """The position after the last byte of all values."""
        reach = sum(max(0, distance) for distance in self._distances(self.shape))
        return self.start + reach + self.dtype.itemsize

    def read(self, first: int, end: int, dtype: np.dtype[Any]) -> AnyArray:
        """Return a copy of some rows, converted to a dtype."""
        d, (down, across) = self.shape[1], np.abs(self.strides)
        by_column = bool(down < across)
        out = np.empty((end - first, d), dtype, order="F" if by_column else "C")
        width = 1 if by_column else d
        with np.errstate(over="ignore", invalid="ignore"):
            for column in range(0, d, width):
                self._copy(first, column, out[:, column : column + width])
        return out

    def _copy(self, row: int, column: int, out: AnyArray) -> None:
        """Copy the values from a row and a column on into `out`, a slab of rows at a time."""
        num_rows = self._slab_rows(out.shape[1])
        for i in range(0, len(out), num_rows):
            part = out[i : i + num_rows]
            part[...] = self._read_slab(row + i, column, part.shape)

    def _slab_rows(self, width: int) -> int:
        step = abs(self.strides[0])
        used = (width - 1) * abs(self.strides[1]) + self.dtype.itemsize
        return 1 if step - used > _LONGEST_GAP else max(1, _SLAB_BYTES // max(step, 1))

    def _read_slab(self, row: int, column: int, shape: tuple[int, ...]) -> AnyArray:
        """Return the values from a row and a column on, by one read of all that they span."""
        distances = self._distances(shape)
        before = -sum(min(0, distance) for distance in distances)
        buffer = np.empty(sum(map(abs, distances)) + self.dtype.itemsize, np.uint8)
        first = self.start + row * self.strides[0] + column * self.strides[1]
        self.file.read_into(buffer, first - before)
        return np.ndarray(shape, self.dtype, buffer, before, self.strides)

    def _distances(self, shape: tuple[int, ...]) -> list[int]:
        """Return how many bytes the last value of each dimension comes after the first one."""
        return [(n - 1) * step for n, step in zip(shape, self.strides, strict=True)]


@dataclass(frozen=True, eq=False)
class StoredTable:
    """Samples in a .npy file or a memory map."""

    stored: StoredArray
    dtype: np.dtype[np.floating[Any]]
    names: None = None

    @property
    def shape(self) -> tuple[int, int]:
        return cast("tuple[int, int]", self.stored.shape)

    def read(self, first: int, end: int) -> FloatArray:
        samples = self.stored.read(first, end, self.dtype)
        _checks.refuse_non_finite(samples, "X", first)
        return samples


@dataclass(frozen=True, eq=False)
class StoredColumn:
    """Labels or weights in a .npy file or a memory map, of shape (n, 1)."""

    stored: StoredArray

    def __len__(self) -> int:
        return self.stored.shape[0]

    def read(self, first: int, end: int) -> AnyArray:
        return self.stored.read(first, end, self.stored.dtype)[:, 0]


def _npy_path(value: str | os.PathLike[str], name: str) -> str:
    """Return the path of a .npy file, or raise an error for all other paths."""
    path = existing(value, name)
    if not path.lower().endswith(".npy"):
        kinds = " or a Parquet file" if name == "X" else ""
        raise ValueError(
            f"{name} must be an array, or the path of a .npy file{kinds}, found {path!r}: save it "
            f"with numpy.save."
        )
    return path


def _open_npy(path: str, name: str) -> StoredArray:
    """Return the array in a .npy file, of which only the header is read."""
    file = _File(path)
    try:
        # Version 3.0 differs from 2.0 only in the names of fields, which nothing here accepts.
        read_header = {
            (1, 0): npy.read_array_header_1_0,
            (2, 0): npy.read_array_header_2_0,
            (3, 0): npy.read_array_header_2_0,
        }[npy.read_magic(file.raw)]
        shape, is_fortran, dtype = read_header(file.raw)
        if min(shape, default=0) < 0:
            raise ValueError(f"shape {shape} has a negative number")
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{name} must be a file that numpy.save has written, found {path!r} with another "
            f"header: write it again."
        ) from error
    _refuse_objects(dtype, path, name)
    strides = tuple(
        dtype.itemsize * math.prod(shape[:i] if is_fortran else shape[i + 1 :])
        for i in range(len(shape))
    )
    stored = StoredArray(file, file.raw.tell(), shape, strides, dtype)
    if 0 not in shape:
        file.check_size(stored.end)
    return stored


def _refuse_objects(dtype: np.dtype[Any], path: str, name: str) -> None:
    if dtype.kind in "OV":
        raise _checks.ParameterError(
            f"{name} must hold numbers or strings, found dtype {dtype} in {path}: convert it with "
            f"astype, and save it again."
        )


def memory_map_of(array: AnyArray) -> np.memmap[Any, Any] | None:
    """Return the memory map that an array is, or is a view of; None for an array in memory."""
    base: Any = array
    while base is not None:
        # A result of arithmetic is a np.memmap, too, but it lies in memory.
        if isinstance(base, np.memmap) and isinstance(base.base, mmap.mmap):
            return base
        base = getattr(base, "base", None)
    return None


def _open_memory_map(array: AnyArray, memory_map: np.memmap[Any, Any], name: str) -> StoredArray:
    """Return the part of a file that a view of a memory map shows."""
    _checks.refuse_masked(array, name)
    if memory_map.mode == "c":
        raise ValueError(
            f"{name} must be mapped with mode 'r' or 'r+', found 'c', whose changes are not in the "
            f"file: map it again, or copy it with numpy.array."
        )
    if memory_map.filename is None:
        raise ValueError(
            f"{name} must be mapped from a file with a name, found none: save it with numpy.save."
        )
    path = os.fsdecode(memory_map.filename)
    if not os.path.exists(path):
        raise FileNotFoundError(
            f"{name} is mapped from {path}, which does not exist any more: copy {name} with "
            f"numpy.array, or save it and map it again."
        )
    if memory_map.mode != "r":
        memory_map.flush()  # only some systems show changes of the map to those who read the file
    file = _File(path)
    _check_file_of_map(memory_map, file, name)
    start = memory_map.offset + array.ctypes.data - memory_map.ctypes.data
    return StoredArray(file, start, array.shape, array.strides, array.dtype)


def _check_file_of_map(memory_map: np.memmap[Any, Any], file: _File, name: str) -> None:
    """Raise ValueError if the path of a memory map leads to another file by now.

    Of the mapped file, Python tells only the size. So some values are compared, too, but only if
    the file has them all: the system would end a process that uses a map beyond its file.
    """
    is_same = cast("mmap.mmap", memory_map.base).size() == file.size()
    if is_same:
        file.check_size(memory_map.offset + memory_map.nbytes)
    if not (is_same and _has_values_of_map(memory_map, file)):
        raise ValueError(
            f"{name} is mapped from {file.path}, which is another file now: map it again."
        )


def _has_values_of_map(memory_map: np.memmap[Any, Any], file: _File) -> bool:
    """Return whether some of the values in a memory map are those in a file."""
    mapped = memory_map.ravel("K").view(np.uint8)
    found = np.empty(min(_PROBE_BYTES, len(mapped)), np.uint8)
    for position in np.linspace(0, len(mapped) - len(found), _NUM_PROBES).astype(int).tolist():
        file.read_into(found, memory_map.offset + position)
        if not np.array_equal(found, mapped[position : position + len(found)]):
            return False
    return True
