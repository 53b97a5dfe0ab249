"""`oneneuron info`: versions, instruction sets and threads."""

from __future__ import annotations

import platform
from argparse import ArgumentParser, Namespace, _SubParsersAction
from importlib.metadata import version

from .._engine import cores, dispatch
from ._printing import say


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the command line."""
    text = "show versions, instruction sets and the number of threads"
    parser = commands.add_parser("info", help=text, description=f"{text.capitalize()}.")
    parser.set_defaults(command=run)


def run(_: Namespace) -> None:
    """Print versions, instruction sets and the number of threads."""
    versions = [f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn")]
    say(
        f"oneneuron {version('oneneuron')}",
        f"kernel {dispatch.level} (available: {', '.join(dispatch.available)})",
        f"threads {cores.count()} (fewer for little work)",
        f"Python {platform.python_version()}, {', '.join(versions)}",
    )
