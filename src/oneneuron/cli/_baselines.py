"""The lecture's neuron beside two methods that find their line without a descent of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple, TypeVar

import numpy as np

from .._engine.blas import one_thread
from .._typing import AnyArray
from ..lecture import first_network

_Found = TypeVar("_Found")

_CALLS = 3


class Method(NamedTuple):
    """How a method did on the lecture's data.

    Attributes
    ----------
    name : str
    train_accuracy, test_accuracy : float
        Shares of the samples, 0 to 1, in training and held out.
    seconds : float
        What its training took, the other methods' the fastest of three.
    """

    name: str
    train_accuracy: float
    test_accuracy: float
    seconds: float


def neuron(data: Sequence[AnyArray], model: dict[str, float], seconds: float) -> Method:
    """A model of `build_model`; data as `get_data` returns it, as for the others."""
    return _method("gradient descent", lambda pos: first_network.predict(pos, model), data, seconds)


def least_squares(data: Sequence[AnyArray]) -> Method:
    """The plane that comes nearest to the values 0 and 1."""
    train_pos, _, train_value, _ = data
    (solution, *_), seconds = _fastest(np.linalg.lstsq, _with_ones(train_pos), train_value, None)
    return _method("least squares", lambda pos: _with_ones(pos) @ solution, data, seconds)


def logistic_regression(data: Sequence[AnyArray]) -> Method:
    """scikit-learn's, as it comes."""
    from sklearn.linear_model import LogisticRegression

    train_pos, _, train_value, _ = data
    fitted, seconds = _fastest(LogisticRegression().fit, train_pos, train_value)
    return _method(
        "logistic regression", lambda pos: fitted.predict_proba(pos)[:, 1], data, seconds
    )


def _fastest(function: Callable[..., _Found], *arguments: object) -> tuple[_Found, float]:
    """What it returns, and the least seconds of a few calls: the first finds everything cold."""
    times = []
    # So little work gains nothing from BLAS's threads, and on busy cores they wait for each other:
    # a fit of 2 ms takes 50.
    with one_thread():
        for _ in range(_CALLS):
            start = perf_counter()
            result = function(*arguments)
            times.append(perf_counter() - start)
    return result, min(times)


def _with_ones(pos: AnyArray) -> AnyArray:
    return np.column_stack([pos, np.ones(len(pos))])


def _method(
    name: str, predict: Callable[[AnyArray], AnyArray], data: Sequence[AnyArray], seconds: float
) -> Method:
    """Outputs above 1/2 are class 1."""
    train_accuracy, test_accuracy = (
        float(np.mean((predict(pos) > 0.5) == value))
        for pos, value in zip(data[:2], data[2:], strict=True)
    )
    return Method(name, train_accuracy, test_accuracy, seconds)
