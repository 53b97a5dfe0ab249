"""`oneneuron info`."""

import platform
from importlib.metadata import version

from .. import _dispatch
from ..team import cores


def add_to(commands):
    """The command and its options."""
    commands.add_parser("info", help="versions and instruction sets").set_defaults(command=run)


def run(_):
    """Print versions, instruction sets and threads."""
    versions = [f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn")]
    print(
        f"oneneuron {version('oneneuron')}\n"
        f"kernel {_dispatch.level} (available: {', '.join(_dispatch.available)})\n"
        f"threads {cores()} at most, fewer where the work is not worth them\n"
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )
