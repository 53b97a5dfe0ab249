"""Somebody's own table: a CSV in, and the trained neuron as a JSON file that stands alone."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from .._text import counted
from .._typing import Float64Array


@dataclass(frozen=True)
class CsvTable:
    """The cells of a CSV with a header line.

    Attributes
    ----------
    path : path of the file, for messages
    columns : dict of column name to list of n strings
    lines : list of n int, the line of the file on which each row ends
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]

    @classmethod
    def read(cls, path: str) -> Self:
        """Read a CSV in UTF-8, with or without a byte order mark; empty lines are skipped.

        Raises
        ------
        ValueError
            For a file that is no CSV in UTF-8, no rows, a column named twice or not at all, or a
            row of another length.
        OSError
            If the file can't be read.
        """
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            try:
                header = _header(next(reader, []), path)
                numbered = [(reader.line_num, row) for row in reader if row]
            except (csv.Error, UnicodeDecodeError) as error:
                raise ValueError(f"{path} must be a CSV in UTF-8: {error}.") from error
        for line, row in numbered:
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {line}, must have {counted(len(header), 'cell')} as its "
                    f"header does, found {len(row)}: correct or drop the line."
                )
        if not numbered:
            raise ValueError(f"{path} must have rows below its header line, found none.")
        lines, rows = zip(*numbered, strict=True)
        cells = map(list, zip(*rows, strict=True))
        return cls(path, dict(zip(header, cells, strict=True)), list(lines))

    def features(self, names: Sequence[str]) -> Float64Array:
        """The named columns as a float64 array of shape (n, d).

        Raises
        ------
        ValueError
            For a column that is missing, or a cell that is empty, text, NaN or infinite.
        """
        X = np.empty((len(self.lines), len(names)))
        for j, name in enumerate(names):
            if name not in self.columns:
                raise ValueError(
                    f"{self.path} must have the column {name!r}; there are "
                    f"{', '.join(self.columns)}."
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
                f"{self.path}, line {self.lines[row]}, column {name!r}: a feature must be a finite "
                f"number, found {found}. Correct it, or drop the row or the column."
            )
        return value

    def labels(self, target: str) -> tuple[list[str], list[str]]:
        """The labels of the target column, a list of n strings, and its two classes in order.

        Raises
        ------
        ValueError
            If there is no such column, a cell is empty, or there are not two classes.
        """
        if target not in self.columns:
            raise ValueError(
                f"--target must be a column of {self.path}, found {target!r}; there are "
                f"{', '.join(self.columns)}."
            )
        labels = [cell.strip() for cell in self.columns[target]]
        if "" in labels:
            raise ValueError(
                f"{self.path}, line {self.lines[labels.index('')]}, column {target!r}: the class "
                f"is an empty cell. Fill it in or drop the row."
            )
        classes = sorted(set(labels))
        if len(classes) != 2:
            raise ValueError(
                f"{self.path}, column {target!r}, must have two classes, found {len(classes)}: "
                f"{', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}. Choose another "
                f"--target or other rows."
            )
        return labels, classes


def _header(cells: Iterable[str], path: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not names:
        raise ValueError(f"{path} must start with a header line of column names, found none.")
    if "" in names:
        raise ValueError(
            f"{path}, line 1: every column must have a name, found none for column "
            f"{names.index('') + 1}."
        )
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{path}, line 1: column names must differ, found {name!r} {count} times: rename or "
            f"drop all but one."
        )
    return names
