"""Colours, markers, dashes and legends that all pictures share.

Everything that differs in colour also differs in black and white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from .._results import Model

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

# The kind of the last picture on each Axes.
_KINDS: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()

# Light enough for a path to stand out.
HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#ffffff", "#c9d6e8", "#8fa6c4"])


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
        # After ax.clear(), the Axes are free again.
        if present and ax.has_data() and not (is_shared and present == kind):
            ax = plt.subplots()[1]
    _KINDS[ax] = kind
    return ax


def escaped(text: object) -> str:
    """Return a text with its dollar signs escaped; matplotlib would set a pair as a formula."""
    return str(text).replace("$", r"\$")


def add_legend(ax: Axes, *handles_and_labels: Any, **options: Any) -> None:
    """Add a legend that can be read on any picture with any style sheet."""
    ax.legend(
        *handles_and_labels, frameon=True, framealpha=0.9, facecolor="white", edgecolor="#cccccc",
        labelcolor="black", **options,
    ).get_title().set_color("black")  # fmt: skip


def add_legend_above(
    ax: Axes, *handles_and_labels: Any, ncols: int = 3, title: str | None = None
) -> None:
    """Add a legend above the picture, where it hides nothing."""
    add_legend(
        ax, *handles_and_labels, loc="lower center", bbox_to_anchor=(0.5, 1.01), ncols=ncols,
        title=title,
    )  # fmt: skip


def eta_label(eta: float) -> str:
    """Return the legend's text for a step size."""
    return f"$\\eta$ = {eta:.3g}"


def best_label(best: Model) -> str:
    """Return the legend's text for the best model of a descent."""
    return f"best: {100 * best.accuracy:.1f} % at step {best.step}"
