"""Sums over samples that lie in several places, with the bits of sums over samples in one place.

All samples are cut into leaves: blocks for the sums of a pass, and bands for all other sums. The
sums of the leaves are added as a binary tree over their numbers. A subtree is an aligned range of
leaves: a power of two of them, beginning at a multiple of their number. Each place adds up the
subtrees that lie in it, and `join` adds the rest. So it does not matter how many places there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from .._typing import Float64Array

# The first leaf, the number of leaves, and their sum. The last subtree of all may end after the
# last leaf.
Subtree: TypeAlias = tuple[int, int, Float64Array]


def subtrees_of(first: int, leaves: Float64Array) -> list[Subtree]:
    """Return the largest subtrees in a range of leaves.

    Parameters
    ----------
    first : int
        The number of the first leaf.
    leaves : ndarray of shape (num_leaves, ...)

    Returns
    -------
    list of Subtree
    """
    found: list[Subtree] = []
    start, end = first, first + len(leaves)
    while start < end:
        size = 1
        while start % (2 * size) == 0 and start + 2 * size <= end:
            size *= 2
        rows = leaves[start - first : start - first + size]
        while len(rows) > 1:
            rows = _add(rows[0::2], rows[1::2])
        found.append((start, size, rows[0]))
        start += size
    return found


def join(subtrees: Iterable[Subtree]) -> list[Subtree]:
    """Return the largest subtrees that consecutive subtrees make up.

    Parameters
    ----------
    subtrees : iterable of Subtree
        In the order of their leaves, and without gaps.

    Returns
    -------
    list of Subtree
    """
    joined: list[Subtree] = []
    for first, size, sums in subtrees:
        while joined and joined[-1][1] == size and first % (2 * size) == size:
            first, _, left = joined.pop()
            sums = _add(left, sums)
            size *= 2
        joined.append((first, size, sums))
    return joined


def add_up(subtrees: Iterable[Subtree]) -> Float64Array:
    """Return the sum of all leaves, given the subtrees of all places.

    Parameters
    ----------
    subtrees : iterable of Subtree
        In the order of their leaves, from leaf 0 on, and without gaps.

    Returns
    -------
    ndarray
        It may share memory with a subtree if there is only one.
    """
    joined = join(subtrees)
    total = joined.pop()[2]
    while joined:
        total = _add(joined.pop()[2], total)
    return total


def _add(left: Float64Array, right: Float64Array) -> Float64Array:
    """Return the sums, which may be infinite or NaN, as in compiled code: without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return left + right
