"""The classes that a model predicts over the plane of two features."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, WeakSet, ref

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import ListedColormap
from numpy.typing import ArrayLike, NDArray

from .._results import Model
from .._typing import AnyArray, Float64Array
from . import _dots, _style
from ._arguments import check_axes
from ._grid import Grid
from ._predictions import Classifier, Predictions, predict_in_chunks
from ._samples import FeatureTable, Samples, classes_of

# What the last picture drew on an Axes, for the next one to replace. Colourbars are kept apart,
# since they survive ax.clear(), and a second one would take more space from the Axes.
_DRAWN: WeakKeyDictionary[Axes, WeakSet[Artist]] = WeakKeyDictionary()
_COLORBARS: WeakKeyDictionary[Axes, ReferenceType[Colorbar]] = WeakKeyDictionary()


def plot_decision_boundary(
    X: ArrayLike, y: ArrayLike, model: Classifier | Callable[[Any], ArrayLike] | Model, *,
    features: Collection[Hashable] | None = None,
    at: Mapping[Any, Any] | Iterable[Any] | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the class that a model predicts at each point of a plane, with the samples on top.

    If the model gives probabilities of two classes, shades of colour show f, the probability of the
    second class, and a line shows where f = 0.5. Otherwise, the picture shows the region of each
    class in the colour of the class, with black borders. A second call on the same Axes replaces
    the first picture.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
        The samples, with two features or more.
    y : array-like of shape (n,)
        The labels, of any kind. Some of the model's classes may be missing. There may be at most
        ten classes, including those of the model.
    model : classifier, callable or Model
        A fitted classifier, a function that predicts, or a neuron such as ``descent.best``. See the
        notes for what it may return.
    features : pair of int or str, default None
        The two features to draw: names, or column numbers from 0. May be None if X has only two.
    at : array-like of shape (d,), dict or Series, default None
        The values at which the other features are held: one for each feature of X, such as a row of
        X, or values by name. Values for the two features that are drawn are ignored. A feature
        without a value is held at its median, or at its most common value if it does not hold
        numbers. The median of whole numbers is always one of these numbers.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        a picture of another kind.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, if the model fails, or if it returns something other than the
        notes describe. Nothing is drawn in that case.

    Notes
    -----
    The points are passed to the model in tables of the same type as X: a DataFrame if X is one or
    if the model was fitted on one.

    For a classifier, the first of these methods that exists is called: `predict_proba`,
    `decision_function` (for two classes), `predict`. The classes are its `classes_`.

    A function, or a `predict` without `classes_`, predicts the classes in y, sorted. If y has only
    the label 0 or only the label 1, the classes are 0 and 1. For m points and k classes it may
    return

    - an array of shape (m, k): the probability of each class;
    - an array of shape (m,) or (m, 1) of floats from 0 to 1: the probability of the second of two
      classes, unless y holds floats and every value is one of these;
    - an array of shape (m,) of anything else: labels.

    Examples
    --------
    >>> from oneneuron import NeuronClassifier, plots
    >>> X, y = [[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]], ["red", "red", "green"]
    >>> ax = plots.plot_decision_boundary(X, y, NeuronClassifier().fit(X, y))
    """
    check_axes(ax)
    samples = Samples(_with_feature_names_of(model, X), y, features)
    grid = Grid(samples, at)
    predictions = predict_in_chunks(model, grid.chunks(), samples.labels)
    classes = classes_of(samples.labels, predictions.classes)
    ax = _style.axes_or_new(ax, "decision boundary", is_shared=True)
    with _replacing_last_picture(ax):
        _dots.draw_dots(ax, samples, classes)
        if predictions.are_probabilities and len(predictions.classes) == 2:
            _draw_probabilities(ax, grid, predictions, classes)
        else:
            _draw_regions(ax, grid, predictions, classes)
        _dots.add_class_legend(ax)
        ax.set(xlim=grid.x1[[0, -1]], ylim=grid.x2[[0, -1]])
        ax.set_title(grid.note(), loc="right", fontsize="small")
    return ax


def _with_feature_names_of(model: object, X: ArrayLike) -> ArrayLike:
    """Return X as a frame if the model was fitted on one and X is an array."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return X
    table = FeatureTable(X)
    if table.is_frame:
        return X
    if len(names) != len(table.names):
        raise ValueError(
            f"X must have the model's {len(names)} features, found {len(table.names)}."
        )
    # A model that was fitted on a frame is rarely used without pandas. Nothing else here needs it.
    import pandas

    frame: ArrayLike = pandas.DataFrame(table.X, columns=names)
    return frame


@contextmanager
def _replacing_last_picture(ax: Axes) -> Iterator[None]:
    """Remove what the last call drew on the Axes, and remember what is drawn in the context."""
    for artist in _DRAWN.get(ax, ()):
        if artist in ax.get_children():
            artist.remove()
    before = set(ax.get_children())
    yield
    _DRAWN[ax] = WeakSet(artist for artist in ax.get_children() if artist not in before)


def _draw_probabilities(ax: Axes, grid: Grid, predictions: Predictions, classes: list[Any]) -> None:
    """Draw the probability of the second class, white where it is 1/2."""
    colors = _style.probability_colors(*map(classes.index, predictions.classes))
    f = predictions.scores[:, 1].reshape(grid.shape)
    mesh = _draw_mesh(ax, grid, f, cmap=colors, vmin=0, vmax=1)
    second = _style.escaped(predictions.classes[1])
    _show_colorbar(ax, mesh, f"$f(x)$, the probability of class {second}")
    if _draw_borders(ax, grid, predictions.scores):
        ax.plot([], [], color="black", linewidth=2, label="$f = 0.5$")


def _draw_regions(ax: Axes, grid: Grid, predictions: Predictions, classes: list[Any]) -> None:
    """Draw the winning class of each point, and borders between the classes."""
    winners = predictions.scores.argmax(axis=1)
    indices = np.array([classes.index(label) for label in predictions.classes])
    colors = ListedColormap([_style.light_color(index) for index in range(len(classes))])
    region = indices[winners].reshape(grid.shape)
    mesh = _draw_mesh(ax, grid, region, cmap=colors, vmin=-0.5, vmax=len(classes) - 0.5)
    _remove_colorbar(ax, mesh)
    _draw_borders(ax, grid, predictions.scores)


def _draw_mesh(ax: Axes, grid: Grid, values: AnyArray, **colors: Any) -> QuadMesh:
    # Rasterised because it would otherwise be 80,000 triangles in a PDF or SVG.
    return ax.pcolormesh(
        grid.x1, grid.x2, values, shading="gouraud", rasterized=True, zorder=0, **colors
    )


def _draw_borders(ax: Axes, grid: Grid, scores: Float64Array) -> bool:
    """Draw lines where the winning class changes; return whether there are any."""
    winners = scores.argmax(axis=1)
    present = np.unique(winners)
    # Each border lies between two classes, so the last class gets its borders from the others.
    for winner in present[:-1]:
        lead = _lead(scores, winners, winner).reshape(grid.shape)
        ax.contour(grid.x1, grid.x2, lead, levels=[0.0], colors="black", linewidths=2, zorder=2)
    return len(present) > 1


def _lead(scores: Float64Array, winners: NDArray[np.intp], winner: int) -> Float64Array:
    """Return the lead of a class over the best of the others, positive where the class wins."""
    lead: Float64Array = scores[:, winner] - np.delete(scores, winner, axis=1).max(axis=1)
    # A class that wins a tie has a lead of 0. Its border belongs where the tie ends, not where it
    # begins.
    return np.where(winners == winner, np.maximum(lead, 1e-12), lead)


def _show_colorbar(ax: Axes, mesh: QuadMesh, label: str) -> None:
    """Show a colourbar for the mesh; reuse that of the last picture if it still exists."""
    bar = _colorbar_of(ax)
    if bar is None:
        bar = ax.figure.colorbar(mesh, ax=ax)
        _COLORBARS[ax] = ref(bar)
    else:
        _attach(bar, mesh)
    bar.set_label(label)


def _remove_colorbar(ax: Axes, mesh: QuadMesh) -> None:
    bar = _colorbar_of(ax)
    if bar is not None:
        # The colourbar returns its space to the Axes of its mesh. After ax.clear() the old mesh no
        # longer has any.
        _attach(bar, mesh)
        bar.remove()


def _colorbar_of(ax: Axes) -> Colorbar | None:
    """Return the colourbar of the last picture on the Axes if it still exists."""
    bar = _COLORBARS[ax]() if ax in _COLORBARS else None
    return bar if bar is not None and bar.ax in ax.figure.axes else None


def _attach(bar: Colorbar, mesh: QuadMesh) -> None:
    """Make a colourbar show another mesh, as a new one would."""
    mesh.colorbar = bar
    mesh.colorbar_cid = mesh.callbacks.connect(  # type: ignore[attr-defined] # matplotlib's types lack it
        "changed", bar.update_normal
    )
    bar.update_normal(mesh)
