"""Pictures as the bytes of a file, drawn without a window regardless of matplotlib's backend."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def render(
    draw: Callable[[Axes], object], file_format: str = "png", *,
    size: tuple[float, float] = (8.0, 6.0), dpi: int = 150,
) -> bytes:  # fmt: skip
    """Return what a function draws on an Axes, as the bytes of a picture file.

    Parameters
    ----------
    draw : callable
        Called as ``draw(ax)``.
    file_format : str, default "png"
        One of `file_formats`.
    size : tuple of two floats, default (8.0, 6.0)
        The width and the height in inches.
    dpi : int, default 150
        Dots per inch.

    Returns
    -------
    bytes
    """
    # Not through pyplot, which could open a window.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure.add_subplot())
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(file, dpi=dpi, format=file_format)
    return file.getvalue()


def file_formats() -> set[str]:
    """Return the picture formats that matplotlib writes by itself, named by file extension."""
    from matplotlib.backend_bases import FigureCanvasBase

    return FigureCanvasBase.get_supported_filetypes().keys() - {"pgf"}  # pgf needs LaTeX
