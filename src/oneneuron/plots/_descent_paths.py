"""The paths of descents over two weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from .._formatting import rounded
from .._results import Descent
from .._typing import AnyArray, FloatArray
from . import _style

if TYPE_CHECKING:
    from matplotlib.typing import ColorType, LineStyleType

# The line of a path, the mark at its start and the mark at its end.
PathArtists: TypeAlias = tuple[Line2D, Line2D, Line2D]


def draw_paths(
    ax: Axes, descents: Sequence[Descent], pair: list[int], names: Sequence[str]
) -> None:
    """Draw the paths over a pair of weights, with labels for a legend.

    For a single path, the best step is marked as well, and the legend gives the cost at both ends.
    """
    colors, dashes = cycle(_style.COLORS[1:]), cycle(_style.DASHES)
    for descent, name, color, dash in zip(descents, names, colors, dashes, strict=False):
        artists = add_path(ax, color, dash)
        set_path(artists, descent.history.weights[:, pair])
        if len(descents) == 1:
            _add_details(ax, artists, descent, pair, name)
        else:
            artists[0].set_label(f"{name}, {_cost_text(descent.last.cost)} at the end")


def mark_starts(
    ax: Axes, descents: Sequence[Descent], pair: list[int], texts: Sequence[str]
) -> None:
    """Write a text beside each start, unless some are the same."""
    starts = [descent.history.weights[0, pair] for descent in descents]
    if len(np.unique(starts, axis=0)) == len(starts):
        for start, text in zip(starts, texts, strict=True):
            _annotate(ax, text, start)


def add_path(ax: Axes, color: str, dash: LineStyleType) -> PathArtists:
    """Add the artists of a path, which have no data yet."""
    outline = [withStroke(linewidth=_style.width(4.5), foreground="white")]
    (line,) = ax.plot(
        [], [], linestyle=dash, color=color, lw=_style.width(2.5), path_effects=outline
    )
    (start,) = ax.plot(
        [],
        [],
        "o",
        color="white",
        markeredgecolor=color,
        markersize=_style.size(9),
        mew=_style.width(2.5),
    )
    (end,) = ax.plot([], [], "D", color=color, markeredgecolor="white", markersize=_style.size(10))
    return line, start, end


def set_path(artists: PathArtists, points: FloatArray) -> None:
    """Set the points of a path, of shape (k, 2)."""
    line, start, end = artists
    line.set_data(*points.T)
    start.set_data(*points[:1].T)
    end.set_data(*points[-1:].T)


def _add_details(
    ax: Axes, artists: PathArtists, descent: Descent, pair: list[int], name: str
) -> None:
    """Mark the best step and some numbered steps of a single path, and label its artists."""
    line, start, end = artists
    line.set_label(name)
    start.set_label(f"start: {_cost_text(descent.history.cost[0])}")
    end.set_label(f"end: {_cost_text(descent.last.cost)}")
    _mark_steps(ax, descent.history.step, np.column_stack(line.get_data()), line.get_color())
    best = descent.best
    ax.plot(
        *best.weights[pair], "*", color=line.get_color(), markeredgecolor="black",
        markersize=_style.size(16), linestyle="none", label=_style.best_label(best),
    )  # fmt: skip


def _cost_text(cost: float) -> str:
    return f"$C$ = {rounded(cost)}"


def _annotate(ax: Axes, text: str, point: AnyArray) -> None:
    """Write a text above a point."""
    ax.annotate(
        text, (point[0], point[1]), (0, _style.size(9)), textcoords="offset points", ha="center",
        fontsize="small", path_effects=[withStroke(linewidth=_style.width(3), foreground="white")],
    )  # fmt: skip


def _mark_steps(ax: Axes, steps: NDArray[np.intp], points: AnyArray, color: ColorType) -> None:
    """Draw dots with numbers at the steps 1, 10, 100, ... that were recorded."""
    for step, point in zip(steps.tolist(), points, strict=True):
        if str(step).strip("0") == "1":
            ax.plot(*point, "o", color=color, markeredgecolor="white", markersize=_style.size(6))
            _annotate(ax, f"{step}", point)
