"""Measure the cost of laying out the data: the time in steps, and the memory in copies of X.

    python benchmarks/packing.py [--rounds 5] [--memory 2000000x50]

The column "all before" also includes checking the arguments and scoring the start. All times are
for one thread.
"""

import argparse
import resource
import subprocess
import sys
from time import perf_counter
from unittest import mock

import numpy as np
import problems

import oneneuron
from oneneuron._engine import training
from oneneuron._train import start_training


def timed(function, *args, **kwargs):
    """Call a function; return its result and the seconds that the call took."""
    start = perf_counter()
    result = function(*args, **kwargs)
    return result, perf_counter() - start


def prepare(problem):
    """Return a `Training`, the seconds for its layout, and those for everything before a step."""
    layout_seconds = 0.0
    lay_out = training.lay_out

    def timed_lay_out(*args, **kwargs):
        nonlocal layout_seconds
        tiles, layout_seconds = timed(lay_out, *args, **kwargs)
        return tiles

    with mock.patch.object(training, "lay_out", timed_lay_out):
        init = problem.start[:-1], problem.start[-1]
        prepared, all_seconds = timed(
            start_training, problem.X, problem.y, eta=problem.eta, init=init, n_threads=1
        )
    return prepared, layout_seconds, all_seconds


def measure(size, rounds):
    """Return the shortest times in seconds: layout, everything before a step, and one step."""
    problem = problems.make(size)
    num_steps = max(3, 10_000_000 // problem.X.size)
    times = []
    for _ in range(rounds):
        prepared, layout, everything = prepare(problem)
        _, steps = timed(prepared.advance, num_steps)
        times.append((layout, everything, steps / num_steps))
    return map(min, zip(*times, strict=True))


def peak_kilobytes():
    """Return the largest amount of memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def growth_over_x(size):
    """Return the rise of the memory peak during training, as a multiple of the size of X.

    This process must have done nothing else before.
    """
    n, d = map(int, size.split("x"))
    X = np.random.default_rng(0).random((n, d))  # made in place: no peak above X itself
    y = X[:, 0] > 0.5
    before = peak_kilobytes()
    oneneuron.train(X, y, eta=1 / n, num_steps=2, init=(np.zeros(d), 0.0))
    return 1024 * (peak_kilobytes() - before) / X.nbytes


def main():
    """Print the table of times and the growth of memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument(
        "--memory", metavar="NxD", default="2000000x50",
        help="size of the data for the measurement of memory (default: 2000000x50)",
    )  # fmt: skip
    parser.add_argument("--growth", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.growth:
        print(growth_over_x(options.memory))
        return

    print(f"{'':12}{'step, us':>12}{'layout, steps':>18}{'all before, steps':>20}")
    for size in problems.SIZES:
        layout, everything, step = measure(size, options.rounds)
        print(f"{size:12}{1e6 * step:12.2f}{layout / step:18.1f}{everything / step:20.1f}")
    command = [sys.executable, __file__, "--growth", "--memory", options.memory]
    growth = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(
        f"\npeak memory in a training on {options.memory}: X and {float(growth):.3f} times X more"
    )


if __name__ == "__main__":
    main()
