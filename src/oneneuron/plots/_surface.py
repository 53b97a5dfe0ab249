"""The cost over two weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .. import _checks
from .._engine.cost_surface import cost_at, cost_over
from .._results import Descent
from .._text import rounded
from .._typing import AnyArray, Float64Array, FloatArray
from . import _style
from ._arguments import check_axes, recorded
from ._paths import draw_paths

_GRID = 60
_LEVELS = 14
# Contours below so small a part of the highest cost would crowd the picture.
_LEAST_LEVEL = 1e-3
# Where all costs differ by less, by roundings perhaps, it is a plain without contours.
_LEAST_RISE = 1e-9
# A path along one axis, or that stays put, gets such parts of its length and of its weights to see.
_LEAST_WIDTH = 0.5
_LEAST_CHANGE = 1e-3


def plot_cost_surface(
    X: ArrayLike, y: ArrayLike, descents: Descent | Iterable[Descent], *,
    weights: Sequence[int] = (0, 1), bias: float | None = None,
    sample_weight: ArrayLike | None = None, alpha: float = 0.0, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the contours of the cost over two weights, and the paths of descents on them.

    A ring is a path's start, a diamond its end. A single path has its best step marked with a star
    and, of those recorded, the steps 1, 10, 100, ... with their numbers.

    Parameters
    ----------
    X : array-like of shape (n, d)
        The samples of the descents, two features at least.
    y : array-like of shape (n,)
        Labels, 0 and 1.
    descents : Descent, or several
        Trained with ``record_every=1`` or more. Further weights are held where the first ended.
    weights : (int, int), default (0, 1)
        Which two weights, each from 0 to d - 1.
    bias : float, default None
        None takes the best bias at each point; a number holds it there.
    sample_weight, alpha
        As the descents were trained with.
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If something is not as above: if the descents had other costs than X and y give, too.

    Notes
    -----
    The cost is computed at each of 3600 points, once if the bias is held and 45 times if not: that
    takes 1 s for 400 samples of two features, 17 s for 100,000.
    """
    check_axes(ax)
    descents = _checked_descents(descents)
    surface = Surface(X, y, descents, weights, bias, sample_weight, alpha)
    ax = surface.draw(_style.axes(ax))
    draw_paths(ax, descents, surface.pair)
    _style.legend_above(ax, ncols=2, title=surface.note)
    return ax


class Surface:
    """The cost over two weights, around the paths of descents.

    Parameters
    ----------
    As those of `plot_cost_surface`, which has checked the descents.

    Attributes
    ----------
    pair : list of two ints
        Which weights.
    note : str
        What C is at a point.
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
        self._told = " with the best bias" if bias is None else ""
        self.note = _note(bias, X.shape[1])
        self.pair = _checked_pair(weights, X.shape[1])
        _check_features(descents, X.shape[1])
        _check_costs(descents, X, y, sample_weight, alpha)
        paths = np.concatenate([descent.history.weights[:, self.pair] for descent in descents])
        self._first, self._second = _spans(paths.astype(np.float64))
        self._costs = cost_over(
            X, y, descents[0].last.weights, self.pair, self._first, self._second, bias=bias,
            sample_weight=sample_weight, alpha=alpha,
        )  # fmt: skip

    def draw(self, ax: Axes) -> Axes:
        """The contours, at costs that grow by the same factor from one to the next."""
        high = self._costs.max(where=np.isfinite(self._costs), initial=0.0)
        low = max(self._costs.min(), _LEAST_LEVEL * high)
        place = self._first, self._second, np.minimum(self._costs, high)
        if low < high * (1 - _LEAST_RISE):
            levels = np.geomspace(low, high, _LEVELS)
            ax.contourf(*place, levels=levels, cmap=_style.HEIGHTS, extend="min")
            lines = ax.contour(*place, levels=levels[1:-1], colors="#33415c", linewidths=0.6)
            # Beneath the paths, which come later.
            ax.clabel(lines, levels=levels[2:-1:2], fmt=_label, fontsize="small", zorder=2)
        else:
            words = f"C = {rounded(low)} everywhere{self._told}"
            ax.text(0.5, 0.03, words, transform=ax.transAxes, ha="center")
        first, second = (1 + index for index in self.pair)
        ax.set(xlabel=f"$w_{{{first}}}$", ylabel=f"$w_{{{second}}}$")
        ax.set(xlim=self._first[[0, -1]], ylim=self._second[[0, -1]])
        return ax


def _label(cost: float) -> str:
    return rounded(cost, digits=2)


def _note(bias: float | None, num_features: int) -> str:
    note = "$C$ with the best bias at each point" if bias is None else f"$C$ where $b$ = {bias:.3g}"
    return note + (", other weights held" if num_features > 2 else "")


def _checked_descents(descents: Descent | Iterable[Descent]) -> list[Descent]:
    """A list of descents, each with a history."""
    if isinstance(descents, Descent) or not np.iterable(descents):
        descents = [descents]
    descents = list(descents)
    if not descents:
        raise ValueError("descents must be one Descent or several, found none.")
    for descent in descents:
        recorded(descent)
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
    """The samples must give the costs that the descents had at the start and at the end."""
    for descent in descents:
        history = descent.history
        for k in (0, -1):
            cost = history.cost[k]
            expected = cost_at(
                X, y, history.weights[k], history.bias[k], sample_weight=sample_weight, alpha=alpha
            )
            # float32 samples are good for as much, and others are further off.
            if np.isfinite(cost) and not np.isclose(expected, cost, rtol=1e-3, atol=1e-9):
                raise ValueError(
                    f"descents must have been trained on X and y, with the same sample_weight and "
                    f"alpha: the cost was {cost:.5g} where these give {expected:.5g}."
                )


def _checked_pair(weights: Sequence[int], num_features: int) -> list[int]:
    """Two different indices of weights."""
    if num_features < 2:
        raise ValueError("X must have two features at least, one for each axis, found 1.")
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


def _spans(points: Float64Array) -> Float64Array:
    """A range of values for each axis, with all points well inside."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle = low / 2 + high / 2
    extent = high - low
    least = max(_LEAST_WIDTH * extent.max() or 1.0, _LEAST_CHANGE * np.abs(middle).max())
    extent = np.maximum(extent, least)
    return np.linspace(middle - 0.65 * extent, middle + 0.65 * extent, _GRID).T
