"""Tables that are read in pieces of whole rows: arrays, memory maps, .npy and Parquet files.

Files are read, not mapped. If a mapped file becomes shorter, the system ends the process that uses
the missing part, while reading it raises an error.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from .. import _checks
from .._typing import AnyArray, FloatArray, SamplesLike
from .arguments import check_length, check_samples_shape, existing, is_path
from .parquet import ParquetFiles, is_parquet, open_parquet, parquet_column, parquet_table
from .stored import StoredColumn, StoredTable, memory_map_of, stored_array


class Table(Protocol):
    """Samples that are read in pieces of whole rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """The number of samples, n, and the number of features, d. Neither is zero."""

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """The type of the values that `read` returns, float32 or float64."""

    @property
    def names(self) -> list[str] | None:
        """The names of the features, or None if the table has none."""

    def read(self, first: int, end: int) -> FloatArray:
        """Return the samples of some consecutive rows.

        Parameters
        ----------
        first, end : int
            The first row, and the one after the last: 0 <= first <= end <= n.

        Returns
        -------
        ndarray of shape (end - first, d)
            Finite values, in any memory order. It may be a view of the caller's array.

        Raises
        ------
        ValueError
            If a value is missing or not finite, or if a file is damaged or has changed.
        OSError
            If a file cannot be read.
        """


class Column(Protocol):
    """Labels or weights that are read in pieces."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def read(self, first: int, end: int) -> AnyArray:
        """Return the values of some consecutive rows.

        Parameters
        ----------
        first, end : int
            The first row, and the one after the last: 0 <= first <= end <= n.

        Returns
        -------
        ndarray of shape (end - first,)
            The values as they are stored, of any dtype. They may be NaN. It may be a view of the
            caller's array.

        Raises
        ------
        ValueError
            If a cell of a Parquet column is empty, or if a file is damaged or has changed.
        OSError
            If a file cannot be read.
        """


def is_on_disk(X: object) -> bool:
    """Return whether samples are in a file, and not in memory.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
        True for a path, a memory map, and a view of a memory map.
    """
    return is_path(X) or (isinstance(X, np.ndarray) and memory_map_of(X) is not None)


def open_table(
    X: SamplesLike,
    y: ArrayLike | os.PathLike[str],
    sample_weight: ArrayLike | os.PathLike[str] | None = None,
) -> tuple[Table, Column, Column | None]:
    """Return samples, labels and weights as tables that can be read in pieces.

    Parameters
    ----------
    X : array-like of shape (n, d), or path
        An array, a memory map or a view of one, or the path of a .npy file, of a Parquet file, or
        of a folder of Parquet files with the same columns. The files of a folder are taken in the
        order of their names, with numbers in them compared as numbers: part.2 before part.10.
        A memory map is read from its file, and must not have the mode 'c'. Files must not change
        until the last read.
    y : array-like of shape (n,), path, or str
        An array, a memory map, the path of a .npy file, or, if X is Parquet, the name of one of its
        columns.
    sample_weight : array-like of shape (n,), path, str or None, default=None
        As for `y`. None means that there are no weights.

    Returns
    -------
    table : Table
        If X is Parquet, its features are all columns in their order, except for those that `y` and
        `sample_weight` name, and those in which pandas has stored the index of a frame.
    labels : Column
    weights : Column or None

    Raises
    ------
    ValueError, TypeError
        If X has no samples or features, or does not hold numbers, if y or the weights have another
        length, if there is no such column, or if a file is damaged.
    OSError
        If a file does not exist or cannot be read.
    ImportError
        If X is Parquet, and pyarrow is not installed.
    """
    files = open_parquet(existing(X, "X")) if is_path(X) and is_parquet(X) else None
    if files is None:
        table = _open_samples(cast("ArrayLike", X))
        num_samples = table.shape[0]
    else:
        num_samples = files.num_rows
    labels = _open_column(y, "y", num_samples, files)
    weights = None
    if sample_weight is not None:
        weights = _open_column(sample_weight, "sample_weight", num_samples, files)
    if files is not None:
        # After the columns, so that a misspelt name is not reported as a column of text in X.
        table = parquet_table(files, [value for value in (y, sample_weight) if is_path(value)])
    return table, labels, weights


def _open_samples(X: ArrayLike) -> Table:
    """Return samples that are not Parquet as a table."""
    stored = stored_array(X, "X")
    if stored is None:
        return _ArrayTable(_checks.as_samples(X))
    check_samples_shape(stored.shape)
    # The check of the dtype needs no values.
    dtype = np.dtype(_checks.float_type(np.empty(0, stored.dtype), "X"))
    return StoredTable(stored, dtype)


def _open_column(value: Any, name: str, num_samples: int, files: ParquetFiles | None) -> Column:
    """Return labels or weights as a column, which `files` may contain."""
    if files is not None and isinstance(value, str) and not _is_other_file(value, files):
        return parquet_column(files, value, name)
    stored = stored_array(value, name)
    if stored is not None:
        check_length(stored.shape, num_samples, name)
        return StoredColumn(stored.as_one_feature())
    values = _checks.as_array(value, name)
    check_length(values.shape, num_samples, name)
    return _ArrayColumn(values)


def _is_other_file(value: str, files: ParquetFiles) -> bool:
    """Return whether a string is the path of a .npy file, and not the name of a column."""
    return value not in files.names and value.lower().endswith(".npy")


@dataclass(frozen=True, eq=False)
class _ArrayTable:
    """Samples in memory, which have been checked."""

    values: FloatArray
    names: None = None

    @property
    def shape(self) -> tuple[int, int]:
        return cast("tuple[int, int]", self.values.shape)

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        return self.values.dtype

    def read(self, first: int, end: int) -> FloatArray:
        return self.values[first:end]


@dataclass(frozen=True, eq=False)
class _ArrayColumn:
    """Labels or weights in memory."""

    values: AnyArray

    def __len__(self) -> int:
        return len(self.values)

    def read(self, first: int, end: int) -> AnyArray:
        return self.values[first:end]


def read_weights(
    weights: Column | None, first: int, end: int, dtype: np.dtype[Any]
) -> FloatArray | None:
    """Return the sample weights of some rows, checked, in the dtype of the samples.

    Parameters
    ----------
    weights : Column or None
        None stays None.
    first, end : int
        The first row, and the one after the last.
    dtype : dtype

    Raises
    ------
    ValueError, TypeError
        If a weight is not a finite number or is negative. All may be zero.
    """
    if weights is None:
        return None
    return _checks.as_sample_weight(
        weights.read(first, end), end - first, dtype, may_all_be_zero=True, first_row=first
    )
