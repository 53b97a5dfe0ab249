"""Standard output and standard error, whose trouble must not cost the user any results."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


def shown(text: str) -> str:
    r"""Return a text that is safe to print: a character that is not printable becomes its escape.

    Otherwise, the name of a column could send commands to the terminal, turn around the rest of the
    line or begin a new one. The escapes are the ones in `repr`, such as \x1b and \n.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def say(*lines: str) -> None:
    """Print results for people on stdout. Each text becomes one line, as `shown` returns it."""
    for line in lines:
        print(shown(line))


def note(line: str) -> None:
    """Print a note, a warning or an error on stderr, in one line. Trouble is ignored."""
    if sys.stderr is not None:  # print would take stdout instead
        print(shown(line), file=Stream(sys.stderr), flush=True)


def print_data(text: str) -> None:
    """Print a table for programs on stdout, as it is; only on a terminal, its lines are `shown`.

    Parameters
    ----------
    text : str
        The lines. The last one ends, too.

    Raises
    ------
    ValueError
        If the encoding of stdout lacks one of the characters. Nothing is printed then.
    """
    if sys.stdout is None:
        return
    try:
        text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"standard output has the encoding {sys.stdout.encoding}, which lacks "
            f"{error.object[error.start]!r}: use --output, or set PYTHONIOENCODING=utf-8."
        ) from error
    if sys.stdout.isatty():
        text = "\n".join(map(shown, text.split("\n")))
    print(text, end="")


class Stream:
    """A text stream that goes on after its first trouble, but writes nothing more.

    Characters that its encoding lacks become escapes.

    Parameters
    ----------
    stream : TextIO or None
        None stands for a stream that was closed before Python started.

    Attributes
    ----------
    trouble : exception or None
        The first trouble.
    reader_is_gone : bool
        Whether the trouble is that a program or a terminal at the other end is gone.
    """

    def __init__(self, stream: TextIO | None) -> None:
        # This also takes the number of the closed stream. Otherwise a file that is opened later
        # would get it, and with it what libraries in C print.
        self._stream = stream or open(os.devnull, "w", encoding="utf-8")
        self.trouble: BaseException | None = None
        self.reader_is_gone = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, or remember why that was not possible."""
        self._try(self._write, text)
        return len(text)

    def writelines(self, texts: Iterable[str]) -> None:
        """Write several texts."""
        for text in texts:
            self.write(text)

    def flush(self) -> None:
        """Flush the stream, or remember why that was not possible."""
        self._try(self._stream.flush)

    def finish(self) -> None:
        """Flush the stream for the last time, unless Ctrl-C comes since nobody reads."""
        try:
            self.flush()
        except KeyboardInterrupt as stop:
            self.trouble = stop
            self._give_up()
            raise

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            known = text.replace("µ", "u").encode(encoding, "backslashreplace")
            self._stream.write(known.decode(encoding))

    def _try(self, function: Any, *arguments: object) -> None:
        if self.trouble is not None:
            return
        try:
            function(*arguments)
        except (OSError, ValueError) as error:  # ValueError: the stream has been closed
            self.trouble, self.reader_is_gone = error, self._tells_of_a_gone_reader(error)
            self._give_up()

    def _give_up(self) -> None:
        """Discard what is still buffered. Python would flush it at its exit, and fail or wait."""
        with suppress(OSError, ValueError):
            descriptor = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(descriptor, self._stream.fileno())
            finally:
                os.close(descriptor)

    def _tells_of_a_gone_reader(self, error: Exception) -> bool:
        if not isinstance(error, OSError):
            return False
        if sys.platform == "win32":  # reports an invalid argument for a pipe
            return error.errno == errno.EINVAL
        return isinstance(error, BrokenPipeError | ConnectionResetError) or (
            error.errno == errno.EIO and self._is_device()
        )

    def _is_device(self) -> bool:
        """Return whether the stream leads to a terminal, even if it is gone, and not to a disk."""
        with suppress(OSError, ValueError):
            return stat.S_ISCHR(os.fstat(self._stream.fileno()).st_mode)
        return False


@contextmanager
def standard_streams() -> Iterator[Stream]:
    """Replace stdout and stderr by streams that never fail, and flush them at the end.

    Yields
    ------
    Stream
        The stream for stdout, which knows its trouble.
    """
    originals = sys.stdout, sys.stderr
    output, errors = map(Stream, originals)
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    try:
        yield output
    finally:
        try:
            output.finish()
            errors.finish()
        finally:
            sys.stdout, sys.stderr = originals
            for stream, original in zip((output, errors), originals, strict=True):
                if original is None:
                    stream.close()
