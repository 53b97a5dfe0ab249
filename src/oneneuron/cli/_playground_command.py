"""`oneneuron playground`: a page in the browser, on which a neuron can be played with."""

from __future__ import annotations

import os
import sys
import webbrowser
from argparse import ArgumentParser, Namespace, _SubParsersAction
from importlib.resources import files
from pathlib import Path

from .._atomic_write import check_writable, write_whole
from . import _argument_types
from ._printing import say

# Without any of these, Linux might start a browser that takes over the terminal.
_SIGNS_OF_A_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its options to the command line."""
    parser = commands.add_parser(
        "playground",
        help="play with a neuron in the browser",
        description="Write a page with a neuron to play with, and open it in the browser: drag its "
        "start, change its step size, add samples, and watch its descent. It needs no network.",
    )
    parser.add_argument(
        "--output", type=_argument_types.path, default="playground.html", metavar="FILE",
        help="page to write (default: playground.html)",
    )  # fmt: skip
    parser.add_argument(
        "--no-open", dest="open", action="store_false", help="only write the page, do not open it"
    )
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
    """Write the page, say where it is, and open it."""
    check_writable(arguments.output)
    page = files(__package__).joinpath("playground.html").read_bytes()
    write_whole(arguments.output, page)
    say(f"Saved {arguments.output}.")
    if not arguments.open:
        return
    address = Path(arguments.output).resolve().as_uri()
    if _has_display() and webbrowser.open(address):
        say(f"If your browser does not show it, open {address}")
    else:
        say(f"To play, open {address} in a browser.")


def _has_display() -> bool:
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, _SIGNS_OF_A_DISPLAY))
