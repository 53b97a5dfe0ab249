"""One run of the command line: from its arguments to an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from ._printing import Stream, note, standard_streams


def run(argv: Sequence[str] | None) -> int:
    """Run one command, as `oneneuron.cli.main` describes it, except for Ctrl-C."""
    # The backend of a notebook need not be installed here, and then matplotlib's import would fail.
    # No command opens a window.
    with _without_variable("MPLBACKEND"), _hangups_ignored(), standard_streams() as output:
        try:
            return _with_output(_run_command(argv), output)
        except SystemExit as stop:  # argparse has printed help, the version or an error
            raise SystemExit(_with_output(cast(int, stop.code), output)) from None


def _run_command(argv: Sequence[str] | None) -> int:
    """Return the exit code of a command, and print its error."""
    try:
        # Imported here, since NumPy and the kernels may be interrupted, or refuse to be imported.
        from ._parser import make_parser

        parser = make_parser()
        arguments = parser.parse_args(argv)
        if arguments.command is None:
            parser.print_help(sys.stderr)
            return 2
        arguments.command(arguments)
    except MemoryError as error:
        detail = f" ({error})" if str(error) else ""
        return _fail(f"there is not enough memory{detail}: use less data, or free some memory.")
    except RecursionError as error:
        return _fail(f"the input is nested too deeply ({error}): check it.")
    except (ValueError, TypeError, OSError, ImportError) as error:
        return _fail(_described(error))
    return 0


def _described(error: BaseException) -> str:
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


def _fail(message: str) -> int:
    note(f"oneneuron: error: {' '.join(message.splitlines())}")
    return 2


def _with_output(code: int, output: Stream) -> int:
    """Return the exit code of a command, which has failed if its output could not be written."""
    output.finish()
    if code != 0 or output.trouble is None:
        return code
    if output.reader_is_gone:
        return 1
    return _fail(f"standard output cannot be written: {_described(output.trouble)}")


@contextmanager
def _without_variable(name: str) -> Iterator[None]:
    """Unset an environment variable in the block."""
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


@contextmanager
def _hangups_ignored() -> Iterator[None]:
    """Go on in the block when the terminal is closed or its connection is lost, as under nohup."""
    is_possible = (
        sys.platform != "win32"
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    )
    if is_possible:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        if is_possible:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
