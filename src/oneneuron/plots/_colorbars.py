"""The colourbar of an Axes, of which there is never more than one."""

from __future__ import annotations

from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar

# They survive ax.clear(), and a second one would take more space from the Axes.
_COLORBARS: WeakKeyDictionary[Axes, ReferenceType[Colorbar]] = WeakKeyDictionary()


def show_colorbar(ax: Axes, mappable: Any, label: str, **options: Any) -> Colorbar:
    """Show a colourbar for a mappable; reuse that of the last picture if it still exists.

    The options are those of matplotlib's ``figure.colorbar``, for a new one.
    """
    bar = _colorbar_of(ax)
    if bar is None:
        bar = ax.figure.colorbar(mappable, ax=ax, **options)
        _COLORBARS[ax] = ref(bar)
    else:
        _attach(bar, mappable)
    bar.set_label(label)
    return bar


def remove_colorbar(ax: Axes) -> None:
    """Remove the colourbar of an Axes, if there is one, which returns its space to them."""
    bar = _colorbar_of(ax)
    if bar is not None:
        mappable: Any = bar.mappable
        if mappable.axes is None:  # after ax.clear()
            mappable.axes = ax  # which gets the space back
        bar.remove()


def _colorbar_of(ax: Axes) -> Colorbar | None:
    bar = _COLORBARS[ax]() if ax in _COLORBARS else None
    return bar if bar is not None and bar.ax in ax.figure.axes else None


def _attach(bar: Colorbar, mappable: ScalarMappable) -> None:
    """Make a colourbar show another mappable, as a new one would."""
    mappable.colorbar = bar
    mappable.colorbar_cid = mappable.callbacks.connect(  # type: ignore[attr-defined] # matplotlib's types lack it
        "changed", bar.update_normal
    )
    bar.update_normal(mappable)
