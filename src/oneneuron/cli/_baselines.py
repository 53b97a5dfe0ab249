"""The lecture's neuron compared with other ways to draw the line.

These are its own fast solver, least squares and logistic regression.

`data` is always what `oneneuron.lecture.example1.get_data` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple, TypeVar, TypeVarTuple

import numpy as np
from threadpoolctl import threadpool_limits

from .._typing import AnyArray
from ..lecture import first_network

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")

_NUM_CALLS = 3


class MethodScore(NamedTuple):
    """The accuracy and the training time of a method on the lecture's data.

    Attributes
    ----------
    name : str
    train_accuracy : float
        The fraction of the training samples, from 0 to 1, that the method gets right.
    test_accuracy : float
        The same fraction of the held-out samples.
    seconds : float
        The training time: that of the only run for the neuron, and that of the fastest of three
        runs for the other methods.
    """

    name: str
    train_accuracy: float
    test_accuracy: float
    seconds: float


def score_neuron(data: Sequence[AnyArray], model: dict[str, float], seconds: float) -> MethodScore:
    """Score a model that `build_model` returned; `seconds` is the time that its training took."""
    return _score("gradient descent", lambda pos: first_network.predict(pos, model), data, seconds)


def fit_classifier(data: Sequence[AnyArray]) -> MethodScore:
    """Fit a NeuronClassifier, the same neuron with a faster solver, and score it."""
    from .._classifier import NeuronClassifier

    return _fitted("NeuronClassifier", NeuronClassifier(), data)


def fit_least_squares(data: Sequence[AnyArray]) -> MethodScore:
    """Fit a plane to the labels 0 and 1 by least squares, and score it."""
    train_pos, _, train_value, _ = data
    (solution, *_), seconds = _fastest(np.linalg.lstsq, _with_ones(train_pos), train_value, None)
    return _score("least squares", lambda pos: _with_ones(pos) @ solution, data, seconds)


def fit_logistic_regression(data: Sequence[AnyArray]) -> MethodScore:
    """Fit scikit-learn's LogisticRegression with its default parameters, and score it."""
    from sklearn.linear_model import LogisticRegression

    return _fitted("LogisticRegression", LogisticRegression(), data)


def timed(
    function: Callable[[*_Arguments], _Result], *arguments: *_Arguments
) -> tuple[_Result, float]:
    """Call a function; return its result and the seconds that the call took."""
    start = perf_counter()
    result = function(*arguments)
    return result, perf_counter() - start


def _fastest(
    function: Callable[[*_Arguments], _Result], *arguments: *_Arguments
) -> tuple[_Result, float]:
    """Call a function several times; return its last result and the seconds of the fastest call."""
    times = []
    # BLAS gains nothing from several threads on so little work. On busy cores they wait for each
    # other, and a fit of 2 ms takes 50 ms.
    with threadpool_limits(1, "blas"):
        for _ in range(_NUM_CALLS):  # the first call finds the caches cold
            result, seconds = timed(function, *arguments)
            times.append(seconds)
    return result, min(times)


def _fitted(name: str, classifier: Any, data: Sequence[AnyArray]) -> MethodScore:
    """Fit a classifier with the methods of scikit-learn's, and score it."""
    train_pos, _, train_value, _ = data
    fitted, seconds = _fastest(classifier.fit, train_pos, train_value)
    return _score(name, lambda pos: fitted.predict_proba(pos)[:, 1], data, seconds)


def _with_ones(pos: AnyArray) -> AnyArray:
    return np.column_stack([pos, np.ones(len(pos))])


def _score(
    name: str, predict: Callable[[AnyArray], AnyArray], data: Sequence[AnyArray], seconds: float
) -> MethodScore:
    """Score a method that predicts class 1 where its output is above 1/2."""
    train_accuracy, test_accuracy = (
        float(np.mean((predict(pos) > 0.5) == value))
        for pos, value in zip(data[:2], data[2:], strict=True)
    )
    return MethodScore(name, train_accuracy, test_accuracy, seconds)
