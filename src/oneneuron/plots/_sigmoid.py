"""The output of a neuron along a single feature."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy.special import expit

from .. import _checks
from . import _style
from ._arguments import check_axes

# Where |w x + b| is this large, sigma is within 0.0004 of 0 or 1.
_TAIL = 8.0


class _Curve(Line2D):
    """The curve of sigma(w x + b) with a marker where it is 1/2.

    It can be drawn again over a wider range when more curves are added.
    """

    def __init__(self, weight: float, bias: float, number: int) -> None:
        super().__init__(
            [], [], linewidth=2, label=f"$w = {weight:g}$, $b = {bias:g}$", zorder=2,
            color=_style.COLORS[number % len(_style.COLORS)],
            linestyle=_style.DASHES[number % len(_style.DASHES)],
            marker=_style.MARKERS[number % len(_style.MARKERS)] if weight else "none", markersize=8,
        )  # fmt: skip
        self._weight = weight
        self._bias = bias

    def draw_over(self, low: float, high: float) -> None:
        """Set the points for a range, with as many on the slope as on the range as a whole."""
        centre = _centre(self._weight, self._bias)
        slope = np.linspace(*_slope_range(self._weight, self._bias), 401)
        x = np.concatenate([np.linspace(low, high, 401), slope, [centre]])
        x = np.unique(x[(x >= low) & (x <= high)])
        with np.errstate(over="ignore"):  # where w x + b overflows, the sigmoid is 0 or 1
            self.set_data(x, expit(self._weight * x + self._bias))
        self.set_markevery([int(np.searchsorted(x, centre))])


def _centre(weight: float, bias: float) -> float:
    """Return the x where f is 1/2, or 0 if the weight is 0."""
    return -bias / weight if weight else 0.0


def _slope_range(weight: float, bias: float) -> tuple[float, float]:
    """Return the range of x from one tail to the other; a weight of 0 counts as 1."""
    width = _TAIL / abs(weight) if weight else _TAIL
    return _style.widened(_centre(weight, bias) - width, _centre(weight, bias) + width)


def plot_sigmoid(weight: float = 1.0, bias: float = 0.0, *, ax: Axes | None = None) -> Axes:
    """Draw the output f(x) = sigma(w x + b) of a neuron with one feature.

    A marker shows where f is 1/2. A second call on the same Axes adds a curve with another colour
    and dash.

    Parameters
    ----------
    weight : float, default 1.0
        The weight w.
    bias : float, default 0.0
        The bias b.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        a picture of another kind.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        If `weight` or `bias` is not a finite number, if `weight` is so close to 0 that the range of
        x overflows, or if `ax` is invalid. Nothing is drawn in that case.

    Examples
    --------
    >>> from oneneuron import plots
    >>> ax = plots.plot_sigmoid(1.0, 0.0)
    >>> ax = plots.plot_sigmoid(4.0, -2.0, ax=ax)
    """
    check_axes(ax)
    weight, bias = _checks.as_number(weight, "weight"), _checks.as_number(bias, "bias")
    limits = np.array(_slope_range(weight, bias))
    if not np.isfinite(limits).all():
        raise ValueError(
            f"weight is too close to 0 for a finite range of x, found {weight}: use 0, or a "
            "weight further from 0."
        )
    ax = _style.axes_or_new(ax, "sigmoid", is_shared=True)
    # Whatever has already been drawn, curves or samples, stays visible.
    limits = np.append(limits, ax.get_xlim() if ax.has_data() else [])
    curves = [line for line in ax.lines if isinstance(line, _Curve)]
    if not curves:
        for level in (0, 0.5, 1):
            ax.axhline(level, color="#666666", linewidth=0.8, linestyle=(0, (5, 5)), zorder=1)
    curve = _Curve(weight, bias, len(curves))
    ax.add_line(curve)
    for line in [*curves, curve]:
        line.draw_over(limits.min(), limits.max())
    ax.set(xlim=(limits.min(), limits.max()), ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    ax.set(xlabel="$x$", ylabel=r"$f(x) = \sigma(w x + b)$")
    _style.add_legend(ax)
    return ax
