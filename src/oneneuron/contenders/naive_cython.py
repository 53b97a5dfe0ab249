"""A plain loop in Cython: C's types, libm's exponential, and no more thought than that."""

from .._naive import descend

NAME = "naive Cython"


def prepare(problem, threads):
    """The descent sample by sample; one thread."""
    parameters = problem.start.copy()

    def advance(num_steps):
        descend(problem.X, problem.y, parameters, problem.eta, num_steps)
        return parameters.copy()

    return advance
