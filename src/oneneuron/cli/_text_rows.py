"""The rows of a table in text, checked on their way to pandas.

pandas fills short rows with missing cells, and after a quote that is not closed, it reads rows as a
part of one cell until another quote comes. So it gets the rows only after their cells are counted.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from .._formatting import counted
from .._typing import AnyArray
from ._text_decoding import PIECE
from ._text_dialect import Dialect
from ._text_records import Records, Splitter


class _Fault(NamedTuple):
    """The fault of a row, in parts of a message."""

    line: int
    must: str
    found: str
    remedy: str

    def error(self, name: str) -> ValueError:
        return ValueError(
            f"{name}, line {self.line}, must {self.must}, found {self.found}: {self.remedy}."
        )


class TextRows(io.RawIOBase):
    """A file in UTF-8 in which pandas finds only rows with the right number of cells.

    Parameters
    ----------
    pieces : iterator of bytes
        The text of the table in UTF-8, with line feeds.
    dialect : Dialect
        How the text is written.
    name : str
        The name of the table, for messages.
    skip : list or None
        The list to which the line and the fault of each faulty row are appended. None means that
        a faulty row is an error.
    span : tuple of two int, default (0, sys.maxsize)
        The numbers of the first row that is wanted, and of the first after those.

    Attributes
    ----------
    names : list of str
        The names of the columns: different, and not empty.
    unnamed : frozenset of str
        The names that were made up for columns without a name.
    are_padded : bool
        Whether a cell that has been read may begin or end with a space.

    Raises
    ------
    ValueError
        If there is no header line or no row, or if two columns have the same name. Here, and when
        rows are read, if a row is faulty.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        dialect: Dialect,
        name: str,
        skip: list[tuple[int, str]] | None = None,
        span: tuple[int, int] = (0, sys.maxsize),
    ) -> None:
        self._dialect, self._name, self._skip = dialect, name, skip
        self._span, self._num_passed = span, 0
        self._lines: list[AnyArray] = []
        self._ready = memoryview(b"")  # rows that have not been read yet
        self._longest_named = "the header line"
        self.names: list[str] = []
        self.unnamed: frozenset[str] = frozenset()
        self.are_padded = False
        self._parts = Splitter(dialect).split(pieces)
        self._read_header()

    @property
    def lines(self) -> NDArray[np.int64]:
        """The lines of the file on which the rows begin that have been read."""
        return np.concatenate([np.empty(0, np.int64), *self._lines])

    @property
    def is_empty(self) -> bool:
        """Whether no more rows will be read."""
        self._ready = self._ready or self._next_rows()
        return not self._ready

    def count(self) -> int:
        """Return the number of the rows, which are read by this."""
        while not self.is_empty:
            self._ready = memoryview(b"")
        return len(self.lines)

    def readable(self) -> bool:
        """Return that the file can be read."""
        return True

    def read(self, size: int = PIECE, /) -> bytes:
        """Return at most `size` bytes of rows, and none at the end."""
        self._ready = self._ready or self._next_rows()
        found = bytes(self._ready[:size])
        self._ready = self._ready[size:]
        return found

    def _next_rows(self) -> memoryview:
        for records in self._parts:
            rows = self._wanted(self._regular(records))
            if len(rows):
                text = rows.joined()
                self._lines.append(rows.lines)
                self.are_padded = self.are_padded or self._may_be_padded(text)
                return memoryview(text)
        return memoryview(b"")

    def _wanted(self, rows: Records) -> Records:
        """Return the part of the next rows that lies in the span."""
        first, end = (max(0, bound - self._num_passed) for bound in self._span)
        self._num_passed += len(rows)
        return rows if first == 0 and end >= len(rows) else rows[first:end]

    def _may_be_padded(self, text: bytes) -> bool:
        # Without the first test, which is fast, this would take as long as all the rest.
        delimiter = self._dialect.delimiter.encode()
        ends = (b" \n", b"\n ", b" " + delimiter, delimiter + b" ")
        return b" " in text and any(end in text for end in ends)

    def _regular(self, records: Records) -> Records:
        """Return the records with the right number of cells; refuse or skip the others."""
        wrong = np.flatnonzero(records.cells != len(self.names)).tolist()
        faults = [self._wrong_length(records, i) for i in wrong]
        faults += [self._open_quote(line, cell) for line, cell in records.open_quotes]
        for fault in sorted(faults):
            if self._skip is None:
                raise fault.error(self._name)
            self._skip.append((fault.line, f"must {fault.must}, found {fault.found}"))
        return records[records.cells == len(self.names)] if wrong else records

    def _wrong_length(self, records: Records, i: int) -> _Fault:
        line, num_breaks = int(records.lines[i]), records.bytes_of(i).count(b"\n")
        found = counted(int(records.cells[i]), "cell")
        if num_breaks:
            found += f" up to line {line + num_breaks}, where a quote is closed"
        must = f"have {counted(len(self.names), 'cell')}, as many as {self._longest_named}"
        return _Fault(line, must, found, "correct or drop the line")

    def _open_quote(self, line: int, cell: int) -> _Fault:
        column = f"column {self.names[cell]!r}" if cell < len(self.names) else f"cell {cell + 1}"
        must = f"close the quote that {column} begins with"
        return _Fault(line, must, "none at the end of a cell", "add it, or write a quote twice")

    # --- The header line ---

    def _read_header(self) -> None:
        """Take the header line off the records, and name the columns."""
        ahead: list[Records] = []
        for records in self._parts:
            ahead.append(records)
            if sum(map(len, ahead)) > 2:
                break
        first = [(records, i) for records in ahead for i in range(min(len(records), 3))][:3]
        open_quotes = [place for records in ahead for place in records.open_quotes]
        # A header line with an open quote is left out, and a row would take its place.
        if not first or (open_quotes and open_quotes[0][0] < first[0][0].lines[0]):
            self._refuse_header(open_quotes)
        (holder, _), *rows = first
        if not rows and not open_quotes:
            raise ValueError(f"{self._name} must have rows below its header line, found none.")
        header = self._header_cells(holder)
        # R leaves out the name of the first column if that holds the names of the rows.
        if rows and all(
            records.cells[i] == len(header) + 1 and self._may_begin_with_name(records.bytes_of(i))
            for records, i in rows
        ):
            header.insert(0, "")
            self._longest_named = "the first row"
        self._name_columns(header, int(holder.lines[0]))
        rest = (records[1:] if records is holder else records for records in ahead)
        self._parts = chain(rest, self._parts)

    def _refuse_header(self, open_quotes: list[tuple[int, int]]) -> NoReturn:
        if open_quotes:
            raise self._open_quote(*open_quotes[0]).error(self._name)
        raise ValueError(f"{self._name} must start with a header line of column names, found none.")

    def _header_cells(self, records: Records) -> list[str]:
        lines = io.StringIO(records.bytes_of(0).decode(), newline="\n")
        try:
            return [cell.strip() for cell in next(self._dialect.rows(lines))]
        except csv.Error as error:
            raise ValueError(
                f"{self._name}, line {records.lines[0]}, must be a header line of column names, "
                f"found none: {error}."
            ) from error

    def _may_begin_with_name(self, row: bytes) -> bool:
        """Return whether R may have written a row, rather than one with a delimiter too many."""
        delimiter = self._dialect.delimiter
        if delimiter == " ":
            return True
        return (delimiter == "\t" or row[:1] == b'"') and not row.endswith(delimiter.encode())

    def _name_columns(self, header: list[str], line: int) -> None:
        for name, count in Counter(filter(None, header)).items():
            if count > 1:
                places = [str(j + 1) for j, other in enumerate(header) if other == name]
                raise ValueError(
                    f"{self._name}, line {line}, must have different column names, found {name!r} "
                    f"in columns {', '.join(places[:-1])} and {places[-1]}: rename all but one."
                )
        for j, name in enumerate(header):
            new_name = name or f"column {j + 1}"
            while not name and new_name in header:
                new_name += "_"
            self.names.append(new_name)
        self.unnamed = frozenset(self.names) - frozenset(header)
