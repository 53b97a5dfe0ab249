"""The lecture's ``first_network.py``: a neuron as a dictionary of w1, w2, ... and b."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from .. import _checks
from .._diagnostics import OF_BUILD_MODEL, infinite_margins
from .._engine.predictions import InfiniteMarginError, probabilities
from .._results import Descent, Model
from .._train import start_training
from .._typing import Float64Array

# The lecture prints the best score after the first step, and then after every 1000 steps.
_PRINT_EVERY = 1000


def sigma(x: ArrayLike, model: dict[str, float] | Model) -> Float64Array:
    """Return the output of the neuron, f = sigma(w.x + b): the probability of class 1.

    Parameters
    ----------
    x : array-like of shape (n, d)
        The samples.
    model : dict of float, with the keys 'w1' to 'wd' and 'b', or Model
        What `build_model` returned, or one of the models of a `oneneuron.Descent`.

    Returns
    -------
    ndarray of shape (n,), float64
        The output f of each sample, from 0 to 1.

    Raises
    ------
    ValueError, TypeError
        If x is not a table of finite numbers, if the model does not fit it, or if w.x + b is not
        finite.
    """
    if isinstance(x, (dict, Model)):
        raise TypeError("x must be the samples, found a model: the model comes after them.")
    x = _checks.as_samples(x, "x")
    weights, bias = _parameters(model, *x.shape)
    try:
        both = probabilities(x, weights[None], np.array([bias]))
    except InfiniteMarginError as error:
        raise infinite_margins("x") from error
    f: Float64Array = both[:, 1].astype(np.float64)
    return f


def predict(x: ArrayLike, model: dict[str, float] | Model) -> Float64Array:
    """Return the output of the neuron for new data, as `sigma` does.

    Parameters
    ----------
    x : array-like of shape (n, d)
        The samples.
    model : dict of float, with the keys 'w1' to 'wd' and 'b', or Model
        What `build_model` returned, or one of the models of a `oneneuron.Descent`.

    Returns
    -------
    ndarray of shape (n,), float64
        The output f of each sample, from 0 to 1.

    Raises
    ------
    ValueError, TypeError
        For the same reasons as `sigma`.
    """
    return sigma(x, model)


def build_model(
    x: ArrayLike, y: ArrayLike, eta: float | Literal["auto"], num_steps: int = 10000,
    print_best: bool = True, n_threads: int | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train a neuron by gradient descent, and return its first model with the highest score.

    The starting parameters are drawn by ``numpy.random.random()``, in the order w1 to wd, then b.

    Parameters
    ----------
    x : array-like of shape (n, d)
        The samples.
    y : array-like of shape (n,)
        The labels, 0 and 1.
    eta : float or "auto"
        The step size. "auto" means `oneneuron.safe_eta`, with which no step raises the cost: start
        with it. If the cost falls too slowly, take a larger eta, as long as the cost keeps falling.
        A safe eta is smaller for more samples, since the cost is a sum over all of them.
    num_steps : int, default 10000
        The number of steps.
    print_best : bool, default True
        Whether to print the best score so far every 1000 steps, and at the end.
    n_threads : int, default None
        The largest number of threads to use. By default, as many as speed up the work.

    Returns
    -------
    dict of float
        The weights, with the keys 'w1' to 'wd', and the bias, with the key 'b'.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, in which case nothing is drawn or printed, or if w.x + b is not
        finite at the start.

    Warns
    -----
    UserWarning
        If all samples are of one class.
    RuntimeWarning
        If the descent failed, with the reason and a remedy, as in `oneneuron.train`.
    """
    num_steps = _checks.as_count(num_steps, "num_steps")
    training = start_training(x, y, eta=eta, n_threads=n_threads, x_name="x")
    # The lecture counts steps from 0 and prints after the update. Its step 0 is update 1 here.
    for updates in training.walk(num_steps, [_PRINT_EVERY], offset=1):
        if print_best and updates % _PRINT_EVERY == 1:
            print(f"Best by step {updates - 1}: {100 * training.best_accuracy:.1f} %")
    training.diagnose(OF_BUILD_MODEL)
    if print_best:
        print(f"Our best model gets {100 * training.best_accuracy:.1f} percent correct!")
    return _as_dict(training.model("best"))


def _as_dict(model: Model) -> dict[str, float]:
    names = [*_weight_names(len(model.weights)), "b"]
    return dict(zip(names, [*model.weights.tolist(), float(model.bias)], strict=True))


def _weight_names(num_features: int) -> list[str]:
    return [f"w{j}" for j in range(1, num_features + 1)]


def _parameters(
    model: dict[str, float] | Model, num_samples: int, num_features: int
) -> tuple[Float64Array, float]:
    """Return the weights, of shape (d,), and the bias of a model for n samples of d features."""
    if isinstance(model, Descent):
        raise TypeError(
            "model must be a single model, found a Descent: pass its best, or its last."
        )
    if isinstance(model, Model) and np.ndim(model.bias) == 0:
        model = _as_dict(model)
    if not isinstance(model, dict):
        raise TypeError(f"model must be a dict such as build_model returns, found {model!r}.")
    names = [*_weight_names(num_features), "b"]
    if set(model) != set(names):
        is_transposed = set(model) == {*_weight_names(num_samples), "b"}
        raise ValueError(
            f"model must have the keys {_listed(names)} for x with {num_features} features, found "
            f"{_listed([*map(str, model)])}{': transpose x' if is_transposed else ''}."
        )
    *weights, bias = (_checks.as_number(model[name], f"model[{name!r}]") for name in names)
    return np.array(weights), bias


def _listed(names: list[str]) -> str:
    """Return names as a text, without those in the middle if there are many."""
    return ", ".join(names if len(names) < 6 else [*names[:2], "...", *names[-2:]])
