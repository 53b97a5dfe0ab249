"""The ways that descents take over two weights."""

from itertools import cycle

import numpy as np
from matplotlib.patheffects import withStroke

from . import style


def draw_paths(ax, descents, pair):
    """The paths over a pair of weights, named for a legend; of a single one more is told."""
    colors, dashes = cycle(style.COLORS[1:]), cycle(style.DASHES)
    for descent, color, dash in zip(descents, colors, dashes, strict=False):
        artists = path_on(ax, color, dash)
        lay(artists, descent.history.weights[:, pair])
        if len(descents) == 1:
            _tell_all(ax, artists, descent, pair)
        else:
            artists[0].set_label(f"{_step_size(descent)}, {_cost(descent.last.cost)} at the end")


def path_on(ax, color, dash):
    """A line, a mark for its start and one for its end, as yet without data."""
    edge = [withStroke(linewidth=4.5, foreground="white")]
    (trail,) = ax.plot([], [], linestyle=dash, color=color, lw=2.5, path_effects=edge)
    (start,) = ax.plot([], [], "o", color="white", markeredgecolor=color, markersize=9, mew=2.5)
    (end,) = ax.plot([], [], "D", color=color, markeredgecolor="white", markersize=10)
    return trail, start, end


def lay(artists, path):
    """Give a path's artists their places."""
    trail, start, end = artists
    trail.set_data(*path.T)
    start.set_data(*path[:1].T)
    end.set_data(*path[-1:].T)


def _tell_all(ax, artists, descent, pair):
    """Mark what there is to say of a single descent, and name it for the legend."""
    trail, start, end = artists
    trail.set_label(_step_size(descent))
    start.set_label(f"start: {_cost(descent.history.cost[0])}")
    end.set_label(f"end: {_cost(descent.last.cost)}")
    _mark_steps(ax, descent.history.step, np.transpose(trail.get_data()), trail.get_color())
    best = descent.best
    ax.plot(
        *best.weights[pair], "*", color=trail.get_color(), markeredgecolor="black", markersize=16,
        linestyle="none", label=style.told(best),
    )  # fmt: skip


def _step_size(descent):
    return f"$\\eta$ = {descent.eta:.3g}"


def _cost(cost):
    return f"$C$ = {style.number(cost)}"


def _mark_steps(ax, steps, path, color):
    """Dots at the steps 1, 10, 100, ... that were recorded, with their numbers."""
    for step, point in zip(steps.tolist(), path, strict=True):
        if str(step).strip("0") == "1":
            ax.plot(*point, "o", color=color, markeredgecolor="white", markersize=6)
            ax.annotate(
                f"{step}", point, (0, 9), textcoords="offset points", ha="center", fontsize="small",
                path_effects=[withStroke(linewidth=3, foreground="white")],
            )  # fmt: skip
