"""The cost as a landscape over two of the weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ._typing import AnyArray, Float64Array, FloatArray
from .training import Training

# The best bias is first sought at so many places, chosen by so many samples.
_CANDIDATES = 32
_SAMPLES = 4096
# So far beyond the last of them every f is within 5e-5 of 0 or 1: nothing changes any more.
_BEYOND = 10.0
# Halvings of the distance between two candidates; the cost there is off by its square.
_HALVINGS = 10


def cost_over(
    X: FloatArray, y: AnyArray, weights: ArrayLike, pair: Sequence[int], first: Float64Array,
    second: Float64Array, *, bias: float | None = None, sample_weight: FloatArray | None = None,
    alpha: float = 0.0,
) -> Float64Array:  # fmt: skip
    """The cost over two of the weights, the others held; callers have checked the arguments.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    y : ndarray of shape (n,), 0 and 1
    weights : array-like of shape (d,)
        What the other weights are held at.
    pair : (int, int)
        Which two weights.
    first, second : ndarrays of shape (k,) and (m,)
        Their values.
    bias : float, default None
        None takes the best bias at each point: the best found. In trials with up to 4096 samples
        the cost was less than 1 above that of a scan, where two samples alone may cost 1.
    sample_weight, alpha
        As those of `Training`.

    Returns
    -------
    ndarray of shape (m, k), float64
        Row i, column j has the cost where the two weights are ``first[j]`` and ``second[i]``;
        infinite where it is beyond the finite numbers.
    """
    parameters = np.append(np.asarray(weights, dtype=np.float64), 0.0 if bias is None else bias)
    training = _training(X, y, parameters, sample_weight, alpha)
    some = slice(None, None, -(-len(X) // _SAMPLES))
    samples = X[some].astype(np.float64)
    rise = np.ones(len(X)) if sample_weight is None else sample_weight
    rise = np.where(y == 1, -rise, rise)[some]
    costs = np.empty((len(second), len(first)))
    with np.errstate(over="ignore", invalid="ignore"):
        for i, j in np.ndindex(costs.shape):
            parameters[list(pair)] = first[j], second[i]
            if bias is None:
                biases = _candidates(samples @ parameters[:-1], rise)
                costs[i, j] = _cost_at_best_bias(training, parameters, biases)
            else:
                costs[i, j], _ = _scored(training, parameters, bias)
    return costs


def cost_at(
    X: FloatArray, y: AnyArray, weights: ArrayLike, bias: float, *,
    sample_weight: FloatArray | None = None, alpha: float = 0.0,
) -> float:  # fmt: skip
    """The cost of one neuron; the arguments are as those of `cost_over`."""
    parameters = np.append(np.asarray(weights, dtype=np.float64), bias)
    with np.errstate(over="ignore", invalid="ignore"):
        training = _training(X, y, parameters, sample_weight, alpha)
        cost, _ = _scored(training, parameters, bias)
    return cost


def _training(
    X: FloatArray, y: AnyArray, parameters: Float64Array, sample_weight: FloatArray | None,
    alpha: float,
) -> Training:  # fmt: skip
    """What knows the cost; it makes no step."""
    return Training(
        X, y, parameters, eta=0.0, sample_weight=sample_weight, alpha=alpha, n_threads=1
    )


def _candidates(z: Float64Array, rise: FloatArray) -> Float64Array:
    """Biases among which the best is sought, ascending.

    A bias of -z makes f = 1/2 at that sample: to every so many of them, and to both ends, comes the
    best bias of a neuron so steep that f jumps there from 0 to 1, and the cost by half of `rise`.
    """
    order = np.argsort(-z)
    jumps = -z[order]
    jumps = np.concatenate([jumps[:1] - _BEYOND, jumps, jumps[-1:] + _BEYOND])
    lowest = int(np.argmin(np.append(0.0, np.cumsum(rise[order]))))
    between = (jumps[lowest] + jumps[lowest + 1]) / 2
    return np.sort([between, jumps[-1], *jumps[:: -(-len(z) // _CANDIDATES)]])


def _cost_at_best_bias(training: Training, parameters: Float64Array, biases: Float64Array) -> float:
    """The lowest cost over the bias, not convex: the best candidate, then halvings beside it."""
    costs, slopes = np.transpose([_scored(training, parameters, bias) for bias in biases])
    best = int(np.argmin(costs))
    # Downhill from the best, and it is higher at the next: the lowest cost lies between.
    beside = best - 1 if slopes[best] > 0 else best + 1
    low, high = np.sort(biases[[best, min(max(0, beside), len(biases) - 1)]])
    lowest: float = costs[best]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        cost, slope = _scored(training, parameters, middle)
        lowest = min(lowest, cost)
        low, high = (low, middle) if slope > 0 else (middle, high)
    return lowest


def _scored(training: Training, parameters: Float64Array, bias: float) -> tuple[float, float]:
    """The cost with this bias, and its slope along the bias."""
    parameters[-1] = bias
    cost, gradient = training.evaluate(parameters)
    return np.inf if training.diverged else cost, gradient[-1]
