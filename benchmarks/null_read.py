"""A yardstick: one read of every byte of X, which no step can do without."""

from functools import partial

import numpy as np

from oneneuron.compare._tuning import fastest, threaded_map

NAME = "one read of X"


def rows_times_ones(width, x):
    """Multiply a matrix by a vector: BLAS reads four rows at once."""
    whole = len(x) // width * width
    return x[:whole].reshape(-1, width) @ np.ones(width), x[whole:].sum()


# NumPy has no function that only reads. These come close. Which of them is fastest depends on the
# size and on the machine: several streams at distant addresses can keep more memory requests in
# flight than a single stream.
READERS = (
    np.sum,
    np.max,
    lambda x: np.dot(x, x),
    lambda x: np.max(x.view(np.int64)),
    partial(rows_times_ones, 2_000),
    partial(rows_times_ones, 20_000),
)


def prepare(problem, threads):
    """Prepare the fastest reader."""
    return fastest([partial(make, problem, n, read) for n in {1, threads} for read in READERS])


def make(problem, threads, read):
    """Prepare one reader; each thread reads a part of X."""
    parts = np.array_split(problem.X.reshape(-1), threads)
    run = threaded_map(threads)

    def advance(num_steps):
        for _ in range(num_steps):
            for _ in run(read, parts):
                pass

    return advance
