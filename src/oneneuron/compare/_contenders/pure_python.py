"""Lists, floats and `math.exp`: the algorithm with nothing compiled."""

from __future__ import annotations

from math import exp

import numpy as np

from ..._typing import Float64Array
from .._problem import Advance, Problem

NAME = "pure Python"


def prepare(problem: Problem, threads: int) -> Advance:
    """Prepare the descent on lists, on one thread: a second one would wait for the GIL."""
    rows, labels = problem.X.tolist(), problem.y.tolist()
    *weights, bias = problem.start.tolist()
    eta = problem.eta

    def advance(num_steps: int) -> Float64Array:
        nonlocal weights, bias
        for _ in range(num_steps):
            slopes, slope_of_bias = [0.0] * len(weights), 0.0
            for x, y in zip(rows, labels, strict=True):
                z = bias
                for w, value in zip(weights, x, strict=True):
                    z += w * value
                f = 1.0 / (1.0 + exp(-z))
                g = (f - y) * f * (1.0 - f)
                slopes = [s + g * value for s, value in zip(slopes, x, strict=True)]
                slope_of_bias += g
            weights = [w - eta * s for w, s in zip(weights, slopes, strict=True)]
            bias -= eta * slope_of_bias
        return np.array([*weights, bias])

    return advance
