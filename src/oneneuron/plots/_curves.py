"""The course of descents: cost and accuracy by step, and the steps on C = w^2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter, StrMethodFormatter, SymmetricalLogLocator
from numpy.typing import NDArray

from .. import _checks
from .._results import Descent, History, Model
from .._typing import AnyArray, Float64Array
from . import _style
from ._arguments import as_names, check_axes, recorded_history

# Up to this many records are drawn as points.
_FEW = 20
# A diverging descent on C = w^2 leaves the picture when |w| exceeds this multiple of its start.
_FAR = 20.0
# On Axes of less than this width in inches, the numbers of the steps would overlap.
_NARROW = 3.0
# More arrows would take minutes to draw, and hide each other.
_MOST_STEPS = 1000


class _FittedClassifier(Protocol):
    """The part of a fitted `NeuronClassifier` that has a learning curve."""

    classes_: AnyArray
    eta_: float | None
    history_: Sequence[History]
    loss_curve_: Float64Array
    stop_reason_: str


@dataclass(frozen=True)
class _Course:
    """The records of one descent.

    Attributes
    ----------
    name : str
    step : ndarray of shape (k,)
    cost : ndarray of shape (k,)
    accuracy : ndarray of shape (k,) or None
        None if it was not recorded.
    best : Model or None
        None if it is unknown.
    """

    name: str
    step: NDArray[np.intp]
    cost: Float64Array
    accuracy: Float64Array | None = None
    best: Model | None = None

    @property
    def highest_accuracy(self) -> float | None:
        """The accuracy of the best step, or else the highest one recorded."""
        if self.best is not None:
            return self.best.accuracy
        return None if self.accuracy is None else float(self.accuracy.max())


def plot_learning_curve(
    descents: Descent | _FittedClassifier | Iterable[Descent | _FittedClassifier], *,
    labels: Iterable[str] | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the cost at each recorded step, of one descent or of several.

    For a single descent, the accuracy is drawn as well, and a star marks the best step. For
    several, the legend gives the highest accuracy of each.

    Parameters
    ----------
    descents : Descent, NeuronClassifier, or list of these
        The descents, trained with ``record_every=1`` or more, or fitted classifiers. A classifier
        with ``record_every=0`` has recorded only its cost. With ``multi_class="ovr"`` and
        ``record_every=1`` or more, there is a curve for each neuron.
    labels : list of str, default None
        A text for each curve in the legend. None means the step sizes.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold another
        picture.

    Returns
    -------
    Axes
        The Axes of the cost. The accuracy has separate Axes on top, with its scale on the right.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or if a descent has no history. Nothing is drawn in that case.

    Examples
    --------
    >>> from oneneuron import plots, train
    >>> X, y = [[0.0], [1.0], [2.0]], [0, 1, 1]
    >>> slow = train(X, y, eta=0.05, record_every=1)
    >>> fast = train(X, y, eta=0.5, record_every=1)
    >>> ax = plots.plot_learning_curve(fast)
    >>> ax = plots.plot_learning_curve([slow, fast], labels=["slow", "fast"])
    """
    check_axes(ax)
    courses = [*_courses_of(descents)]
    if not courses:
        raise ValueError("descents must be one Descent or several, found none.")
    names = as_names(labels, [course.name for course in courses])
    ax = _style.axes_or_new(ax, "learning curve")
    if len(courses) == 1:
        _draw_course(ax, courses[0], title=names[0] if labels else None)
    else:
        _draw_costs(ax, courses, names)
    steps = np.concatenate([course.step for course in courses])
    unrecorded = [course.best.step for course in courses if course.best]
    set_step_axis(ax, np.unique(steps), max([steps.max(), *unrecorded]))
    ax.set(ylabel="cost $C$", ylim=(0, None))
    return ax


def _courses_of(trained: Any) -> Iterator[_Course]:
    """Yield the courses of a descent, of a classifier, or of all in a list."""
    if hasattr(trained, "named_steps"):
        raise TypeError(
            f"descents must be classifiers themselves, found {type(trained).__name__}: pass its "
            "last step, such as model[-1]."
        )
    if hasattr(trained, "stop_reason_"):
        yield from _courses_of_classifier(trained)
    elif isinstance(trained, (Descent, History, Model)) or not np.iterable(trained):
        yield _course_of_descent(trained)
    else:
        for one in trained:
            yield from _courses_of(one)


def _course_of_descent(descent: Any) -> _Course:
    history = recorded_history(descent)
    name = _style.eta_label(descent.eta)
    return _Course(name, history.step, history.cost, history.accuracy, descent.best)


def _courses_of_classifier(classifier: _FittedClassifier) -> Iterator[_Course]:
    """Yield one course, or one for each neuron if they were trained and recorded by themselves."""
    if classifier.stop_reason_ == "partial_fit":
        raise ValueError(
            "descents must have been trained with fit, found a classifier after partial_fit: its "
            "loss_curve_ has the cost of each call."
        )
    name = "L-BFGS" if classifier.eta_ is None else _style.eta_label(classifier.eta_)
    histories = classifier.history_
    if not len(histories[0].step):
        costs = classifier.loss_curve_
        yield _Course(name, np.arange(len(costs)), costs)
        return
    # Two classes have a single neuron, and a layer has a single history.
    for history, label in zip(histories, classifier.classes_.tolist(), strict=False):
        yield _Course(
            name if len(histories) == 1 else f"class {_style.escaped(label)}", history.step,
            history.cost, history.accuracy,
        )  # fmt: skip


def _draw_course(ax: Axes, course: _Course, title: str | None) -> None:
    """Draw the cost and, as far as they are known, the accuracy and the best step."""
    handles, labels = [_draw_line(ax, course.step, course.cost, 0)], ["cost"]
    if course.accuracy is not None:
        right = ax.twinx()
        handles.append(_draw_line(right, course.step, course.accuracy, 1))
        labels.append("accuracy")
        if course.best:
            handles += right.plot(
                course.best.step, course.best.accuracy, "*", markersize=_style.size(16),
                color=_style.COLORS[1], markeredgecolor="black",
            )  # fmt: skip
            labels.append(_style.best_label(course.best))
        right.set(ylabel="accuracy", ylim=(0, 1.05))
        right.yaxis.set_major_formatter(PercentFormatter(1.0))
        # Otherwise the next picture would be drawn on the Axes of the accuracy.
        ax.figure.sca(ax)
    _style.add_legend_above(ax, handles, labels, title=title)


def _draw_costs(ax: Axes, courses: Sequence[_Course], names: Sequence[str]) -> None:
    """Draw the costs of several descents, with the highest accuracy of each in the legend."""
    lines, labels = [], []
    for number, (course, name) in enumerate(zip(courses, names, strict=True)):
        lines.append(_draw_line(ax, course.step, course.cost, number))
        best = course.highest_accuracy
        labels.append(name if best is None else f"{name}: at best {100 * best:.1f} %")
    _style.add_legend_above(ax, lines, labels, ncols=2)


def _draw_line(ax: Axes, steps: NDArray[np.intp], values: Float64Array, number: int) -> Line2D:
    """Draw a curve with the colour and the dash of a number."""
    (line,) = ax.plot(
        steps, values, lw=_style.width(2), color=_style.COLORS[number % len(_style.COLORS)],
        linestyle=_style.DASHES[number % len(_style.DASHES)],
        # A line through a single record would be invisible.
        marker="o" if len(steps) <= _FEW else "none",
    )  # fmt: skip
    return line


def set_step_axis(ax: Axes, steps: NDArray[np.intp], last: int) -> None:
    """Set the x axis to run from step 0 to the last, logarithmic from the first record on."""
    ax.set_xscale("symlog", linthresh=max(1, steps[:2][-1]))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.set(xlabel="step", xlim=(0, 1.1 * max(1, last)))
    if ax.bbox.width < _NARROW * ax.figure.dpi:
        cast(SymmetricalLogLocator, ax.xaxis.get_major_locator()).set_params(numticks=3)


def plot_parabola(
    eta: float, *, start: float = 1.0, num_steps: int = 10, ax: Axes | None = None
) -> Axes:
    """Draw the steps of gradient descent on C = w^2, which has a single parameter.

    The slope is 2 w, so each step multiplies w by 1 - 2 eta. Up to eta = 1/2, w approaches the
    minimum from one side. Between 1/2 and 1, it changes sides at every step. Beyond 1, it also
    moves away. The title says which of these happens.

    Parameters
    ----------
    eta : float
        The step size.
    start : float, default 1.0
        The value of w at the start, which must not be 0.
    num_steps : int, default 10
        The number of steps, from 1 to 1,000.
    ax : Axes, default None
        The Axes to draw on. None means the current Axes, or a new figure if they hold
        another picture.

    Returns
    -------
    Axes
        The Axes drawn on.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid. Nothing is drawn in that case.

    Examples
    --------
    >>> from oneneuron import plots
    >>> ax = plots.plot_parabola(0.9)
    """
    check_axes(ax)
    eta = _checks.as_eta(eta)
    start = _checks.as_number(start, "start")
    if not 1e-100 < abs(start) < 1e100:
        raise ValueError(
            f"start must be between 1e-100 and 1e100 in absolute value, found {start}."
        )
    num_steps = _checks.as_count(num_steps, "num_steps", least=1, most=_MOST_STEPS)
    w = _steps_on_parabola(eta, start, num_steps)
    ax = _style.axes_or_new(ax, "parabola")
    _draw_steps(ax, w)
    ax.set(xlabel="$w$", ylabel="$C = w^2$", title=f"$\\eta$ = {eta:g}: {_verdict(eta, w)}")
    _style.fit_text(ax.title, ax.bbox.width)
    return ax


def _steps_on_parabola(eta: float, start: float, num_steps: int) -> Float64Array:
    """Return w at the start and after each step, up to the first that is outside the picture."""
    w = [start]
    while len(w) <= num_steps and abs(w[-1]) <= _FAR * abs(start):
        w.append(w[-1] - eta * 2 * w[-1])
    return np.array(w)


def _draw_steps(ax: Axes, w: Float64Array) -> None:
    """Draw the parabola, a dot at each w and an arrow for each step."""
    inside = w[np.abs(w) <= _FAR * abs(w[0])]
    reach = 1.3 * np.abs(inside).max()
    points = [*zip(inside, inside**2, strict=True)]
    if len(inside) < len(w):
        points.append(_exit_point(inside[-1], w[-1], reach**2))
    curve = np.linspace(-reach, reach, 401)
    ax.plot(curve, curve**2, color="#999999", lw=_style.width(2), zorder=1)
    for tail, head in pairwise(points):
        ax.annotate(
            "", head, tail, zorder=2,
            arrowprops={"arrowstyle": "->", "color": _style.COLORS[1], "lw": _style.width(1.8),
                        "shrinkA": 4, "shrinkB": 4},
        )  # fmt: skip
    ax.plot(inside, inside**2, "o", color=_style.COLORS[0], markersize=_style.size(7),
            markeredgecolor="white", zorder=3)  # fmt: skip
    outward = np.sign(w[0])
    ax.annotate(
        "start", points[0], (10 * outward, 0), textcoords="offset points", va="center",
        ha="left" if outward > 0 else "right",
    )  # fmt: skip


def _exit_point(w: float, beyond: float, height: float) -> tuple[float, float]:
    """Return where the line from one w to the next, outside the picture, reaches a height."""
    # The slope of a line between two points of C = w^2 is the sum of their w. It may be infinite.
    return w + (height - w**2) / (w + beyond), height


def _verdict(eta: float, w: Float64Array) -> str:
    """Return what the title says about a step size."""
    if eta >= 1:
        return "too large, C grows" if eta > 1 else "too large, C never falls"
    if abs(w[-1]) <= 0.1 * abs(w[0]):
        return "right"
    if eta < 0.5:
        return f"too small, still falling at step {len(w) - 1}"
    return "large, w oscillates"
