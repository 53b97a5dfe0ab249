"""The cost as a function of two of the weights, for pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .._losses import QUADRATIC
from .._typing import AnyArray, Float64Array, FloatArray
from .passes import make_pass
from .samples import lay_out
from .solvers import GradientDescent, State

# The search for the best bias begins with this many candidates, chosen from this many samples.
_CANDIDATES = 32
_SAMPLES = 4096
# This far beyond the outermost candidates, every f is within 5e-5 of 0 or 1, and the cost is flat.
_BEYOND = 10.0
# The search ends after this many bisections of the interval between two candidates.
_HALVINGS = 10

_DIVERGED = int(State.DIVERGED)  # to look it up each time would take a quarter of the time


def cost_over(
    X: FloatArray, y: AnyArray, weights: ArrayLike, pair: Sequence[int], first: Float64Array,
    second: Float64Array, *, bias: float | None = None, sample_weight: FloatArray | None = None,
    alpha: float = 0.0,
) -> Float64Array:  # fmt: skip
    """Return the cost on a grid over two of the weights, with the other weights held fixed.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    y : ndarray of shape (n,), 0 and 1
    weights : array-like of shape (d,)
        The values at which the other weights are held fixed.
    pair : (int, int)
        The indices of the two weights.
    first : ndarray of shape (k,)
        The values of the first weight of the pair.
    second : ndarray of shape (m,)
        The values of the second weight.
    bias : float, default None
        The bias at every point. With None, the best bias is searched for at each point. In trials
        with up to 4,096 samples, the cost found was less than 1 above that of a fine scan. For
        comparison, a single sample costs up to 1/2.
    sample_weight : ndarray of shape (n,), with the dtype of X, default None
    alpha : float, default 0.0

    Returns
    -------
    ndarray of shape (m, k), float64
        Row i, column j holds the cost for the weights ``first[j]`` and ``second[i]``. It is
        infinite where it overflows.
    """
    parameters = np.append(np.asarray(weights, dtype=np.float64), 0.0 if bias is None else bias)
    scorer = _scorer(X, y, sample_weight, alpha)
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
                costs[i, j] = _cost_at_best_bias(scorer, parameters, biases)
            else:
                costs[i, j], _ = _scored(scorer, parameters, bias)
    return costs


def cost_at(
    X: FloatArray, y: AnyArray, weights: ArrayLike, bias: float, *,
    sample_weight: FloatArray | None = None, alpha: float = 0.0,
) -> float:  # fmt: skip
    """Return the cost of one neuron.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    y : ndarray of shape (n,), 0 and 1
    weights : array-like of shape (d,)
    bias : float
    sample_weight : ndarray of shape (n,), with the dtype of X, default None
    alpha : float, default 0.0

    Returns
    -------
    float
    """
    parameters = np.append(np.asarray(weights, dtype=np.float64), bias)
    with np.errstate(over="ignore", invalid="ignore"):
        scorer = _scorer(X, y, sample_weight, alpha)
        cost, _ = _scored(scorer, parameters, bias)
    return cost


def _scorer(
    X: FloatArray, y: AnyArray, sample_weight: FloatArray | None, alpha: float
) -> GradientDescent:
    """Return a solver that only serves to score parameters."""
    problem = make_pass(lay_out(X, y, 2, sample_weight), [1], QUADRATIC, n_threads=1)
    return GradientDescent(
        problem, eta=0.0, alpha=alpha, intercept=True, limits=-1.0, means=0.0,
        single=X.dtype == np.float32,
    )  # fmt: skip


def _candidates(z: Float64Array, rise: FloatArray) -> Float64Array:
    """Return biases to begin the search with, in ascending order.

    Parameters
    ----------
    z : ndarray of shape (n,)
        w.x of each sample.
    rise : ndarray of shape (n,)
        Twice the change in the cost when f of the sample jumps from 0 to 1.

    Notes
    -----
    With the bias -z, f is 1/2 at that sample. The candidates are an even selection of these biases,
    one bias beyond each end, and the best bias for a neuron so steep that f jumps from 0 to 1.
    """
    order = np.argsort(-z)
    jumps = -z[order]
    jumps = np.concatenate([jumps[:1] - _BEYOND, jumps, jumps[-1:] + _BEYOND])
    lowest = int(np.argmin(np.append(0.0, np.cumsum(rise[order]))))
    between = (jumps[lowest] + jumps[lowest + 1]) / 2
    return np.sort([between, jumps[-1], *jumps[:: -(-len(z) // _CANDIDATES)]])


def _cost_at_best_bias(
    scorer: GradientDescent, parameters: Float64Array, biases: Float64Array
) -> float:
    """Return the lowest cost over the bias, at the best candidate or found by bisection next to it.

    The cost is not convex in the bias, so bisection alone could miss the minimum.
    """
    costs, slopes = np.transpose([_scored(scorer, parameters, bias) for bias in biases])
    best = int(np.argmin(costs))
    # The cost falls from the best candidate towards this neighbour, whose cost is higher. A minimum
    # therefore lies between the two.
    neighbour = best - 1 if slopes[best] > 0 else best + 1
    low, high = np.sort(biases[[best, min(max(0, neighbour), len(biases) - 1)]])
    lowest: float = costs[best]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        cost, slope = _scored(scorer, parameters, middle)
        lowest = min(lowest, cost)
        low, high = (low, middle) if slope > 0 else (middle, high)
    return lowest


def _scored(scorer: GradientDescent, parameters: Float64Array, bias: float) -> tuple[float, float]:
    """Return the cost with this bias, and its derivative with respect to the bias."""
    parameters[-1] = bias
    scorer.start(parameters[None])
    cost = np.inf if scorer.state[0] == _DIVERGED else float(scorer.last.cost[0])
    return cost, float(scorer.gradient[0, -1])
