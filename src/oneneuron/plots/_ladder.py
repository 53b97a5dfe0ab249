"""The comparison of speeds as bars."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from .._results import Timing
from .._text import duration, three_digits
from . import _style
from ._arguments import check_axes

_OURS, _OTHERS = _style.COLORS[0], "#c4c4c4"  # far apart in black and white too


def plot_ladder(rows: Iterable[Timing], *, ax: Axes | None = None) -> Axes:
    """Draw the time of each rung as a bar on a log scale, the first on top.

    Parameters
    ----------
    rows : list of `compare.Timing`
        What `compare.ladder` returns.
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError
        If something is not as above.
    """
    check_axes(ax)
    rows = list(rows) if np.iterable(rows) else [rows]
    if not rows or not all(isinstance(row, Timing) for row in rows):
        found = type(rows[0]).__name__ if rows else "none"
        raise TypeError(
            f"rows must be one or more Timing, as compare.ladder returns, found {found}."
        )
    ax = _style.axes(ax)
    seconds = [row.seconds for row in rows]
    colors = [_OURS if row.name.startswith("oneneuron") else _OTHERS for row in rows]
    bars = ax.barh([row.name for row in rows], seconds, color=colors)
    ends = [
        f"{duration(row.seconds)}{'*' if row.timed_steps < row.num_steps else ''}   "
        f"{three_digits(row.than_lecture)}\N{MULTIPLICATION SIGN}"
        for row in rows
    ]
    ax.bar_label(bars, ends, padding=4)
    ax.set_xscale("log")
    # The fastest rung's bar needs some length, and the slowest one's label some room.
    ax.set_xlim(min(seconds) / 3, 20 * max(seconds))
    ax.xaxis.set_major_formatter(_tick)
    ax.set_xlabel(
        f"time for {rows[0].num_steps:,} steps, each mark ten times the one before;  "
        "\N{MULTIPLICATION SIGN} as fast as the lecture"
    )
    ax.yaxis.set_inverted(True)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def _tick(seconds: float, _: object) -> str:
    return f"{seconds:,.0f} s" if seconds >= 1 else EngFormatter("s")(seconds)
