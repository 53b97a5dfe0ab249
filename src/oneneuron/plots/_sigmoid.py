"""The output of a neuron along a single feature."""

from __future__ import annotations

import inspect
import sys

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy.special import expit

from .. import _checks
from . import _style
from ._arguments import as_limits, check_axes

# The same for all curves, so that the slope shows the weight.
_LIMITS = (-10.0, 10.0)
# Where |w x + b| is this large, sigma is within 0.0004 of 0 or 1.
_TAIL = 8.0


class _Curve(Line2D):
    """The curve of sigma(w x + b) with a marker where it is 1/2.

    It can be drawn again over a wider range when more curves are added.
    """

    def __init__(self, weight: float, bias: float, number: int) -> None:
        super().__init__(
            [], [], linewidth=_style.width(2), label=f"$w = {weight:g}$, $b = {bias:g}$", zorder=2,
            color=_style.COLORS[number % len(_style.COLORS)],
            linestyle=_style.DASHES[number % len(_style.DASHES)],
            marker=_style.MARKERS[number % len(_style.MARKERS)], markersize=_style.size(8),
        )  # fmt: skip
        self._weight = weight
        self._bias = bias

    def draw_over(self, low: float, high: float) -> None:
        """Set the points for a range, with as many on the slope as on the range as a whole."""
        with np.errstate(all="ignore"):  # where a number overflows, the sigmoid is 0 or 1
            middle, tail = np.divide([-self._bias, _TAIL], self._weight)
            slope = np.linspace(middle - tail, middle + tail, 401)
            x = np.concatenate([np.linspace(low, high, 401), slope, [middle]])
            x = np.unique(x[(x >= low) & (x <= high)])
            self.set_data(x, expit(self._weight * x + self._bias))
        self.set_markevery(np.flatnonzero(x == middle).tolist())


def plot_sigmoid(
    weight: float = 1.0, bias: float = 0.0, *, xlim: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the output f(x) = sigma(w x + b) of a neuron with one feature.

    A marker shows where f is 1/2, if that is in the picture. A second call on the same Axes adds a
    curve with another colour and dash.

    Parameters
    ----------
    weight : float, default 1.0
        The weight w.
    bias : float, default 0.0
        The bias b.
    xlim : (float, float), default None
        The range of x. None means -10 to 10, whatever the weight is, so that neurons can be
        compared. In either case, the range grows to include what is already on the Axes.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold a picture of
        another kind.

    Returns
    -------
    Axes
        The Axes drawn on.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid. Nothing is drawn in that case.

    Notes
    -----
    In a notebook, sliders show what the weight and the bias do:
    ``ipywidgets.interact(plots.plot_sigmoid, weight=(-5.0, 5.0), bias=(-10.0, 10.0))``. There, each
    curve takes the place of the last one. To make this work, `help` leaves `xlim` and `ax` out of
    the signature.

    Examples
    --------
    >>> from oneneuron import plots
    >>> ax = plots.plot_sigmoid(1.0, 0.0)
    >>> ax = plots.plot_sigmoid(4.0, -2.0, ax=ax)
    """
    check_axes(ax)
    weight, bias = _checks.as_number(weight, "weight"), _checks.as_number(bias, "bias")
    limits = np.array(_LIMITS if xlim is None else as_limits(xlim, "xlim"))
    ax = _style.axes_or_new(ax, "sigmoid", is_shared=True)
    # Whatever has already been drawn, curves or samples, stays visible.
    limits = np.append(limits, ax.get_xlim() if ax.has_data() else [])
    curves = [line for line in ax.lines if isinstance(line, _Curve)]
    if not curves:
        for level in (0, 0.5, 1):
            ax.axhline(
                level, color="#666666", linewidth=_style.width(0.8), linestyle=(0, (5, 5)), zorder=1
            )
    if _is_called_by_sliders():
        # With a backend that keeps its figure, each position of a slider would add a curve.
        for line in curves:
            line.remove()
        curves = []
    curve = _Curve(weight, bias, len(curves))
    ax.add_line(curve)
    for line in [*curves, curve]:
        line.draw_over(limits.min(), limits.max())
    ax.set(xlim=(limits.min(), limits.max()), ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    ax.set(xlabel="$x$", ylabel=r"$f(x) = \sigma(w x + b)$")
    _style.add_legend(ax)
    return ax


def _is_called_by_sliders() -> bool:
    """Return whether ipywidgets.interact calls `plot_sigmoid`."""
    return str(sys._getframe(2).f_globals.get("__name__")).startswith("ipywidgets.")


def _without_options(signature: inspect.Signature) -> inspect.Signature:
    """Return a signature without the parameters that can only be passed by name."""
    parameters = signature.parameters.values()
    return signature.replace(parameters=[p for p in parameters if p.kind != p.KEYWORD_ONLY])


# ipywidgets.interact makes a control for each parameter of the signature, and fails if it cannot.
plot_sigmoid.__signature__ = (  # type: ignore[attr-defined]
    _without_options(inspect.signature(plot_sigmoid))
)
