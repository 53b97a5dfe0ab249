"""A comparison of speeds as one HTML page: each bar beside the code that it belongs to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from .._formatting import duration, three_digits
from ..compare import _code
from ._html_page import html_page

if TYPE_CHECKING:
    from ..compare import Timing


class Comparison(NamedTuple):
    """The results of one run of `oneneuron compare`.

    Attributes
    ----------
    timings : list of Timing
        The result of `oneneuron.compare.ladder`.
    head : str
        The size of the problem.
    notes : str
        How the times were measured, and on what machine.
    command : str
        The command that repeats the run.
    """

    timings: Sequence[Timing]
    head: str
    notes: str
    command: str


def compare_page(comparison: Comparison) -> str:
    """Return the HTML page of a `Comparison`."""
    timings = comparison.timings
    best = min(timings, key=lambda timing: timing.seconds)
    texts = {
        "title": "The speed of one neuron",
        "head": comparison.head,
        "lecture_time": duration(best.speedup_over_lecture * best.seconds),
        "best_time": duration(best.seconds),
        "best_ratio": three_digits(best.speedup_over_lecture),
        "about_lanes": " ".join(_code.ABOUT_LANES).replace("`", ""),
        "notes": comparison.notes,
        "command": comparison.command,
    }
    return html_page("compare_page.html", texts, {}, {"rungs": _rungs(timings)})


def _rungs(timings: Sequence[Timing]) -> str:
    """Return all rungs; those that follow each other and have the same code share one copy."""
    seconds = [timing.seconds for timing in timings]
    # As in `plot_ladder`, the shortest bar needs some length.
    shortest, longest = min(seconds) / 3, max(seconds)
    groups = groupby(timings, key=lambda timing: _code.code_of_a_step(timing.name))
    return "\n".join(_group(code, group, shortest, longest) for code, group in groups)


def _group(code: str, timings: Iterable[Timing], shortest: float, longest: float) -> str:
    """Return rungs that have the same code, with this code."""
    listed = list(timings)
    bars = "\n".join(_bar(timing, shortest, longest) for timing in listed)
    caption = _code.docstring(listed[0].name).strip().splitlines()[0]
    return (
        f'<section class="rungs">\n<div>\n{bars}\n</div>\n'
        f'<figure><pre tabindex="0"><code>{escape(code)}</code></pre>\n'
        f"<figcaption>{escape(caption)}</figcaption></figure>\n</section>"
    )


def _bar(timing: Timing, shortest: float, longest: float) -> str:
    """Return the name of a rung, its time and its factor, over its bar."""
    width = 100 * math.log(timing.seconds / shortest) / math.log(longest / shortest)
    star = "*" if timing.timed_steps < timing.num_steps else ""
    color = "bar ours" if timing.name.startswith("oneneuron") else "bar"
    factor = f"{three_digits(timing.speedup_over_lecture)} \N{MULTIPLICATION SIGN}"
    return (
        f'  <div class="rung"><strong>{escape(timing.name)}</strong>\n'
        f"    <span>{duration(timing.seconds)}{star}, {factor}</span>\n"
        f'    <div class="{color}" style="width: {width:.1f}%"></div></div>'
    )
