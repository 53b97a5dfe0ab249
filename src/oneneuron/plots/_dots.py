"""Samples in the plane of two features."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from . import _style
from ._arguments import check_axes
from ._samples import Samples, classes_of


def plot_dots(
    X: ArrayLike, y: ArrayLike, *, features: Collection[Hashable] | None = None,
    classes: ArrayLike | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw samples by class, each class in a colour and with a marker of its own.

    Called again on the same Axes, it adds dots.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
    y : array-like of shape (n,)
        Up to ten different labels, of any kind, in the order of the samples: the index of a Series
        is of no account.
    features : two columns of X, default None
        The features to draw, by number or by name; needed if there are more than two.
    classes : sequence, default None
        All labels there are, if some are missing in y: so each has the same colour in every
        picture. None takes those in y.
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit, the features to draw are not finite numbers or not there, or
        there are too many labels.
    """
    check_axes(ax)
    samples = Samples(X, y, features)
    found = classes_of(samples.labels)
    classes = found if classes is None else _as_classes(classes, found)
    ax = _style.axes(ax)
    draw(ax, samples, classes)
    add_legend(ax)
    return ax


def _as_classes(classes: ArrayLike, found: list[Any]) -> list[Any]:
    """The labels there are, in order; they must have all that were found."""
    if isinstance(classes, str) or not np.iterable(classes):
        raise TypeError(f"classes must be a list of labels, found {classes!r}.")
    given: list[Any] = np.asarray(classes).tolist()
    missing = [label for label in found if label not in given]
    if missing:
        raise ValueError(f"classes must have all labels in y, {missing[0]!r} is missing.")
    return classes_of(given)


def draw(ax: Axes, samples: Samples, classes: list[Any]) -> None:
    """The dots of every class, which none may have, and the names of the axes."""
    places = np.array([classes.index(label) for label in samples.labels])
    for place, label in enumerate(classes):
        color = _style.COLORS[place]
        x1, x2 = samples.points[places == place].T
        ax.scatter(
            x1, x2, s=_style.AREAS[place], color=color,
            marker=_style.MARKERS[place], edgecolor=_style.edge(color), linewidth=0.6,
            label=f"class {_style.plain(label)}", zorder=3,
        )  # fmt: skip
    first, second = samples.places
    ax.set(xlabel=samples.table.label(first), ylabel=samples.table.label(second))


def add_legend(ax: Axes) -> None:
    """A legend with one line for each label, though dots of a class be drawn several times."""
    handles, labels = ax.get_legend_handles_labels()
    lines = dict(zip(labels, handles, strict=True))
    # matplotlib warns of the time that "best" may take, unless it is asked for.
    _style.legend(ax, lines.values(), lines, loc="best", ncols=1 if len(lines) < 6 else 2)
