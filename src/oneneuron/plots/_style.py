"""Colours, markers, dashes and legends that all pictures share.

Everything that differs in colour also differs in black and white.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from .._results import Model
from ._margins import fit_margins

if TYPE_CHECKING:
    from matplotlib.typing import LineStyleType

# Any two colours are at least 18 apart in CIELAB, with normal vision, deuteranopia or protanopia.
# The most similar pairs come late in the list. In black and white, classes differ in their markers
# and up to five lines in their dashes.
COLORS = (
    "#0b5fa5", "#d55e00", "#009e73", "#56b4e9", "#000000",
    "#882255", "#6b3e00", "#ddcc77", "#332288", "#bbbbbb",
)  # fmt: skip
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*", "<", ">")
# The areas, in square points, at which all markers look equally large.
AREAS = (32, 34, 28, 28, 34, 52, 48, 80, 34, 34)
DASHES: tuple[LineStyleType, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))

# The fraction of its colour that a class's region keeps; the rest is white. The fractions differ so
# that neighbouring regions also differ in black and white.
_COLOR_FRACTIONS = (0.48, 0.25, 0.4)

# Letters are as large as those of a slide, where the picture fills it.
_SLIDES: dict[Any, Any] = {
    "figure.figsize": (10.0, 5.6), "font.size": 18.0, "axes.titlesize": "medium",
    "lines.linewidth": 2.4, "lines.markersize": 9.0, "axes.linewidth": 1.4,
    "xtick.major.width": 1.4, "xtick.major.size": 6.0, "ytick.major.width": 1.4,
    "ytick.major.size": 6.0,
}  # fmt: skip

# In points. Smaller letters cannot be read.
_LEAST_SIZE = 5.0
# The largest width and height of a legend inside the Axes and of one above them, as fractions of
# those of the Axes.
_INSIDE, _ABOVE = (0.5, 0.5), (1.0, 0.3)

# Letters of this fraction of their size are large enough.
_MOST = 0.8
# The largest width of texts at the ticks, as a fraction of that of the figure.
_LARGEST_TICKS = 0.3

# The label of the Axes that stand for a legend above the picture.
_LEGEND_ROOM = "room for the legend"

# The kind of the last picture on each Axes.
_KINDS: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()

# Light enough for a path to stand out.
HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#ffffff", "#c9d6e8", "#8fa6c4"])


def width(points: float) -> float:
    """Return the width of a line, given that with matplotlib's default settings."""
    return points * float(plt.rcParams["lines.linewidth"]) / 1.5


def size(points: float) -> float:
    """Return the size of a marker, given that with matplotlib's default settings."""
    return points * float(plt.rcParams["lines.markersize"]) / 6.0


def dot_area(index: int) -> float:
    """Return the area of the dots of a class, in square points."""
    return size(AREAS[index] ** 0.5) ** 2


def style(name: str) -> ExitStack:
    """Make the pictures drawn from now on fit for a purpose.

    "slides" is for a projector. Figures are 10 x 5.6 inches large. Their letters are larger than by
    default, their lines are thicker, and so are the dots. The settings are those of matplotlib, so
    other pictures change as well.

    Parameters
    ----------
    name : {"slides"}
        The purpose.

    Returns
    -------
    ExitStack
        A context manager. After ``with plots.style("slides"):``, or after ``close()``, the settings
        are as before. It may be ignored.

    Raises
    ------
    ValueError
        If there is no such style. Nothing is changed in that case.

    Examples
    --------
    >>> from oneneuron import plots
    >>> with plots.style("slides"):
    ...     ax = plots.plot_sigmoid()
    """
    if name != "slides":
        raise ValueError(f"name must be 'slides', found {name!r}.")
    before = {key: plt.rcParams[key] for key in _SLIDES}
    plt.rcParams.update(_SLIDES)
    stack = ExitStack()
    stack.callback(plt.rcParams.update, before)
    return stack


def light_color(index: int) -> tuple[float, ...]:
    """Return a class's colour mixed with white. Dots of the full colour stand out against it."""
    fraction = _COLOR_FRACTIONS[index % len(_COLOR_FRACTIONS)]
    return tuple(fraction * np.array(to_rgb(COLORS[index])) + 1 - fraction)


def probability_colors(first: int, second: int) -> LinearSegmentedColormap:
    """Return a colour map for the probability of the second of two classes, given their indices.

    It runs from the light colour of the first class at 0 through white at 1/2 to that of the second
    class at 1.
    """
    colors: list[tuple[float, ...] | str] = [light_color(first), "white", light_color(second)]
    return LinearSegmentedColormap.from_list("shades", colors)


def edge_color(color: str) -> str:
    """Return the edge colour that sets dots apart from each other and from their region."""
    return "white" if np.dot([0.3, 0.6, 0.1], to_rgb(color)) < 0.55 else "#333333"


def widened(low: float, high: float) -> tuple[float, float]:
    """Return the range, widened if it is too narrow for the ticks of an axis."""
    size = max(abs(low), abs(high))
    if size > 1e-250 and high - low > 1e-12 * size:
        return low, high
    room = size if size > 1e-250 else 1.0
    return low - room, high + room


def axes_or_new(ax: Axes | None, kind: str, *, is_shared: bool = False) -> Axes:
    """Return the Axes to draw a picture of some kind on.

    These are `ax`. For None, they are pyplot's current Axes, unless another picture of this package
    is on them. Then they are those of a new figure. If `is_shared` is true, several pictures of
    this kind may be on the same Axes.
    """
    if ax is None:
        ax = plt.gca()
        present = _KINDS.get(ax)
        is_empty = not (ax.has_data() or ax.texts)  # after ax.clear()
        if present and not is_empty and not (is_shared and present == kind):
            ax = plt.subplots()[1]
    _KINDS[ax] = kind
    fit_margins(ax)
    return ax


def escaped(text: object) -> str:
    """Return a text with its dollar signs escaped; matplotlib would set a pair as a formula."""
    return str(text).replace("$", r"\$")


def fit_text(text: Text, length: float) -> None:
    """Make the letters of a line smaller if it would be longer than this number of pixels."""
    extent = text.get_window_extent()
    longer = max(extent.width, extent.height)
    if longer > length:
        text.set_fontsize(max(_LEAST_SIZE, float(text.get_fontsize()) * length / longer))


def cut_text(text: Text, length: float) -> None:
    """Cut off the end of a line if it would be longer than this number of pixels."""
    letters = text.get_text()
    while len(letters) > 1 and text.get_window_extent().width > length:
        letters = letters[:-1].rstrip("\\ ")  # half of an escape could not be drawn
        text.set_text(letters + "\N{HORIZONTAL ELLIPSIS}")


def fit_tick_labels(ax: Axes) -> None:
    """Make the texts on the left of the Axes smaller if they would take much of the figure."""
    texts = ax.get_yticklabels()
    for text in texts:
        fit_text(text, _LARGEST_TICKS * ax.figure.bbox.width)
    least = min(float(text.get_fontsize()) for text in texts)
    for text in texts:
        text.set_fontsize(least)


def add_legend(ax: Axes, *handles_and_labels: Any, loc: Any = "best") -> None:
    """Add a legend inside the picture, small enough not to cover most of it."""
    legend = _fitting_legend(ax, handles_and_labels, _INSIDE, [1], loc="upper left")
    # It takes a while to find the best place, so this comes last.
    legend.set_loc(loc)


def add_legend_above(
    ax: Axes, *handles_and_labels: Any, ncols: int = 3, title: str | None = None
) -> None:
    """Add a legend above the picture, where it hides nothing, and no wider than the picture.

    A title that is set later on stands above the legend.
    """
    _fitting_legend(
        ax, handles_and_labels, _ABOVE, range(ncols, 0, -1), loc="lower center",
        bbox_to_anchor=(0.5, 1.01), title=title,
    )  # fmt: skip
    if not any(child.get_label() == _LEGEND_ROOM for child in ax.child_axes):
        # A title keeps clear of child Axes, but not of legends. These stand for the legend.
        room = ax.inset_axes((0, 1, 1, 0), label=_LEGEND_ROOM, visible=False)
        room.set_axes_locator(partial(_place_of_legend, ax))


def _place_of_legend(ax: Axes, _: object, renderer: Any) -> Bbox:
    """Return the place of the legend of the Axes, or their own, in units of the figure."""
    place = (ax.get_legend() or ax).get_window_extent(renderer)
    return place.transformed(ax.figure.transSubfigure.inverted())


def _fitting_legend(
    ax: Axes, handles_and_labels: Sequence[Any], largest: tuple[float, float],
    columns: Iterable[int], **options: Any,
) -> Legend:  # fmt: skip
    """Add a legend that can be read on any picture with any style sheet.

    `largest` is its largest width and height, as fractions of those of the Axes. Of several numbers
    of columns, the first is used with which the letters keep most of their size, or else the one
    with the largest letters.
    """
    options |= {
        "frameon": True, "framealpha": 0.9, "facecolor": "white", "edgecolor": "#cccccc",
        "labelcolor": "black",
    }  # fmt: skip
    scales = {}
    for ncols in columns:
        legend: Legend = ax.legend(*handles_and_labels, ncols=ncols, **options)
        extent = legend.get_window_extent()
        scales[ncols] = min(
            1.0, largest[0] * ax.bbox.width / extent.width,
            largest[1] * ax.bbox.height / extent.height,
        )  # fmt: skip
    ncols = max(scales, key=lambda number: min(scales[number], _MOST))
    size = max(_LEAST_SIZE, scales[ncols] * legend.prop.get_size())
    legend = ax.legend(
        *handles_and_labels, ncols=ncols, fontsize=size, title_fontsize=size,
        markerscale=scales[ncols], **options,
    )  # fmt: skip
    legend.get_title().set_color("black")
    return legend


def eta_label(eta: float) -> str:
    """Return the legend's text for a step size."""
    return f"$\\eta$ = {eta:.3g}"


def best_label(best: Model) -> str:
    """Return the legend's text for the best model of a descent."""
    return f"best: {100 * best.accuracy:.1f} % at step {best.step}"
