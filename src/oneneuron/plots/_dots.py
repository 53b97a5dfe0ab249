"""The samples as dots over one or two features."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .._typing import Float64Array
from . import _style
from ._arguments import check_axes
from ._samples import Samples, classes_of


def plot_dots(
    X: ArrayLike, y: ArrayLike, *, features: Hashable | Collection[Hashable] | None = None,
    classes: ArrayLike | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the samples as dots, each class with its own colour and marker.

    With one feature, each class has a height of its own. A second call on the same Axes adds dots.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
        The samples.
    y : array-like of shape (n,)
        The labels, of any kind and of at most ten classes. They are matched to the samples by
        position; the index of a pandas Series is ignored.
    features : one or two of int or str, default None
        The features to draw: names, or column numbers from 0. May be None if X has one or two.
    classes : array-like, default None
        All classes, including those that do not occur in y. Pass the same list for every picture to
        give each class the same colour in all of them. None means the classes in y.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        a picture of another kind.

    Returns
    -------
    Axes
        The Axes drawn on.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid. Nothing is drawn in that case.

    Examples
    --------
    >>> from oneneuron import plots
    >>> X = [[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]]
    >>> ax = plots.plot_dots(X, ["red", "red", "green"])
    """
    check_axes(ax)
    samples = Samples(X, y, features)
    found = classes_of(samples.labels)
    classes = found if classes is None else _as_classes(classes, found)
    ax = _style.axes_or_new(ax, "dots", is_shared=True)
    draw_dots(ax, samples, classes)
    if len(samples.drawn) == 2:  # otherwise the ticks name the classes
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
    for index, points in enumerate(_points_by_class(samples, classes)):
        color = _style.COLORS[index]
        x1, x2 = points.T
        ax.scatter(
            x1, x2, s=_style.dot_area(index), color=color,
            marker=_style.MARKERS[index], edgecolor=_style.edge_color(color),
            linewidth=_style.width(0.6), label=f"class {_style.escaped(classes[index])}", zorder=3,
        )  # fmt: skip
    names = [samples.table.label(index) for index in samples.drawn]
    if len(names) == 1:
        ax.set_yticks(range(len(classes)), [_style.escaped(label) for label in classes])
        _style.fit_tick_labels(ax)
        ax.set_ylim(-0.5, len(classes) - 0.5)
    ax.set(xlabel=names[0], ylabel=names[1] if len(names) > 1 else "class")


def draw_test_dots(ax: Axes, samples: Samples, classes: list[Any]) -> None:
    """Draw test samples as hollow dots of the same colours and markers."""
    for index, points in enumerate(_points_by_class(samples, classes)):
        x1, x2 = points.T
        ax.scatter(
            x1, x2, s=_style.dot_area(index), color="white", edgecolor=_style.COLORS[index],
            marker=_style.MARKERS[index], linewidth=_style.width(1.5), zorder=3,
        )  # fmt: skip
    ax.scatter(
        [], [], s=_style.dot_area(0), color="white", edgecolor="black", linewidth=_style.width(1.5),
        label="test samples",
    )  # fmt: skip


def _points_by_class(samples: Samples, classes: list[Any]) -> list[Float64Array]:
    """Return the dots of each class, of shape (k, 2); with one feature, the class is the height."""
    indices = np.array([classes.index(label) for label in samples.labels])
    points = np.column_stack([samples.points, indices])[:, :2]
    return [points[indices == index] for index in range(len(classes))]


def add_class_legend(ax: Axes, title: str | None = None) -> None:
    """Add a legend with one entry for each label, even if a class was drawn several times."""
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))
    _style.add_legend_above(ax, entries.values(), entries, ncols=6, title=title)
