"""What pictures share: colours, and markers and dashes that differ in black and white too."""

import matplotlib.pyplot as plt

# Colours that the colour-blind tell apart, with a marker and a dash of their own.
COLORS = ("#0b5fa5", "#d55e00", "#009e73", "#7b3294", "#666666")
MARKERS = ("o", "^", "s", "D", "v")
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))


def axes(ax):
    """The Axes to draw on: those given, or pyplot's current ones."""
    return plt.gca() if ax is None else ax
