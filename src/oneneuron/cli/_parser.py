"""The parser of the command line."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import NoReturn

from . import (
    _code_command,
    _compare_command,
    _fit_command,
    _info_command,
    _lecture_command,
    _playground_command,
    _predict_command,
)
from ._printing import shown

_EPILOG = """\
New here? Begin with `oneneuron lecture`. It takes a few seconds, and then says
what to try next. `oneneuron COMMAND --help` lists the options of a command."""


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line, without the usage, which --help shows."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"oneneuron: error: {shown(message)}\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands. What it parses has the function `command`, or None."""
    parser = _Parser(
        prog="oneneuron",
        description="Train a sigmoid neuron by gradient descent.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the lines of the epilog
    )
    parser.add_argument("--version", action="version", version=f"oneneuron {version('oneneuron')}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in (
        _lecture_command, _playground_command, _fit_command, _predict_command, _compare_command,
        _code_command, _info_command,
    ):  # fmt: skip
        module.add_to(commands)
    return parser
