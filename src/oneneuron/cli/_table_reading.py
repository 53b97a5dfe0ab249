"""Tables of the user: text in many dialects, Parquet and Feather files, read by pandas."""

from __future__ import annotations

import argparse
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .._engine.team import ALONE, Team
from .._typing import AnyArray
from ._rank_columns import RankColumns, own_span
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
    frame : pandas.DataFrame or RankColumns
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

    @property
    def own(self) -> Table:
        """The rows of this rank of MPI: all of them, if there is only one."""
        if not isinstance(self.frame, RankColumns):
            return self
        lines = None if self.lines is None else self.lines[self.frame.span]
        return replace(self, frame=self.frame.own, lines=lines)

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
    team: Team = ALONE,
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
    team : Team, optional
        The ranks of MPI, which read the same file. Each keeps a range of the rows.

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
    if path == "-" and team.size > 1:
        raise ValueError("standard input cannot be read by several ranks: name a file.")
    with ExitStack() as stack:
        file = team.agree(lambda: stack.enter_context(opened(path)))
        start = team.agree(lambda: _start(file))
        if start.startswith((b"PAR1", b"ARROW1", b"FEA1")):
            table = team.agree(lambda: _from_arrow(file, name, start, team))
            table = _without(table, arguments.na)
        else:
            table = _from_text(file, name, arguments, skip, texts, team)
    return _on_ranks(table, team)


def _start(file: IO[bytes]) -> bytes:
    start = file.read(6)
    file.seek(0)
    return start


def _on_ranks(table: Table, team: Team) -> Table:
    """Return the table of all ranks, given the rows of this one."""
    if team.size == 1:
        return table
    lines = None if table.lines is None else np.concatenate(team.gather(table.lines))
    return replace(table, frame=RankColumns(team, table.frame), lines=lines)


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
    team: Team,
) -> Table:
    _pandas()
    sample = team.agree(lambda: _sample(utf8_pieces(file, arguments.encoding, name)))
    dialect = dialect_of(sample, arguments)

    def rows(skip: list[tuple[int, str]] | None, *span: tuple[int, int]) -> TextRows:
        pieces = utf8_pieces(file, arguments.encoding, name)
        return TextRows(pieces, dialect, name, skip, *span)

    def parse() -> tuple[TextRows, Any]:
        first = rows(skip, *span)
        return first, _parsed(first, dialect, arguments, first.names, texts)

    span = [] if team.size == 1 else [team.agree(lambda: own_span(rows(skip).count(), team))]
    first, frame = team.agree(parse)
    # pandas reads a large file in pieces, and may find numbers in some of them and text in others.
    # Then "01" would be 1 in some of the rows.
    mixed = _mixed_columns(frame, team)
    if mixed:
        again = team.agree(
            lambda: _parsed(
                rows(None if skip is None else [], *span), dialect, arguments, mixed, mixed
            )
        )
        frame = frame.assign(**{column: again[column] for column in mixed})
    if any(team.gather(first.are_padded)):
        frame = _without_padding(frame, {*_MISSING, *arguments.na})
    frame.index += span[0][0] if span else 0
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
    if rows.is_empty:  # as the share of a rank may be
        return pandas.DataFrame(columns=names, dtype=object)
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
            dtype=dict.fromkeys(set(texts) & set(names), str),
            na_values=[*_MISSING, *arguments.na],
            keep_default_na=False,
            skipinitialspace=dialect.has_gaps,
            skip_blank_lines=False,
        )


def _mixed_columns(frame: Any, team: Team) -> list[str]:
    """Return the names of the columns with cells of several kinds, on this rank or on all."""
    kinds = team.gather({name: _kind(frame[name]) for name in frame.columns})
    found = {name: {of_rank[name] for of_rank in kinds} - {"empty"} for name in frame.columns}
    return [name for name in frame.columns if "mixed" in found[name] or len(found[name]) > 1]


def _kind(column: Any) -> str:
    types = _pandas().api.types
    if column.dtype == object:
        kind = types.infer_dtype(column, skipna=True)
        return kind if kind in ("string", "boolean", "empty") else "mixed"
    if types.is_bool_dtype(column.dtype):
        return "boolean"
    return "number" if types.is_numeric_dtype(column.dtype) else "string"


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


def _from_arrow(file: IO[bytes], name: str, start: bytes, team: Team) -> Table:
    pandas = _pandas()
    try:
        frame, first_row = _own_frame(file, start, team)
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
    if frame.empty and team.size == 1:
        raise ValueError(f"{name} must have rows and columns, found none.")
    frame.index = pandas.RangeIndex(first_row, first_row + len(frame))
    return Table(name, frame, None)


def _own_frame(file: IO[bytes], start: bytes, team: Team) -> tuple[Any, int]:
    """Return the rows of this rank, and the number of the first one."""
    pandas = _pandas()
    if start.startswith(b"PAR1"):
        if team.size == 1:
            return pandas.read_parquet(file), 0
        return _own_row_groups(file, team)
    frame = pandas.read_feather(file)  # it has no index of its rows
    first, end = own_span(len(frame), team)
    return frame[first:end], first


def _own_row_groups(file: IO[bytes], team: Team) -> tuple[Any, int]:
    """Return the rows of this rank from those row groups of a Parquet file that have them."""
    from pyarrow.parquet import ParquetFile

    stored = ParquetFile(file)
    groups = range(stored.num_row_groups)
    ends = np.cumsum([0, *(stored.metadata.row_group(i).num_rows for i in groups)])
    first, end = own_span(int(ends[-1]), team)
    own = [i for i in groups if ends[i] < end and ends[i + 1] > first]
    table = stored.read_row_groups(own)
    skipped = first - int(ends[own[0]]) if own else 0
    return table.slice(skipped, end - first).to_pandas(), first


def _without(table: Table, missing: list[str]) -> Table:
    """Return the table with the cells missing that hold one of some texts or numbers."""
    if not missing:
        return table
    numbers = [table.dialect.number(text) for text in missing]
    values = {*missing, *(number for number in numbers if number is not None)}
    return replace(table, frame=table.frame.mask(table.frame.isin(values)))
