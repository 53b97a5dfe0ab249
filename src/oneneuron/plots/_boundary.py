"""The classes that a model predicts over one or two features."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap
from matplotlib.ticker import AutoLocator, ScalarFormatter
from numpy.typing import ArrayLike, NDArray

from .._results import Model
from .._typing import AnyArray, Float64Array
from . import _dots, _style
from ._arguments import as_limits, as_model, check_axes
from ._colorbars import remove_colorbar, show_colorbar
from ._grid import Grid, limits_around
from ._predictions import Classifier, Predictions, predict_in_chunks
from ._samples import FeatureTable, Samples, classes_of

# What the last picture drew on an Axes, for the next one to replace.
_DRAWN: WeakKeyDictionary[Axes, WeakSet[Artist]] = WeakKeyDictionary()


def plot_decision_boundary(
    X: ArrayLike, y: ArrayLike,
    model: Classifier | Callable[[Any], ArrayLike] | Model | Mapping[str, float], *,
    features: Hashable | Collection[Hashable] | None = None,
    at: Mapping[Any, Any] | Iterable[Any] | None = None,
    test: tuple[ArrayLike, ArrayLike] | None = None, xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the class that a model predicts over one or two features, with the samples on top.

    If the model gives probabilities of two classes, shades of colour show f, the probability of the
    second class, and a line shows where f = 0.5. Otherwise, the picture shows the region of each
    class in the colour of the class, with black borders. With one feature, the height is f, or else
    stands for the class.

    A second call on the same Axes replaces the first picture. Pictures on shared axes get the same
    range.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
        The samples.
    y : array-like of shape (n,)
        The labels, of any kind. Some of the model's classes may be missing. There may be at most
        ten classes, including those of the model.
    model : classifier, callable, Model or dict
        A fitted classifier, a function that predicts, or a neuron: a model such as
        ``descent.best``, or the dict that the lecture's `build_model` returns. See the notes for
        what it may return.
    features : one or two of int or str, default None
        The features to draw: names, or column numbers from 0. May be None if X has one or two.
    at : array-like of shape (d,), dict or Series, default None
        The values at which the other features are held: one for each feature of X, such as a row of
        X, or values by name. Values for features that are drawn are ignored. A feature
        without a value is held at its median, or at its most common value if it does not hold
        numbers. The median of whole numbers is always one of these numbers.
    test : tuple of (X_test, y_test), default None
        Test samples, which are drawn as hollow dots.
    xlim, ylim : (float, float), default None
        The range of the first and of the second feature. None means that of the samples, with a
        margin.
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
    >>> X, y = [[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]], [0, 0, 1]
    >>> model = NeuronClassifier().fit(X, y)
    >>> ax = plots.plot_decision_boundary(X, y, model)
    """
    check_axes(ax)
    model = as_model(model)
    picture = _Picture(model, at, *_checked_samples(model, X, y, test, features), xlim, ylim)
    ax = _style.axes_or_new(ax, "decision boundary", is_shared=True)
    for other in picture.join(ax):
        _PICTURES[other].draw(other)
    picture.draw(ax)
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


def _checked_samples(
    model: object, X: ArrayLike, y: ArrayLike, test: Any,
    features: Hashable | Collection[Hashable] | None,
) -> tuple[Samples, Samples | None]:  # fmt: skip
    """Return the samples, and the test samples if there are any."""
    samples = Samples(_with_feature_names_of(model, X), y, features)
    if test is None:
        return samples, None
    if not isinstance(test, Sequence) or len(test) != 2:
        raise TypeError(f"test must be a pair (X_test, y_test), found {type(test).__name__}.")
    tests = Samples(_with_feature_names_of(model, test[0]), test[1], features)
    if tests.table.names != samples.table.names:
        raise ValueError(
            f"test must have the {len(samples.table.names)} features of X, found "
            f"{tests.table.names}."
        )
    return samples, tests


class _Picture:
    """The picture of one call. It can be drawn again over another range.

    Attributes
    ----------
    limits : list of (float, float)
        The ends of the axis of each drawn feature.
    """

    def __init__(
        self, model: Any, at: Any, samples: Samples, tests: Samples | None, xlim: Any, ylim: Any
    ) -> None:
        self._model, self._at, self._samples, self._tests = model, at, samples, tests
        self._labels = samples.labels + (tests.labels if tests else [])
        if len(samples.drawn) == 1 and ylim is not None:
            raise ValueError(
                f"ylim is the range of a second feature, and only one is drawn: leave it out, "
                f"found {ylim!r}."
            )
        self._given = [None if xlim is None else as_limits(xlim, "xlim"),
                       None if ylim is None else as_limits(ylim, "ylim")]  # fmt: skip
        columns = zip(*(some.points.T for some in (samples, tests) if some), strict=True)
        around = [limits_around(*values) for values in columns]
        self.predict_over(
            [given or limits for given, limits in zip(self._given, around, strict=False)]
        )

    def predict_over(self, limits: list[tuple[float, float]]) -> None:
        """Let the model predict over a range."""
        self.limits = limits
        self._grid = Grid(self._samples, self._at, limits)
        self._predictions = predict_in_chunks(self._model, self._grid.chunks(), self._labels)
        self._classes = classes_of(self._labels, self._predictions.classes)

    def join(self, ax: Axes) -> list[Axes]:
        """Take the range of other Axes that share an axis with `ax`, and widen their pictures.

        Returns
        -------
        list of Axes
            Those whose pictures must be drawn again.
        """
        groups = ax.get_shared_x_axes(), ax.get_shared_y_axes()
        others = [[other for other in g.get_siblings(ax) if other is not ax] for g in groups]
        limits = self.limits.copy()
        for k, (low, high) in enumerate(self.limits):
            if self._given[k] is None and any(other.has_data() for other in others[k]):
                shared = (ax.get_xlim, ax.get_ylim)[k]()
                limits[k] = min(low, *shared), max(high, *shared)
        if limits != self.limits:
            self.predict_over(limits)
        changed = []
        for other in dict.fromkeys([*others[0], *others[1]]):
            picture = _picture_on(other)
            if picture:
                wanted = [
                    limits[k] if other in others[k] and k < len(limits) else ends
                    for k, ends in enumerate(picture.limits)
                ]
                if wanted != picture.limits:
                    picture.predict_over(wanted)
                    changed.append(other)
        return changed

    def draw(self, ax: Axes) -> None:
        """Draw the picture in place of the last one."""
        grid, predictions, classes = self._grid, self._predictions, self._classes
        before = _picture_on(ax)
        if before and len(before.limits) == 1:  # its ticks are the classes
            ax.yaxis.set_major_locator(AutoLocator())
            ax.yaxis.set_major_formatter(ScalarFormatter())
        with _replacing_last_picture(ax):
            _dots.draw_dots(ax, self._samples, classes)
            if self._tests:
                _dots.draw_test_dots(ax, self._tests, classes)
            if len(grid.axes) == 1:
                _draw_one_feature(ax, grid.axes[0], predictions, classes)
            elif predictions.are_probabilities and len(predictions.classes) == 2:
                _draw_probabilities(ax, grid, predictions, classes)
            else:
                _draw_regions(ax, grid, predictions, classes)
            _dots.add_class_legend(ax, grid.note() or None)
            ax.set_xlim(self.limits[0])
            if len(grid.axes) == 2:
                ax.set_ylim(self.limits[1])
        _PICTURES[ax] = self


# The last picture on each Axes.
_PICTURES: WeakKeyDictionary[Axes, _Picture] = WeakKeyDictionary()


def _picture_on(ax: Axes) -> _Picture | None:
    """Return the picture on the Axes, unless they were cleared since then."""
    is_there = any(artist in ax.get_children() for artist in _DRAWN.get(ax, ()))
    return _PICTURES.get(ax) if is_there else None


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
    mesh = _draw_mesh(ax, grid.axes, f, cmap=colors, vmin=0, vmax=1)
    bar = show_colorbar(ax, mesh, _probability_label(predictions.classes[1]))
    _style.fit_text(bar.ax.yaxis.label, ax.bbox.height)
    if _draw_borders(ax, grid, predictions.scores):
        ax.plot([], [], color="black", linewidth=_style.width(2), label="$f = 0.5$")


def _probability_label(label: object) -> str:
    return f"$f(x)$, the probability of class {_style.escaped(label)}"


def _draw_regions(ax: Axes, grid: Grid, predictions: Predictions, classes: list[Any]) -> None:
    """Draw the winning class of each point, and borders between the classes."""
    region = _winners(predictions, classes).reshape(grid.shape)
    remove_colorbar(ax)
    _draw_mesh(ax, grid.axes, region, **_region_colors(classes))
    _draw_borders(ax, grid, predictions.scores)


def _winners(predictions: Predictions, classes: list[Any]) -> NDArray[np.intp]:
    """Return the index of the winning class of each point."""
    indices = np.array([classes.index(label) for label in predictions.classes])
    winners: NDArray[np.intp] = indices[predictions.scores.argmax(axis=1)]
    return winners


def _region_colors(classes: list[Any]) -> dict[str, Any]:
    """Return matplotlib's options for a mesh of the indices of classes."""
    colors = ListedColormap([_style.light_color(index) for index in range(len(classes))])
    return {"cmap": colors, "vmin": -0.5, "vmax": len(classes) - 0.5}


def _draw_one_feature(
    ax: Axes, x: Float64Array, predictions: Predictions, classes: list[Any]
) -> None:
    """Draw f over a single feature, or the winning class at each value of it."""
    scores, label = predictions.scores, None
    if predictions.are_probabilities and len(predictions.classes) == len(classes) == 2:
        f = scores[:, predictions.classes.index(classes[1])]
        ax.plot(x, f, color="black", linewidth=_style.width(2), label="$f(x)$", zorder=2)
        ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.set(ylim=(-0.1, 1.1), ylabel=_probability_label(classes[1]))
        _style.fit_text(ax.yaxis.label, ax.bbox.height)
        colors: dict[str, Any] = {"cmap": _style.probability_colors(0, 1), "vmin": 0, "vmax": 1}
        values: AnyArray = f
        label = "$f = 0.5$"
    else:
        values, colors = _winners(predictions, classes), _region_colors(classes)
    both = np.array([values, values])
    remove_colorbar(ax)
    _draw_mesh(ax, [x, np.array(ax.get_ylim())], both, **colors)
    for border in _borders(x, scores):
        ax.axvline(
            border,
            color="black",
            linewidth=_style.width(1.5),
            linestyle="--",
            label=label,
            zorder=2,
        )


def _borders(x: Float64Array, scores: Float64Array) -> list[float]:
    """Return where the winning class changes along a single feature."""
    winners = scores.argmax(axis=1)
    borders = []
    for k in np.flatnonzero(np.diff(winners)).tolist():
        first, second = winners[k : k + 2]
        before, after = scores[k : k + 2, first] - scores[k : k + 2, second]
        # The lead of the first class may be 0 on one side, in a tie, but not on both.
        borders.append(float(x[k] + (x[k + 1] - x[k]) * before / (before - after)))
    return borders


def _draw_mesh(ax: Axes, axes: Sequence[Float64Array], values: AnyArray, **colors: Any) -> QuadMesh:
    # Rasterised because it would otherwise be 80,000 triangles in a PDF or SVG.
    return ax.pcolormesh(*axes, values, shading="gouraud", rasterized=True, zorder=0, **colors)


def _draw_borders(ax: Axes, grid: Grid, scores: Float64Array) -> bool:
    """Draw lines where the winning class changes; return whether there are any."""
    winners = scores.argmax(axis=1)
    present = np.unique(winners)
    # Each border lies between two classes, so the last class gets its borders from the others.
    for winner in present[:-1]:
        lead = _lead(scores, winners, winner).reshape(grid.shape)
        ax.contour(
            *grid.axes, lead, levels=[0.0], colors="black", linewidths=_style.width(2), zorder=2
        )
    return len(present) > 1


def _lead(scores: Float64Array, winners: NDArray[np.intp], winner: int) -> Float64Array:
    """Return the lead of a class over the best of the others, positive where the class wins."""
    lead: Float64Array = scores[:, winner] - np.delete(scores, winner, axis=1).max(axis=1)
    # A class that wins a tie has a lead of 0. Its border belongs where the tie ends, not where it
    # begins.
    return np.where(winners == winner, np.maximum(lead, 1e-12), lead)
