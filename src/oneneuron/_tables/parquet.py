"""Columns of Parquet files, decoded a row group at a time."""

from __future__ import annotations

import difflib
import os
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _checks
from .._typing import AnyArray, FloatArray
from .arguments import check_samples_shape

_SUFFIXES = (".parquet", ".parq", ".pq")
_MOST_LISTED = 12


def is_parquet(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is that of a folder or of a Parquet file, by its suffix."""
    return os.path.isdir(path) or _has_parquet_suffix(os.fsdecode(path))


def _has_parquet_suffix(path: str) -> bool:
    return path.lower().endswith(_SUFFIXES)


@dataclass(frozen=True)
class _ParquetFile:
    """The metadata of a file, which is read when the table is opened.

    Parameters
    ----------
    path : str
    stamp : tuple of int
        The size and the time of the last change. They tell whether the file is still the same.
    types : dict of str to pyarrow.DataType
        The type of each column, by its name.
    index : frozenset of str
        The columns in which pandas has stored the index of a frame.
    group_rows : list of int
        The number of rows of each row group.
    """

    path: str
    stamp: tuple[int, int]
    types: dict[str, Any]
    index: frozenset[str]
    group_rows: list[int]

    def check_unchanged(self) -> None:
        """Raise ValueError if the file is not the one that was opened."""
        if _stamp(self.path) != self.stamp:
            raise ValueError(
                f"{self.path} must stay as it is while it is read, found another size or time of "
                f"change: finish writing it first."
            )


class ParquetFiles:
    """Parquet files with the same columns, one after the other.

    Parameters
    ----------
    files : list of _ParquetFile
    """

    def __init__(self, files: list[_ParquetFile]) -> None:
        self.files = files
        self.names = list(files[0].types)
        self.groups = [(file, i) for file in files for i in range(len(file.group_rows))]
        rows = [file.group_rows[i] for file, i in self.groups]
        self.first_rows = [0, *np.cumsum(rows, dtype=np.int64).tolist()]  # and the end
        self.num_rows = self.first_rows[-1]


class _OpenParquetFile:
    """An open file, whose metadata need not be decoded again for each row group."""

    def __init__(self, file: _ParquetFile) -> None:
        self.file = file
        file.check_unchanged()
        with _arrow_errors(file.path):
            self._opened = _pyarrow().parquet.ParquetFile(file.path)

    def decode(self, group: int, names: list[str]) -> Any:
        """Return the named columns of a row group as a table of pyarrow."""
        self.file.check_unchanged()
        with _arrow_errors(self.file.path):
            return self._opened.read_row_group(group, columns=names)


class _GroupReader:
    """Some columns of Parquet files, decoded a row group at a time.

    The last row group is kept, so that consecutive reads decode each of them once.
    """

    def __init__(self, files: ParquetFiles, names: list[str], name: str) -> None:
        self._files, self._names, self._name = files, names, name
        self._file: _OpenParquetFile | None = None
        self._number, self._decoded = -1, None

    def pieces(self, first: int, end: int) -> Iterator[Any]:
        """Yield the rows from `first` to `end - 1` as tables of pyarrow, without empty cells."""
        starts = self._files.first_rows
        while first < end:
            number = bisect_right(starts, first) - 1
            stop = min(end, starts[number + 1])
            piece = self._group(number).slice(first - starts[number], stop - first)
            self._refuse_null(piece, first)
            yield piece
            first = stop

    def _group(self, number: int) -> Any:
        """Return the named columns of a row group."""
        if number != self._number:
            self._number, self._decoded = -1, None  # frees its memory before more is taken
            file, group = self._files.groups[number]
            if self._file is None or self._file.file is not file:
                self._file = _OpenParquetFile(file)
            self._decoded = self._file.decode(group, self._names)
            self._number = number
        return self._decoded

    def _refuse_null(self, piece: Any, first: int) -> None:
        """Raise ValueError if a cell is empty."""
        for name in self._names:
            if piece.column(name).null_count:
                row = first + int(np.argmax(piece.column(name).is_null().to_numpy()))
                raise ValueError(
                    f"{self._name} contains null at row {row}, column {name!r}: drop or fill those "
                    f"samples."
                )


@dataclass(frozen=True, eq=False)
class _ParquetTable:
    """Samples in the columns of Parquet files."""

    shape: tuple[int, int]
    dtype: np.dtype[np.floating[Any]]
    names: list[str]
    reader: _GroupReader

    def read(self, first: int, end: int) -> FloatArray:
        out = np.empty((end - first, self.shape[1]), self.dtype, order="F")
        row = 0
        for piece in self.reader.pieces(first, end):
            for column, name in zip(out[row : row + len(piece)].T, self.names, strict=True):
                column[...] = _numbers_of(piece.column(name))
            row += len(piece)
        _checks.refuse_non_finite(out, "X", first, self.names)
        return out


@dataclass(frozen=True, eq=False)
class _ParquetColumn:
    """Labels or weights in a column of Parquet files."""

    num_rows: int
    name: str
    type: Any
    reader: _GroupReader

    def __len__(self) -> int:
        return self.num_rows

    def read(self, first: int, end: int) -> AnyArray:
        pieces = self.reader.pieces(first, end)
        chunks = [chunk for piece in pieces for chunk in piece.column(self.name).chunks]
        return _values_of(_pyarrow().chunked_array(chunks, self.type))


def _pyarrow() -> Any:
    """Return pyarrow with its module for Parquet, which are not needed for anything else."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError(
            "X is a Parquet file, which needs pyarrow: pip install 'oneneuron[parquet]'."
        ) from None
    return pyarrow


@contextmanager
def _arrow_errors(path: str) -> Iterator[None]:
    """Raise the errors of pyarrow about a file as errors that name it."""
    pa = _pyarrow()
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        # An error of the system, for instance a missing permission, names the file already.
        if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
            raise
        raise ValueError(
            f"{path} must be a whole Parquet file, found one that pyarrow cannot read "
            f"({_first_sentence(error)}): write it again."
        ) from error


def open_parquet(path: str) -> ParquetFiles:
    """Return a Parquet file, or those in a folder, of which only the metadata is read."""
    paths = _paths_in(path) if os.path.isdir(path) else [path]
    opened = [_open_parquet_file(path) for path in paths]
    # In a file without rows, the types of the columns are often others.
    files = ParquetFiles([file for file in opened if sum(file.group_rows)] or opened[:1])
    check_samples_shape((files.num_rows, len(files.names)))
    for file in files.files:
        _check_same_columns(files.files[0], file)
    return files


def _paths_in(folder: str) -> list[str]:
    """Return the Parquet files in a folder, in the order of their names."""
    names = [name for name in os.listdir(folder) if not name.startswith(("_", "."))]
    inner = [name for name in names if os.path.isdir(os.path.join(folder, name))]
    if inner:
        raise ValueError(
            f"X must be a folder without other folders, found {min(inner)!r} in {folder}: move all "
            f"Parquet files into one folder."
        )
    paths = [os.path.join(folder, name) for name in sorted(names, key=_by_number)]
    paths = [path for path in paths if _has_parquet_suffix(path)]
    if not paths:
        raise ValueError(
            f"X must be a folder of files that end with .parquet, found none in {folder}: correct "
            f"the path."
        )
    return paths


def _by_number(name: str) -> list[str | int]:
    """Return a key that sorts names with numbers in them as Dask counts: part.2, part.10."""
    parts = re.split("([0-9]+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


def _stamp(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _open_parquet_file(path: str) -> _ParquetFile:
    stamp = _stamp(path)
    with _arrow_errors(path):
        file = _pyarrow().parquet.ParquetFile(path)
        schema, metadata = file.schema_arrow, file.metadata
        pandas = schema.pandas_metadata or {}
    types = dict(zip(schema.names, schema.types, strict=True))
    if len(types) < len(schema.names):
        twice = next(name for name in types if schema.names.count(name) > 1)
        raise ValueError(
            f"X must have columns of different names, found {twice!r} more than once in {path}: "
            f"rename them."
        )
    # A range is stored as a dict, and needs no column.
    index = frozenset(name for name in pandas.get("index_columns", ()) if isinstance(name, str))
    rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    return _ParquetFile(path, stamp, types, index, rows)


def _check_same_columns(first: _ParquetFile, file: _ParquetFile) -> None:
    """Raise ValueError unless two files have columns of the same names, in any order."""
    for have, lack in ((first, file), (file, first)):
        for name in have.types:
            if name not in lack.types:
                raise ValueError(
                    f"X must be a folder of files with the same columns, found {name!r} in "
                    f"{have.path}, but not in {lack.path}: write them with the same columns."
                )


def parquet_table(files: ParquetFiles, others: list[Any]) -> _ParquetTable:
    """Return all columns as features, except for the index of pandas and some others."""
    left_out = files.files[0].index.union(others)
    names = [name for name in files.names if name not in left_out]
    check_samples_shape((files.num_rows, len(names)))
    for file in files.files:
        for name in names:
            _check_is_number(file.types[name], name, file.path)
    types = {file.types[name] for file in files.files for name in names}
    dtype: np.dtype[np.floating[Any]] = np.dtype(
        np.float32 if types == {_pyarrow().float32()} else np.float64
    )
    reader = _GroupReader(files, names, "X")
    return _ParquetTable((files.num_rows, len(names)), dtype, names, reader)


def parquet_column(files: ParquetFiles, column: str, name: str) -> _ParquetColumn:
    """Return labels or weights from the column of a name."""
    if column not in files.names:
        raise ValueError(_unknown_column(files.names, column, name))
    first = files.files[0]
    kind = first.types[column]
    if not (_is_number(kind) or _is_text(kind)):
        raise _checks.ParameterError(
            f"{name} must be a column of numbers, booleans or strings, found {column!r} of type "
            f"{kind} in {first.path}: convert it first."
        )
    for file in files.files:
        if file.types[column] != kind:
            raise _checks.ParameterError(
                f"{name} must be a column of one type, found {column!r} of type {kind} in "
                f"{first.path} and of type {file.types[column]} in {file.path}: write it with one "
                f"type."
            )
    return _ParquetColumn(files.num_rows, column, kind, _GroupReader(files, [column], name))


def _unknown_column(names: list[str], column: str, name: str) -> str:
    """Return the message for a column that does not exist."""
    nearest = difflib.get_close_matches(column, names, 1)
    listed = ", ".join(map(repr, names[:_MOST_LISTED]))
    listed += ", ..." if len(names) > _MOST_LISTED else ""
    choice = f"choose {nearest[0]!r}, or another" if nearest else "choose one"
    return (
        f"{name} must be a column of X or the path of a .npy file, found {column!r}: {choice} of "
        f"{listed}."
    )


def _check_is_number(kind: Any, column: str, path: str) -> None:
    if not _is_number(kind):
        raise _checks.ParameterError(
            f"X must have columns of numbers, found {column!r} of type {kind} in {path}: convert "
            f"it to numbers, or write the table without it."
        )


def _is_number(kind: Any) -> bool:
    types = _pyarrow().types
    tests = types.is_integer, types.is_floating, types.is_boolean, types.is_decimal
    return any(test(kind) for test in tests)


def _is_text(kind: Any) -> bool:
    types = _pyarrow().types
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _numbers_of(column: Any) -> AnyArray:
    """Return a column of pyarrow as an array of numbers."""
    pa = _pyarrow()
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    values: AnyArray = column.to_numpy()
    return values


def _values_of(column: Any) -> AnyArray:
    """Return a column of pyarrow as NumPy would hold it."""
    pa = _pyarrow()
    if pa.types.is_dictionary(column.type):  # a category of pandas
        column = column.cast(column.type.value_type)
    return _numbers_of(column)


def _first_sentence(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].partition(". ")[0].rstrip(".")
