"""The ways that descents take over two weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from .._results import Descent
from .._text import rounded
from .._typing import AnyArray, FloatArray
from . import _style

if TYPE_CHECKING:
    from matplotlib.typing import ColorType, LineStyleType

# The line, the mark of its start and that of its end.
_Artists: TypeAlias = tuple[Line2D, Line2D, Line2D]


def draw_paths(ax: Axes, descents: Sequence[Descent], pair: list[int]) -> None:
    """The paths over a pair of weights, named for a legend; of a single one more is told."""
    colors, dashes = cycle(_style.COLORS[1:]), cycle(_style.DASHES)
    for descent, color, dash in zip(descents, colors, dashes, strict=False):
        artists = path_on(ax, color, dash)
        lay(artists, descent.history.weights[:, pair])
        if len(descents) == 1:
            _tell_all(ax, artists, descent, pair)
        else:
            artists[0].set_label(f"{_step_size(descent)}, {_cost(descent.last.cost)} at the end")


def path_on(ax: Axes, color: str, dash: LineStyleType) -> _Artists:
    """A line, a mark for its start and one for its end, as yet without data."""
    edge = [withStroke(linewidth=4.5, foreground="white")]
    (trail,) = ax.plot([], [], linestyle=dash, color=color, lw=2.5, path_effects=edge)
    (start,) = ax.plot([], [], "o", color="white", markeredgecolor=color, markersize=9, mew=2.5)
    (end,) = ax.plot([], [], "D", color=color, markeredgecolor="white", markersize=10)
    return trail, start, end


def lay(artists: _Artists, path: FloatArray) -> None:
    """Give a path's artists their places."""
    trail, start, end = artists
    trail.set_data(*path.T)
    start.set_data(*path[:1].T)
    end.set_data(*path[-1:].T)


def _tell_all(ax: Axes, artists: _Artists, descent: Descent, pair: list[int]) -> None:
    """Mark what there is to say of a single descent, and name it for the legend."""
    trail, start, end = artists
    trail.set_label(_step_size(descent))
    start.set_label(f"start: {_cost(descent.history.cost[0])}")
    end.set_label(f"end: {_cost(descent.last.cost)}")
    _mark_steps(ax, descent.history.step, np.column_stack(trail.get_data()), trail.get_color())
    best = descent.best
    ax.plot(
        *best.weights[pair], "*", color=trail.get_color(), markeredgecolor="black", markersize=16,
        linestyle="none", label=_style.told(best),
    )  # fmt: skip


def _step_size(descent: Descent) -> str:
    return f"$\\eta$ = {descent.eta:.3g}"


def _cost(cost: float) -> str:
    return f"$C$ = {rounded(cost)}"


def _mark_steps(ax: Axes, steps: NDArray[np.intp], path: AnyArray, color: ColorType) -> None:
    """Dots at the steps 1, 10, 100, ... that were recorded, with their numbers."""
    for step, point in zip(steps.tolist(), path, strict=True):
        if str(step).strip("0") == "1":
            ax.plot(*point, "o", color=color, markeredgecolor="white", markersize=6)
            ax.annotate(
                f"{step}", point, (0, 9), textcoords="offset points", ha="center", fontsize="small",
                path_effects=[withStroke(linewidth=3, foreground="white")],
            )  # fmt: skip
