"""Tables of the user: text in many dialects, Parquet and Feather files, read by pandas."""

from __future__ import annotations

import argparse
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .._typing import AnyArray
from ._text_decoding import opened, table_name, utf8_pieces
from ._text_dialect import Dialect, dialect_of
from ._text_rows import TextRows

_MISSING = [
    "", "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-NaN", "-nan",
    "null", "NULL", "Null", "?", "-", ".",
]  # fmt: skip
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "space": " "}
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Table:
    """A table with n rows.

    Attributes
    ----------
    path : str
        What messages call the table.
    frame : pandas.DataFrame
        The columns have different names, which are strings and not empty. Missing cells are NaN,
        None or NaT. The index counts the rows of the file from 0, and has gaps where rows were
        left out.
    lines : ndarray of shape (n,), int64, or None
        The line of the file on which each row begins. None for a file that is not text.
    unnamed : frozenset of str
        The columns that have no name in the file.
    dialect : Dialect
        How numbers are written.
    """

    path: str
    frame: Any
    lines: NDArray[np.int64] | None
    unnamed: frozenset[str] = frozenset()
    dialect: Dialect = field(default=Dialect(","))

    def place(self, row: int) -> str:
        """Return where a row is in the file: "d.csv, line 3" or "d.parquet, row 2"."""
        if self.lines is None:
            return f"{self.path}, row {self.frame.index[row] + 1}"
        return f"{self.path}, line {self.lines[row]}"

    def rows(self, kept: AnyArray) -> Table:
        """Return the table with some of its rows: those where `kept`, n booleans, is true."""
        lines = None if self.lines is None else self.lines[kept]
        return replace(self, frame=self.frame[kept], lines=lines)


def add_reading_options(parser: ArgumentParser) -> None:
    """Add the options that say how a table is written."""
    parser.add_argument(
        "--delimiter", type=_delimiter, metavar="CHARACTER",
        help="what separates the cells of text: comma, semicolon, tab, space or another character "
        "(default: the one that fits)",
    )  # fmt: skip
    parser.add_argument(
        "--decimal", choices=[".", ","], metavar="CHARACTER",
        help="decimal mark of numbers in text, '.' or ',' (default: the one that fits)",
    )  # fmt: skip
    parser.add_argument(
        "--thousands", type=_separator, metavar="CHARACTER",
        help="what separates thousands in numbers (default: the one that fits)",
    )  # fmt: skip
    parser.add_argument(
        "--encoding", type=_encoding,
        help="encoding of text, such as cp1252 or utf-16 (default: the one that fits)",
    )  # fmt: skip
    parser.add_argument(
        "--na", nargs="+", action="extend", default=[], metavar="TEXT",
        help="cells that are missing values, besides empty ones, NA, N/A, NaN, null, '?', '-' "
        "and '.'",
    )  # fmt: skip


def _delimiter(text: str) -> str:
    character = _DELIMITERS.get(text, text)
    if len(character) != 1 or not character.isascii() or character in '"\n\r\0':
        raise argparse.ArgumentTypeError(
            f"must be comma, semicolon, tab, space or another character, found {text!r}"
        )
    return character


def _separator(text: str) -> str:
    if len(text) != 1 or text.isalnum() or text in '"\n\r+-':
        raise argparse.ArgumentTypeError(f"must be a character such as , or ', found {text!r}")
    return text


def _encoding(text: str) -> str:
    try:
        "a".encode(text)
    except (LookupError, UnicodeError):
        raise argparse.ArgumentTypeError(
            f"must be a text encoding that Python knows, such as cp1252, found {text!r}"
        ) from None
    return text


def read_table(
    path: str,
    arguments: Namespace,
    *,
    skip: list[tuple[int, str]] | None = None,
    texts: Collection[str] = (),
) -> Table:
    """Read a table: text, which may be compressed with gzip or zip, or a Parquet or Feather file.

    Parameters
    ----------
    path : str
        "-" means standard input.
    arguments : Namespace
        With the options of `add_reading_options`.
    skip : list or None
        The list to which the line and the fault of each row are appended that cannot be read.
        None means that such a row is an error.
    texts : collection of str
        The names of columns whose cells are texts even if all look like numbers. Those that the
        table does not have are ignored.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If the file cannot be read as a table.
    ImportError
        If pandas is not installed, or pyarrow for the files that need it.
    OSError
        If the file cannot be opened.
    """
    name = table_name(path)
    _check_options(arguments)
    pandas = _pandas()
    with opened(path) as file:
        start = file.read(6)
        file.seek(0)
        if start.startswith(b"PAR1"):
            table = _from_arrow(file, name, pandas.read_parquet)
        elif start.startswith((b"ARROW1", b"FEA1")):
            table = _from_arrow(file, name, pandas.read_feather)
        else:
            return _from_text(file, name, arguments, skip, texts)
    return _without(table, arguments.na)


def _check_options(arguments: Namespace) -> None:
    marks = {
        f"--{option}": getattr(arguments, option)
        for option in ("delimiter", "decimal", "thousands")
        if getattr(arguments, option)
    }
    if len(set(marks.values())) < len(marks):
        found = ", ".join(f"{option} {mark!r}" for option, mark in marks.items())
        raise ValueError(f"{' and '.join(marks)} must be different characters, found {found}.")


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise ImportError("Reading a table needs pandas: pip install 'oneneuron[table]'.") from None
    return pandas


# --- Text ---


def _from_text(
    file: IO[bytes],
    name: str,
    arguments: Namespace,
    skip: list[tuple[int, str]] | None,
    texts: Collection[str],
) -> Table:
    dialect = dialect_of(_sample(utf8_pieces(file, arguments.encoding, name)), arguments)

    def rows(skip: list[tuple[int, str]] | None) -> TextRows:
        pieces = utf8_pieces(file, arguments.encoding, name)
        return TextRows(pieces, dialect, name, skip)

    first = rows(skip)
    frame = _parsed(first, dialect, arguments, first.names, set(texts) & set(first.names))
    # pandas reads a large file in pieces, and may find numbers in some of them and text in others.
    # Then "01" would be 1 in some of the rows.
    mixed = [column for column in frame.columns if _is_mixed(frame[column])]
    if mixed:
        again = _parsed(rows(None if skip is None else []), dialect, arguments, mixed, mixed)
        frame = frame.assign(**{column: again[column] for column in mixed})
    if first.are_padded:
        frame = _without_padding(frame, {*_MISSING, *arguments.na})
    return Table(name, frame, first.lines, first.unnamed, dialect)


def _sample(pieces: Iterator[bytes]) -> str:
    """Return the first lines of a text."""
    piece = next(pieces, b"")
    start = piece[:_SAMPLE]
    if len(piece) > _SAMPLE:
        start = start[: start.rfind(b"\n") + 1] or start
    return start.decode(errors="ignore")


def _parsed(
    rows: TextRows, dialect: Dialect, arguments: Namespace, names: list[str], texts: Collection[str]
) -> Any:
    """Return the named columns as pandas reads them."""
    pandas = _pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pandas.errors.DtypeWarning)
        return pandas.read_csv(
            rows,
            sep=r"\s+" if dialect.delimiter == " " else dialect.delimiter,
            decimal=dialect.decimal,
            thousands=dialect.thousands,
            header=None,
            names=rows.names,
            usecols=None if names == rows.names else names,
            index_col=False,
            dtype=dict.fromkeys(texts, str),
            na_values=[*_MISSING, *arguments.na],
            keep_default_na=False,
            skipinitialspace=dialect.has_gaps,
            skip_blank_lines=False,
        )


def _is_mixed(column: Any) -> bool:
    if column.dtype != object:
        return False
    return _pandas().api.types.infer_dtype(column, skipna=True) not in (
        "string",
        "boolean",
        "empty",
    )


def _without_padding(frame: Any, missing: Collection[str]) -> Any:
    """Return a frame whose texts have no spaces around them, so that "NA " is missing."""
    pandas = _pandas()
    for name in frame.columns:
        if frame[name].dtype.kind == "O":
            codes, values = pandas.factorize(frame[name])
            cells = [value.strip() if isinstance(value, str) else value for value in values]
            cells = [None if cell in missing else cell for cell in cells]
            frame[name] = np.array([*cells, None], object)[codes]
    return frame


# --- Parquet and Feather ---


def _from_arrow(file: IO[bytes], name: str, read: Any) -> Table:
    pandas = _pandas()
    try:
        frame = read(file)
    except ImportError:
        raise ImportError(
            f"Reading {name} needs pyarrow: pip install 'oneneuron[table]'."
        ) from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} must be a whole Parquet or Feather file: {error}.") from error
    if not isinstance(frame.index, pandas.RangeIndex) or frame.index.name is not None:
        frame = frame.reset_index()
    frame.columns = [str(column) for column in frame.columns]
    duplicates = frame.columns[frame.columns.duplicated()]
    if len(duplicates):
        raise ValueError(
            f"{name} must have different column names, found {duplicates[0]!r} more than once: "
            f"rename all but one."
        )
    if frame.empty:
        raise ValueError(f"{name} must have rows and columns, found none.")
    return Table(name, frame, None)


def _without(table: Table, missing: list[str]) -> Table:
    """Return the table with the cells missing that hold one of some texts or numbers."""
    if not missing:
        return table
    numbers = [table.dialect.number(text) for text in missing]
    values = {*missing, *(number for number in numbers if number is not None)}
    return replace(table, frame=table.frame.mask(table.frame.isin(values)))
