"""Checks of the arguments that several pictures share, made before anything is drawn."""

from __future__ import annotations

from matplotlib.axes import Axes

from .._results import Descent, History


def check_axes(ax: Axes | None) -> None:
    """Raise TypeError unless a picture can be drawn on `ax`; None means the current Axes."""
    if ax is None or (isinstance(ax, Axes) and ax.name == "rectilinear" and ax.figure is not None):
        return
    found = type(ax).__name__
    if isinstance(ax, Axes):
        found = f"{ax.name} Axes" if ax.figure else "Axes without a figure"
    raise TypeError(f"ax must be a single plain Axes, such as plt.subplots()[1], found {found}.")


def recorded_history(descent: Descent) -> History:
    """Return the history of a descent; raise an error if it recorded none."""
    if not isinstance(descent, Descent):
        raise TypeError(
            f"descent must be a Descent, the result of oneneuron.train, found "
            f"{type(descent).__name__}."
        )
    if len(descent.history.step) == 0:
        raise ValueError(
            "descent must have a history to draw, found none recorded: train with record_every=1 "
            "or more."
        )
    return descent.history
