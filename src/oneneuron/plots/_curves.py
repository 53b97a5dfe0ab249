"""How a descent went, step by step; and what a step size does where C = w^2."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from .. import _checks
from .._results import Descent
from .._typing import Float64Array
from . import _style
from ._arguments import check_axes, recorded

_FEW = 20
# A descent on C = w^2 that goes wrong leaves the picture where |w| is so many times the start's.
_FAR = 20.0
# More arrows take minutes, and lie one on the other.
_MOST_STEPS = 1000


def plot_learning_curve(descent: Descent, *, ax: Axes | None = None) -> Axes:
    """Draw the cost and the accuracy by step, with the best step marked.

    Parameters
    ----------
    descent : Descent
        Trained with ``record_every=1`` or more.
    ax : Axes, default None
        None draws on the current Axes. Each descent needs its own.

    Returns
    -------
    Axes
        That of the cost; the accuracy has one of its own on top, with the scale at the right.

    Raises
    ------
    TypeError, ValueError
        If that is no descent, or nothing was recorded.
    """
    check_axes(ax)
    history = recorded(descent)
    best = descent.best
    ax = _style.axes(ax)
    right = ax.twinx()
    # A few records are points, and a single one would be nothing to see of a line.
    marker = "o" if len(history.step) <= _FEW else "none"
    (cost,) = ax.plot(
        history.step, history.cost, _style.DASHES[0], color=_style.COLORS[0], lw=2, marker=marker
    )
    (accuracy,) = right.plot(
        history.step,
        history.accuracy,
        _style.DASHES[1],
        color=_style.COLORS[1],
        lw=2,
        marker=marker,
    )
    (mark,) = right.plot(
        best.step,
        best.accuracy,
        "*",
        markersize=16,
        color=_style.COLORS[1],
        markeredgecolor="black",
    )
    scale_steps(ax, history.step, max(best.step, history.step[-1]))
    ax.set(ylabel="cost $C$", ylim=(0, None))
    right.set(ylabel="accuracy", ylim=(0, 1.05))
    right.yaxis.set_major_formatter(PercentFormatter(1.0))
    _style.legend_above(ax, [cost, accuracy, mark], ["cost", "accuracy", _style.told(best)])
    ax.figure.sca(ax)  # or the next picture without an Axes of its own goes to the right one
    return ax


def scale_steps(ax: Axes, steps: NDArray[np.intp], last: int) -> None:
    """An axis of steps from 0 to the last, with as much room for 1 to 10 as for 1000 to 10,000."""
    ax.set_xscale("symlog", linthresh=max(1, steps[:2][-1]))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.set(xlabel="step", xlim=(0, 1.1 * max(1, last)))


def plot_parabola(
    eta: float, *, start: float = 1.0, num_steps: int = 10, ax: Axes | None = None
) -> Axes:
    """Draw the descent of one parameter on C = w^2, step by step.

    The slope is 2 w, so that each step multiplies w by 1 - 2 eta: up to 1/2 it comes down on its
    own side, up to 1 from side to side, and beyond 1 it climbs.

    Parameters
    ----------
    eta : float
        Step size.
    start : float, default 1.0
        Where w starts; not 0.
    num_steps : int, default 10
        From 1 to 1000.
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range.
    """
    check_axes(ax)
    eta = _checks.as_eta(eta)
    start = _checks.as_number(start, "start")
    if not 1e-100 < abs(start) < 1e100:
        raise ValueError(f"start must be neither 0 nor near the largest numbers, found {start}.")
    num_steps = _checks.as_count(num_steps, "num_steps", least=1)
    if num_steps > _MOST_STEPS:
        raise ValueError(f"num_steps must be {_MOST_STEPS} or fewer to draw, found {num_steps}.")
    w = _descend_parabola(eta, start, num_steps)
    dots = w[np.abs(w) <= _FAR * abs(start)]
    reach = 1.3 * np.abs(dots).max()
    way = [*zip(dots, dots**2, strict=True)]
    if len(dots) < len(w):
        way.append(_way_out(dots[-1], w[-1], reach**2))
    ax = _style.axes(ax)
    curve = np.linspace(-reach, reach, 401)
    ax.plot(curve, curve**2, color="#999999", lw=2, zorder=1)
    for tail, head in pairwise(way):
        ax.annotate(
            "", head, tail, zorder=2,
            arrowprops={"arrowstyle": "->", "color": _style.COLORS[1], "lw": 1.8, "shrinkA": 4,
                        "shrinkB": 4},
        )  # fmt: skip
    ax.plot(dots, dots**2, "o", color=_style.COLORS[0], markersize=7, markeredgecolor="white",
            zorder=3)  # fmt: skip
    outward = np.sign(start)
    ax.annotate(
        "start", way[0], (10 * outward, 0), textcoords="offset points", va="center",
        ha="left" if outward > 0 else "right",
    )  # fmt: skip
    ax.set(xlabel="$w$", ylabel="$C = w^2$", title=f"$\\eta$ = {eta:g}: {_verdict(eta, w)}")
    return ax


def _descend_parabola(eta: float, start: float, num_steps: int) -> Float64Array:
    """w at the start and after each step, until the first that is beyond the picture."""
    w = [start]
    while len(w) <= num_steps and abs(w[-1]) <= _FAR * abs(start):
        w.append(w[-1] - eta * 2 * w[-1])
    return np.array(w)


def _way_out(w: float, beyond: float, height: float) -> tuple[float, float]:
    """Where the line from one dot to the next, beyond the picture, reaches this height."""
    # The slope of the line between two points of C = w^2 is the sum of both w; it may be infinite.
    return w + (height - w**2) / (w + beyond), height


def _verdict(eta: float, w: Float64Array) -> str:
    if eta >= 1:
        return "too large, it climbs" if eta > 1 else "too large, it never comes down"
    if abs(w[-1]) > 0.1 * abs(w[0]):
        return f"too small, not down by step {len(w) - 1}" if eta < 0.5 else "large, it swings"
    return "right"
