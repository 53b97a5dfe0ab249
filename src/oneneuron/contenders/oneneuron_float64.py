"""The package; it scores each step too, by accuracy and by cost, and keeps the best of both."""

import numpy as np

from ..training import Training

NAME = "oneneuron"


def prepare(problem, threads, dtype=np.float64, level=None):
    """The descent in the kernel, data laid out; by default at the level that the package picks."""
    X = problem.X.astype(dtype)
    training = Training(
        X, problem.y, problem.start, eta=problem.eta, n_threads=threads, level=level
    )

    def advance(num_steps):
        training.advance(num_steps)
        return training.parameters

    return advance
