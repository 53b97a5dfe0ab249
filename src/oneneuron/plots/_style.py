"""What pictures share: colours, and markers and dashes that differ in black and white too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from .._results import Model

if TYPE_CHECKING:
    from matplotlib.typing import LineStyleType

# Any two stay 18 apart in CIELAB to normal eyes, deuteranopes and protanopes; the more alike come
# late. The markers, and the dashes of the first five, tell them apart in black and white.
COLORS = (
    "#0b5fa5", "#d55e00", "#009e73", "#56b4e9", "#000000",
    "#882255", "#6b3e00", "#ddcc77", "#332288", "#bbbbbb",
)  # fmt: skip
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*", "<", ">")
# Marker sizes that look alike.
AREAS = (32, 34, 28, 28, 34, 52, 48, 80, 34, 34)
# How much of its colour a class's region has: neighbours differ in black and white too.
_SHARES = (0.48, 0.25, 0.4)
DASHES: tuple[LineStyleType, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))

# Heights, light enough for a path to stand out.
HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#ffffff", "#c9d6e8", "#8fa6c4"])


def light(place: int) -> tuple[float, ...]:
    """The colour of a place mixed with white, for dots of that colour to stand out on it."""
    share = _SHARES[place % len(_SHARES)]
    return tuple(share * np.array(to_rgb(COLORS[place])) + 1 - share)


def shades(first: int, second: int) -> LinearSegmentedColormap:
    """The probability of the second of two places: its light colour at 1, white at 1/2."""
    colors: list[tuple[float, ...] | str] = [light(first), "white", light(second)]
    return LinearSegmentedColormap.from_list("shades", colors)


def edge(color: str) -> str:
    """The edge that sets dots of the colour off from each other and from their region."""
    return "white" if np.dot([0.3, 0.6, 0.1], to_rgb(color)) < 0.55 else "#333333"


def shown(low: float, high: float) -> tuple[float, float]:
    """The range, widened if its ends are too close for an axis to tell them apart."""
    size = max(abs(low), abs(high))
    if size > 1e-250 and high - low > 1e-12 * size:
        return low, high
    room = size if size > 1e-250 else 1.0
    return low - room, high + room


def axes(ax: Axes | None) -> Axes:
    """The Axes to draw on: those given, or pyplot's current ones."""
    return plt.gca() if ax is None else ax


def plain(text: object) -> str:
    """A name that is to be shown as it is: a pair of dollars would make a formula of it."""
    return str(text).replace("$", r"\$")


def legend(ax: Axes, *handles_and_labels: Any, **where: Any) -> None:
    """A legend that can be read on any picture, whatever style sheet is in use."""
    ax.legend(
        *handles_and_labels, frameon=True, framealpha=0.9, facecolor="white", edgecolor="#cccccc",
        labelcolor="black", **where,
    ).get_title().set_color("black")  # fmt: skip


def legend_above(
    ax: Axes, *handles_and_labels: Any, ncols: int = 3, title: str | None = None
) -> None:
    """A legend above the picture: within, it would hide some of it."""
    legend(
        ax, *handles_and_labels, loc="lower center", bbox_to_anchor=(0.5, 1.01), ncols=ncols,
        title=title,
    )  # fmt: skip


def told(best: Model) -> str:
    """A descent's best model in the words of a legend."""
    return f"best: {100 * best.accuracy:.1f} % by step {best.step}"
