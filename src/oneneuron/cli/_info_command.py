"""`oneneuron info`."""

from __future__ import annotations

import platform
from argparse import ArgumentParser, Namespace, _SubParsersAction
from importlib.metadata import version

from .._engine import cores, dispatch


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """The command and its options."""
    commands.add_parser("info", help="versions and instruction sets").set_defaults(command=run)


def run(_: Namespace) -> None:
    """Print versions, instruction sets and threads."""
    versions = [f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn")]
    print(
        f"oneneuron {version('oneneuron')}\n"
        f"kernel {dispatch.level} (available: {', '.join(dispatch.available)})\n"
        f"threads {cores.count()} at most, fewer where the work is not worth them\n"
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )
