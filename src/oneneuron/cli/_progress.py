"""The timing of a call, and a progress bar for long work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol, TypeVar, TypeVarTuple

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")


class ShowProgress(Protocol):
    """A function that redraws a progress bar."""

    def __call__(self, fraction: float, label: str = "", /) -> None:
        """Show the fraction of the work that is done, and what is being done now."""


def timed(
    function: Callable[[*_Arguments], _Result], *arguments: *_Arguments
) -> tuple[_Result, float]:
    """Call a function; return its result and the seconds that the call took."""
    start = perf_counter()
    result = function(*arguments)
    return result, perf_counter() - start


@contextmanager
def progress_bar() -> Iterator[ShowProgress]:
    """Return a function that draws a progress bar on stderr, which is erased at the end.

    Nothing is drawn in the first second, or if stderr is not a terminal.
    """
    start = perf_counter()
    is_shown = False

    def show(fraction: float, label: str = "") -> None:
        nonlocal is_shown
        if perf_counter() - start > 1 and sys.stderr.isatty():
            is_shown = True
            marks = "#" * int(30 * fraction)
            line = f"\r[{marks:30}] {100 * fraction:3.0f} % {label:21.21}"
            print(line, end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if is_shown:
            print(f"\r{'':60}\r", end="", file=sys.stderr, flush=True)
