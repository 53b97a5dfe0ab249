"""How long something takes: measured, and shown while it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol, TypeVar, TypeVarTuple

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")


class Show(Protocol):
    """What draws a bar."""

    def __call__(self, share: float, words: str = "", /) -> None:
        """Show the share of the work that is done, and what is being worked at."""


def timed(
    function: Callable[[*_Arguments], _Result], *arguments: *_Arguments
) -> tuple[_Result, float]:
    """What a function returns, and the seconds it took."""
    start = perf_counter()
    result = function(*arguments)
    return result, perf_counter() - start


@contextmanager
def bar() -> Iterator[Show]:
    """``show(share, words)`` of a bar, drawn on a terminal once a second has gone by, erased after.

    Words are what is being worked at.
    """
    start = perf_counter()
    shown = False

    def show(share: float, words: str = "") -> None:
        nonlocal shown
        if perf_counter() - start > 1 and sys.stderr.isatty():
            shown = True
            marks = "#" * int(30 * share)
            line = f"\r[{marks:30}] {100 * share:3.0f} % {words:21.21}"
            print(line, end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if shown:
            print(f"\r{'':60}\r", end="", file=sys.stderr, flush=True)
