"""The command `oneneuron`: lecture, fit, predict, compare, info."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from . import _compare_command, _info_command, _lecture_command, _table_commands


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, 2 for bad input."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
        print(end="", flush=True)  # there may be no stdout to flush
    except (ValueError, TypeError, OSError) as error:
        if _is_of_a_reader_that_has_gone(error):
            # The interpreter's last flush must not complain either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        print(f"oneneuron: error: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("oneneuron: stopped", file=sys.stderr)
        return 130
    return 0


def _is_of_a_reader_that_has_gone(error: Exception) -> bool:
    if sys.platform == "win32":  # it calls it an invalid argument; a file's would have its name
        return isinstance(error, OSError) and error.errno == errno.EINVAL and error.filename is None
    return isinstance(error, BrokenPipeError)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).splitlines())


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error; --help shows the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"oneneuron: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="oneneuron", description="One sigmoid neuron, fast.")
    parser.add_argument("--version", action="version", version=f"oneneuron {version('oneneuron')}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for part in (_lecture_command, _table_commands, _compare_command, _info_command):
        part.add_to(commands)
    return parser
