"""The comparison of speeds as bars."""

from matplotlib.ticker import EngFormatter

from ..words import digits, duration
from . import style

_OURS, _OTHERS = style.COLORS[0], "#c4c4c4"  # far apart in black and white too


def plot_ladder(rows, *, ax=None):
    """Draw the time of each rung as a bar on a log scale, the first on top.

    Parameters
    ----------
    rows : list of `compare.Row`
        What `compare.ladder` returns.
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes
    """
    ax = style.axes(ax)
    seconds = [row.seconds for row in rows]
    colors = [_OURS if row.name.startswith("oneneuron") else _OTHERS for row in rows]
    bars = ax.barh([row.name for row in rows], seconds, color=colors)
    ends = [
        f"{duration(row.seconds)}   {digits(row.than_lecture)}\N{MULTIPLICATION SIGN}"
        for row in rows
    ]
    ax.bar_label(bars, ends, padding=4)
    ax.set_xscale("log")
    # The fastest rung's bar needs some length, and the slowest one's label some room.
    ax.set_xlim(min(seconds) / 3, 20 * max(seconds))
    ax.xaxis.set_major_formatter(_tick)
    ax.set_xlabel(
        f"time for {rows[0].num_steps:,} steps, and how many times as fast as the lecture"
    )
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def _tick(seconds, _):
    return f"{seconds:,.0f} s" if seconds >= 1 else EngFormatter("s")(seconds)
