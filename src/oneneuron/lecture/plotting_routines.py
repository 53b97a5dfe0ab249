"""The lecture's pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .. import plots
from .._typing import AnyArray


def plot_dots(pos: ArrayLike, value: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw the samples pos (n, 2) by their class value (n,); returns the Axes, never blocks."""
    return plots.plot_dots(pos, value, ax=ax)


def plot_decision_boundary(
    pos: ArrayLike, value: ArrayLike, model: Any, predict: Callable[[AnyArray, Any], ArrayLike],
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw where ``predict(x, model)`` says which class, with the samples over it.

    Parameters
    ----------
    pos : array-like of shape (n, 2)
    value : array-like of shape (n,)
    model : whatever `predict` takes
    predict : callable
        ``predict(x, model)`` gives the probability of class 1 for x of shape (m, 2).
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes
    """
    return plots.plot_decision_boundary(pos, value, lambda x: predict(x, model), ax=ax)
