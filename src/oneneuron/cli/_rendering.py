"""Pictures as the bytes of a file, drawn without a window whatever matplotlib's backend is."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def picture(
    draw: Callable[[Axes], object], form: str = "png", *, size: tuple[float, float] = (8.0, 6.0),
    dpi: int = 150,
) -> bytes:  # fmt: skip
    """What ``draw(ax)`` draws on an Axes of so many inches, in any of `forms`."""
    # A Figure of its own: pyplot's would open a window.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure.add_subplot())
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(file, dpi=dpi, format=form)
    return file.getvalue()


def forms() -> set[str]:
    """The forms of a picture that matplotlib writes by itself, named as files end."""
    from matplotlib.backend_bases import FigureCanvasBase

    return FigureCanvasBase.get_supported_filetypes().keys() - {"pgf"}  # which needs LaTeX
