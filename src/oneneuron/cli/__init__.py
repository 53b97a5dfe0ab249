"""The command `oneneuron`, with the subcommands lecture, fit, predict, compare and info."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from . import (
    _compare_command,
    _fit_command,
    _info_command,
    _lecture_command,
    _predict_command,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : list of str, default None
        The arguments, without the name of the program. None means the arguments of this process.

    Returns
    -------
    int
        The exit code: 0 for success, 1 if the reader of the output is gone, 2 for bad input, 130
        after Ctrl-C.

    Raises
    ------
    SystemExit
        If the arguments cannot be parsed, or if they ask for help or for the version.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        arguments.command(arguments)
        print(end="", flush=True)  # there may be no stdout to flush
    except (ValueError, TypeError, OSError) as error:
        if _is_broken_pipe(error):
            # The interpreter flushes once more when it exits, which must not fail either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        print(f"oneneuron: error: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("oneneuron: stopped", file=sys.stderr)
        return 130
    return 0


def _is_broken_pipe(error: Exception) -> bool:
    """Return whether the program that reads the output has ended."""
    if sys.platform == "win32":  # reports an invalid argument, without a file name
        return isinstance(error, OSError) and error.errno == errno.EINVAL and error.filename is None
    return isinstance(error, BrokenPipeError)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).splitlines())


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line, without the usage, which --help shows."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"oneneuron: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="oneneuron",
        description="Train a sigmoid neuron by gradient descent.",
        epilog="`oneneuron COMMAND --help` lists the options of a command.",
    )
    parser.add_argument("--version", action="version", version=f"oneneuron {version('oneneuron')}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in (
        _lecture_command, _fit_command, _predict_command, _compare_command, _info_command,
    ):  # fmt: skip
        module.add_to(commands)
    return parser
