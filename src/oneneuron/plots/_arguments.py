"""What pictures are made of, checked before anything is drawn."""

from __future__ import annotations

from matplotlib.axes import Axes

from .._results import Descent, History


def check_axes(ax: Axes | None) -> None:
    """Raise TypeError unless a picture can be drawn there; None stands for the current Axes."""
    if ax is None or (isinstance(ax, Axes) and ax.name == "rectilinear" and ax.figure is not None):
        return
    found = type(ax).__name__
    if isinstance(ax, Axes):
        found = f"{ax.name} Axes" if ax.figure else "Axes without a figure"
    raise TypeError(f"ax must be plain Axes, as plt.subplots() returns one or more, found {found}.")


def recorded(descent: Descent) -> History:
    """The history of a descent that has recorded one."""
    if not isinstance(descent, Descent):
        raise TypeError(
            f"descent must be a Descent, as oneneuron.train returns it, found "
            f"{type(descent).__name__}."
        )
    if len(descent.history.step) == 0:
        raise ValueError(
            "descent must have a history to draw, found none recorded: train with record_every=1, "
            "or more steps apart."
        )
    return descent.history
