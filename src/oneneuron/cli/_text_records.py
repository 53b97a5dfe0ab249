"""Where each record of a table in text begins, and how many cells it has.

NumPy finds that for a piece of the file at once, also if cells are in quotes. Where quotes occur
inside of cells, only reading character by character tells what they mean. The csv module does that.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .._typing import AnyArray
from ._text_decoding import num_lines
from ._text_dialect import Dialect

# A longer rest of a text probably begins with an open quote.
_LONGEST_REST = 1 << 21

_NEWLINE, _QUOTE, _SPACE, _TAB = b'\n" \t'


@dataclass(frozen=True)
class Records:
    """Records of a text: the header line, and rows.

    Attributes
    ----------
    text : bytes
        It has these records and nothing else but empty lines and faulty lines between them.
    starts, ends : ndarray of int64
        The offsets of the first byte of each record, and of the line feed after it.
    cells : ndarray of int64
        The number of cells of each record.
    lines : ndarray of int64
        The line of the file on which each record begins.
    open_quotes : tuple of pairs of int
        The line and the number of the cell, from 0, for each quote that opens a cell without
        closing it. These lines are left out of the records.
    """

    text: bytes
    starts: AnyArray
    ends: AnyArray
    cells: AnyArray
    lines: AnyArray
    open_quotes: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, kept: slice | AnyArray) -> Records:
        """Return some of the records."""
        return replace(
            self, starts=self.starts[kept], ends=self.ends[kept], cells=self.cells[kept],
            lines=self.lines[kept],
        )  # fmt: skip

    def bytes_of(self, i: int) -> bytes:
        """Return the text of one record, without the line feed after it."""
        return self.text[self.starts[i] : self.ends[i]]

    def without_empty_lines(self) -> Records:
        """Return the records that have any other character than spaces and tabs."""
        short = np.flatnonzero(self.cells <= 1).tolist()
        empty = [i for i in short if not self.bytes_of(i).strip()]
        return self[np.delete(np.arange(len(self)), empty)] if empty else self

    def joined(self) -> bytes:
        """Return the text of the records, without what lies between them."""
        if (self.ends - self.starts + 1).sum() == len(self.text):  # as nearly always
            return self.text
        return b"".join(
            self.text[start : end + 1] for start, end in zip(self.starts, self.ends, strict=True)
        )


class Splitter:
    """A splitter of text into records, a piece at a time.

    Parameters
    ----------
    dialect : Dialect
        How the text is written.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect, self._is_spaced = dialect, dialect.delimiter == " "
        delimiters = b" \t" if self._is_spaced else dialect.delimiter.encode()
        self._border_codes = (*delimiters, _NEWLINE)
        self._line = 1  # on which the text begins that is split next
        # The bytes that may stand before an opening quote, and after a closing one.
        self._is_border = np.zeros(256, bool)
        self._is_border[[*self._border_codes, _QUOTE]] = True
        # A cell whose quotes are closed, with the gap before it.
        gap = rb"(?>[ \t]*)" if self._is_spaced else rb"(?> *)" if dialect.has_gaps else b""
        after = re.escape(delimiters + b"\n")
        self._cell = re.compile(
            gap + rb'("[^"]*(""[^"]*)*"(?=[' + after + rb'])|(?!")[^' + after + rb"]*)"
        )

    def split(self, pieces: Iterator[bytes]) -> Iterator[Records]:
        """Yield the records of a text, without empty lines.

        Parameters
        ----------
        pieces : iterator of bytes
            The text in UTF-8, with line feeds.
        """
        rest = b""
        for piece in pieces:
            records, rest = self._whole_records(rest + piece, is_last=False)
            yield records.without_empty_lines()
        if rest:
            records, rest = self._whole_records(rest + b"\n", is_last=True)
            yield records.without_empty_lines()

    def _whole_records(self, text: bytes, is_last: bool) -> tuple[Records, bytes]:
        """Return the whole records that a text begins with, and the rest of it."""
        records, end = self._split_at_once(text)
        # At the end of the file, a rest begins with an open quote, as probably does a long one.
        if end < len(text) and (is_last or len(text) - end > _LONGEST_REST):
            records, end = self._split_by_character(text, is_last)
        # Most texts have no line feed in quotes and no empty line.
        is_plain = len(records) and records.lines[-1] - self._line + 1 == len(records)
        is_plain = is_plain and b'"' not in text
        self._line += len(records) if is_plain else num_lines(records.text)
        return records, text[end:]

    def _split_at_once(self, text: bytes) -> tuple[Records, int]:
        """Split a text with NumPy. Return no records if it has quotes inside of cells."""
        codes = np.frombuffer(text, np.uint8)
        is_newline = codes == _NEWLINE
        is_mark = self._marks_cells(codes, is_newline)
        is_end = is_newline
        if b'"' in text:
            quotes = np.flatnonzero(codes == _QUOTE)
            if not self._are_around_cells(codes, quotes):
                return self._split_by_character(text, is_last=False)
            if self._is_spaced or _is_any_inside(is_newline | is_mark, quotes):
                is_outside = _outside(quotes, len(codes))
                is_mark = self._marks_cells(codes, is_newline, is_outside)
                is_end = is_newline & is_outside
        ends = _places(is_end)
        end = int(ends[-1]) + 1 if len(ends) else 0
        starts = np.append(0, ends[:-1] + 1)[: len(ends)]
        cells = _counts(is_mark[:end], starts) + (not self._is_spaced)
        lines = self._line + np.arange(len(ends))
        if is_end is not is_newline:
            lines = self._line + np.searchsorted(np.flatnonzero(is_newline), starts)
        return Records(text[:end], starts, ends, cells, lines), end

    def _marks_cells(
        self, codes: AnyArray, is_newline: AnyArray, is_outside: AnyArray | None = None
    ) -> AnyArray:
        """Return where delimiters are, or where cells begin if any number of spaces parts them."""
        if not self._is_spaced:
            is_delimiter: AnyArray = codes == self._border_codes[0]
            return is_delimiter if is_outside is None else is_delimiter & is_outside
        is_gap = (codes == _SPACE) | (codes == _TAB) | is_newline
        if is_outside is not None:
            is_gap &= is_outside
        begins: AnyArray = ~is_gap & np.append(True, is_gap[:-1])
        return begins

    def _are_around_cells(self, codes: AnyArray, quotes: AnyArray) -> bool:
        """Return whether every quote opens a cell, closes it, or is one of two that mean one."""
        before = quotes[::2] - 1
        after = quotes[1::2] + 1
        before, after = before[before >= 0], after[after < len(codes)]
        return bool(self._is_border[codes[before]].all() and self._is_border[codes[after]].all())

    # --- By character ---

    def _split_by_character(self, text: bytes, is_last: bool) -> tuple[Records, int]:
        """Split a text with the csv module."""
        length = text.rfind(b"\n") + 1
        # Each character of this string is a byte, so that the offsets are the same.
        characters = text[:length].decode("latin-1")
        found: list[tuple[int, int, int]] = []
        open_quotes: list[tuple[int, int]] = []
        begin = 0
        while begin < length:
            try:
                for end, cells in self._csv_records(characters, begin):
                    found.append((begin, end, cells))
                    begin = end + 1
            except csv.Error as error:
                if not is_last and "unexpected end" in str(error):
                    break
                cell, number = self._broken_cell(text, begin)
                open_quotes.append((self._line + text.count(b"\n", 0, cell), number))
                begin = text.index(b"\n", cell) + 1
        starts, ends, counts = np.array(found, np.int64).reshape(-1, 3).T
        newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE)
        lines = self._line + np.searchsorted(newlines, starts)
        records = Records(text[:begin], starts, ends, counts, lines, tuple(open_quotes))
        return records, begin

    def _csv_records(self, characters: str, begin: int) -> Iterator[tuple[int, int]]:
        """Yield the end of each record, and the number of its cells."""
        end = begin

        def lines() -> Iterator[str]:
            nonlocal end
            for line in io.StringIO(characters[begin:], newline="\n"):
                end += len(line)
                yield line

        for row in self._dialect.rows(lines(), strict=True):
            yield end - 1, len(row)

    def _broken_cell(self, text: bytes, begin: int) -> tuple[int, int]:
        """Return the offset and the number of the first cell of a record with a faulty quote."""
        number = 0
        while (match := self._cell.match(text, begin)) and text[match.end()] != _NEWLINE:
            begin, number = match.end() + 1, number + 1
        return begin, number


# --- Parts of the work of NumPy ---


# The place of the only bit of a byte, from the highest.
_PLACE_OF_BIT = np.zeros(256, np.int64)
_PLACE_OF_BIT[[1 << bit for bit in range(8)]] = 7 - np.arange(8)


def _places(flags: AnyArray) -> AnyArray:
    """Return where few of many booleans are true, faster than `flatnonzero`."""
    bits = np.packbits(flags)
    places = np.flatnonzero(bits != 0)
    bits = bits[places]
    if (bits & (bits - 1)).any():
        return np.flatnonzero(flags)
    found: AnyArray = 8 * places + _PLACE_OF_BIT[bits]
    return found


def _counts(flags: AnyArray, starts: AnyArray) -> AnyArray:
    """Return how many booleans are true from each start to the next, or to the end."""
    if not len(starts):
        return np.empty(0, np.int64)
    # Sums of bytes are fast, but go back to 0 at 256.
    counts = np.add.reduceat(flags.view(np.uint8), starts, dtype=np.uint8).astype(np.int64)
    if counts.sum() == np.count_nonzero(flags):
        return counts
    return np.add.reduceat(flags, starts, dtype=np.int64)


def _is_any_inside(flags: AnyArray, quotes: AnyArray) -> bool:
    """Return whether a boolean is true between an opening quote and a closing one."""
    return bool(np.bitwise_or.reduceat(flags.view(np.uint8), quotes)[::2].any())


def _outside(quotes: AnyArray, length: int) -> AnyArray:
    """Return which bytes are outside of quotes; a closing quote is, and an opening one is not."""
    lengths = np.diff(quotes, prepend=0, append=length)
    return np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)
