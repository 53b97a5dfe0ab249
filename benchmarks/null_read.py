"""Null contender: every byte of X read once, which a step of any kind must do."""

from functools import partial

import numpy as np

from oneneuron.compare._tuning import fastest, spread

NAME = "one read of X"


def rows_times_ones(width, x):
    """Matrix times vector: BLAS goes through four rows at once."""
    whole = len(x) // width * width
    return x[:whole].reshape(-1, width) @ np.ones(width), x[whole:].sum()


# NumPy has no plain "read"; these come near it, and which is fastest depends on size and machine.
# Several streams far apart can keep more of memory's requests under way than one stream.
READERS = (
    np.sum,
    np.max,
    lambda x: np.dot(x, x),
    lambda x: np.max(x.view(np.int64)),
    partial(rows_times_ones, 2_000),
    partial(rows_times_ones, 20_000),
)


def prepare(problem, threads):
    """The fastest reader."""
    return fastest([partial(make, problem, n, read) for n in {1, threads} for read in READERS])


def make(problem, threads, read):
    """One reader; each thread has its share of X."""
    shares = np.array_split(problem.X.reshape(-1), threads)
    run = spread(threads)

    def advance(num_steps):
        for _ in range(num_steps):
            for _ in run(read, shares):
                pass

    return advance
