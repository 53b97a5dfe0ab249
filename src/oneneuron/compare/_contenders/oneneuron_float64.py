"""The package itself, which also scores each step and keeps the best models."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._engine.samples import lay_out
from ..._engine.shards import InMemory
from ..._training import Training
from ..._typing import Float64Array
from .._problem import Advance, Problem

NAME = "oneneuron"


def prepare(
    problem: Problem, threads: int, dtype: type[np.floating[Any]] = np.float64,
    level: str | None = None,
) -> Advance:  # fmt: skip
    """Lay out the data for a kernel, by default for the level that the package has chosen."""
    samples = lay_out(problem.X.astype(dtype), problem.y, 2, n_threads=threads)
    shards = InMemory([samples], threads, level)
    training = Training(shards, problem.start, eta=problem.eta)

    def advance(num_steps: int) -> Float64Array:
        training.advance(num_steps)
        return training.parameters

    return advance
