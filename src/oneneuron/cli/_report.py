"""The lecture's run as one HTML page that needs no other file and no network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from .. import plots
from .._results import Descent
from .._text import counted, rounded
from .._typing import AnyArray
from ..lecture import first_network
from . import _rendering

if TYPE_CHECKING:
    from ._baselines import Method

# Inches and dots an inch: letters as large as those of the text around.
_SIZE, _DPI = (6.4, 4.8), 200


class LectureRun(NamedTuple):
    """What `oneneuron lecture` has done.

    Attributes
    ----------
    data : tuple of ndarrays
        As `oneneuron.lecture.example1.get_data` returns them.
    model : dict
        As `oneneuron.lecture.first_network.build_model` returns it.
    descent : Descent
        The same training, with a history.
    methods : list of oneneuron.lecture.methods.Method
        The neuron first, then what it is compared with.
    command : str
        What repeats the run.
    """

    data: Sequence[AnyArray]
    model: dict[str, float]
    descent: Descent
    methods: Sequence[Method]
    command: str


def lecture_page(run: LectureRun) -> str:
    """The HTML page of a `LectureRun`."""
    template = Template(files(__package__).joinpath("report.html").read_text(encoding="utf-8"))
    words = {name: escape(word) for name, word in _words(run).items()}
    pictures = {
        name: _as_url(_rendering.picture(draw, size=_SIZE, dpi=_DPI))
        for name, draw in _pictures(run).items()
    }
    return template.substitute(words, **pictures, methods=_table_rows(run.methods))


def _words(run: LectureRun) -> dict[str, str]:
    train_pos, test_pos, _, test_value = run.data
    neuron, descent, history = run.methods[0], run.descent, run.descent.history
    wrong = int(np.sum(np.round(first_network.predict(test_pos, run.model)) != test_value))
    diverged = descent.stop_reason == "diverged"
    return {
        "train_samples": counted(len(train_pos), "sample"),
        "test_samples": counted(len(test_pos), "sample"),
        "num_wrong": f"{wrong:,}",
        "steps": counted(descent.num_steps, "step"),
        "best_step": f"{descent.best.step:,}",
        "test_accuracy": _percent(neuron.test_accuracy),
        "milliseconds": f"{1e3 * neuron.seconds:.1f}",
        "boundary_equation": _equation(run.model),
        "eta": f"{descent.eta:g}",
        "start_cost": rounded(history.cost[0]),
        "last_cost": rounded(history.cost[-1]),
        "warning": " Then the step size was too large: it diverged." if diverged else "",
        "version": version("oneneuron"),
        "command": run.command,
    }


def _pictures(run: LectureRun) -> dict[str, Callable[[Axes], Axes]]:
    train_pos, test_pos, train_value, test_value = run.data
    predict = partial(first_network.predict, model=run.model)
    boundary = plots.plot_decision_boundary
    return {
        "dots": lambda ax: plots.plot_dots(train_pos, train_value, ax=ax),
        "boundary": lambda ax: boundary(train_pos, train_value, predict, ax=ax),
        "curve": lambda ax: plots.plot_learning_curve(run.descent, ax=ax),
        "surface": lambda ax: plots.plot_cost_surface(train_pos, train_value, run.descent, ax=ax),
        "held_out": lambda ax: boundary(test_pos, test_value, predict, ax=ax),
    }


def _as_url(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _equation(model: Mapping[str, float]) -> str:
    """The boundary w.x + b = 0 in numbers; a line may end between its terms alone."""
    terms = [
        (model["w1"], "\N{NO-BREAK SPACE}x₁"),
        (model["w2"], "\N{NO-BREAK SPACE}x₂"),
        (model["b"], ""),
    ]
    first, *others = (f"{value:+.3g}{x}" for value, x in terms)
    sums = (f"{term[0]}\N{NO-BREAK SPACE}{term[1:]}" for term in others)
    text = " ".join([first.removeprefix("+"), *sums]) + "\N{NO-BREAK SPACE}= 0"
    return text.replace("-", "\N{MINUS SIGN}")


def _table_rows(methods: Sequence[Method]) -> str:
    return "\n".join(
        f'        <tr><th scope="row">{escape(method.name)}</th>'
        f"<td>{_percent(method.train_accuracy)}</td><td>{_percent(method.test_accuracy)}</td>"
        f"<td>{1e3 * method.seconds:.2f} ms</td></tr>"
        for method in methods
    )
