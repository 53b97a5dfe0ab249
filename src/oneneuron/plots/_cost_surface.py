"""The cost over two of the weights, as contours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .. import _checks
from .._engine.cost_surface import cost_at, cost_over
from .._formatting import rounded
from .._results import Descent
from .._typing import AnyArray, Float64Array, FloatArray
from . import _style
from ._arguments import as_names, check_axes, recorded_history
from ._descent_paths import draw_paths, mark_starts

# Points on each side of the grid.
_GRID = 60
_LEVELS = 14
# Contours below this fraction of the highest cost would crowd the picture.
_LEAST_LEVEL = 1e-3
# If the costs differ by less than this fraction, perhaps by rounding, there are no contours.
_LEAST_RISE = 1e-9
# The shorter side of the picture is at least this fraction of the longer one, even if a path runs
# along one axis.
_LEAST_WIDTH = 0.5
# Each side is at least this fraction of the weights, even if a path hardly moves.
_LEAST_CHANGE = 1e-3


def plot_cost_surface(
    X: ArrayLike, y: ArrayLike, descents: Descent | Iterable[Descent], *,
    weights: Sequence[int] = (0, 1), bias: float | None = None,
    labels: Iterable[str] | None = None, sample_weight: ArrayLike | None = None, alpha: float = 0.0,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the contours of the cost over two of the weights, with the paths of descents.

    A ring marks the start of each path and a diamond its end. If there is only one path, a star
    marks its best step, and numbered dots mark the steps 1, 10, 100, ... as far as they were
    recorded. Several paths with the same step size have numbers at their starts.

    Parameters
    ----------
    X : array-like of shape (n, d)
        The samples of the descents, with two features or more.
    y : array-like of shape (n,)
        The labels, 0 and 1 or False and True.
    descents : Descent or list of Descent
        The descents, trained with ``record_every=1`` or more.
    weights : (int, int), default (0, 1)
        The indices of the two weights, from 0 to d - 1. The other weights are held at their values
        at the end of the first descent.
    bias : float, default None
        The bias at which the cost is computed. None means the best bias at each point.
    labels : list of str, default None
        A text for each path in the legend, and at its start. None means the step sizes.
    sample_weight : array-like of shape (n,), default None
        The weights of the samples, as in the training.
    alpha : float, default 0.0
        The strength of the L2 penalty, as in the training.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        another picture.

    Returns
    -------
    Axes
        The Axes drawn on.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or if the recorded costs do not match these samples. Nothing is
        drawn in that case.

    Notes
    -----
    The cost is computed at 3,600 points: once at each if the bias is given, and otherwise about 45
    times at each. Without a bias, this takes 1 s for 400 samples of two features, and 17 s for
    100,000.

    Examples
    --------
    >>> from oneneuron import plots, train
    >>> X, y = [[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]], [0, 1, 1]
    >>> descent = train(X, y, eta=0.5, num_steps=100, record_every=1)
    >>> ax = plots.plot_cost_surface(X, y, descent)
    """
    check_axes(ax)
    descents = _checked_descents(descents)
    etas = [_style.eta_label(descent.eta) for descent in descents]
    names = as_names(labels, etas)
    surface = Surface(X, y, descents, weights, bias, sample_weight, alpha)
    ax = surface.draw(_style.axes_or_new(ax, "cost surface"))
    draw_paths(ax, descents, surface.pair, names)
    if len(descents) > 1 and names != etas:
        numbers = [str(number) for number in range(1, 1 + len(descents))]
        mark_starts(ax, descents, surface.pair, names if labels else numbers)
    _style.add_legend_above(ax, ncols=2, title=surface.note)
    return ax


class Surface:
    """The cost over two weights, in a range around the paths of descents.

    Parameters
    ----------
    X : array-like of shape (n, d)
    y : array-like of shape (n,)
    descents : list of Descent
        These have been checked.
    weights : sequence of two ints
        The indices of the two weights.
    bias : float or None
    sample_weight : array-like of shape (n,) or None
    alpha : float

    Attributes
    ----------
    pair : list of two ints
        The indices of the two weights.
    note : str
        A description of C for the legend.
    """

    def __init__(
        self, X: ArrayLike, y: ArrayLike, descents: Sequence[Descent], weights: Sequence[int],
        bias: float | None, sample_weight: ArrayLike | None, alpha: float,
    ) -> None:  # fmt: skip
        X = _checks.as_samples(X)
        y = _checks.as_labels(y, len(X))
        sample_weight = _checks.as_sample_weight(sample_weight, len(X), X.dtype)
        alpha = _checks.as_size(alpha, "alpha")
        bias = None if bias is None else _checks.as_number(bias, "bias")
        self._has_best_bias = bias is None
        self._num_features = X.shape[1]
        self.note = _note(bias, X.shape[1])
        self.pair = _checked_pair(weights, X.shape[1])
        _check_features(descents, X.shape[1])
        _check_costs(descents, X, y, sample_weight, alpha)
        paths = np.concatenate([descent.history.weights[:, self.pair] for descent in descents])
        self._path_costs = np.concatenate([descent.history.cost for descent in descents])
        self._first, self._second = _axis_values(paths.astype(np.float64))
        self._costs = cost_over(
            X, y, descents[0].last.weights, self.pair, self._first, self._second, bias=bias,
            sample_weight=sample_weight, alpha=alpha,
        )  # fmt: skip

    def draw(self, ax: Axes) -> Axes:
        """Draw contours at costs that grow by a constant factor, or a note if the cost is flat."""
        high = self._costs.max(where=np.isfinite(self._costs), initial=0.0)
        low = max(self._costs.min(), _LEAST_LEVEL * high)
        grid = self._first, self._second, np.minimum(self._costs, high)
        if low < high * (1 - _LEAST_RISE):
            levels = np.geomspace(low, high, _LEVELS)
            ax.contourf(*grid, levels=levels, cmap=_style.HEIGHTS, extend="min")
            lines = ax.contour(
                *grid, levels=levels[1:-1], colors="#33415c", linewidths=_style.width(0.6)
            )
            # By default labels are above everything. These stay below the paths drawn later.
            ax.clabel(lines, levels=levels[2:-1:2], fmt=_level_label, fontsize="small", zorder=2)
        else:
            ax.text(
                0.5, 0.03, self._flat_note(low), transform=ax.transAxes, ha="center",
                fontsize="small", zorder=1,
            )  # fmt: skip
        first, second = (1 + index for index in self.pair)
        ax.set(xlabel=f"$w_{{{first}}}$", ylabel=f"$w_{{{second}}}$")
        ax.set(xlim=self._first[[0, -1]], ylim=self._second[[0, -1]])
        return ax

    def _flat_note(self, cost: float) -> str:
        """Return what the picture says if the cost is the same at all points of the grid.

        The costs along the paths may be others, since each step has a bias of its own.
        """
        where = "\nwith the best bias" if self._has_best_bias else ""
        lowest, highest = self._path_costs.min(), self._path_costs.max()
        if max(highest - cost, cost - lowest) <= _LEAST_RISE * max(cost, highest):
            return f"C = {rounded(cost)} everywhere{where}"
        own = "bias" if self._num_features == 2 else "bias and other weights"
        ends = dict.fromkeys(map(rounded, (lowest, highest)))
        return (
            f"C = {rounded(cost)} at all these weights{where},\n"
            f"but {' to '.join(ends)} along the path\nwith its own {own}"
        )


def _level_label(cost: float) -> str:
    return rounded(cost, digits=2)


def _note(bias: float | None, num_features: int) -> str:
    note = "$C$ with the best bias at each point" if bias is None else f"$C$ where $b$ = {bias:.3g}"
    return note + (", other weights held" if num_features > 2 else "")


def _checked_descents(descents: Descent | Iterable[Descent]) -> list[Descent]:
    """Return a list of one or more descents, each with a history."""
    if isinstance(descents, Descent) or not np.iterable(descents):
        descents = [descents]
    descents = list(descents)
    if not descents:
        raise ValueError("descents must be one Descent or several, found none.")
    for descent in descents:
        recorded_history(descent)
    return descents


def _check_features(descents: Sequence[Descent], num_features: int) -> None:
    for descent in descents:
        if len(descent.last.weights) != num_features:
            raise ValueError(
                f"descents must have been trained on X with its {num_features} features, found "
                f"one with {len(descent.last.weights)} weights."
            )


def _check_costs(
    descents: Sequence[Descent], X: FloatArray, y: AnyArray, sample_weight: FloatArray | None,
    alpha: float,
) -> None:  # fmt: skip
    """Raise ValueError unless the samples give the recorded costs at the start and at the end."""
    for descent in descents:
        history = descent.history
        for k in (0, -1):
            cost = history.cost[k]
            expected = cost_at(
                X, y, history.weights[k], history.bias[k], sample_weight=sample_weight, alpha=alpha
            )
            # In float32 the same costs may differ by this much. With other samples, the costs
            # differ by more.
            if np.isfinite(cost) and not np.isclose(expected, cost, rtol=1e-3, atol=1e-9):
                raise ValueError(
                    f"descents must have been trained on X and y, with the same sample_weight and "
                    f"alpha: a recorded cost is {cost:.5g}, and these give {expected:.5g}."
                )


def _checked_pair(weights: Sequence[int], num_features: int) -> list[int]:
    """Return the indices of two different weights."""
    if num_features < 2:
        raise ValueError("X must have at least two features, one for each axis, found 1.")
    try:
        pair = [_checks.as_count(index, "weights") for index in weights]
    except TypeError as error:
        raise TypeError(f"weights must be two whole numbers, found {weights!r}.") from error
    if len(set(pair)) != 2 or len(pair) != 2 or max(pair) >= num_features:
        raise ValueError(
            f"weights must be two different numbers from 0 to {num_features - 1}, found "
            f"{weights!r}."
        )
    return pair


def _axis_values(points: Float64Array) -> Float64Array:
    """Return the grid's values along each axis, with all points well inside."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle = low / 2 + high / 2
    extent = high - low
    least = max(_LEAST_WIDTH * extent.max() or 1.0, _LEAST_CHANGE * np.abs(middle).max())
    extent = np.maximum(extent, least)
    return np.linspace(middle - 0.65 * extent, middle + 0.65 * extent, _GRID).T
