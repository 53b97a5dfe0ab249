"""A plain loop in Cython, with C types and the exponential of libm, but no other optimisation."""

from __future__ import annotations

from ..._typing import Float64Array
from .._naive_loop import make_steps
from .._problem import Advance, Problem

NAME = "naive Cython"


def prepare(problem: Problem, threads: int) -> Advance:
    """Prepare the descent on one thread, sample by sample."""
    parameters = problem.start.copy()

    def advance(num_steps: int) -> Float64Array:
        make_steps(problem.X, problem.y, parameters, problem.eta, num_steps)
        return parameters.copy()

    return advance
