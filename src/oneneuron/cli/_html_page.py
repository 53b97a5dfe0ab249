"""HTML pages that need no other file and no network."""

from __future__ import annotations

import warnings
from base64 import b64encode
from collections.abc import Callable, Mapping
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template

from matplotlib.axes import Axes

from . import _picture_rendering

# Inches and dots per inch, chosen so that letters in the pictures are as large as the page's text.
_SIZE, _DPI = (6.4, 4.8), 200


def html_page(
    name: str, texts: Mapping[str, str], pictures: Mapping[str, Callable[[Axes], object]],
    markup: Mapping[str, str],
) -> str:  # fmt: skip
    """Return a page made from a template of this folder, in the frame that all pages share.

    Parameters
    ----------
    name : str
        The file with the template.
    texts : mapping of str to str
        The texts of placeholders, ``title`` among them. They are escaped.
    pictures : mapping of str to callable
        Functions that draw the pictures whose addresses the placeholders are.
    markup : mapping of str to str
        HTML for the other placeholders.
    """
    escaped = {key: escape(text) for key, text in texts.items()}
    content = _template(name).substitute(
        escaped, **{key: picture_address(draw) for key, draw in pictures.items()}, **markup,
        version=version("oneneuron"),
    )  # fmt: skip
    return _template("page_frame.html").substitute(title=escaped["title"], content=content)


def _template(name: str) -> Template:
    return Template(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def picture_address(draw: Callable[[Axes], object]) -> str:
    """Return a picture as an address that contains all of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font lacks, which become boxes
        png = _picture_rendering.render(draw, size=_SIZE, dpi=_DPI)
    return f"data:image/png;base64,{b64encode(png).decode()}"


def table_row(name: str, *cells: str) -> str:
    """Return a row of a table, whose first cell is its header."""
    others = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'        <tr><th scope="row">{escape(name)}</th>{others}</tr>'


def percent(fraction: float) -> str:
    """Return a fraction as a percentage."""
    return f"{100 * fraction:.1f} %"
