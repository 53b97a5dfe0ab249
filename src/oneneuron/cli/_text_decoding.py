"""Files of text as pieces of UTF-8: decompressed, decoded, and with one kind of line end."""

from __future__ import annotations

import codecs
import gzip
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

# The bytes that are read at a time. What NumPy derives from them fits into a cache.
PIECE = 1 << 18

# The longest marks first, since that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)


def table_name(path: str) -> str:
    """Return what messages call a table."""
    return "standard input" if path == "-" else path


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open a file, or standard input for "-", such that it can be read more than once."""
    if path == "-":
        if sys.stdin is None:
            raise ValueError("standard input is closed: name a file, or pipe a table into - .")
        with _copied(sys.stdin.buffer) as copy:
            yield copy
        return
    with open(path, "rb") as file:
        if file.seekable():
            yield file
            return
        with _copied(file) as copy:
            yield copy


@contextmanager
def _copied(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield copy


def utf8_pieces(file: IO[bytes], encoding: str | None, name: str) -> Iterator[bytes]:
    """Yield the text of a file, which may be compressed with gzip or zip, as UTF-8.

    Parameters
    ----------
    file : binary file
        It is read from its start.
    encoding : str or None
        None means the encoding of the byte order mark, or else UTF-8 if the first piece that is
        not ASCII is UTF-8, or else Windows' cp1252.
    name : str
        The name of the file, for messages.

    Yields
    ------
    bytes
        Its lines end with a line feed. A line, a character in UTF-8 too, may begin in one piece
        and end in another.

    Raises
    ------
    ValueError
        If the file is damaged, or if it is not text in this encoding.
    """
    file.seek(0)
    try:
        yield from _with_line_feeds(_recoded(_decompressed(file, name), encoding, name))
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{name} must be a whole compressed file, found a damaged one: {error}."
        ) from error


def _decompressed(file: IO[bytes], name: str) -> IO[bytes] | gzip.GzipFile:
    start = file.read(4)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if start.startswith(b"PK\x03\x04"):
        return _only_member(zipfile.ZipFile(file), name)
    return file


def _only_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    # macOS adds a folder of its own.
    members = [
        member
        for member in archive.infolist()
        if not (member.is_dir() or member.filename.startswith("__MACOSX/"))
    ]
    if any(member.filename == "[Content_Types].xml" for member in members):
        raise ValueError(f"{name} must be text, found an Excel workbook: save it as CSV.")
    if len(members) != 1:
        raise ValueError(
            f"{name} must contain one file, found {len(members)}: extract the one to read."
        )
    if members[0].flag_bits & 1:
        raise ValueError(f"{name} must not need a password: extract the file in it.")
    return archive.open(members[0])


def _recoded(stream: IO[bytes] | gzip.GzipFile, encoding: str | None, name: str) -> Iterator[bytes]:
    """Yield the pieces of a stream in UTF-8, without a byte order mark."""
    piece = stream.read(PIECE)
    encoding = encoding or _marked_encoding(piece)
    decoder = encoding and codecs.getincrementaldecoder(encoding)()
    num_read = 0
    while True:
        is_last = len(piece) < PIECE
        if not decoder and not piece.isascii():
            encoding = _unmarked_encoding(piece, is_last)
            decoder = codecs.getincrementaldecoder(encoding)()
        if decoder:
            try:
                text = decoder.decode(piece, is_last)
            except UnicodeError as error:
                line = _line_at(stream, num_read, getattr(error, "start", 0))
                raise ValueError(
                    f"{name}, line {line}, must be text in {encoding}, found other bytes: name "
                    f"the encoding of the file with --encoding."
                ) from error
            if not num_read:
                text = text.removeprefix("\ufeff")
            piece = text.encode()
        if b"\0" in piece:
            line = _line_at(stream, num_read, piece.index(b"\0"))
            raise ValueError(
                f"{name}, line {line}, must be text, found a NUL character: name a table in text, "
                f"or its encoding with --encoding."
            )
        yield piece
        if is_last:
            return
        num_read += 1
        piece = stream.read(PIECE)


def _line_at(stream: IO[bytes] | gzip.GzipFile, num_pieces: int, offset: int) -> int:
    """Return the line of a byte, which lies some bytes after the first pieces of a stream."""
    stream.seek(0)
    before = sum(num_lines(stream.read(PIECE)) for _ in range(num_pieces))
    return 1 + before + num_lines(stream.read(offset))


def num_lines(text: bytes) -> int:
    """Return the number of line feeds, several times faster than `bytes.count`."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord("\n")))


def _marked_encoding(start: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    # Latin letters in UTF-16 have a zero beside them.
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        if len(start) > 1 and not any(start[first:100:2]) and all(start[1 - first : 100 : 2]):
            return encoding
    return None


def _unmarked_encoding(piece: bytes, is_last: bool) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(piece, is_last)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _with_line_feeds(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Replace the line ends of Windows and of old Macs, which may lie across two pieces."""
    held = b""
    for piece in pieces:
        piece = held + piece
        held = b"\r" if piece.endswith(b"\r") else b""
        if b"\r" in piece:
            piece = piece.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield piece
    if held:
        yield b"\n"
