"""PyTorch without its compiler: one operation at a time, in place, without autograd."""

from __future__ import annotations

from functools import partial

import torch

from ..._typing import Float64Array
from .._problem import Advance, Problem
from .._tuning import blocks, fastest

NAME = "PyTorch eager"

BLOCK_BYTES = (2**20, 2**22, 0)


def prepare(problem: Problem, threads: int) -> Advance:
    """Prepare the descent with the fastest of several block sizes."""
    torch.set_num_threads(threads)
    return fastest([partial(make, problem, block_bytes) for block_bytes in BLOCK_BYTES])


def make(problem: Problem, block_bytes: int = 0) -> Advance:
    """Prepare the descent on blocks of about this size; 0 means a single block."""
    # With the opposite sign, the sigmoid gives the error p directly.
    rows = [torch.from_numpy(x) for x in blocks(-problem.signed_rows(), block_bytes)]
    error, slope = torch.empty((2, len(rows[0])), dtype=torch.float64)
    work = [(x, x.T, error[: len(x)], slope[: len(x)]) for x in rows]
    parameters = torch.tensor(problem.start)
    updated = parameters.clone()

    @torch.inference_mode()
    def advance(num_steps: int) -> Float64Array:
        for _ in range(num_steps):
            for x, x_transposed, p, g in work:
                torch.mv(x, parameters, out=p)
                p.sigmoid_()
                torch.mul(p, p, out=g)
                g.addcmul_(g, p, value=-1)
                updated.addmv_(x_transposed, g, alpha=-problem.eta)
            parameters.copy_(updated)
        result: Float64Array = parameters.numpy().copy()
        return result

    typed: Advance = advance  # the decorator has no types
    return typed
