"""The lecture's style: NumPy arrays, Python's built-in `sum`, a score after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._typing import Float64Array
from .._problem import Advance, Problem

NAME = "the lecture's style"


def prepare(problem: Problem, threads: int, add: Callable[[Any], Any] = sum) -> Advance:
    """Prepare the descent as a student would write it: any number of features, one thread."""
    X, y, eta = problem.X, problem.y, problem.eta
    features = range(X.shape[1])
    *weights, bias = problem.start
    percent = 100.0 / len(y)
    best, best_model = 0.0, None

    def output() -> Float64Array:
        z = bias
        for j in features:
            z = z + weights[j] * X[:, j]
        f: Float64Array = 1.0 / (1.0 + np.exp(-z))
        return f

    f = output()

    def advance(num_steps: int) -> Float64Array:
        nonlocal weights, bias, f, best, best_model
        for _ in range(num_steps):
            # A student writes out each derivative, and so computes the common factor every time.
            slopes = [add((f - y) * f * (1 - f) * X[:, j]) for j in features]
            slope_of_bias = add((f - y) * f * (1 - f))
            weights = [weights[j] - eta * slopes[j] for j in features]
            bias = bias - eta * slope_of_bias
            f = output()
            score = add(np.round(f) == y) * percent
            if score > best:
                best, best_model = score, (weights, bias)
        return np.array([*weights, bias])

    return advance
