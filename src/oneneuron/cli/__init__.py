"""The command `oneneuron`, with the subcommands that `oneneuron --help` lists."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Trouble on stdout does not stop a command, and trouble on stderr is ignored. Neither does a
    command stop when its terminal is closed.

    Parameters
    ----------
    argv : list of str, default None
        The arguments, without the name of the program. None means the arguments of this process.

    Returns
    -------
    int
        The exit code: 0 for success, 1 if the reader of the output is gone, 2 for an error, 130
        after Ctrl-C.

    Raises
    ------
    SystemExit
        If the arguments cannot be parsed, or if they ask for help or for the version.
    """
    # Nothing is imported before, since Ctrl-C during an import would print a traceback.
    try:
        from ._running import run

        return run(argv)
    except KeyboardInterrupt:
        from ._printing import note

        note("oneneuron: stopped")
        return 130
