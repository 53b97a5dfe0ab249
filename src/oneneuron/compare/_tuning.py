"""Helpers for several contenders: the choice of the fastest variant, threads, and blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

from .._typing import Float64Array
from ._problem import Advance


def fastest(makers: Iterable[Callable[[], Advance]], seconds: float = 0.03) -> Advance:
    """Return a new `advance` of the variant that is fastest on this machine.

    Which variant is fastest depends on the size of the data and on the machine. Each contender
    makes this choice before it is timed, and then competes with its best variant.

    Parameters
    ----------
    makers : iterable of callables
        Each returns the `advance` of a variant, ready to make its first step.
    seconds : float, default 0.03
        The time for which each variant is tried.

    Returns
    -------
    callable
    """
    return min(makers, key=lambda make: _shortest_time(make(), seconds))()


def _shortest_time(advance: Advance, seconds: float) -> float:
    """Return the time of three steps, the shortest of at least three tries."""
    advance(1)  # the first step finds the caches cold, and may compile
    times: list[float] = []
    end = perf_counter() + seconds
    while len(times) < 3 or perf_counter() < end:
        start = perf_counter()
        advance(3)
        times.append(perf_counter() - start)
    return min(times)


@cache
def threaded_map(threads: int) -> Callable[..., Iterable[Any]]:
    """Return a `map` that runs on several threads; NumPy releases the GIL in its loops."""
    if threads == 1:
        return map
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads).map


def blocks(rows: Float64Array, num_bytes: int) -> list[Float64Array]:
    """Return copies of the rows in blocks of about this size, each stored column by column.

    Parameters
    ----------
    rows : ndarray of shape (n, k)
    num_bytes : int
        The size of a block. 0 means a single block.

    Returns
    -------
    list of ndarrays
    """
    size = num_bytes // rows[0].nbytes or len(rows)
    return [np.asfortranarray(rows[first : first + size]) for first in range(0, len(rows), size)]
