"""The comparison of speeds as a bar chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from .._formatting import counted, duration, three_digits
from .._results import Timing
from . import _style
from ._arguments import check_axes

# As parts of a rung's height, which its bar and its texts share.
_BAR_HEIGHT = 0.4
# As parts of the font size, of letters of average width.
_LETTER_WIDTH, _LINE_HEIGHT = 0.6, 1.3

_OURS, _OTHERS = _style.COLORS[0], "#c4c4c4"  # also easy to distinguish in black and white


def plot_ladder(timings: Iterable[Timing], *, ax: Axes | None = None) -> Axes:
    """Draw the time of each rung of the comparison as a bar on a log scale, the first at the top.

    Over each bar stand the name of the rung, its time, and its speed as a multiple of that of the
    lecture's code. A star marks a time that was extrapolated from fewer steps. On small Axes, the
    letters are small enough for all of this to fit.

    Parameters
    ----------
    timings : list of `oneneuron.compare.Timing`
        The result of `oneneuron.compare.ladder`.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes.

    Returns
    -------
    Axes
        The Axes drawn on.

    Raises
    ------
    TypeError
        If `timings` or `ax` is invalid. Nothing is drawn in that case.
    """
    check_axes(ax)
    timings = _as_timings(timings)
    ax = _style.axes_or_new(ax, "ladder")
    seconds = [timing.seconds for timing in timings]
    colors = [_OURS if timing.name.startswith("oneneuron") else _OTHERS for timing in timings]
    size = _font_size(timings, ax)
    ax.barh(range(len(timings)), seconds, height=_BAR_HEIGHT, align="edge", color=colors)
    for place, timing in enumerate(timings):
        for x, side, text in ((0, "left", timing.name), (1, "right", _bar_label(timing))):
            ax.text(
                x, place, text, ha=side, va="bottom", size=size, transform=ax.get_yaxis_transform()
            )
    ax.set_xscale("log")
    ax.set_xlim(min(seconds) / 3, max(seconds))  # the shortest bar needs some length
    ax.set_ylim(len(timings) - 1 + 1.2 * _BAR_HEIGHT, _BAR_HEIGHT - 1)
    ax.set_yticks([])
    ax.xaxis.set_major_formatter(_tick_label)
    ax.tick_params(axis="x", labelsize=size)
    ax.set_title(
        f"time for {counted(timings[0].num_steps, 'step')}, log scale\n"
        "\N{MULTIPLICATION SIGN}: times as fast as the lecture's code",
        loc="left", size=size,
    )  # fmt: skip
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def _font_size(timings: Sequence[Timing], ax: Axes) -> float:
    """Return the usual font size, or less if the texts would not fit over the bars."""
    width, height = (float(pixels * 72 / ax.figure.dpi) for pixels in ax.bbox.size)  # in points
    longest = max(len(timing.name) + len(_bar_label(timing)) for timing in timings)
    return min(
        float(plt.rcParams["font.size"]),
        width / (_LETTER_WIDTH * (longest + 3)),
        height * (1 - _BAR_HEIGHT) / (_LINE_HEIGHT * len(timings)),
    )


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
    speed = f"{three_digits(timing.speedup_over_lecture)}\N{MULTIPLICATION SIGN}"
    return f"{duration(timing.seconds)}{star}   {speed}"


def _tick_label(seconds: float, _: object) -> str:
    return f"{seconds:,.0f} s" if seconds >= 1 else EngFormatter("s")(seconds)
