"""Sums over samples that are laid out in several pieces, with the bits of a single piece."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .._typing import Float64Array


def merge(pieces: Iterable[tuple[Sequence[tuple[int, int]], Float64Array]]) -> Float64Array:
    """Return the sums over all pieces.

    The sums of blocks are added as a binary tree over the numbers of the blocks. Each piece comes
    with the sums of those subtrees that lie in it. They are added here as the tree demands.

    Parameters
    ----------
    pieces : iterable of (subtrees, nodes)
        The attribute ``subtrees`` of each `Pass` and the ``nodes`` that its hook got, in the order
        of the samples.

    Returns
    -------
    ndarray of shape (K, d + 3)
    """
    stack: list[tuple[int, int, Float64Array]] = []  # first block, number of blocks, sums
    for subtrees, nodes in pieces:
        for (first, size), node in zip(subtrees, nodes, strict=True):
            sums = np.array(node)
            while stack and stack[-1][1] == size and first % (2 * size) == size:
                first, _, left = stack.pop()
                sums = left + sums
                size *= 2
            stack.append((first, size, sums))
    total = stack.pop()[2]
    while stack:
        total = stack.pop()[2] + total
    return total
