"""The comparison of speeds as a bar chart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from .._formatting import duration, three_digits
from .._results import Timing
from . import _style
from ._arguments import check_axes

_OURS, _OTHERS = _style.COLORS[0], "#c4c4c4"  # also easy to distinguish in black and white


def plot_ladder(timings: Iterable[Timing], *, ax: Axes | None = None) -> Axes:
    """Draw the time of each rung of the comparison as a bar on a log scale, the first at the top.

    The text beside each bar gives the time of the rung, and its speed as a multiple of that of the
    lecture's code. A star marks a time that was extrapolated from fewer steps.

    Parameters
    ----------
    timings : list of `oneneuron.compare.Timing`
        The result of `oneneuron.compare.ladder`.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError
        If `timings` or `ax` is invalid. Nothing is drawn in that case.
    """
    check_axes(ax)
    timings = _as_timings(timings)
    ax = _style.axes_or_current(ax)
    seconds = [timing.seconds for timing in timings]
    colors = [_OURS if timing.name.startswith("oneneuron") else _OTHERS for timing in timings]
    bars = ax.barh([timing.name for timing in timings], seconds, color=colors)
    ax.bar_label(bars, [_bar_label(timing) for timing in timings], padding=4)
    ax.set_xscale("log")
    # The shortest bar needs some length, and the label of the longest bar needs some room.
    ax.set_xlim(min(seconds) / 3, 20 * max(seconds))
    ax.xaxis.set_major_formatter(_tick_label)
    ax.set_xlabel(
        f"time for {timings[0].num_steps:,} steps, log scale;  "
        "\N{MULTIPLICATION SIGN}: times as fast as the lecture's code"
    )
    ax.yaxis.set_inverted(True)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def _as_timings(timings: Iterable[Timing]) -> list[Timing]:
    """Return a list of one or more timings."""
    listed = list(timings) if np.iterable(timings) else [timings]
    if not listed or not all(isinstance(timing, Timing) for timing in listed):
        found = type(listed[0]).__name__ if listed else "none"
        raise TypeError(
            f"timings must be a list of Timing, the result of compare.ladder, found {found}."
        )
    return listed


def _bar_label(timing: Timing) -> str:
    star = "*" if timing.timed_steps < timing.num_steps else ""
    speed = f"{three_digits(timing.than_lecture)}\N{MULTIPLICATION SIGN}"
    return f"{duration(timing.seconds)}{star}   {speed}"


def _tick_label(seconds: float, _: object) -> str:
    return f"{seconds:,.0f} s" if seconds >= 1 else EngFormatter("s")(seconds)
