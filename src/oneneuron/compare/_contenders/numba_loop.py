"""Numba: the sums as a plain loop, fastmath, with Intel's vector exponential where it is found.

Numba calls that library, SVML, where its LLVM was built for it (PyPI's wheels up to 0.61) and
libsvml is there (`pip install icc_rt`). `NUMBA_DISABLE_INTEL_SVML=1` times the loop without.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import product
from math import exp
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..._typing import Float64Array
from .._problem import Advance, Problem
from .._tuning import fastest

# pip puts the libraries where the loader doesn't look; what is loaded by now, Numba finds.
for library in ("libintlc.so.5", "libsvml.so"):
    path = Path(sys.prefix, "lib", library)
    if path.exists():
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)

import numba  # noqa: E402

NAME = "Numba, SVML" if numba.config.USING_SVML else "Numba, no SVML"

# The check for a division by zero would be a branch, and keep the loop from becoming vector code.
compiled = numba.njit(fastmath=True, error_model="numpy", nogil=True)
BLOCK = 1024

_Loop: TypeAlias = Callable[
    [Float64Array, Float64Array, Float64Array, int, int, Float64Array], None
]


@compiled
def sample_by_sample(
    X: Float64Array, y: Float64Array, parameters: Float64Array, first: int, last: int,
    slopes_out: Float64Array,
) -> None:  # fmt: skip
    """The loop as one would write it in C, X as (n, d)."""
    d = X.shape[1]
    slopes_out[:] = 0.0
    for i in range(first, last):
        z = parameters[d]
        for j in range(d):
            z += parameters[j] * X[i, j]
        f = 1 / (1 + exp(-z))
        g = (f - y[i]) * f * (1 - f)
        for j in range(d):
            slopes_out[j] += g * X[i, j]
        slopes_out[d] += g


@compiled
def feature_by_feature(
    X: Float64Array, y: Float64Array, parameters: Float64Array, first: int, last: int,
    slopes_out: Float64Array,
) -> None:  # fmt: skip
    """The loop over blocks of samples, X as (d, n), so that the exponential is vector code too."""
    d = len(X)
    z = np.empty(BLOCK)
    slopes_out[:] = 0.0
    for start in range(first, last, BLOCK):
        # Slices: their indices can't be negative, which Numba would have to look after.
        x = X[:, start : min(start + BLOCK, last)]
        labels = y[start : min(start + BLOCK, last)]
        size = len(labels)
        z[:] = parameters[d]
        for j in range(d):
            w = parameters[j]
            for i in range(size):
                z[i] += w * x[j, i]
        total = 0.0
        for i in range(size):
            f = 1 / (1 + exp(-z[i]))
            z[i] = (f - labels[i]) * f * (1 - f)
            total += z[i]
        slopes_out[d] += total
        for j in range(d):
            total = 0.0
            for i in range(size):
                total += z[i] * x[j, i]
            slopes_out[j] += total


def prepare(problem: Problem, threads: int) -> Advance:
    """The fastest of both loops, on one thread and on all."""
    numba.set_num_threads(threads)
    forms = product({1, threads}, (sample_by_sample, feature_by_feature))
    return fastest([partial(make, problem, *form) for form in forms])


def make(problem: Problem, threads: int = 1, loop: _Loop = feature_by_feature) -> Advance:
    """The descent with one of the loops, compiled."""
    X = problem.X if loop is sample_by_sample else np.ascontiguousarray(problem.X.T)
    parameters = problem.start.copy()
    # A cache line or more between the sums of two threads.
    slopes = np.zeros((threads, len(parameters) + 8))[:, : len(parameters)]
    descend = descent(loop, threads > 1)

    def advance(num_steps: int) -> Float64Array:
        descend(X, problem.y, parameters, problem.eta, num_steps, slopes)
        return parameters.copy()

    advance(0)
    return advance


@cache
def descent(loop: _Loop, parallel: bool) -> Any:
    """The steps around a loop; each thread has its share of the samples."""

    @numba.njit(parallel=parallel, error_model="numpy", nogil=True)
    def descend(
        X: Float64Array, y: Float64Array, parameters: Float64Array, eta: float, num_steps: int,
        slopes: Float64Array,
    ) -> None:  # fmt: skip
        n, parts = len(y), len(slopes)
        for _ in range(num_steps):
            for part in numba.prange(parts):
                first, last = n * part // parts, n * (part + 1) // parts
                loop(X, y, parameters, first, last, slopes[part])
            for part in range(parts):
                for j in range(len(parameters)):
                    parameters[j] -= eta * slopes[part, j]

    return descend
