"""What several contenders need: the fastest of several forms, and a second thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._typing import Float64Array
    from ._problem import Advance


def fastest(makers: Iterable[Callable[[], Advance]], seconds: float = 0.03) -> Advance:
    """The `advance` of the fastest form, fresh from its maker.

    A form's rank depends on size and machine, so it is found out here, before the timing: a rival
    gets the form that suits it best.
    """
    return min(makers, key=lambda make: _step_seconds(make(), seconds))()


def _step_seconds(advance: Advance, seconds: float) -> float:
    """The least of three tries or more."""
    advance(1)  # the first step finds caches cold and may compile
    times: list[float] = []
    end = perf_counter() + seconds
    while len(times) < 3 or perf_counter() < end:
        start = perf_counter()
        advance(3)
        times.append(perf_counter() - start)
    return min(times)


@cache
def spread(threads: int) -> Callable[..., Iterable[Any]]:
    """A `map` that works on so many threads at once; NumPy lets go of the GIL in its loops."""
    if threads == 1:
        return map
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads).map


def blocks(rows: Float64Array, num_bytes: int) -> list[Float64Array]:
    """Rows cut into blocks of so many bytes, each laid out feature by feature; 0 for one block."""
    import numpy as np

    size = num_bytes // rows[0].nbytes or len(rows)
    return [np.asfortranarray(rows[first : first + size]) for first in range(0, len(rows), size)]
