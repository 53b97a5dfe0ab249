"""The cost as a landscape over two of the weights."""

import numpy as np

from .training import Training

# The best bias is first sought where f is 1/2 at one of so many samples.
_CANDIDATES = 64
# So far beyond the last of them every f is within 5e-5 of 0 or 1: nothing changes any more.
_BEYOND = 10.0
# Halvings of the distance between two candidates; the cost there is off by its square.
_HALVINGS = 10


def cost_over(X, y, weights, pair, first, second, *, bias=None, sample_weight=None, alpha=0.0):
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
        None takes the best bias at each point.
    sample_weight, alpha
        As those of `Training`.

    Returns
    -------
    ndarray of shape (m, k), float64
        Row i, column j has the cost where the two weights are ``first[j]`` and ``second[i]``.
    """
    parameters = np.append(np.asarray(weights, dtype=np.float64), 0.0 if bias is None else bias)
    training = Training(
        X, y, parameters, eta=0.0, sample_weight=sample_weight, alpha=alpha, n_threads=1
    )
    some = X[:: -(-len(X) // _CANDIDATES)]
    costs = np.empty((len(second), len(first)))
    for i, j in np.ndindex(costs.shape):
        parameters[list(pair)] = first[j], second[i]
        if bias is None:
            costs[i, j] = _cost_at_best_bias(training, parameters, -(some @ parameters[:-1]))
        else:
            costs[i, j], _ = training.evaluate(parameters)
    return costs


def _cost_at_best_bias(training, parameters, candidates):
    """The lowest cost over the bias, not convex: the best candidate, then halvings beside it."""
    biases = np.sort([candidates.min() - _BEYOND, *candidates, candidates.max() + _BEYOND])
    costs = []
    for bias in biases:
        parameters[-1] = bias
        costs.append(training.evaluate(parameters)[0])
    best = int(np.argmin(costs))
    lowest, low, high = costs[best], biases[max(0, best - 1)], biases[best : best + 2][-1]
    for _ in range(_HALVINGS):
        parameters[-1] = (low + high) / 2
        cost, gradient = training.evaluate(parameters)
        lowest = min(lowest, cost)
        low, high = (low, parameters[-1]) if gradient[-1] > 0 else (parameters[-1], high)
    return lowest
