"""How a table in text is written: its delimiter, its decimal mark and its thousands separator."""

from __future__ import annotations

import csv
import io
import re
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# In order of preference where they fit equally well. A space stands for any number of spaces
# and tabs.
_DELIMITERS = ("\t", ";", ",", "|", " ")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_WITH_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_COMMA_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_POINT_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?")


@dataclass(frozen=True)
class Dialect:
    """How a table in text is written.

    Attributes
    ----------
    delimiter : str
        A character; a space stands for any number of spaces and tabs.
    decimal : str
        "." or ",".
    thousands : str or None
    has_gaps : bool
        Whether spaces after a delimiter do not belong to a cell.
    """

    delimiter: str
    decimal: str = "."
    thousands: str | None = None
    has_gaps: bool = True

    def number(self, text: str) -> float | None:
        """Return the number that a cell holds, or None if it holds other text."""
        text = text.strip()
        if self.thousands:
            text = text.replace(self.thousands, "")
        text = text.replace(self.decimal, ".") if self.decimal != "." else text
        return float(text) if _NUMBER.fullmatch(text) else None

    def rows(self, lines: Iterable[str], *, strict: bool = False) -> Iterator[list[str]]:
        """Yield the cells of each record as texts, which pandas finds, too.

        Parameters
        ----------
        lines : iterable of str
            Lines with their line feeds.
        strict : bool, default False
            Whether a quote that a cell does not close raises an error.

        Raises
        ------
        csv.Error
            If a cell is too long for the csv module, or if `strict` finds a fault.
        """
        if self.delimiter == " ":
            lines = (line.replace("\t", " ").strip(" \n") + "\n" for line in lines)
        return csv.reader(
            lines, delimiter=self.delimiter, skipinitialspace=self.has_gaps, strict=strict
        )


def dialect_of(sample: str, arguments: Namespace) -> Dialect:
    """Return how a table is written, as far as the options of the command line do not say.

    Parameters
    ----------
    sample : str
        The first lines of the table.
    arguments : Namespace
        With the attributes delimiter, decimal and thousands, each None unless it was given.

    Returns
    -------
    Dialect
    """
    delimiter = arguments.delimiter or _likely_delimiter(sample)
    # pandas needs a third longer to look for them.
    has_gaps = delimiter == " " or f"{delimiter} " in sample or "\n " in sample
    if arguments.decimal or arguments.thousands:
        decimal = arguments.decimal or ("," if arguments.thousands == "." else ".")
        return Dialect(delimiter, decimal, arguments.thousands, has_gaps)
    cells = {cell.strip() for row in list(_records(sample, delimiter))[1:] for cell in row}
    return Dialect(delimiter, *_likely_marks(cells), has_gaps)


def has_commas_in_numbers(cell: str) -> bool:
    """Return whether a cell holds a number with a decimal comma or with thousands separators."""
    return bool(_WITH_COMMA.fullmatch(cell) or _COMMA_GROUPS.fullmatch(cell)) or bool(
        _POINT_GROUPS.fullmatch(cell) and not _WITH_POINT.fullmatch(cell)
    )


def _records(sample: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from filter(None, Dialect(delimiter).rows(io.StringIO(sample, newline="\n")))
    except csv.Error:
        return  # the sample ends in a long cell, or the rows are faulty


def _likely_delimiter(sample: str) -> str:
    scores = {delimiter: _score(sample, delimiter) for delimiter in _DELIMITERS}
    # Words in a row of text may be as many as in the header line by chance.
    if scores[" "] < (1.0, 0) and max(scores.values()) > (0.0, 0):
        del scores[" "]
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > (0.0, 0) else _most_in_first_line(sample)


def _score(sample: str, delimiter: str) -> tuple[float, int]:
    """Return the fraction of the rows that are as long as the header line, and its length."""
    header, *rows = [len(row) for row in _records(sample, delimiter)] or [0]
    if not rows:
        return (0.0, 0)
    # R leaves out the name of the first column if it holds the names of the rows.
    width = rows[0] if rows[0] == header + 1 else header
    fitting = sum(cells == width for cells in rows) / len(rows)
    return (fitting, header) if width > 1 else (0.0, 0)


def _most_in_first_line(sample: str) -> str:
    line = sample.partition("\n")[0]
    most = max(_DELIMITERS[:-1], key=line.count)
    return most if most in line else " " if " " in line.strip() else ","


def _likely_marks(cells: set[str]) -> tuple[str, str | None]:
    """Return the decimal mark and the thousands separator of the numbers among some cells."""
    commas = {cell for cell in cells if _WITH_COMMA.fullmatch(cell)}
    points = {cell for cell in cells if _WITH_POINT.fullmatch(cell)}
    comma_groups = {cell for cell in cells if _COMMA_GROUPS.fullmatch(cell)}
    point_groups = {cell for cell in cells if _POINT_GROUPS.fullmatch(cell)}
    if any("," in cell for cell in point_groups) and points <= point_groups:
        return ",", "."
    if commas - comma_groups and not points:
        return ",", "." if point_groups else None
    # "1,234" may be either. "1,234.5" and "1,234,567" are not.
    if commas <= comma_groups and (comma_groups - commas):
        return ".", ","
    return ".", None
