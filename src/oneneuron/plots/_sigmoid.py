"""The neuron's output along one feature."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy.special import expit

from .. import _checks
from . import _style
from ._arguments import check_axes

# sigma is within 0.0004 of 0 or 1 there.
_TAIL = 8.0


class _Curve(Line2D):
    """sigma(w x + b), ready to be drawn over another range, marked where it is 1/2."""

    def __init__(self, weight: float, bias: float, number: int) -> None:
        super().__init__(
            [], [], linewidth=2, label=f"$w = {weight:g}$, $b = {bias:g}$", zorder=2,
            color=_style.COLORS[number % len(_style.COLORS)],
            linestyle=_style.DASHES[number % len(_style.DASHES)],
            marker=_style.MARKERS[number % len(_style.MARKERS)] if weight else "none", markersize=8,
        )  # fmt: skip
        self._weight = weight
        self._bias = bias

    def range(self) -> tuple[float, float]:
        """From one tail to the other; of a constant, as if the weight were 1."""
        width = _TAIL / abs(self._weight) if self._weight else _TAIL
        return _style.shown(self._centre() - width, self._centre() + width)

    def span(self, low: float, high: float) -> None:
        """Draw over a range, with as many points on the slope as on all the rest."""
        x = np.concatenate([
            np.linspace(low, high, 401), np.linspace(*self.range(), 401), [self._centre()]
        ])  # fmt: skip
        x = np.unique(x[(x >= low) & (x <= high)])
        with np.errstate(over="ignore"):  # of an infinite z the sigmoid is 0 or 1
            self.set_data(x, expit(self._weight * x + self._bias))
        self.set_markevery([int(np.searchsorted(x, self._centre()))])

    def _centre(self) -> float:
        return -self._bias / self._weight if self._weight else 0.0


def plot_sigmoid(weight: float = 1.0, bias: float = 0.0, *, ax: Axes | None = None) -> Axes:
    """Draw f(x) = sigma(w x + b) of one feature, a marker where it is 1/2.

    Called again on the same Axes, it adds a curve of another colour and dash.

    Parameters
    ----------
    weight, bias : float, default 1.0 and 0.0
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        If weight or bias is not a finite number, or their quotient not.
    """
    check_axes(ax)
    weight, bias = _checks.as_number(weight, "weight"), _checks.as_number(bias, "bias")
    ax = _style.axes(ax)
    curves = [line for line in ax.lines if isinstance(line, _Curve)]
    curve = _Curve(weight, bias, len(curves))
    if not np.isfinite(curve.range()).all():
        raise ValueError(f"weight must not be so close to 0 that the curve is endless: {weight}.")
    # What is there already stays in sight: the other curves, or samples.
    limits = np.append(curve.range(), ax.get_xlim() if ax.has_data() else [])
    if not curves:
        for level in (0, 0.5, 1):
            ax.axhline(level, color="#666666", linewidth=0.8, linestyle=(0, (5, 5)), zorder=1)
    ax.add_line(curve)
    for line in [*curves, curve]:
        line.span(limits.min(), limits.max())
    ax.set(xlim=(limits.min(), limits.max()), ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    ax.set(xlabel="$x$", ylabel=r"$f(x) = \sigma(w x + b)$")
    _style.legend(ax)
    return ax
