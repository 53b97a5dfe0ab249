"""A progress bar for long work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Protocol

from ._printing import shown


class ShowProgress(Protocol):
    """A function that redraws a progress bar."""

    def __call__(self, fraction: float, label: str = "", /) -> None:
        """Show the fraction of the work that is done, and what is being done now."""


@contextmanager
def progress_bar() -> Iterator[ShowProgress]:
    """Return a function that draws a progress bar on stderr, which is erased at the end.

    Nothing is drawn in the first second, or if stderr is not a terminal. Save the results inside
    the block, so that they do not have to wait for a terminal that is stopped.
    """
    from tqdm.std import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # otherwise a thread would redraw the bar now and then

    Bar.set_lock(RLock())  # the default is a lock for several processes, which takes long to make
    with Bar(
        total=1.0, delay=1.0, leave=False, disable=None, dynamic_ncols=True, miniters=0,
        bar_format="{percentage:3.0f} % {bar:30} {desc}",
    ) as bar:  # fmt: skip

        def show(fraction: float, label: str = "") -> None:
            bar.set_description_str(shown(label), refresh=False)
            bar.n = min(fraction, 1.0)
            bar.update(0)  # draws if it is time to

        yield show
