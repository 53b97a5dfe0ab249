"""Samples in the plane of two features."""

import numpy as np

from . import style
from .samples import Samples, classes_of


def plot_dots(X, y, *, features=None, ax=None):
    """Draw samples by class, each class in a colour and with a marker of its own.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
    y : array-like of shape (n,)
        Up to ten different labels, of any kind.
    features : two columns of X, default None
        The features to draw, by number or by name; needed if there are more than two.
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
    samples = Samples(X, y, features)
    classes = classes_of(samples.labels)
    ax = style.axes(ax)
    draw(ax, samples, classes)
    add_legend(ax)
    return ax


def draw(ax, samples, classes):
    """The dots of every class, which none may have, and the names of the axes."""
    places = np.array([classes.index(label) for label in samples.labels])
    for place, label in enumerate(classes):
        color = style.COLORS[place]
        ax.scatter(
            *samples.points[places == place].T, s=style.AREAS[place], color=color,
            marker=style.MARKERS[place], edgecolor=style.edge(color), linewidth=0.6,
            label=f"class {label}", zorder=3,
        )  # fmt: skip
    first, second = samples.places
    ax.set(xlabel=samples.table.label(first), ylabel=samples.table.label(second))


def add_legend(ax):
    """A legend with one line for each label, though dots of a class be drawn several times."""
    handles, labels = ax.get_legend_handles_labels()
    lines = dict(zip(labels, handles, strict=True))
    # matplotlib warns of the time that "best" may take, unless it is asked for.
    ax.legend(lines.values(), lines, loc="best", framealpha=0.9, ncols=1 if len(lines) < 6 else 2)
