"""Samples in the plane of two features, and what a classifier makes of it."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D

from . import style

# The classes' colours, light enough for the dots to stand out, white where f = 1/2.
_SHADES = LinearSegmentedColormap.from_list("f", ["#9cc7e6", "#ffffff", "#f6bd97"])
_GRID = 200


def plot_dots(X, y, *, ax=None):
    """Draw samples by class, with a legend.

    Parameters
    ----------
    X : array-like of shape (n, 2)
    y : array-like of shape (n,)
        Up to five different labels.
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the shapes do not fit, X is not finite, or there are too many labels.
    """
    X, y, labels = _checked(X, y)
    ax = style.axes(ax)
    for label, color, marker in zip(labels, style.COLORS, style.MARKERS, strict=False):
        points = X[y == label]
        ax.scatter(
            *points.T, s=28, color=color, marker=marker, edgecolor="white", linewidth=0.6,
            label=f"class {label}", zorder=3,
        )  # fmt: skip
    ax.set_xlabel("$x_1$")
    ax.set_ylabel("$x_2$")
    ax.legend(framealpha=0.9)
    return ax


def plot_decision_boundary(X, y, predict, *, ax=None):
    """Draw the probability of the second class as shades, the line f = 0.5, and the samples.

    Parameters
    ----------
    X : array-like of shape (n, 2)
    y : array-like of shape (n,)
    predict : callable
        Gives the probability of the second class, shape (m,), for points of shape (m, 2).
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        As `plot_dots`, and if predict returns something else than m finite numbers.
    """
    X, y, _ = _checked(X, y)
    x1, x2 = (_span(column) for column in X.T)
    grid = np.stack(np.meshgrid(x1, x2), axis=-1)
    f = _probabilities(predict, grid.reshape(-1, 2)).reshape(_GRID, _GRID)
    ax = style.axes(ax)
    shades = ax.pcolormesh(x1, x2, f, vmin=0, vmax=1, cmap=_SHADES, shading="gouraud", zorder=0)
    ax.figure.colorbar(shades, ax=ax, label="$f(x)$")
    ax.set(xlim=x1[[0, -1]], ylim=x2[[0, -1]])
    plot_dots(X, y, ax=ax)
    # A contour that does not cross the picture would only bring matplotlib's warning.
    if f.min() < 0.5 < f.max():
        ax.contour(x1, x2, f, levels=[0.5], colors="black", linewidths=2, zorder=2)
        line = Line2D([], [], color="black", linewidth=2, label="$f = 0.5$")
        ax.legend(handles=[*ax.get_legend_handles_labels()[0], line], framealpha=0.9)
    return ax


def _checked(X, y):
    """X (n, 2) in float64, y (n,) and its different labels."""
    X = np.asarray(X, dtype=np.float64)
    y = np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2 or len(X) == 0:
        raise ValueError(
            f"the samples must have shape (n, 2), two features to draw, found shape {X.shape}."
        )
    if not np.isfinite(X).all():
        raise ValueError("the samples must be finite: drop those with NaN or infinity.")
    if y.shape != (len(X),):
        raise ValueError(
            f"the labels must have shape ({len(X)},), one for each sample, found shape {y.shape}."
        )
    labels = np.unique(y)
    if len(labels) > len(style.COLORS):
        raise ValueError(
            f"the labels must be of {len(style.COLORS)} classes at most, found {len(labels)}."
        )
    return X, y, labels.tolist()


def _span(column):
    """A grid a little wider than the column's values, wide enough for equal ones."""
    low, high = column.min(), column.max()
    margin = 0.08 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, _GRID)


def _probabilities(predict, points):
    f = np.asarray(predict(points), dtype=np.float64)
    if f.shape != (len(points),) or not np.isfinite(f).all():
        raise ValueError(
            f"predict must return {len(points)} finite probabilities for as many points, found "
            f"shape {f.shape}{'' if np.isfinite(f).all() else ' with NaN or infinity'}."
        )
    return f
