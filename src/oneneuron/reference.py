"""The algorithm of the package in plain NumPy, to read and to check the kernel against."""

from __future__ import annotations

import numpy as np

from ._typing import AnyArray, Float64Array, Loss


def sigma(z: Float64Array) -> Float64Array:
    """The sigmoid 1 / (1 + e^-z), written so that no z overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def error(z: Float64Array, y: AnyArray) -> Float64Array:
    """f - y; for y = 1 as -sigma(-z), as sigma(z) - 1 would lose the digits of a large z."""
    return np.where(y == 1, -sigma(-z), sigma(z))


def cost(
    X: Float64Array, y: AnyArray, weights: Float64Array, bias: float, loss: Loss = "quadratic"
) -> float:
    """C = 1/2 sum_i (f_i - y_i)^2 with f = sigma(X w + b), or the "log" loss.

    This is -sum_i log f_i where y_i = 1 and -sum_i log(1 - f_i) where y_i = 0, so log(1 + e^-z)
    and log(1 + e^z): as written below neither overflows, nor loses the digits of a small one.
    """
    z = X @ weights + bias
    if loss == "log":
        costs = np.logaddexp(0.0, np.where(y == 1, -z, z))
    elif loss == "quadratic":
        costs = 0.5 * error(z, y) ** 2
    total: np.float64 = np.sum(costs)
    return total


def accuracy(X: Float64Array, y: AnyArray, weights: Float64Array, bias: float) -> float:
    """Share of samples whose f, rounded, is y; np.round makes 1/2 class 0."""
    share: np.float64 = np.mean(np.round(sigma(X @ weights + bias)) == y)
    return share


def gradient(
    X: Float64Array, y: AnyArray, weights: Float64Array, bias: float, loss: Loss = "quadratic"
) -> tuple[Float64Array, float]:
    """dC/dw and dC/db: sums of (f - y) f (1 - f) times x, and times 1; 1 - f is sigma(-z).

    Of the log loss it is f - y alone: its own slope divides by f (1 - f).
    """
    z = X @ weights + bias
    if loss == "log":
        slope = error(z, y)
    elif loss == "quadratic":
        slope = error(z, y) * sigma(z) * sigma(-z)
    return slope @ X, np.sum(slope)


def descend(
    X: Float64Array, y: AnyArray, weights: Float64Array, bias: float, eta: float, num_steps: int,
    loss: Loss = "quadratic",
) -> list[tuple[Float64Array, float]]:  # fmt: skip
    """Every (weights, bias) of the descent, the start first."""
    models = [(weights, bias)]
    for _ in range(num_steps):
        dC_dw, dC_db = gradient(X, y, weights, bias, loss)
        weights, bias = weights - eta * dC_dw, bias - eta * dC_db
        models.append((weights, bias))
    return models
