"""Times several threads against one while other processes keep every core busy.

    python benchmarks/busy.py [--hogs 2] [--threads 2]

Helpers may be of little use then, but must do no harm: the target is at most 1.1 times the time of
one thread. Rounds take turns; the median counts, as with busy cores the minimum is a lucky one.
"""

import argparse
import multiprocessing
import os
from statistics import median
from time import perf_counter

import problems

from oneneuron.compare._contenders import oneneuron_float64

SIZES = ("10000x2", "1000000x2", "10000x30", "100000x100")
SECONDS = 0.3


def hog():
    """Keep a core busy."""
    while True:
        pass


def measure(size, threads, rounds):
    """Seconds a step of one thread and of several, medians over rounds."""
    problem = problems.make(size)
    advances = [oneneuron_float64.prepare(problem, n) for n in (1, threads)]
    start = perf_counter()
    advances[0](3)
    num_steps = 1 + int(SECONDS * 3 / (perf_counter() - start))
    seconds = [[], []]
    for _ in range(rounds):
        for advance, found in zip(advances, seconds, strict=True):
            start = perf_counter()
            advance(num_steps)
            found.append((perf_counter() - start) / num_steps)
    return [median(found) for found in seconds]


def main():
    """Start the hogs, measure, print, end them."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hogs", type=int, default=cores, help="default one for each core")
    parser.add_argument("--threads", type=int, default=cores)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    hogs = [multiprocessing.Process(target=hog, daemon=True) for _ in range(options.hogs)]
    for process in hogs:
        process.start()
    print(f"{options.hogs} hogs on {cores} cores: {options.threads} threads take, of one's time,")
    for size in SIZES:
        one, several = measure(size, options.threads, options.rounds)
        print(f"{size:12}{several / one:6.2f}", flush=True)
    for process in hogs:
        process.terminate()


if __name__ == "__main__":
    main()
