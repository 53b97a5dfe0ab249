"""The lecture's neuron: a dictionary of w1, w2, ... and b, trained by the kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from .._typing import Float64Array
from ..descent import begin
from ..diagnostics import warn_of_divergence


def sigma(x: ArrayLike, model: dict[str, float]) -> Float64Array:
    """The neuron's output f = sigma(w.x + b), the probability of class 1.

    Parameters
    ----------
    x : array-like of shape (n, d)
    model : dict with the keys 'w1' ... 'wd' and 'b'

    Returns
    -------
    ndarray of shape (n,), float64

    Raises
    ------
    ValueError, TypeError
        If x is not two-dimensional and finite, the model does not fit it, or w.x + b is not finite.
    """
    from scipy.special import expit

    x = checks.as_samples(x, "x")
    weights, bias = _parameters(model, x.shape[1])
    f: Float64Array = expit(checks.finite_margins(x, weights, bias, "x"))
    return f


def predict(x: ArrayLike, model: dict[str, float]) -> Float64Array:
    """The same as `sigma`, under the name that the lecture calls on new data.

    Raises
    ------
    ValueError, TypeError
        As `sigma`.
    """
    return sigma(x, model)


def build_model(
    x: ArrayLike, y: ArrayLike, eta: float, num_steps: int = 10000, print_best: bool = True,
    n_threads: int | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train on the samples x and return the first model of the highest score.

    Starts from draws of ``numpy.random.random()`` in the order w1 ... wd, b.

    Parameters
    ----------
    x : array-like of shape (n, d)
    y : array-like of shape (n,), 0 and 1
    eta : float
        Step size of the descent on the summed quadratic cost.
    num_steps : int, default 10000
    print_best : bool, default True
        Print the best score at every 1000th step and at the end.
    n_threads : int, default None
        The most threads to use; by default as many as the work is worth.

    Returns
    -------
    dict of float with the keys 'w1' ... 'wd' and 'b'

    Raises
    ------
    ValueError, TypeError
        For input that can't be trained on, before anything is drawn or printed.

    Warns
    -----
    RuntimeWarning
        If the descent diverges; it stops there.
    """
    num_steps = checks.as_count(num_steps, "num_steps")
    training = begin(x, y, eta=checks.as_eta(eta), n_threads=n_threads, x_name="x")
    # A step is printed after its update, so the chunks end at updates 1, 1001, 2001, ...
    for step in range(0, num_steps, 1000):
        if not training.advance(step + 1 - training.step):
            break
        if print_best:
            print(f"Best by step {step}: {100 * training.best_accuracy:.1f} %")
    training.advance(num_steps - training.step)
    if training.diverged:
        warn_of_divergence(training.step, training.eta)
    if print_best:
        print(f"Our best model gets {100 * training.best_accuracy:.1f} percent correct!")
    best = training.model("best")
    return {
        **dict(zip(_weight_names(len(best.weights)), best.weights.tolist(), strict=True)),
        "b": best.bias,
    }


def _weight_names(num_features: int) -> list[str]:
    return [f"w{j}" for j in range(1, num_features + 1)]


def _parameters(model: dict[str, float], num_features: int) -> tuple[Float64Array, float]:
    """Weights (d,) and bias of a lecture model that fits d features."""
    if not isinstance(model, dict):
        raise TypeError(f"model must be a dict, as build_model returns it, found {model!r}.")
    expected = [*_weight_names(num_features), "b"]
    if set(model) != set(expected):
        raise ValueError(
            f"model must have the keys {', '.join(expected)} for x with {num_features} features, "
            f"found {', '.join(map(str, model))}."
        )
    *weights, bias = (checks.as_number(model[key], f"model[{key!r}]") for key in expected)
    return np.array(weights), bias
