"""The algorithm in plain NumPy: code to read, and the reference for the tests of the kernel.

A neuron computes f(x) = sigma(w.x + b). Gradient descent minimises its cost, which is the sum of a
loss over all samples. The "quadratic" loss of the lecture is 1/2 (f - y)^2. The "log" loss of
logistic regression is -log f for y = 1 and -log(1 - f) for y = 0.

For several classes there is a layer: one neuron for each class, with a softmax of all outputs. Its
functions begin with ``layer_``.

Samples X have shape (n, d), labels y (0 or 1) have shape (n,), and weights have shape (d,). For a
layer of K neurons, labels are 0, ..., K - 1, weights have shape (K, d), and there are K biases.
Everything is computed in float64.
"""

from __future__ import annotations

import numpy as np

from ._losses import LossName
from ._typing import AnyArray, Float64Array


def sigma(z: Float64Array) -> Float64Array:
    """Return the sigmoid 1 / (1 + e^-z), in a form that does not overflow for any z.

    Parameters
    ----------
    z : ndarray
        The values of w.x + b.

    Returns
    -------
    ndarray of the same shape
        The outputs f, from 0 to 1.
    """
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def error(z: Float64Array, y: AnyArray) -> Float64Array:
    """Return f - y, with f = sigma(z).

    For y = 1, -sigma(-z) is computed, since sigma(z) - 1 would lose digits where z is large.

    Parameters
    ----------
    z : ndarray of shape (n,)
        The values of w.x + b.
    y : ndarray of shape (n,), 0 or 1
        The labels.

    Returns
    -------
    ndarray of shape (n,)
        The errors f - y, from -1 to 1.
    """
    return np.where(y == 1, -sigma(-z), sigma(z))


def cost(
    X: Float64Array, y: AnyArray, weights: Float64Array, bias: float, loss: LossName = "quadratic"
) -> float:
    """Return the cost of a neuron: the sum of the losses of all samples.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The samples.
    y : ndarray of shape (n,), 0 or 1
        The labels.
    weights : ndarray of shape (d,)
        The weights.
    bias : float
        The bias.
    loss : {"quadratic", "log"}, default "quadratic"
        The loss of a sample.

    Returns
    -------
    float
        The cost.

    Raises
    ------
    ValueError
        If the loss is unknown.
    """
    _check(loss)
    z = X @ weights + bias
    if loss == "quadratic":
        costs = 0.5 * error(z, y) ** 2
    else:
        # -log f is log(1 + e^-z), and -log(1 - f) is log(1 + e^z). logaddexp neither overflows
        # nor loses the digits of a small cost.
        costs = np.logaddexp(0.0, np.where(y == 1, -z, z))
    total: np.float64 = np.sum(costs)
    return total


def accuracy(X: Float64Array, y: AnyArray, weights: Float64Array, bias: float) -> float:
    """Return the share of samples, from 0 to 1, for which f rounds to y.

    As in the lecture, f = 1/2 counts as class 0, since np.round(0.5) is 0.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The samples.
    y : ndarray of shape (n,), 0 or 1
        The labels.
    weights : ndarray of shape (d,)
        The weights.
    bias : float
        The bias.

    Returns
    -------
    float
        The accuracy.
    """
    share: np.float64 = np.mean(np.round(sigma(X @ weights + bias)) == y)
    return share


def gradient(
    X: Float64Array, y: AnyArray, weights: Float64Array, bias: float, loss: LossName = "quadratic"
) -> tuple[Float64Array, float]:
    """Return the gradient of the cost: dC/dw and dC/db.

    dC/dw is the sum of dC/dz times x over all samples, and dC/db is the sum of dC/dz. For the
    quadratic loss, dC/dz is (f - y) f (1 - f). For the log loss it is just f - y, since the
    derivative of the logarithm cancels the factor f (1 - f).

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The samples.
    y : ndarray of shape (n,), 0 or 1
        The labels.
    weights : ndarray of shape (d,)
        The weights.
    bias : float
        The bias.
    loss : {"quadratic", "log"}, default "quadratic"
        The loss of a sample.

    Returns
    -------
    dC_dw : ndarray of shape (d,)
        The derivatives with respect to the weights.
    dC_db : float
        The derivative with respect to the bias.

    Raises
    ------
    ValueError
        If the loss is unknown.
    """
    _check(loss)
    z = X @ weights + bias
    if loss == "quadratic":
        dC_dz = error(z, y) * sigma(z) * sigma(-z)  # sigma(-z) is 1 - f
    else:
        dC_dz = error(z, y)
    return dC_dz @ X, np.sum(dC_dz)


def gradient_descent(
    X: Float64Array, y: AnyArray, weights: Float64Array, bias: float, eta: float, num_steps: int,
    loss: LossName = "quadratic",
) -> list[tuple[Float64Array, float]]:  # fmt: skip
    """Return the parameters at the start and after each step of a gradient descent.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The samples.
    y : ndarray of shape (n,), 0 or 1
        The labels.
    weights : ndarray of shape (d,)
        The weights at the start.
    bias : float
        The bias at the start.
    eta : float
        The step size.
    num_steps : int
        The number of steps.
    loss : {"quadratic", "log"}, default "quadratic"
        The loss of a sample.

    Returns
    -------
    list of num_steps + 1 pairs (weights, bias)
        The parameters, those of the start first.

    Raises
    ------
    ValueError
        If the loss is unknown.
    """
    _check(loss)
    parameters = [(weights, bias)]
    for _ in range(num_steps):
        dC_dw, dC_db = gradient(X, y, weights, bias, loss)
        weights, bias = weights - eta * dC_dw, bias - eta * dC_db
        parameters.append((weights, bias))
    return parameters


def softmax(z: Float64Array) -> Float64Array:
    """Return p with p_k = e^z_k / sum_j e^z_j in each row, in a form that does not overflow.

    Parameters
    ----------
    z : ndarray of shape (n, K)
        The values of w.x + b of K neurons.

    Returns
    -------
    ndarray of shape (n, K)
        The probabilities, which add up to 1 in each row.
    """
    e = np.exp(z - z.max(axis=1, keepdims=True))  # a common factor of all e^z cancels
    p: Float64Array = e / e.sum(axis=1, keepdims=True)
    return p


def layer_cost(
    X: Float64Array, y: AnyArray, weights: Float64Array, biases: Float64Array,
    loss: LossName = "quadratic",
) -> float:  # fmt: skip
    """Return the cost of a layer: the sum of the losses of all samples.

    With y_k = 1 for a sample's own class and 0 for the others, the quadratic loss is
    1/2 sum_k (p_k - y_k)^2, and the log loss is -log p_k of its own class.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The samples.
    y : ndarray of shape (n,), 0, ..., K - 1
        The labels.
    weights : ndarray of shape (K, d)
        The weights, a row for each neuron.
    biases : ndarray of shape (K,)
        The biases.
    loss : {"quadratic", "log"}, default "quadratic"
        The loss of a sample.

    Returns
    -------
    float
        The cost.

    Raises
    ------
    ValueError
        If the loss is unknown.
    """
    _check(loss)
    z = X @ weights.T + biases
    if loss == "quadratic":
        costs = 0.5 * np.sum((softmax(z) - _one_hot(y, z)) ** 2, axis=1)
    else:
        # -log p_k is log(sum_j e^z_j) - z_k.
        costs = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), y]
    total: np.float64 = np.sum(costs)
    return total


def layer_gradient(
    X: Float64Array, y: AnyArray, weights: Float64Array, biases: Float64Array,
    loss: LossName = "quadratic",
) -> tuple[Float64Array, Float64Array]:  # fmt: skip
    """Return the gradient of the cost of a layer.

    With r = p - y, dC/dz_k is p_k (r_k - sum_j p_j r_j) for the quadratic loss, since
    dp_j/dz_k = p_j (1 - p_k) for j = k, and -p_j p_k otherwise. For the log loss it is just r_k.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The samples.
    y : ndarray of shape (n,), 0, ..., K - 1
        The labels.
    weights : ndarray of shape (K, d)
        The weights, a row for each neuron.
    biases : ndarray of shape (K,)
        The biases.
    loss : {"quadratic", "log"}, default "quadratic"
        The loss of a sample.

    Returns
    -------
    dC_dw : ndarray of shape (K, d)
        The derivatives with respect to the weights.
    dC_db : ndarray of shape (K,)
        The derivatives with respect to the biases.

    Raises
    ------
    ValueError
        If the loss is unknown.
    """
    _check(loss)
    z = X @ weights.T + biases
    p = softmax(z)
    r = p - _one_hot(y, z)
    dC_dz = p * (r - np.sum(p * r, axis=1, keepdims=True)) if loss == "quadratic" else r
    return dC_dz.T @ X, np.sum(dC_dz, axis=0)


def _one_hot(y: AnyArray, z: Float64Array) -> Float64Array:
    """Return an array in the shape of z that is 1 in the column of each label, and 0 elsewhere."""
    rows = np.zeros_like(z)
    rows[np.arange(len(z)), y] = 1.0
    return rows


def _check(loss: object) -> None:
    if loss not in ("quadratic", "log"):
        raise ValueError(f"loss must be 'quadratic' or 'log', found {loss!r}.")
