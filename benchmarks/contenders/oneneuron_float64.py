"""The package; it scores each step too, by accuracy and by cost, and keeps the best of both."""

import numpy as np

from oneneuron.descent import begin

NAME = "oneneuron"


def prepare(problem, threads, dtype=np.float64):
    """The descent in the kernel, data laid out."""
    X = problem.X.astype(dtype)
    init = problem.start[:-1], problem.start[-1]
    training = begin(X, problem.y, eta=problem.eta, init=init, n_threads=threads)

    def advance(num_steps):
        training.advance(num_steps)
        model = training.model()
        return np.append(model.weights.astype(np.float64), model.bias)

    return advance
