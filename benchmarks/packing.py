"""Measure the time that laying out the samples takes, beside a plain copy of X, and its memory.

    python benchmarks/packing.py [--rounds 15] [--threads 1] [--memory 2000000x50]

Copies and layouts alternate, and the shortest of each counts. With one thread, the times are the
processor's, so that other programs matter less. Both include the allocation of their result.
"""

import argparse
import itertools
import resource
import subprocess
import sys
from time import perf_counter, thread_time

import numpy as np

from oneneuron._engine.samples import lay_out

SIZES = ("1000000x2", "100000x30", "100000x100")


def shape_of(size):
    """Return n and d of a size such as "400x2"."""
    n, d = map(int, size.split("x"))
    return n, d


def seconds(clock, function, *args, **kwargs):
    """Return the seconds that a call takes, without those that freeing its result takes."""
    start = clock()
    result = function(*args, **kwargs)
    passed = clock() - start
    del result
    return passed


def measure(X, num_classes, rounds, threads):
    """Return the shortest times in seconds of a copy of X and of its layout."""
    clock = thread_time if threads == 1 else perf_counter
    codes = np.random.default_rng(1).integers(0, num_classes, len(X), dtype=np.uint8)
    times = [
        (
            seconds(clock, np.copy, X, order="K"),
            seconds(clock, lay_out, X, codes, num_classes, n_threads=threads),
        )
        for _ in range(rounds)
    ]
    return [min(column) for column in zip(*times, strict=True)]


def growth_over_x(size):
    """Return the rise of the memory peak while X is laid out, as a multiple of the size of X.

    This process must have done nothing else before.
    """
    X = np.random.default_rng(0).random(shape_of(size))  # made in place: no peak above X itself
    codes = (X[:, 0] > 0.5).view(np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lay_out(X, codes, 2)
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / X.nbytes


def main():
    """Print the table of times and the growth of memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="rounds (default: 15)")
    parser.add_argument("--threads", type=int, default=1, help="threads (default: 1)")
    parser.add_argument(
        "--memory", metavar="NxD", default="2000000x50",
        help="size of the data for the measurement of memory (default: 2000000x50)",
    )  # fmt: skip
    parser.add_argument("--growth", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.growth:
        print(growth_over_x(options.memory))
        return

    print(
        f"{'size':12}{'dtype':>8}{'order':>6}{'classes':>8}{'copy, ms':>10}{'layout, ms':>11} ratio"
    )
    for size, dtype, order in itertools.product(SIZES, ("float64", "float32"), "CF"):
        X = np.asarray(np.random.default_rng(0).random(shape_of(size)), dtype, order=order)
        for num_classes in (2, 10):
            copy, layout = measure(X, num_classes, options.rounds, options.threads)
            print(
                f"{size:12}{dtype:>8}{order:>6}{num_classes:>8}{1e3 * copy:10.2f}"
                f"{1e3 * layout:11.2f}{layout / copy:7.2f}"
            )
    command = [sys.executable, __file__, "--growth", "--memory", options.memory]
    growth = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(f"\npeak memory of the layout of {options.memory}: {float(growth):.3f} times X, beside X")


if __name__ == "__main__":
    main()
