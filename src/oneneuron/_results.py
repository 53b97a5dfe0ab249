"""The results of training, and of a comparison of speeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _checks
from ._diagnostics import infinite_margins
from ._engine import predictions
from ._formatting import counted, rounded
from ._typing import AnyArray, Float64Array, FloatArray

# A representation shows the weights of a neuron up to this number of features.
_FEW_WEIGHTS = 4


class Model(NamedTuple):
    """A neuron at one step of its training: f(x) = sigma(w.x + b).

    It may also be a layer of K neurons with a softmax. Then there are K rows of weights.

    Attributes
    ----------
    weights : ndarray of shape (d,), or (K, d) for a layer, with the dtype of the samples
        The weights w.
    bias : float, or ndarray of shape (K,) for a layer
        The bias b.
    step : int
        The number of updates made so far; 0 is the start.
    accuracy : float
        The weighted share of the samples for which ``np.round(f) == y``, from 0 to 1. For a layer,
        it is that of the samples whose own class has the largest output.
    cost : float
        ``1/2 sum_i u_i (f(x_i) - y_i)^2 + alpha/2 |weights|^2``, where u_i are the sample weights.
        For a layer, the squares are summed over its outputs.
    """

    weights: FloatArray
    bias: float | Float64Array
    step: int
    accuracy: float
    cost: float

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the class of each sample, by its number.

        Parameters
        ----------
        X : array-like of shape (n, d)
            The samples, with the features of the training.

        Returns
        -------
        ndarray of shape (n,), int64
            1 where f(x) is above 1/2, and otherwise 0. For a layer, it is the number of the neuron
            with the largest output, from 0.

        Raises
        ------
        ValueError, TypeError
            If X is not a table of finite numbers with d features, or if w.x + b is not finite.

        Examples
        --------
        >>> import oneneuron
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
        >>> descent = oneneuron.train(X, y, eta=1.0, init=([0.0], 0.0))
        >>> descent.best.predict([[0.5], [2.5]])
        array([0, 1])
        """
        codes: NDArray[np.int64] = self._predicted(predictions.class_codes, X)
        return codes

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, d)
            The samples, with the features of the training.

        Returns
        -------
        ndarray of shape (n, 2), or (n, K) for a layer
            For a neuron, the columns are 1 - f(x) and f(x), the probabilities of the classes 0 and
            1. They are float32 if both X and the weights are, and otherwise float64.

        Raises
        ------
        ValueError, TypeError
            For the same reasons as `predict`.
        """
        is_layer = np.ndim(self.bias) > 0
        prediction = predictions.softmax if is_layer else predictions.probabilities
        probabilities: FloatArray = self._predicted(prediction, X)
        return probabilities

    def _predicted(self, prediction: Callable[..., Any], X: ArrayLike) -> Any:
        samples = _checks.as_samples(X)
        weights = np.atleast_2d(self.weights)
        if samples.shape[1] != weights.shape[1]:
            raise ValueError(
                f"X must have {counted(weights.shape[1], 'feature')}, as in the training, found "
                f"{samples.shape[1]}."
            )
        try:
            return prediction(samples, weights, np.atleast_1d(self.bias).astype(weights.dtype))
        except predictions.InfiniteMarginError as error:
            raise infinite_margins("X") from error

    def __repr__(self) -> str:
        """Return the step, the scores and the parameters in one line, rounded."""
        return (
            f"<Model at step {self.step:,}: accuracy {100 * self.accuracy:.1f} %, cost "
            f"{rounded(self.cost)}, {_parameters_text(self.weights, self.bias)}>"
        )


class History(NamedTuple):
    """The recorded steps of a descent, including the start; k is their number.

    Attributes
    ----------
    step : ndarray of shape (k,), int
        The number of updates made by then.
    weights : ndarray of shape (k, d), or (k, K, d) for a layer, with the dtype of the samples
        The weights.
    bias : ndarray of shape (k,), or (k, K) for a layer, float64
        The bias.
    cost : ndarray of shape (k,), float64
        The cost, as in `Model`.
    accuracy : ndarray of shape (k,), float64
        The accuracy, from 0 to 1, as in `Model`.
    """

    step: NDArray[np.intp]
    weights: FloatArray
    bias: Float64Array
    cost: Float64Array
    accuracy: Float64Array

    def __repr__(self) -> str:
        """Return the range of the steps in one line."""
        if len(self.step) == 0:
            return "<History without records>"
        records = counted(len(self.step), "record")
        return f"<History of {records}, from step {self.step[0]:,} to step {self.step[-1]:,}>"


def _parameters_text(weights: FloatArray, bias: float | AnyArray) -> str:
    """Return the weights and the bias, rounded, or the numbers of neurons and of weights."""
    if weights.ndim == 2:
        return f"{counted(len(weights), 'neuron')} of {counted(weights.shape[1], 'weight')}"
    if len(weights) > _FEW_WEIGHTS:
        return counted(len(weights), "weight")
    return f"w = ({', '.join(map(rounded, weights.tolist()))}), b = {rounded(float(bias))}"


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

    def __repr__(self) -> str:
        """Return the course of the descent in one line."""
        verb = "diverged after" if self.stop_reason == "diverged" else "made"
        return (
            f"<Descent that {verb} {counted(self.num_steps, 'step')} with eta = {self.eta:.3g}: "
            f"cost {rounded(self.last.cost)} at the end, best accuracy "
            f"{100 * self.best.accuracy:.1f} % at step {self.best.step:,}, "
            f"{counted(len(self.history.step), 'record')}>"
        )


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
    nanoseconds_per_sample : float
        The time per sample and step.
    speedup_over_previous : float or None
        How many times as fast as the previous rung; None for the first.
    speedup_over_lecture : float
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
    nanoseconds_per_sample: float
    speedup_over_previous: float | None
    speedup_over_lecture: float
    timed_steps: int
    first_step_seconds: float | None


# A pickle stores the name of a class's module. Store the public one: the private one may change.
Model.__module__ = History.__module__ = Descent.__module__ = "oneneuron"
Timing.__module__ = "oneneuron.compare"
