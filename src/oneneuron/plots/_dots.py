"""The samples as dots in the plane of two features."""

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
    """Draw the samples as dots, each class with its own colour and marker.

    A second call on the same Axes adds dots.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
        The samples, with two features or more.
    y : array-like of shape (n,)
        The labels, of any kind and of at most ten classes. They are matched to the samples by
        position; the index of a pandas Series is ignored.
    features : pair of int or str, default None
        The two features to draw: names, or column numbers from 0. May be None if X has only two.
    classes : array-like, default None
        All classes, including those that do not occur in y. Pass the same list for every picture to
        give each class the same colour in all of them. None means the classes in y.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        a picture of another kind.

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
    >>> ax = plots.plot_dots([[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]], ["red", "red", "green"])
    """
    check_axes(ax)
    samples = Samples(X, y, features)
    found = classes_of(samples.labels)
    classes = found if classes is None else _as_classes(classes, found)
    ax = _style.axes_or_new(ax, "dots", is_shared=True)
    draw_dots(ax, samples, classes)
    add_class_legend(ax)
    return ax


def _as_classes(classes: ArrayLike, found: list[Any]) -> list[Any]:
    """Return the given classes, sorted; raise an error unless they include all that were found."""
    if isinstance(classes, str) or not np.iterable(classes):
        raise TypeError(f"classes must be a list of labels, found {classes!r}.")
    given: list[Any] = np.asarray(classes).tolist()
    missing = [label for label in found if label not in given]
    if missing:
        raise ValueError(f"classes must contain every label in y, but {missing[0]!r} is missing.")
    return classes_of(given)


def draw_dots(ax: Axes, samples: Samples, classes: list[Any]) -> None:
    """Draw the samples and label the axes. A class without samples still gets an artist."""
    indices = np.array([classes.index(label) for label in samples.labels])
    for index, label in enumerate(classes):
        color = _style.COLORS[index]
        x1, x2 = samples.points[indices == index].T
        ax.scatter(
            x1, x2, s=_style.AREAS[index], color=color,
            marker=_style.MARKERS[index], edgecolor=_style.edge_color(color), linewidth=0.6,
            label=f"class {_style.escaped(label)}", zorder=3,
        )  # fmt: skip
    first, second = samples.pair
    ax.set(xlabel=samples.table.label(first), ylabel=samples.table.label(second))


def add_class_legend(ax: Axes) -> None:
    """Add a legend with one entry for each label, even if a class was drawn several times."""
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))
    # Unless "best" is requested explicitly, matplotlib may warn that it is slow.
    _style.add_legend(ax, entries.values(), entries, loc="best", ncols=1 if len(entries) < 6 else 2)
