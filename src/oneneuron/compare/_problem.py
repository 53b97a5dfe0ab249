"""The descent that all contenders make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .._typing import Float64Array

# ``advance(num_steps)`` makes that many more steps and returns the parameters, the bias last.
Advance: TypeAlias = Callable[[int], Float64Array]


@dataclass(frozen=True)
class Problem:
    """A gradient descent on the quadratic cost, which every contender carries out.

    Parameters
    ----------
    X : ndarray of shape (n, d), float64
        The samples.
    y : ndarray of shape (n,), float64
        The labels, 0.0 and 1.0.
    eta : float
        The step size.
    start : ndarray of shape (d + 1,), float64
        The weights and the bias at the start, the bias last.
    """

    __module__ = "oneneuron.compare"

    X: Float64Array
    y: Float64Array
    eta: float
    start: Float64Array

    @property
    def check_steps(self) -> int:
        """The number of steps that are checked: fewer for larger data, from 1000 down to 3."""
        return max(3, min(1000, 1_000_000 // self.X.size))

    def signed_rows(self) -> Float64Array:
        """Return the rows (x, 1) for samples of class 1 and -(x, 1) for samples of class 0.

        A row times the parameters is the sample's margin m. The error ``|f - y|`` is then
        p = 1 / (1 + e^m) for both classes, and a step moves the parameters by eta times the sum of
        p^2 (1 - p) times the row. This is the best layout for contenders without a loop of their
        own, such as NumPy.

        Returns
        -------
        ndarray of shape (n, d + 1), float64
            The signed rows.
        """
        rows = np.ones((len(self.X), self.X.shape[1] + 1))
        rows[:, :-1] = self.X
        return rows * np.where(self.y == 1, 1.0, -1.0)[:, None]
