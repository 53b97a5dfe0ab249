"""CSV files with a header line, for `oneneuron fit` and `oneneuron predict`."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from .._formatting import counted
from .._typing import Float64Array


@dataclass(frozen=True)
class CsvTable:
    """The cells of a CSV file with n rows below its header line.

    Attributes
    ----------
    path : str
        The path of the file, for messages.
    columns : dict of str to list of n str
        The cells of each column, by the name of the column.
    lines : list of n int
        The line of the file on which each row ends.
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]

    @classmethod
    def read(cls, path: str) -> Self:
        """Read a CSV file in UTF-8, with or without a byte order mark. Empty lines are skipped.

        Parameters
        ----------
        path : str

        Returns
        -------
        CsvTable

        Raises
        ------
        ValueError
            If the file is not a CSV file in UTF-8, if it has no rows, if a column has no name or
            shares it with another, or if a row is longer or shorter than the header line.
        OSError
            If the file cannot be read.
        """
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            try:
                header = _header(next(reader, []), path)
                numbered = [(reader.line_num, row) for row in reader if row]
            except (csv.Error, UnicodeDecodeError) as error:
                raise ValueError(f"{path} must be a CSV file in UTF-8: {error}.") from error
        for line, row in numbered:
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {line}, must have {counted(len(header), 'cell')}, as many as "
                    f"the header line, found {len(row)}: correct or drop the line."
                )
        if not numbered:
            raise ValueError(f"{path} must have rows below its header line, found none.")
        lines, rows = zip(*numbered, strict=True)
        cells = map(list, zip(*rows, strict=True))
        return cls(path, dict(zip(header, cells, strict=True)), list(lines))

    def features(self, names: Sequence[str]) -> Float64Array:
        """Return the numbers in the named columns.

        Parameters
        ----------
        names : list of d str

        Returns
        -------
        ndarray of shape (n, d), float64

        Raises
        ------
        ValueError
            If a column is missing, or if a cell is empty, text, NaN or infinite.
        """
        X = np.empty((len(self.lines), len(names)))
        for j, name in enumerate(names):
            if name not in self.columns:
                raise ValueError(
                    f"{self.path} must have the column {name!r}, found {', '.join(self.columns)}: "
                    f"add it, or rename a column."
                )
            X[:, j] = [self._number(i, name) for i in range(len(X))]
        return X

    def _number(self, row: int, name: str) -> float:
        cell = self.columns[name][row]
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            found = repr(cell) if cell.strip() else "an empty cell"
            raise ValueError(
                f"{self.path}, line {self.lines[row]}, column {name!r}, must hold a finite number, "
                f"found {found}: correct it, or drop the row or the column."
            )
        return value

    def labels(self, target: str) -> tuple[list[str], list[str]]:
        """Return the labels in the target column and the names of its two classes.

        Parameters
        ----------
        target : str
            The name of the column.

        Returns
        -------
        labels : list of n str
        classes : list of two str, sorted

        Raises
        ------
        ValueError
            If there is no such column, if a cell is empty, or if there are not two classes.
        """
        if target not in self.columns:
            raise ValueError(
                f"--target must be a column of {self.path}, found {target!r}: choose one of "
                f"{', '.join(self.columns)}."
            )
        labels = [cell.strip() for cell in self.columns[target]]
        if "" in labels:
            raise ValueError(
                f"{self.path}, line {self.lines[labels.index('')]}, column {target!r}, must name a "
                f"class, found an empty cell: fill it in or drop the row."
            )
        classes = sorted(set(labels))
        if len(classes) != 2:
            raise ValueError(
                f"{self.path}, column {target!r}, must have two classes, found {len(classes)} "
                f"({', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}): choose another "
                f"--target or other rows."
            )
        return labels, classes


def _header(cells: Iterable[str], path: str) -> list[str]:
    """Return the column names, or raise an error if one is missing or not unique."""
    names = [cell.strip() for cell in cells]
    if not names:
        raise ValueError(f"{path} must start with a header line of column names, found none.")
    if "" in names:
        raise ValueError(
            f"{path}, line 1, must name every column, found no name for column "
            f"{names.index('') + 1}: fill it in."
        )
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{path}, line 1, must have different column names, found {name!r} {count} times: "
            f"rename or drop all but one."
        )
    return names
