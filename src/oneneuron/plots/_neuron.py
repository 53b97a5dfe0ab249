"""The diagram of a neuron, with the numbers of one sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from numpy.typing import ArrayLike
from scipy.special import expit

from .. import _checks
from .._formatting import rounded
from .._results import Model
from .._typing import Float64Array
from . import _style
from ._arguments import as_model, check_axes
from ._weights import clear_axes, weights_of

# At most this many inputs are drawn. With more, the last one stands for all that are left out.
_MOST_INPUTS = 6
# Places from 0 to 1: x of the inputs, and y of the first and the last; the neuron and the output.
_INPUTS, _HEIGHTS = 0.1, (0.95, 0.05)
_NEURON, _OUTPUT = (0.6, 0.5), (0.9, 0.5)
# The size of the text, as a fraction of the width of the picture: the same look in any size.
_TEXT_SIZE = 1 / 28
_LEAST_SIZE = 6  # points


def plot_neuron(model: Any, x: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Draw a neuron as a diagram, with the numbers of one sample.

    On the left are the inputs x, on their arrows the weights w, and below them is the bias b. The
    neuron adds up z = w.x + b, and its output is f = sigma(z). The arrows of positive terms w x are
    orange, those of negative terms are blue and dashed, and the largest terms have the widest
    arrows. A second call on the same Axes replaces the first picture.

    Parameters
    ----------
    model : Model, dict or fitted model with ``coef_``
        A single neuron: a model such as ``descent.best``, the lecture's dict with the keys w1, w2,
        ... and b, or a classifier for two classes.
    x : array-like of shape (d,)
        The sample, such as ``X[0]``. If it has more than six features, the five with the largest
        terms are drawn, and the others as one.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes.

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
    >>> ax = plots.plot_neuron({"w1": 2.0, "w2": -1.0, "b": 0.5}, [1.5, 3.0])
    """
    check_axes(ax)
    weights, bias = _neuron_of(model)
    x = _as_sample(x, len(weights))
    with np.errstate(over="ignore", invalid="ignore"):
        terms = weights * x
        z = terms.sum() + bias
    if not np.isfinite(z):
        raise ValueError("x must have a finite w.x + b, but the sum overflows: scale the features.")
    f = expit(z)
    label = _style.escaped(getattr(model, "classes_", [0, 1])[int(f > 0.5)])
    ax = _style.axes_or_new(ax, "neuron")
    clear_axes(ax)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    neuron = _add_box(ax, _NEURON, f"$z = w \\cdot x + b$\n= {_number(z)}", boxstyle="circle")
    output = _add_box(ax, _OUTPUT, f"$f = \\sigma(z)$\n= {_number(f)}\nclass {label}")
    _add_arrow(ax, neuron, output, 2, color="black")
    rows = _rows(weights, x, bias)
    reach = max(abs(term) for *_, term in rows) or 1.0
    for (source, weight, term), height in zip(rows, np.linspace(*_HEIGHTS, len(rows)), strict=True):
        box = _add_box(ax, (_INPUTS, height), source)
        color, dash = (_style.COLORS[0], "--") if term < 0 else (_style.COLORS[1], "-")
        _add_arrow(ax, box, neuron, 1 + 3 * abs(term) / reach, color=color, linestyle=dash)
        # Nearer to the inputs, where there is more room between the arrows than in the middle.
        place = np.average([(_INPUTS, height), _NEURON], axis=0, weights=(0.56, 0.44)).tolist()
        _add_box(ax, place, weight, boxstyle="round,pad=0.1", edgecolor="none", zorder=5)
    return ax


def _neuron_of(model: Any) -> tuple[Float64Array, float]:
    """Return the weights, of shape (d,), and the bias of a model with a single neuron."""
    model = as_model(model)
    layer = weights_of(model)
    if len(layer) != 1:
        raise ValueError(
            f"model must be a single neuron, found {len(layer)} neurons: train it on two classes."
        )
    bias = model.bias if isinstance(model, Model) else model.intercept_
    return layer[0], _checks.as_number(np.ravel(bias)[0], "model")


def _as_sample(x: ArrayLike, num_features: int) -> Float64Array:
    """Return a sample as an array of shape (d,) of finite numbers."""
    sample: Float64Array = _checks.as_numbers(x, "x", np.float64)
    if sample.shape != (num_features,):
        raise ValueError(
            f"x must be a single sample with {num_features} features, such as X[0], found shape "
            f"{sample.shape}."
        )
    if not np.isfinite(sample).all():
        raise ValueError("x must be finite, found infinity or NaN: choose another sample.")
    return sample


def _rows(weights: Float64Array, x: Float64Array, bias: float) -> list[tuple[str, str, float]]:
    """Return the texts of each input and of its arrow, and its term in z; the bias comes last."""
    terms = weights * x
    shown = np.arange(len(x))
    if len(x) > _MOST_INPUTS:
        shown = np.sort(np.argsort(-np.abs(terms), kind="stable")[: _MOST_INPUTS - 1])
    rows = [
        (_equation(f"x_{{{j + 1}}}", x[j]), _equation(f"w_{{{j + 1}}}", weights[j]), terms[j])
        for j in shown
    ]
    if len(shown) < len(x):
        rest = np.delete(terms, shown)
        rows.append((f"{len(rest)} more", _equation(r"\sum w x", rest.sum()), rest.sum()))
    return [*rows, ("bias", _equation("b", bias), bias)]


def _equation(symbol: str, value: float) -> str:
    return f"${symbol}$ = {_number(value)}"


def _number(value: float) -> str:
    return rounded(float(value)).replace("-", "\N{MINUS SIGN}")


def _add_box(
    ax: Axes, place: Sequence[float], text: str, *, boxstyle: str = "round",
    edgecolor: str = "black", zorder: int = 3,
) -> Text:  # fmt: skip
    """Add a text in a box, in a size at which it fits between the others."""
    return ax.text(
        place[0], place[1], text, ha="center", va="center", color="black", linespacing=1.4,
        fontsize=_text_size(ax), zorder=zorder,
        bbox={"boxstyle": boxstyle, "facecolor": "white", "edgecolor": edgecolor},
    )  # fmt: skip


def _add_arrow(ax: Axes, tail: Text, head: Text, width: float, **look: Any) -> None:
    """Add an arrow from the box of one text to the box of another.

    Its width is given in points for letters of 12 points.
    """
    size = _text_size(ax)
    ax.annotate(
        "", head.get_position(), tail.get_position(), zorder=4,
        arrowprops={"arrowstyle": "-|>", "patchA": tail.get_bbox_patch(),
                    "patchB": head.get_bbox_patch(), "shrinkA": 0, "shrinkB": 0,
                    "lw": width * size / 12, "mutation_scale": size, **look},
    )  # fmt: skip


def _text_size(ax: Axes) -> float:
    """Return the size of the letters in points."""
    return max(_LEAST_SIZE, _TEXT_SIZE * float(ax.bbox.width) / ax.figure.dpi * 72)
