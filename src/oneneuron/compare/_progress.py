"""A progress bar for those who wait for a comparison in a terminal or in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeAlias

from .._progress_bar import make_bar

OnProgress: TypeAlias = Callable[[float, str], object]


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """Return a function that draws a progress bar, which is erased at the end.

    It is on stderr, or below the cell of a notebook. Nothing is drawn if nobody would see it, as in
    a script whose output goes to a file.
    """
    file = _Cell() if _is_notebook() else sys.stderr
    with make_bar(file, width=79, is_disabled=True if file is None else None) as bar:
        yield bar.show


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class _Cell:
    """A terminal of one line below the cell of a notebook.

    The notebook would keep everything that is written to stderr, each state of the bar as a line.
    """

    encoding = "utf-8"

    def __init__(self) -> None:
        show: Any = import_module("IPython.display").display
        self._handle = show({"text/plain": ""}, raw=True, display_id=True)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        """Replace the line by what comes after the last carriage return."""
        self._handle.update({"text/plain": text.rpartition("\r")[2].rstrip()}, raw=True)

    def flush(self) -> None:
        """Do nothing, since nothing is kept back."""
