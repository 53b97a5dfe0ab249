"""Time several fits at once, or with more threads than cores, against one fit after another.

    python benchmarks/stress.py [--rounds 7] [--fits 8]

The unit is the time of the same fits one after another on one thread. A ratio below 1 means that
the cores shared the work. All modes are timed in turn, round after round. The result is the median
over the rounds, since on busy cores the minimum is a matter of luck.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from time import perf_counter

import joblib
import numpy as np

import oneneuron
from oneneuron import NeuronClassifier

SIZES = ((400, 5), (10_000, 30), (100_000, 10))
SECONDS_PER_TRAINING = 0.05
MANY = 64


def train(X, y, num_steps, n_threads):
    """Train a neuron by gradient descent."""
    init = np.zeros(X.shape[1]), 0.0
    oneneuron.train(X, y, eta=1e-5, num_steps=num_steps, init=init, n_threads=n_threads)


def fit(X, y, n_threads):
    """Fit a classifier with its default parameters."""
    NeuronClassifier(n_threads=n_threads).fit(X, y)


def tasks(n, d):
    """Yield the name of each kind of fit, and a function that makes it with n_threads threads."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    y = (X.sum(axis=1) + 3 * rng.standard_normal(n) > 0).astype(int)
    start = perf_counter()
    train(X, y, 30, 1)
    num_steps = 1 + int(SECONDS_PER_TRAINING * 30 / (perf_counter() - start))
    yield f"train {n}x{d}", partial(train, X, y, num_steps)
    yield f"fit {n}x{d}", partial(fit, X, y)


def one_by_one(task, num_fits, n_threads):
    """Make the fits one after another."""
    for _ in range(num_fits):
        task(n_threads)


def in_threads(task, num_fits, n_threads):
    """Make all the fits at once, each in a Python thread."""
    with ThreadPoolExecutor(num_fits) as pool:
        list(pool.map(task, [n_threads] * num_fits))


def in_joblib(backend, task, num_fits, n_threads):
    """Make the fits in joblib's workers, one worker for each core."""
    joblib.Parallel(-1, backend)(joblib.delayed(task)(n_threads) for _ in range(num_fits))


# The other modes are compared with the first.
MODES = {
    "1 thread": partial(one_by_one, n_threads=1),
    "a thread per core": partial(one_by_one, n_threads=None),
    f"{MANY} threads": partial(one_by_one, n_threads=MANY),
    "at once, 1": partial(in_threads, n_threads=1),
    "at once, 2": partial(in_threads, n_threads=2),
    "at once, None": partial(in_threads, n_threads=None),
    "joblib threading, None": partial(in_joblib, "threading", n_threads=None),
    "joblib loky, 1": partial(in_joblib, "loky", n_threads=1),
    "joblib loky, None": partial(in_joblib, "loky", n_threads=None),
}


def measure(task, num_fits, rounds):
    """Return the time of each mode in seconds, as the median over the rounds."""
    times = {name: [] for name in MODES}
    for mode in MODES.values():
        mode(task, 1)  # starts joblib's workers, and loads what is imported on first use
    for _ in range(rounds):
        for name, mode in MODES.items():
            start = perf_counter()
            mode(task, num_fits)
            times[name].append(perf_counter() - start)
    return {name: median(seconds) for name, seconds in times.items()}


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--fits", type=int, default=8, help="fits at once (default: 8)")
    options = parser.parse_args()
    found = {}
    for size in SIZES:
        for name, task in tasks(*size):
            found[name] = measure(task, options.fits, options.rounds)
            print(f"{name}: {options.fits} one by one take {found[name]['1 thread']:.3f} s")
    print(f"\n| {options.fits} fits, ratio of times | " + " | ".join(found) + " |")
    print("| --- " * (len(found) + 1) + "|")
    for mode in [*MODES][1:]:
        ratios = (f"{seconds[mode] / seconds['1 thread']:.2f}" for seconds in found.values())
        print(f"| {mode} | " + " | ".join(ratios) + " |")


if __name__ == "__main__":
    main()
