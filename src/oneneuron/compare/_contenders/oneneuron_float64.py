"""The package; it scores each step too, by accuracy and by cost, and keeps the best of both."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._engine.training import Training
from ..._typing import Float64Array
from .._problem import Advance, Problem

NAME = "oneneuron"


def prepare(
    problem: Problem, threads: int, dtype: type[np.floating[Any]] = np.float64,
    level: str | None = None,
) -> Advance:  # fmt: skip
    """The descent in the kernel, data laid out; by default at the level that the package picks."""
    X = problem.X.astype(dtype)
    training = Training(
        X, problem.y, problem.start, eta=problem.eta, n_threads=threads, level=level
    )

    def advance(num_steps: int) -> Float64Array:
        training.advance(num_steps)
        return training.parameters

    return advance
