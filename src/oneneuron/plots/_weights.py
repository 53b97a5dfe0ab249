"""The weights of neurons as images, for features that are the pixels of an image."""

from __future__ import annotations

from math import ceil, isqrt, sqrt
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from .. import _checks
from .._results import Model
from .._typing import Float64Array
from . import _style
from ._arguments import as_model, check_axes
from ._colorbars import remove_colorbar, show_colorbar

# The colours of class 0 and class 1, towards which negative and positive weights pull.
_COLORS = LinearSegmentedColormap.from_list(
    "weights", [_style.COLORS[0], "white", _style.COLORS[1]]
)
# A negative weight gets a dash if it is at least this fraction of the largest in absolute value.
_LEAST_MARKED = 0.1
# The space between images, as fractions of their width and height. There is a name above each.
_GAPS = 0.12, 0.4


def plot_weights(
    model: Any, shape: tuple[int, int] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the weights of one or several neurons as images, with a pixel for each feature.

    A weight above 0 is orange: where the feature is large, it speaks for the class that is named
    above the image. A weight below 0 is blue, with a dash, and speaks against it. All images have
    the same scale. A second call on the same Axes replaces the first picture.

    Parameters
    ----------
    model : Model or fitted model with ``coef_``
        A neuron such as ``descent.best``, a `NeuronClassifier`, or another linear model. If that is
        in a pipeline, pass the pipeline's last step.
    shape : (int, int), default None
        The rows and columns of an image, such as (8, 8) for scikit-learn's digits. None means a
        square.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes.

    Returns
    -------
    Axes
        The Axes drawn on.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or if a weight is not finite. Nothing is drawn in that case.

    Examples
    --------
    >>> from oneneuron import NeuronClassifier, plots
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = NeuronClassifier().fit(X / 16, y)
    >>> ax = plots.plot_weights(model, shape=(8, 8))
    """
    check_axes(ax)
    weights = weights_of(model)
    images = weights.reshape(-1, *_as_shape(shape, weights.shape[1]))
    names = _names_of(model, len(images))
    ax = _style.axes_or_new(ax, "weights")
    clear_axes(ax)
    reach = np.abs(images).max() or 1.0
    corners = _corners(*images.shape)
    for image, name, corner in zip(images, names, corners, strict=True):
        shown = _draw_image(ax, image, name, corner, reach)
    right, bottom = corners.max(axis=0) + images.shape[:0:-1]
    ax.set(xlim=(0, right), ylim=(bottom, -_GAPS[1] * images.shape[1]))
    ax.set_axis_off()
    # The space that the images leave is above them, not between them and the colour bar.
    show_colorbar(
        ax, shown, "weight", location="bottom", shrink=0.8, aspect=30, pad=0.06,
        panchor=(0.5, 0.0),
    )  # fmt: skip
    _fit_names(ax, images.shape[2])
    return ax


def weights_of(model: Any) -> Float64Array:
    """Return the weights of a model, of shape (K, d)."""
    model = as_model(model)
    weights: Any = model.weights if isinstance(model, Model) else getattr(model, "coef_", None)
    if weights is None:
        raise TypeError(
            "model must be a Model, or a fitted model with coef_, such as the last step of a "
            f"pipeline, found {type(model).__name__}."
        )
    if hasattr(weights, "toarray"):  # after sparsify()
        weights = weights.toarray()
    found: Float64Array = np.atleast_2d(_checks.as_numbers(weights, "model", np.float64))
    if not np.isfinite(found).all():
        raise ValueError("model must have finite weights, found infinity or NaN.")
    return found


def _as_shape(shape: Any, num_features: int) -> tuple[int, int]:
    """Return the rows and columns of an image."""
    side = isqrt(num_features)
    if shape is None and side**2 == num_features:
        return side, side
    if shape is None or np.shape(shape) != (2,):
        raise ValueError(
            f"shape must be the rows and columns of an image of {num_features} pixels, found "
            f"{shape!r}: for instance (1, {num_features})."
        )
    rows, columns = (_checks.as_count(size, "shape", least=1) for size in shape)
    if rows * columns != num_features:
        raise ValueError(
            f"shape must have {num_features} pixels, one for each weight, found {rows} x {columns}."
        )
    return rows, columns


def _names_of(model: Any, num_neurons: int) -> list[str]:
    """Return the name of the class that each neuron speaks for, or a number if it is unknown."""
    classes = list(getattr(model, "classes_", [0, 1] if isinstance(model, Model) else []))
    if num_neurons == 1 and len(classes) == 2:
        del classes[0]
    if len(classes) != num_neurons:
        return [f"neuron {k}" for k in range(1, num_neurons + 1)]
    return [f"class {_style.escaped(label)}" for label in classes]


def clear_axes(ax: Axes) -> None:
    """Remove everything from the Axes, and their colourbar."""
    remove_colorbar(ax)
    ax.clear()


def _corners(num_images: int, rows: int, columns: int) -> Float64Array:
    """Return x and y of the upper left corner of each image, in pixels; y points down.

    Together, the images are about twice as wide as high.
    """
    most = min(num_images, ceil(sqrt(2 * num_images * rows / columns)))
    per_row = ceil(num_images / ceil(num_images / most))  # as many in each row, if possible
    places = np.column_stack(np.divmod(np.arange(num_images), per_row)[::-1])
    return places * [columns * (1 + _GAPS[0]), rows * (1 + _GAPS[1])]


def _draw_image(
    ax: Axes, image: Float64Array, name: str, corner: Float64Array, reach: float
) -> AxesImage:
    """Draw the weights of one neuron, with dashes on those that are negative, and a name."""
    rows, columns = image.shape
    left, top = corner
    ax.text(left + columns / 2, top - 0.05 * rows, name, ha="center", va="bottom", fontsize="small")
    ax.add_patch(
        Rectangle(
            (left, top), columns, rows, fill=False, edgecolor="#999999", zorder=2, clip_on=False
        )
    )
    y, x = np.nonzero(image < -_LEAST_MARKED * reach)
    dashes = [[(left + i + 0.3, top + j + 0.5), (left + i + 0.7, top + j + 0.5)]
              for i, j in zip(x, y, strict=True)]  # fmt: skip
    ax.add_collection(LineCollection(dashes, colors="white", linewidths=_style.width(1), zorder=2))
    return ax.imshow(
        image, cmap=_COLORS, vmin=-reach, vmax=reach, interpolation="nearest",
        extent=(left, left + columns, top + rows, top),
    )  # fmt: skip


def _fit_names(ax: Axes, columns: float) -> None:
    """Make all names smaller if one would be wider than this number of pixels of an image.

    A name that would be too small to read is cut off.
    """
    extent = np.abs(np.diff([ax.get_xlim(), ax.get_ylim()]))[:, 0]
    length = columns * (ax.bbox.size / extent).min()
    for text in ax.texts:
        _style.fit_text(text, length)
    least = min(text.get_fontsize() for text in ax.texts)
    for text in ax.texts:
        text.set_fontsize(least)
        _style.cut_text(text, length)
