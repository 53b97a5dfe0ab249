"""`oneneuron compare`: one descent in many ways, timed."""

from __future__ import annotations

import json
import os
import platform
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from .._engine import cores, dispatch
from .._text import counted, duration, three_digits
from . import _rendering, _values
from ._files import check_writable, write_whole
from ._notices import warnings_as_lines
from ._progress import bar

if TYPE_CHECKING:
    from ..compare import Problem, Timing


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "compare", help="the lecture's training from pure Python to the kernel, timed"
    )
    parser.add_argument(
        "-n", type=_values.samples, default=500, help="samples, a fifth held out (500)"
    )
    parser.add_argument("--steps", type=_values.steps, default=10_000, help="steps (10000)")
    parser.add_argument("--seed", type=_values.seed, default=0, help="draws data and start (0)")
    parser.add_argument(
        "--output", type=_values.path, default="compare.png", help="the picture (compare.png)"
    )
    parser.add_argument(
        "--json", type=_values.path, metavar="FILE", help="a file for the figures, as JSON"
    )
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
    """Time all rungs, save the picture and the figures, print the table."""
    # Here: it brings the contenders, and no other command needs them.
    from ..compare import ladder, lecture_problem

    saved = [arguments.output]
    check_writable(arguments.output)
    form = _form(arguments.output)
    if arguments.json is not None:
        check_writable(arguments.json, "--json", saved)
        saved = [*saved, arguments.json]
    problem = lecture_problem(arguments.n, arguments.seed)
    with warnings_as_lines(), bar() as show:
        rows = ladder(problem, arguments.steps, show)
    # First, so that they aren't lost where the table can't be printed to its end.
    write_whole(arguments.output, _picture(rows, form))
    if arguments.json is not None:
        write_whole(arguments.json, _figures(rows, problem, arguments.seed).encode())
    head, foot = _head(problem, arguments.steps), _foot(rows, problem.eta)
    print(head, "", _table(rows), "", *foot, sep="\n")
    print(f"\nSaved {' and '.join(saved)}.")


def _form(path: str) -> str:
    """Of the picture, by how its path ends."""
    form = os.path.splitext(path)[1].removeprefix(".").lower()
    if form not in _rendering.forms():
        raise ValueError(
            f"--output must end as a picture's name does, found {path}: end it in .png, .pdf or "
            f".svg."
        )
    return form


def _head(problem: Problem, num_steps: int) -> str:
    return (
        f"{counted(len(problem.y), 'sample')} of 2 features, {counted(num_steps, 'step')} of the "
        f"same descent, eta = {problem.eta:g}"
    )


def _table(rows: Sequence[Timing]) -> str:
    """A line for each rung, in columns; the last of them only if there are libraries."""
    columns = [
        ["", "", *(row.name for row in rows)],
        ["time for", f"{counted(rows[0].num_steps, 'step')} ", *(_time(row) for row in rows)],
        ["ns for a sample", "in a step", *(three_digits(row.nanoseconds) for row in rows)],
        ["as fast as", "the rung above", *(_ratio(row.than_before) for row in rows)],
        ["as fast as", "the lecture", *(_ratio(row.than_lecture) for row in rows)],
    ]
    if _has_libraries(rows):
        columns.append(["first step,", "compiling", *(_first_time(row) for row in rows)])
    return "\n".join(
        "  ".join(cells).rstrip() for cells in zip(*map(_padded, columns), strict=True)
    )


def _time(row: Timing) -> str:
    return duration(row.seconds) + ("*" if row.timed_steps < row.num_steps else " ")


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{three_digits(value)} x"


def _first_time(row: Timing) -> str:
    return "" if row.first_step_seconds is None else duration(row.first_step_seconds)


def _has_libraries(rows: Sequence[Timing]) -> bool:
    return any(row.first_step_seconds is not None for row in rows)


def _padded(column: Sequence[str]) -> list[str]:
    """Cells of equal width; those of a column without a head, the names, begin at the left."""
    width = max(map(len, column))
    return [f"{cell:{'>' if column[0] else '<'}{width}}" for cell in column]


def _foot(rows: Sequence[Timing], eta: float) -> Iterator[str]:
    """Below the table: what its words mean, and on what machine it was made."""
    from ..compare import LECTURE_ETA, missing_libraries

    if any(row.timed_steps < row.num_steps for row in rows):
        yield "* timed over fewer steps: all of them would take too long."
    if eta < LECTURE_ETA:
        yield f"eta is below the lecture's {LECTURE_ETA:g}: with so many samples that would swing."
    yield "ns: billionths of a second. Each rung was checked to end where the others do."
    yield "Times are at the pace of a rung's fastest stretch, so that other work spoils none."
    yield "The lecture's rungs and oneneuron's score every step as well; the others only make it."
    if _has_libraries(rows):
        yield "A library's first step is in no other column, and its import in none."
    if cores.count() > 1:
        yield (
            f"Each rung runs on one core, the last two on all {cores.count()} if that is worth\n"
            f"it, as it is from some thousand samples on: try -n 100000."
        )
    else:
        yield "There is one core, so no rung for several."
    if missing := missing_libraries():
        yield f"With a rung of their own, but not installed: {', '.join(missing)}."
    yield (
        "{processor}; kernels {kernels}; Python {python}, NumPy {numpy}, oneneuron {oneneuron}"
    ).format(**_machine())


def _machine() -> dict[str, str | int]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "cores": cores.count(),
        "kernels": ", ".join(dispatch.available),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "oneneuron": version("oneneuron"),
    }


def _processor() -> str:
    """Its name where Linux tells it, else what Python knows."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2] for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].strip() if names else platform.processor() or platform.machine()


def _picture(rows: Sequence[Timing], form: str) -> bytes:
    from ..plots import plot_ladder

    # A slide's shape, and so small that ten points can be read from the back of a room.
    return _rendering.picture(lambda ax: plot_ladder(rows, ax=ax), form, size=(8.0, 4.5), dpi=240)


def _figures(rows: Sequence[Timing], problem: Problem, seed: int) -> str:
    found = {"samples": len(problem.y), "seed": seed, "eta": problem.eta, "machine": _machine()}
    return json.dumps({**found, "rungs": [row._asdict() for row in rows]}, indent=1) + "\n"
