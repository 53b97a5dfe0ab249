"""What a model makes of the plane of two features."""

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
from ._answers import Answers, Classifier, ask
from ._arguments import check_axes
from ._grid import Grid
from ._samples import FeatureTable, Samples, classes_of

# What the last picture on an Axes left there, for the next to replace. The colourbar is apart: it
# survives ax.clear(), and without it the next would take its own share of the space.
_DRAWN: WeakKeyDictionary[Axes, WeakSet[Artist]] = WeakKeyDictionary()
_BARS: WeakKeyDictionary[Axes, ReferenceType[Colorbar]] = WeakKeyDictionary()


def plot_decision_boundary(
    X: ArrayLike, y: ArrayLike, model: Classifier | Callable[[Any], ArrayLike] | Model, *,
    features: Collection[Hashable] | None = None,
    at: Mapping[Any, Any] | Iterable[Any] | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw which class a model gives to each point of a plane, and the samples over it.

    For two classes with probabilities: shades of f, the probability of the second class, and the
    line f = 0.5. Else each class's region in its colour, with black borders. Called again on the
    same Axes, it replaces what it drew there.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
    y : array-like of shape (n,)
        Up to ten different labels, of any kind; not all of the model's need occur.
    model : classifier, callable or Model
        A fitted classifier is asked through `predict_proba`, else `decision_function` (two
        classes), else `predict`; its classes are `classes_`. A callable is given points (m, d) in
        a table like X, and its classes are the labels in y, in order (0 and 1 where either occurs
        alone). What it may return, as may a `predict` without `classes_`:

        - (m, k): the probability of each class;
        - (m,) or (m, 1) of floats, all from 0 to 1: the probability of the second of two classes,
          unless y holds floats as well and these are all among them;
        - (m,) of anything else: labels.

        A `Model` is one of a descent's, such as ``descent.best``.
    features : two columns of X, default None
        The features to draw, by number or by name; needed if there are more than two.
    at : sequence, dict or Series, default None
        Where to hold the other features: a value for each feature of X in turn, as a sample has
        (what it says of the two that are drawn is of no account), or values by name. Those it
        leaves out are held at their median (of whole numbers the lower of two), or at their most
        common value if they are no numbers.
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        As `plot_dots`, and if the model fails or returns none of the above, or `at` does not fit X.
    """
    check_axes(ax)
    samples = Samples(_under_the_models_names(X, model), y, features)
    grid = Grid(samples, at)
    answers = ask(model, grid.slabs(), samples.labels)
    classes = classes_of(samples.labels, answers.labels)
    ax = _style.axes(ax)
    with _in_place_of_the_last(ax):
        _dots.draw(ax, samples, classes)
        if answers.are_probabilities and len(answers.labels) == 2:
            _draw_shades(ax, grid, answers, classes)
        else:
            _draw_regions(ax, grid, answers, classes)
        _dots.add_legend(ax)
        ax.set(xlim=grid.x1[[0, -1]], ylim=grid.x2[[0, -1]])
        ax.set_title(grid.note(), loc="right", fontsize="small")
    return ax


def _under_the_models_names(X: ArrayLike, model: object) -> ArrayLike:
    """X as a frame if the model knows its features by names that a plain array lacks."""
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
    # Whoever has fitted it on a frame has pandas; no other way needs it.
    import pandas

    frame: ArrayLike = pandas.DataFrame(table.X, columns=names)
    return frame


@contextmanager
def _in_place_of_the_last(ax: Axes) -> Iterator[None]:
    for artist in _DRAWN.get(ax, ()):
        if artist in ax.get_children():
            artist.remove()
    before = set(ax.get_children())
    yield
    _DRAWN[ax] = WeakSet(artist for artist in ax.get_children() if artist not in before)


def _draw_shades(ax: Axes, grid: Grid, answers: Answers, classes: list[Any]) -> None:
    """The probability of the second class, white where it is 1/2."""
    shades = _style.shades(*map(classes.index, answers.labels))
    f = answers.scores[:, 1].reshape(grid.shape)
    mesh = _draw_mesh(ax, grid, f, cmap=shades, vmin=0, vmax=1)
    _set_bar(ax, mesh, f"$f(x)$, the probability of class {_style.plain(answers.labels[1])}")
    if _draw_borders(ax, grid, answers.scores):
        ax.plot([], [], color="black", linewidth=2, label="$f = 0.5$")


def _draw_regions(ax: Axes, grid: Grid, answers: Answers, classes: list[Any]) -> None:
    """The winner of each point, and the borders where it changes."""
    winners = answers.scores.argmax(axis=1)
    places = np.array([classes.index(label) for label in answers.labels])
    colors = ListedColormap([_style.light(place) for place in range(len(classes))])
    region = places[winners].reshape(grid.shape)
    mesh = _draw_mesh(ax, grid, region, cmap=colors, vmin=-0.5, vmax=len(classes) - 0.5)
    _remove_bar(ax, mesh)
    _draw_borders(ax, grid, answers.scores)


def _draw_mesh(ax: Axes, grid: Grid, values: AnyArray, **colors: Any) -> QuadMesh:
    # Pixels in a PDF or SVG as well, which would else hold 80 000 triangles.
    return ax.pcolormesh(
        grid.x1, grid.x2, values, shading="gouraud", rasterized=True, zorder=0, **colors
    )


def _draw_borders(ax: Axes, grid: Grid, scores: Float64Array) -> bool:
    """Lines where the winner changes; False if there are none."""
    winners = scores.argmax(axis=1)
    present = np.unique(winners)
    # Each border is between two classes, so that the last one's are drawn with the others'.
    for winner in present[:-1]:
        lead = _lead(scores, winners, winner).reshape(grid.shape)
        ax.contour(grid.x1, grid.x2, lead, levels=[0.0], colors="black", linewidths=2, zorder=2)
    return len(present) > 1


def _lead(scores: Float64Array, winners: NDArray[np.intp], winner: int) -> Float64Array:
    """How far a class is ahead of the others, above zero where it wins."""
    lead: Float64Array = scores[:, winner] - np.delete(scores, winner, axis=1).max(axis=1)
    # The first of equals wins too: its border is where the tie ends, not where it begins.
    return np.where(winners == winner, np.maximum(lead, 1e-12), lead)


def _set_bar(ax: Axes, mesh: QuadMesh, label: str) -> None:
    """A colourbar for the mesh: that of the last picture, if it is still there."""
    bar = _bar_of(ax)
    if bar is None:
        bar = ax.figure.colorbar(mesh, ax=ax)
        _BARS[ax] = ref(bar)
    else:
        _bind(bar, mesh)
    bar.set_label(label)


def _remove_bar(ax: Axes, mesh: QuadMesh) -> None:
    bar = _bar_of(ax)
    if bar is not None:
        # It gives its space back to the Axes of its mesh, which ax.clear() took from the last one.
        _bind(bar, mesh)
        bar.remove()


def _bar_of(ax: Axes) -> Colorbar | None:
    bar = _BARS[ax]() if ax in _BARS else None
    return bar if bar is not None and bar.ax in ax.figure.axes else None


def _bind(bar: Colorbar, mesh: QuadMesh) -> None:
    """Let the bar show another mesh, as a new bar would."""
    mesh.colorbar = bar
    mesh.colorbar_cid = mesh.callbacks.connect(  # type: ignore[attr-defined] # matplotlib's types lack it
        "changed", bar.update_normal
    )
    bar.update_normal(mesh)
