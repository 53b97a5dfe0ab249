"""The course of a descent: cost and accuracy by step, and the steps on C = w^2."""

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
from ._arguments import check_axes, recorded_history

# Up to this many records are drawn as points.
_FEW = 20
# A diverging descent on C = w^2 leaves the picture when |w| exceeds this multiple of its start.
_FAR = 20.0
# More arrows would take minutes to draw, and hide each other.
_MOST_STEPS = 1000


def plot_learning_curve(descent: Descent, *, ax: Axes | None = None) -> Axes:
    """Draw the cost and the accuracy at each recorded step, and mark the best step.

    Parameters
    ----------
    descent : Descent
        The descent, trained with ``record_every=1`` or more.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        another picture.

    Returns
    -------
    Axes
        The Axes of the cost. The accuracy has separate Axes on top, with its scale on the right.

    Raises
    ------
    ValueError, TypeError
        If `descent` or `ax` is invalid, or if the descent has no history. Nothing is drawn in that
        case.

    Examples
    --------
    >>> import oneneuron
    >>> descent = oneneuron.train([[0.0], [1.0], [2.0]], [0, 1, 1], eta=0.5, record_every=1)
    >>> ax = oneneuron.plots.plot_learning_curve(descent)
    """
    check_axes(ax)
    history = recorded_history(descent)
    best = descent.best
    ax = _style.axes_or_new(ax, "learning curve")
    right = ax.twinx()
    # A line through a single record would be invisible.
    marker = "o" if len(history.step) <= _FEW else "none"
    (cost,) = ax.plot(
        history.step, history.cost, _style.DASHES[0], color=_style.COLORS[0], lw=2, marker=marker
    )
    (accuracy,) = right.plot(
        history.step, history.accuracy, _style.DASHES[1], color=_style.COLORS[1], lw=2,
        marker=marker,
    )  # fmt: skip
    (star,) = right.plot(
        best.step, best.accuracy, "*", markersize=16, color=_style.COLORS[1],
        markeredgecolor="black",
    )  # fmt: skip
    set_step_axis(ax, history.step, max(best.step, history.step[-1]))
    ax.set(ylabel="cost $C$", ylim=(0, None))
    right.set(ylabel="accuracy", ylim=(0, 1.05))
    right.yaxis.set_major_formatter(PercentFormatter(1.0))
    labels = ["cost", "accuracy", _style.best_label(best)]
    _style.add_legend_above(ax, [cost, accuracy, star], labels)
    # Otherwise the next picture would be drawn on the Axes of the accuracy.
    ax.figure.sca(ax)
    return ax


def set_step_axis(ax: Axes, steps: NDArray[np.intp], last: int) -> None:
    """Set the x axis to run from step 0 to the last, logarithmic from the first record on."""
    ax.set_xscale("symlog", linthresh=max(1, steps[:2][-1]))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.set(xlabel="step", xlim=(0, 1.1 * max(1, last)))


def plot_parabola(
    eta: float, *, start: float = 1.0, num_steps: int = 10, ax: Axes | None = None
) -> Axes:
    """Draw the steps of gradient descent on C = w^2, which has a single parameter.

    The slope is 2 w, so each step multiplies w by 1 - 2 eta. Up to eta = 1/2, w approaches the
    minimum from one side. Between 1/2 and 1, it changes sides at every step. Beyond 1, it also
    moves away. The title says which of these happens.

    Parameters
    ----------
    eta : float
        The step size.
    start : float, default 1.0
        The value of w at the start, which must not be 0.
    num_steps : int, default 10
        The number of steps, from 1 to 1,000.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        another picture.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid. Nothing is drawn in that case.

    Examples
    --------
    >>> from oneneuron import plots
    >>> ax = plots.plot_parabola(0.9)
    """
    check_axes(ax)
    eta = _checks.as_eta(eta)
    start = _checks.as_number(start, "start")
    if not 1e-100 < abs(start) < 1e100:
        raise ValueError(
            f"start must be between 1e-100 and 1e100 in absolute value, found {start}."
        )
    num_steps = _checks.as_count(num_steps, "num_steps", least=1, most=_MOST_STEPS)
    w = _steps_on_parabola(eta, start, num_steps)
    ax = _style.axes_or_new(ax, "parabola")
    _draw_steps(ax, w)
    ax.set(xlabel="$w$", ylabel="$C = w^2$", title=f"$\\eta$ = {eta:g}: {_verdict(eta, w)}")
    return ax


def _steps_on_parabola(eta: float, start: float, num_steps: int) -> Float64Array:
    """Return w at the start and after each step, up to the first that is outside the picture."""
    w = [start]
    while len(w) <= num_steps and abs(w[-1]) <= _FAR * abs(start):
        w.append(w[-1] - eta * 2 * w[-1])
    return np.array(w)


def _draw_steps(ax: Axes, w: Float64Array) -> None:
    """Draw the parabola, a dot at each w and an arrow for each step."""
    inside = w[np.abs(w) <= _FAR * abs(w[0])]
    reach = 1.3 * np.abs(inside).max()
    points = [*zip(inside, inside**2, strict=True)]
    if len(inside) < len(w):
        points.append(_exit_point(inside[-1], w[-1], reach**2))
    curve = np.linspace(-reach, reach, 401)
    ax.plot(curve, curve**2, color="#999999", lw=2, zorder=1)
    for tail, head in pairwise(points):
        ax.annotate(
            "", head, tail, zorder=2,
            arrowprops={"arrowstyle": "->", "color": _style.COLORS[1], "lw": 1.8, "shrinkA": 4,
                        "shrinkB": 4},
        )  # fmt: skip
    ax.plot(inside, inside**2, "o", color=_style.COLORS[0], markersize=7, markeredgecolor="white",
            zorder=3)  # fmt: skip
    outward = np.sign(w[0])
    ax.annotate(
        "start", points[0], (10 * outward, 0), textcoords="offset points", va="center",
        ha="left" if outward > 0 else "right",
    )  # fmt: skip


def _exit_point(w: float, beyond: float, height: float) -> tuple[float, float]:
    """Return where the line from one w to the next, outside the picture, reaches a height."""
    # The slope of a line between two points of C = w^2 is the sum of their w. It may be infinite.
    return w + (height - w**2) / (w + beyond), height


def _verdict(eta: float, w: Float64Array) -> str:
    """Return what the title says about a step size."""
    if eta >= 1:
        return "too large, C grows" if eta > 1 else "too large, C never falls"
    if abs(w[-1]) <= 0.1 * abs(w[0]):
        return "right"
    if eta < 0.5:
        return f"too small, still falling at step {len(w) - 1}"
    return "large, w oscillates"
