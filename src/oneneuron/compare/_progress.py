"""A progress bar for those who wait for a comparison in a terminal or in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

OnProgress: TypeAlias = Callable[[float, str], object]


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """Return a function that draws a progress bar on stderr, which is erased at the end.

    Nothing is drawn if nobody would see it, as in a script whose output goes to a file.
    """
    from tqdm.std import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # otherwise a thread would redraw the bar while a rung is timed

    with Bar(
        total=1.0, leave=False, disable=not _is_watched(), miniters=0, ncols=79,
        bar_format="{percentage:3.0f} % {bar:30} {desc}",
    ) as bar:  # fmt: skip

        def show(fraction: float, name: str) -> None:
            bar.set_description_str(name, refresh=False)
            bar.n = fraction
            bar.update(0)  # draws if it is time to

        yield show


def _is_watched() -> bool:
    """Return whether stderr leads to a terminal or below the cell of a notebook."""
    if sys.stderr is None:
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return sys.stderr.isatty() or (shell is not None and hasattr(shell, "kernel"))
