"""Compare several threads with one thread while other processes keep every core busy.

    python benchmarks/busy.py [--hogs 2] [--threads 2]

Helper threads can hardly help then, but they must not do harm: the target is at most 1.1 times the
time of one thread. Both are timed in turn, round after round. The result is the median over the
rounds, since on busy cores the minimum is a matter of luck.
"""

import argparse
import multiprocessing
import os
from statistics import median
from time import perf_counter

import problems

from oneneuron.compare._contenders import oneneuron_float64

SIZES = ("10000x2", "1000000x2", "10000x30", "100000x100")
SECONDS_PER_TIMING = 0.3


def hog():
    """Keep a core busy."""
    while True:
        pass


def measure(size, threads, rounds):
    """Return the median time of a step in seconds, with one thread and with several."""
    problem = problems.make(size)
    advances = [oneneuron_float64.prepare(problem, n) for n in (1, threads)]
    start = perf_counter()
    advances[0](3)
    num_steps = 1 + int(SECONDS_PER_TIMING * 3 / (perf_counter() - start))
    seconds = [[], []]
    for _ in range(rounds):
        for advance, times in zip(advances, seconds, strict=True):
            start = perf_counter()
            advance(num_steps)
            times.append((perf_counter() - start) / num_steps)
    return [median(times) for times in seconds]


def main():
    """Start the hogs, measure, print, and stop the hogs."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--hogs", type=int, default=cores, help="busy processes (default: one for each core)"
    )
    parser.add_argument(
        "--threads", type=int, default=cores, help="threads (default: one for each core)"
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds (default: 15)")
    options = parser.parse_args()
    hogs = [multiprocessing.Process(target=hog, daemon=True) for _ in range(options.hogs)]
    for process in hogs:
        process.start()
    print(f"{options.hogs} busy processes on {cores} cores")
    print(f"{'':12}time with {options.threads} threads / time with 1")
    for size in SIZES:
        one, several = measure(size, options.threads, options.rounds)
        print(f"{size:12}{several / one:.2f}", flush=True)
    for process in hogs:
        process.terminate()


if __name__ == "__main__":
    main()
