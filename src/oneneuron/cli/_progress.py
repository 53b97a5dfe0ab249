"""A progress bar for long work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any, Protocol

from .._progress_bar import make_bar
from ._printing import shown

_DELAY = 1.0  # seconds


class ShowProgress(Protocol):
    """A function that redraws a progress bar."""

    def __call__(self, fraction: float, label: str = "", /) -> None:
        """Show the fraction of the work that is done, and what is being done now."""


@contextmanager
def progress_bar(*, is_quiet: bool = False) -> Iterator[ShowProgress]:
    """Return a function that draws a progress bar on stderr, which is erased at the end.

    Nothing is drawn in the first second, or if stderr is not a terminal. Save the results inside
    the block, so that they do not have to wait for a terminal that is stopped.

    Parameters
    ----------
    is_quiet : bool, default False
        Whether to draw nothing at all.
    """
    is_disabled = True if is_quiet else None
    with make_bar(sys.stderr, width=_columns() - 1, delay=_DELAY, is_disabled=is_disabled) as bar:

        def show(fraction: float, label: str = "") -> None:
            bar.show(fraction, shown(label))

        with _drawn_in_time(bar):
            yield show


def _columns() -> int:
    """Return the width of the terminal, or 80 if it does not tell."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    return 80


@contextmanager
def _drawn_in_time(bar: Any) -> Iterator[None]:
    """Draw the bar after a second even if the work does not call for it by then."""
    if bar.disable:
        yield
        return
    timer = Timer(_DELAY + 0.1, bar.update, [0])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it must not draw what has been erased
