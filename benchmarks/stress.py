"""Times many fits at once, and more threads than cores, against the same fits one after another.

    python benchmarks/stress.py [--rounds 7] [--fits 8]

A ratio of 1 is what the work itself explains; below 1 the cores shared it. Rounds take turns; the
median counts, as with busy cores the minimum is a lucky one.
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
SECONDS = 0.05
MANY = 64


def trained(X, y, num_steps, n_threads):
    """Train a neuron by so many steps."""
    init = np.zeros(X.shape[1]), 0.0
    oneneuron.train(X, y, eta=1e-5, num_steps=num_steps, init=init, n_threads=n_threads)


def fitted(X, y, n_threads):
    """Fit a classifier as it comes."""
    NeuronClassifier(n_threads=n_threads).fit(X, y)


def kinds(n, d):
    """Names and fits, which take a number of threads."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    y = (X.sum(axis=1) + 3 * rng.standard_normal(n) > 0).astype(int)
    start = perf_counter()
    trained(X, y, 30, 1)
    num_steps = 1 + int(SECONDS * 30 / (perf_counter() - start))
    yield f"train {n}x{d}", partial(trained, X, y, num_steps)
    yield f"fit {n}x{d}", partial(fitted, X, y)


def one_by_one(fit, fits, n_threads):
    """Fit so many times, one after the other."""
    for _ in range(fits):
        fit(n_threads)


def in_threads(fit, fits, n_threads):
    """Fit so many times, each in a Python thread of its own."""
    with ThreadPoolExecutor(fits) as pool:
        list(pool.map(fit, [n_threads] * fits))


def in_joblib(backend, fit, fits, n_threads):
    """Fit so many times in joblib's workers, one for each core."""
    joblib.Parallel(-1, backend)(joblib.delayed(fit)(n_threads) for _ in range(fits))


# What is timed, and what it is compared with: one after the other on one thread.
WAYS = {
    "1 thread": partial(one_by_one, n_threads=1),
    "a thread a core": partial(one_by_one, n_threads=None),
    f"{MANY} threads": partial(one_by_one, n_threads=MANY),
    "at once, 1": partial(in_threads, n_threads=1),
    "at once, 2": partial(in_threads, n_threads=2),
    "at once, None": partial(in_threads, n_threads=None),
    "joblib threading, None": partial(in_joblib, "threading", n_threads=None),
    "joblib loky, 1": partial(in_joblib, "loky", n_threads=1),
    "joblib loky, None": partial(in_joblib, "loky", n_threads=None),
}


def measure(fit, fits, rounds):
    """Seconds of each way, medians over rounds."""
    found = {name: [] for name in WAYS}
    for way in WAYS.values():
        way(fit, 1)  # starts joblib's workers, loads what is loaded on first use
    for _ in range(rounds):
        for name, way in WAYS.items():
            start = perf_counter()
            way(fit, fits)
            found[name].append(perf_counter() - start)
    return {name: median(seconds) for name, seconds in found.items()}


def main():
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--fits", type=int, default=8)
    options = parser.parse_args()
    found = {}
    for size in SIZES:
        for name, fit in kinds(*size):
            found[name] = measure(fit, options.fits, options.rounds)
            print(f"{name}: {options.fits} one by one take {found[name]['1 thread']:.3f} s")
    print(f"\n| {options.fits} fits take, of that | " + " | ".join(found) + " |")
    print("| --- " * (len(found) + 1) + "|")
    for way in [*WAYS][1:]:
        ratios = (f"{seconds[way] / seconds['1 thread']:.2f}" for seconds in found.values())
        print(f"| {way} | " + " | ".join(ratios) + " |")


if __name__ == "__main__":
    main()
