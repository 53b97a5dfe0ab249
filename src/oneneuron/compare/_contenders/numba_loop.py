"""Numba: a plain loop with fastmath, and with Intel's vector exponential where possible.

Numba calls the library with this exponential, SVML, under two conditions: its LLVM was built for it
(PyPI's wheels up to 0.61), and libsvml is installed (`pip install icc_rt`). To time the loop
without it, set `NUMBA_DISABLE_INTEL_SVML=1`.
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

# pip puts these libraries where the loader does not look. Numba finds them once they are loaded.
for library in ("libintlc.so.5", "libsvml.so"):
    path = Path(sys.prefix, "lib", library)
    if path.exists():
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)

import numba  # noqa: E402

NAME = "Numba, SVML" if numba.config.USING_SVML else "Numba, no SVML"

# Without error_model, checks for division by zero would prevent the loop from being vectorised.
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
    """Sum the gradient as one would in C; X has shape (n, d)."""
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
    """Sum the gradient in blocks, with the exponential vectorised too; X has shape (d, n)."""
    d = len(X)
    z = np.empty(BLOCK)
    slopes_out[:] = 0.0
    for start in range(first, last, BLOCK):
        # The indices of these slices start at 0, which spares Numba the handling of negative ones.
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
    """Prepare the faster of the two loops, on one thread or on all of them."""
    numba.set_num_threads(threads)
    variants = product({1, threads}, (sample_by_sample, feature_by_feature))
    return fastest([partial(make, problem, *variant) for variant in variants])


def make(problem: Problem, threads: int = 1, loop: _Loop = feature_by_feature) -> Advance:
    """Compile the descent with one of the loops."""
    X = problem.X if loop is sample_by_sample else np.ascontiguousarray(problem.X.T)
    parameters = problem.start.copy()
    # The sums of two threads are at least a cache line apart and therefore never share one.
    slopes = np.zeros((threads, len(parameters) + 8))[:, : len(parameters)]
    make_steps = compile_steps(loop, threads > 1)

    def advance(num_steps: int) -> Float64Array:
        make_steps(X, problem.y, parameters, problem.eta, num_steps, slopes)
        return parameters.copy()

    advance(0)
    return advance


@cache
def compile_steps(loop: _Loop, parallel: bool) -> Any:
    """Return a function that makes steps with a loop; each thread handles a part of the samples."""

    @numba.njit(parallel=parallel, error_model="numpy", nogil=True)
    def make_steps(
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

    return make_steps
