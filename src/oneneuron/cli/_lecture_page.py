"""A run of the lecture as one HTML page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from .. import plots
from .._formatting import counted, rounded
from .._results import Descent
from .._typing import AnyArray
from ..lecture import first_network
from ._html_page import html_page, percent, table_row

if TYPE_CHECKING:
    from ._baselines import MethodScore


class LectureRun(NamedTuple):
    """The results of one run of `oneneuron lecture`.

    Attributes
    ----------
    data : list of ndarrays
        What `oneneuron.lecture.example1.get_data` returned.
    model : dict
        What `oneneuron.lecture.first_network.build_model` returned.
    descent : Descent
        The same training, with a history.
    scores : list of MethodScore
        The score of the neuron, then the scores of the methods that it is compared with.
    command : str
        The command that repeats the run.
    """

    data: Sequence[AnyArray]
    model: dict[str, float]
    descent: Descent
    scores: Sequence[MethodScore]
    command: str


def lecture_page(run: LectureRun) -> str:
    """Return the HTML page of a `LectureRun`."""
    rows = "\n".join(
        table_row(
            score.name, percent(score.train_accuracy), percent(score.test_accuracy),
            f"{1e3 * score.seconds:.2f} ms",
        )
        for score in run.scores
    )  # fmt: skip
    return html_page("lecture_page.html", _texts(run), _pictures(run), {"scores": rows})


def _texts(run: LectureRun) -> dict[str, str]:
    """Return the text of each placeholder in the template."""
    train_pos, test_pos, _, test_value = run.data
    neuron, descent, history = run.scores[0], run.descent, run.descent.history
    wrong = int(np.sum(np.round(first_network.predict(test_pos, run.model)) != test_value))
    diverged = descent.stop_reason == "diverged"
    return {
        "title": "One neuron, trained by gradient descent",
        "train_samples": counted(len(train_pos), "sample"),
        "test_samples": counted(len(test_pos), "sample"),
        "num_wrong": f"{wrong:,}",
        "steps": counted(descent.num_steps, "step"),
        "best_step": f"{descent.best.step:,}",
        "test_accuracy": percent(neuron.test_accuracy),
        "milliseconds": f"{1e3 * neuron.seconds:.1f}",
        "boundary_equation": _equation(run.model),
        "eta": f"{descent.eta:g}",
        "start_cost": rounded(history.cost[0]),
        "last_cost": rounded(history.cost[-1]),
        "warning": " Then it diverged: the step size is too large." if diverged else "",
        "command": run.command,
    }


def _pictures(run: LectureRun) -> dict[str, Callable[[Axes], Axes]]:
    """Return the function that draws each picture in the template."""
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


def _equation(model: Mapping[str, float]) -> str:
    """Return the equation of the boundary, w.x + b = 0, which can only be broken between terms."""
    terms = [
        (model["w1"], "\N{NO-BREAK SPACE}x₁"),
        (model["w2"], "\N{NO-BREAK SPACE}x₂"),
        (model["b"], ""),
    ]
    first, *others = (f"{value:+.3g}{x}" for value, x in terms)
    sums = (f"{term[0]}\N{NO-BREAK SPACE}{term[1:]}" for term in others)
    text = " ".join([first.removeprefix("+"), *sums]) + "\N{NO-BREAK SPACE}= 0"
    return text.replace("-", "\N{MINUS SIGN}")
