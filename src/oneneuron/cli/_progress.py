"""A progress bar for long work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import RLock, Timer
from typing import Any, Protocol

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
    from tqdm.std import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # otherwise a thread would redraw the bar now and then

    Bar.set_lock(RLock())  # the default is a lock for several processes, which takes long to make
    with Bar(
        total=1.0, delay=_DELAY, leave=False, disable=is_quiet or None, miniters=0,
        ncols=_columns() - 1, nrows=24, bar_format="{percentage:3.0f} % {bar:30} {desc}",
    ) as bar:  # fmt: skip

        def show(fraction: float, label: str = "") -> None:
            bar.set_description_str(shown(label), refresh=False)
            bar.n = min(fraction, 1.0)
            bar.update(0)  # draws if it is time to

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
