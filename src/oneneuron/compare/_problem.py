"""The descent that all contenders make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .._typing import Float64Array

# Makes so many steps more and returns the parameters.
Advance: TypeAlias = Callable[[int], Float64Array]


@dataclass(frozen=True)
class Problem:
    """One descent, to be made by every contender.

    Attributes
    ----------
    X : ndarray of shape (n, d), float64
    y : ndarray of shape (n,), float64
        Labels, 0.0 and 1.0.
    eta : float
    start : ndarray of shape (d + 1,)
        Weights, then the bias.
    """

    X: Float64Array
    y: Float64Array
    eta: float
    start: Float64Array

    @property
    def check_steps(self) -> int:
        """Steps after which ends are compared: many where they are cheap, 3 at the least."""
        return max(3, min(1000, 1_000_000 // self.X.size))

    def signed_rows(self) -> Float64Array:
        """Rows (x, 1), times -1 where y is 0: their dot product with the parameters is the margin.

        With margin m the error |f - y| of either class is p = 1 / (1 + e^m), and the parameters
        move by eta times the sum of p^2 (1 - p) times the row. Contenders that may lay the data
        out as they like use it; it is as good as it gets without a loop of one's own.
        """
        rows = np.ones((len(self.X), self.X.shape[1] + 1))
        rows[:, :-1] = self.X
        return rows * np.where(self.y == 1, 1.0, -1.0)[:, None]
