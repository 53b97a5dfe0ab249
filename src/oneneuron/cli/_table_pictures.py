"""The pictures of the page that `oneneuron fit` writes. Each function draws on an Axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from .._typing import Float64Array
from ..plots import _style
from ._table_model import TableModel

# A picture with more classes has no room for numbers, or for names.
_MAX_WITH_NUMBERS, _MAX_WITH_NAMES = 8, 40
_MAX_LETTERS = 22

_NUM_WEIGHTS = 15

# Each dot of the calibration curve stands for at least this many rows.
_MIN_ROWS, _MAX_DOTS = 10, 10

_FROM_ZERO = LinearSegmentedColormap.from_list("from_zero", ["#ffffff", _style.COLORS[0]])
_BOTH_WAYS = LinearSegmentedColormap.from_list(
    "both_ways", [_style.COLORS[1], "#ffffff", _style.COLORS[0]]
)


def draw_class_counts(ax: Axes, counts: Sequence[int], classes: Sequence[str]) -> None:
    """Draw a bar for the number of rows of each class."""
    rows = np.arange(len(classes))
    bars = ax.barh(rows, counts, color=_style.COLORS[0])
    if len(classes) <= _MAX_WITH_NAMES:
        ax.set_yticks(rows, [_name(name) for name in classes])
        ax.bar_label(bars, [f"{count:,}" for count in counts], padding=4)
        ax.margins(x=0.12)
    ax.invert_yaxis()
    ax.set(xlabel="number of rows")


def draw_confusion(ax: Axes, counts: NDArray[np.intp], classes: Sequence[str]) -> None:
    """Draw how many rows of each class were taken for which, with the shares as shades."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(shares, cmap=_FROM_ZERO, vmin=0, vmax=1, aspect="auto")
    if len(classes) <= _MAX_WITH_NUMBERS:
        _write_numbers(ax, [[f"{n:,}" for n in row] for row in counts.tolist()], shares > 0.6)
    _name_axes(ax, classes, classes)
    ax.set(xlabel="predicted class", ylabel="class")
    ax.figure.colorbar(image, ax=ax, format=PercentFormatter(1.0), label="share of the class")


def num_groups(num_rows: int) -> int:
    """Return the number of dots of a calibration curve."""
    return min(max(1, num_rows // _MIN_ROWS), _MAX_DOTS)


def draw_calibration(
    ax: Axes, probability: Float64Array, is_so: NDArray[np.bool_], name: str
) -> None:
    """Draw how often something is so, against the probability that was predicted for it.

    Each dot stands for as many rows. Its bar shows how far chance alone would move it from the
    diagonal: two standard deviations.
    """
    order = np.argsort(probability, kind="stable")
    groups = np.array_split(order, num_groups(len(order)))
    predicted = np.array([probability[group].mean() for group in groups])
    found = np.array([is_so[group].mean() for group in groups])
    sizes = np.array([len(group) for group in groups])
    chance = 2 * np.sqrt(predicted * (1 - predicted) / sizes)
    ax.plot([0, 1], [0, 1], color="#999999", lw=1.5, label="exact probabilities")
    ax.errorbar(
        predicted, found, yerr=chance, fmt="o-", color=_style.COLORS[0], ecolor=_style.COLORS[3],
        elinewidth=2.5, lw=1.5, markersize=6, markeredgecolor="white", label="this model",
    )  # fmt: skip
    ax.set(xlabel=f"predicted probability {name}", ylabel="share of the rows", xlim=(-0.03, 1.03),
           ylim=(-0.03, 1.03))  # fmt: skip
    _style.add_legend(ax, loc="upper left")


def draw_weights(ax: Axes, model: TableModel) -> None:
    """Draw the largest weights: as bars of one neuron, or as the squares of a table of several."""
    columns = sorted(model.columns(), key=lambda column: -max(map(abs, column[1])))[:_NUM_WEIGHTS]
    names, values = [name for name, _ in columns], np.array([weights for _, weights in columns])
    rows = np.arange(len(names))
    if len(model.classes) == 2:
        colors = [_style.COLORS[0] if value > 0 else _style.COLORS[1] for value in values[:, 0]]
        ax.barh(rows, values[:, 0], color=colors)
        ax.axvline(0, color="black", lw=0.8)
        ax.set_yticks(rows, [_name(name) for name in names])
        ax.invert_yaxis()
        first, second = map(_name, model.classes)
        ax.set(xlabel=f"weight: below 0 for {first}, above 0 for {second}")
        return
    most = max(np.abs(values).max(), np.finfo(float).tiny)
    image = ax.imshow(values, cmap=_BOTH_WAYS, vmin=-most, vmax=most, aspect="auto")
    if len(model.classes) <= _MAX_WITH_NUMBERS:
        texts = [[f"{value:.2g}" for value in row] for row in values.tolist()]
        _write_numbers(ax, texts, np.abs(values) > 0.7 * most)
    _name_axes(ax, model.classes, names)
    ax.set(xlabel="class")
    ax.figure.colorbar(image, ax=ax, label="weight")


def _write_numbers(ax: Axes, texts: Sequence[Sequence[str]], is_dark: NDArray[np.bool_]) -> None:
    """Write a text into each square of a picture."""
    for (i, j), dark in np.ndenumerate(is_dark):
        ax.text(j, i, texts[i][j], ha="center", va="center", color="white" if dark else "black")


def _name_axes(ax: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Name the columns and the rows of a picture of squares, where there is room for names."""
    ax.set_xticks([])
    ax.set_yticks([])
    if len(columns) <= _MAX_WITH_NAMES:
        names = [_name(name) for name in columns]
        is_wide = len(names) * max(map(len, names)) > 40  # they would overlap
        ax.set_xticks(range(len(names)), names, rotation=90 if is_wide else 0)
    if len(rows) <= _MAX_WITH_NAMES:
        ax.set_yticks(range(len(rows)), [_name(name) for name in rows])


def _name(text: str) -> str:
    """Return a name as matplotlib sets it, cut if it is long."""
    cut = text if len(text) <= _MAX_LETTERS else f"{text[: _MAX_LETTERS - 1]}…"
    return _style.escaped(cut)
