"""How well a method predicts the classes of rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .._typing import Float64Array


class Scores(NamedTuple):
    """The scores of a method on rows that it has not seen.

    Attributes
    ----------
    accuracy : float
        The share of the rows, from 0 to 1, whose own class has the highest probability.
    log_loss : float
        The mean of minus the logarithm of the probability of the row's class. A probability below
        2e-16 counts as 2e-16.
    brier : float
        With two classes, the mean squared error of the probability of the second, from 0 to 1. With
        more, the mean over the rows of the squared errors of all probabilities, from 0 to 2.
    """

    accuracy: float
    log_loss: float
    brier: float

    @classmethod
    def of(cls, probabilities: Float64Array, codes: NDArray[np.intp]) -> Self:
        """Return the scores of probabilities of shape (n, k), given the class of each row."""
        num_rows, num_classes = probabilities.shape
        rows = np.arange(num_rows)
        own = np.clip(probabilities[rows, codes], np.finfo(np.float64).eps, 1.0)
        errors = probabilities.copy()
        errors[rows, codes] -= 1.0
        squares = (errors**2).sum(axis=1)
        return cls(
            accuracy=float((probabilities.argmax(axis=1) == codes).mean()),
            log_loss=float(-np.log(own).mean()),
            brier=float(squares.mean()) / (2 if num_classes == 2 else 1),
        )

    @classmethod
    def mean(cls, scores: Iterable[Self]) -> Self:
        """Return the mean of each score."""
        return cls(*np.mean(list(scores), axis=0).tolist())
