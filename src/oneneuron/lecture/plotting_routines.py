"""The lecture's ``plotting_routines.py``: its pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .. import plots
from .._typing import AnyArray


def plot_dots(pos: ArrayLike, value: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw the samples, each class with its own colour and marker.

    Parameters
    ----------
    pos : array-like of shape (n, 2)
        The samples.
    value : array-like of shape (n,)
        The class of each sample.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        a picture of another kind.

    Returns
    -------
    Axes
        The Axes drawn on.

    Raises
    ------
    ValueError, TypeError
        For the same reasons as `oneneuron.plots.plot_dots`.
    """
    return plots.plot_dots(pos, value, ax=ax)


def plot_decision_boundary(
    pos: ArrayLike, value: ArrayLike, model: Any, predict: Callable[[AnyArray, Any], ArrayLike],
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the output of a model over the plane, with the samples on top.

    Parameters
    ----------
    pos : array-like of shape (n, 2)
        The samples.
    value : array-like of shape (n,)
        The class of each sample.
    model : object
        The second argument of `predict`.
    predict : callable
        ``predict(x, model)`` returns the probability of class 1 for x of shape (m, 2).
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        a picture of another kind.

    Returns
    -------
    Axes
        The Axes drawn on.

    Raises
    ------
    ValueError, TypeError
        For the same reasons as `oneneuron.plots.plot_decision_boundary`.
    """
    if not callable(predict):
        raise TypeError(
            f"predict must be a function, such as first_network.predict, found "
            f"{type(predict).__name__}: the model comes before it."
        )
    return plots.plot_decision_boundary(pos, value, lambda x: predict(x, model), ax=ax)
