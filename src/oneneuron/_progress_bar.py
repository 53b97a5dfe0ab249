"""The progress bar of the command line and of a comparison."""

from __future__ import annotations

from threading import RLock
from typing import Any


def make_bar(file: Any, *, width: int, delay: float = 0.0, is_disabled: bool | None = None) -> Any:
    """Return a progress bar, a context manager, which is erased at the end.

    ``show(fraction, label="")`` shows the fraction of the work that is done, from 0 to 1, and what
    is being done now.

    Parameters
    ----------
    file : file
        Where to draw the bar.
    width : int
        The width of the line in characters.
    delay : float, default 0.0
        The time in seconds before anything is drawn.
    is_disabled : bool, default None
        Whether to draw nothing at all. None means unless the file is a terminal.
    """
    from tqdm.std import tqdm

    class Bar(tqdm):
        # Otherwise a thread would redraw the bar now and then, even while something is timed.
        monitor_interval = 0

        def show(self, fraction: float, label: str = "") -> None:
            self.set_description_str(label, refresh=False)
            self.n = min(fraction, 1.0)
            self.update(0)  # draws if it is time to

    Bar.set_lock(RLock())  # the default is a lock for several processes, which takes long to make
    return Bar(
        file=file, total=1.0, delay=delay, leave=False, disable=is_disabled, miniters=0,
        ncols=width, nrows=24, bar_format="{percentage:3.0f} % {bar:30} {desc}",
    )  # fmt: skip
