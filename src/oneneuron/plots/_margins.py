"""Margins of figures that hold all labels, at any size."""

from __future__ import annotations

import warnings

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubplotParams
from matplotlib.layout_engine import TightLayoutEngine

_MARGINS = ("left", "right", "bottom", "top", "wspace", "hspace")


class _Margins(TightLayoutEngine):
    """Margins that hold all labels, until somebody sets other margins by hand."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self._last = _margins_of(figure)

    def execute(self, fig: Figure) -> None:
        """Set the margins before the figure is drawn."""
        if _margins_of(fig) == self._last and _has_subplots_alone(fig):
            with warnings.catch_warnings():
                # In a tiny figure, the labels alone need more room than there is.
                warnings.filterwarnings("ignore", "Tight layout not applied")
                super().execute(fig)
            self._last = _margins_of(fig)


def _margins_of(figure: Figure) -> list[float]:
    return [getattr(figure.subplotpars, name) for name in _MARGINS]


def _has_subplots_alone(figure: Figure) -> bool:
    """Return whether no Axes were placed by hand, or in a part of the figure."""
    return all(ax.figure is figure and ax.get_subplotspec() is not None for ax in figure.axes)


def fit_margins(ax: Axes) -> None:
    """Let the margins of a figure follow its labels, unless its layout was chosen by hand."""
    figure = ax.figure
    if (
        isinstance(figure, Figure)
        and figure.get_layout_engine() is None
        and _margins_of(figure) == [getattr(SubplotParams(), name) for name in _MARGINS]
    ):
        figure.set_layout_engine(_Margins(figure))
