"""What a training gives."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._typing import Float64Array, FloatArray


class Model(NamedTuple):
    """The neuron after one step: f(x) = sigma(weights . x + bias).

    Attributes
    ----------
    weights : ndarray of shape (d,), of the samples' dtype
    bias : float
    step : int
        Updates made so far; 0 is the start.
    accuracy : float
        Share of samples, 0 to 1, with ``np.round(f) == y``; by weight, if samples have weights.
    cost : float
        1/2 sum_i u_i (f(x_i) - y_i)^2 + alpha/2 |weights|^2, u_i the weights of the samples.
    """

    weights: FloatArray
    bias: float
    step: int
    accuracy: float
    cost: float


class History(NamedTuple):
    """The descent at every recorded step, the start included; k records.

    Attributes
    ----------
    step : ndarray of shape (k,), int
    weights : ndarray of shape (k, d), of the samples' dtype
    bias, cost, accuracy : ndarrays of shape (k,), float64
    """

    step: NDArray[np.intp]
    weights: FloatArray
    bias: Float64Array
    cost: Float64Array
    accuracy: Float64Array


def as_history(models: Sequence[Model], num_features: int, dtype: np.dtype[Any]) -> History:
    """The `History` of some models of samples with so many features, of this dtype."""
    weights = np.array([m.weights for m in models], dtype=dtype)
    return History(
        step=np.array([m.step for m in models], dtype=np.intp),
        weights=weights.reshape(-1, num_features),
        bias=np.array([m.bias for m in models], dtype=np.float64),
        cost=np.array([m.cost for m in models], dtype=np.float64),
        accuracy=np.array([m.accuracy for m in models], dtype=np.float64),
    )


class Descent(NamedTuple):
    """A finished training.

    Attributes
    ----------
    last, best, lowest : Model
        After the last step; of the highest accuracy, the first if several; of the lowest cost.
        The start counts for the last two only if no step was made.
    history : History
    num_steps : int
        Steps made.
    eta : float
        The step size used.
    stop_reason : str
        ``"num_steps"``, or ``"diverged"`` if the next step had no finite parameters.
    """

    last: Model
    best: Model
    lowest: Model
    history: History
    num_steps: int
    eta: float
    stop_reason: Literal["num_steps", "diverged"]
