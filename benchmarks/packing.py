"""What laying out the data costs: time, in steps of the descent, and memory, in copies of X.

    python benchmarks/packing.py [--rounds 5] [--memory 2000000x50]

"All before" has the checks of the arguments and the score of the start too. One thread.
"""

import argparse
import resource
import subprocess
import sys
from time import perf_counter
from unittest import mock

import numpy as np
import problems

import oneneuron._engine.training


def seconds_of(function, *args, **kwargs):
    """The result of a call, and how long it took."""
    start = perf_counter()
    result = function(*args, **kwargs)
    return result, perf_counter() - start


def prepare(problem):
    """A `Training`, and the seconds of its lay-out alone and of all that comes before a step."""
    seconds = 0.0
    lay_out = oneneuron._engine.training.lay_out

    def timed(*args, **kwargs):
        nonlocal seconds
        tiles, seconds = seconds_of(lay_out, *args, **kwargs)
        return tiles

    with mock.patch.object(oneneuron._engine.training, "lay_out", timed):
        init = problem.start[:-1], problem.start[-1]
        training, all_seconds = seconds_of(
            begin, problem.X, problem.y, eta=problem.eta, init=init, n_threads=1
        )
    return training, seconds, all_seconds


def packing(size, rounds):
    """Minima in seconds: lay-out, all before the first step, one step."""
    problem = problems.make(size)
    num_steps = max(3, 10_000_000 // problem.X.size)
    times = []
    for _ in range(rounds):
        training, lay_out, everything = prepare(problem)
        _, steps = seconds_of(training.advance, num_steps)
        times.append((lay_out, everything, steps / num_steps))
    return map(min, zip(*times, strict=True))


def peak_kilobytes():
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def growth_over_x(size):
    """By how much training raises the peak, in bytes of X; in a process that does nothing else."""
    n, d = map(int, size.split("x"))
    X = np.random.default_rng(0).random((n, d))  # made in place: no peak above X itself
    y = X[:, 0] > 0.5
    before = peak_kilobytes()
    oneneuron.train(X, y, eta=1 / n, num_steps=2, init=(np.zeros(d), 0.0))
    return 1024 * (peak_kilobytes() - before) / X.nbytes


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", metavar="NxD", default="2000000x50")
    parser.add_argument("--growth", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.growth:
        print(growth_over_x(options.memory))
        return

    print(f"{'':12}{'step, us':>12}{'lay-out, steps':>18}{'all before, steps':>20}")
    for size in problems.SIZES:
        lay_out, everything, step = packing(size, options.rounds)
        print(f"{size:12}{1e6 * step:12.2f}{lay_out / step:18.1f}{everything / step:20.1f}")
    command = [sys.executable, __file__, "--growth", "--memory", options.memory]
    growth = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(f"\npeak memory of training {options.memory}: {float(growth):.3f} of X over X itself")


if __name__ == "__main__":
    main()
