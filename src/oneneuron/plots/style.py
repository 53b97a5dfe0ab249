"""What pictures share: colours, and markers and dashes that differ in black and white too."""

import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

# Colours that the colour-blind tell apart, with a marker and a dash of their own.
COLORS = ("#0b5fa5", "#d55e00", "#009e73", "#7b3294", "#666666")
MARKERS = ("o", "^", "s", "D", "v")
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))

# A class's probability, white where f = 1/2; and heights, light enough for a path to stand out.
SHADES = LinearSegmentedColormap.from_list("shades", ["#9cc7e6", "#ffffff", "#f6bd97"])
HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#ffffff", "#c9d6e8", "#8fa6c4"])


def axes(ax):
    """The Axes to draw on: those given, or pyplot's current ones."""
    return plt.gca() if ax is None else ax


def number(value, digits=3):
    """So many digits, or all before the point where an exponent would only hide them."""
    return f"{value:.0f}" if 10**digits - 0.5 <= value < 1e6 else f"{value:.{digits}g}"
