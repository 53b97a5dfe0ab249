"""The results of training, and of a comparison of speeds."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._typing import Float64Array, FloatArray


class Model(NamedTuple):
    """A neuron at one step of its training: f(x) = sigma(weights . x + bias).

    It may also be a layer of K neurons with a softmax. Then there are K rows of weights.

    Attributes
    ----------
    weights : ndarray of shape (d,), or (K, d) for a layer, with the dtype of the samples
    bias : float, or ndarray of shape (K,) for a layer
    step : int
        The number of updates made so far; 0 is the start.
    accuracy : float
        The weighted share of the samples for which ``np.round(f) == y``, from 0 to 1. For a layer,
        it is that of the samples whose own class has the largest output.
    cost : float
        1/2 sum_i u_i (f(x_i) - y_i)^2 + alpha/2 |weights|^2, where u_i are the sample weights. For
        a layer, the squares are summed over its outputs.
    """

    weights: FloatArray
    bias: float | Float64Array
    step: int
    accuracy: float
    cost: float


class History(NamedTuple):
    """The recorded steps of a descent, including the start; k is their number.

    Attributes
    ----------
    step : ndarray of shape (k,), int
    weights : ndarray of shape (k, d), or (k, K, d) for a layer, with the dtype of the samples
    bias : ndarray of shape (k,), or (k, K) for a layer, float64
    cost : ndarray of shape (k,), float64
    accuracy : ndarray of shape (k,), float64
    """

    step: NDArray[np.intp]
    weights: FloatArray
    bias: Float64Array
    cost: Float64Array
    accuracy: Float64Array


def as_history(models: Sequence[Model], num_features: int, dtype: np.dtype[Any]) -> History:
    """Return the `History` of models with `num_features` weights of this dtype."""
    weights = np.array([m.weights for m in models], dtype=dtype)
    return History(
        step=np.array([m.step for m in models], dtype=np.intp),
        weights=weights if models else weights.reshape(0, num_features),
        bias=np.array([m.bias for m in models], dtype=np.float64),
        cost=np.array([m.cost for m in models], dtype=np.float64),
        accuracy=np.array([m.accuracy for m in models], dtype=np.float64),
    )


def as_models(history: History) -> list[Model]:
    """Return the models of a `History`: the inverse of `as_history`."""
    return [
        Model(weights, bias if np.ndim(bias) else float(bias), int(step), float(accuracy),
              float(cost))
        for step, weights, bias, cost, accuracy in zip(*history, strict=True)
    ]  # fmt: skip


class Descent(NamedTuple):
    """A finished gradient descent.

    Attributes
    ----------
    last : Model
        The model after the last step.
    best : Model
        The first model with the highest accuracy.
    lowest : Model
        The model with the lowest cost. For both `best` and `lowest`, the start counts only if no
        step was made.
    history : History
        The steps recorded as ``record_every`` requests; empty by default.
    num_steps : int
        The number of steps made.
    eta : float
        The step size used.
    stop_reason : str
        ``"num_steps"``, or ``"diverged"`` if the next parameters were not finite.
    """

    last: Model
    best: Model
    lowest: Model
    history: History
    num_steps: int
    eta: float
    stop_reason: Literal["num_steps", "diverged"]


class Timing(NamedTuple):
    """The time that one rung of the comparison takes for the descent.

    Attributes
    ----------
    name : str
        The rung: an implementation of the descent, with its instruction set or number of cores.
    num_steps : int
        The number of steps to which `seconds` refers.
    seconds : float
        The time for all steps, extrapolated from the fastest stretch.
    nanoseconds : float
        The time per sample and step.
    than_before : float or None
        How many times as fast as the previous rung; None for the first.
    than_lecture : float
        How many times as fast as the lecture's code.
    timed_steps : int
        The number of steps that were actually timed: fewer than `num_steps` if all of them would
        take too long.
    first_step_seconds : float or None
        The time of the first step, including layout and compilation, if the rung needs a library.
    """

    name: str
    num_steps: int
    seconds: float
    nanoseconds: float
    than_before: float | None
    than_lecture: float
    timed_steps: int
    first_step_seconds: float | None


# A pickle stores the name of a class's module. Store the public one: the private one may change.
Model.__module__ = History.__module__ = Descent.__module__ = "oneneuron"
Timing.__module__ = "oneneuron.compare"
