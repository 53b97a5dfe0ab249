"""`oneneuron compare`: the same gradient descent by several implementations, timed."""

from __future__ import annotations

import json
import os
import platform
import shlex
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from .._atomic_write import check_writable, write_whole
from .._engine import cores, dispatch
from .._formatting import counted, duration, three_digits
from . import _argument_types, _picture_rendering
from ._printing import say, shown
from ._progress import progress_bar
from ._warnings import warnings_as_lines

if TYPE_CHECKING:
    from ..compare import Problem, Timing


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its options to the command line."""
    parser = commands.add_parser(
        "compare",
        help="time the lecture's training from pure Python to compiled code",
        description="Time the lecture's training in pure Python, in NumPy, in plain Cython and in "
        "each kernel of this package. It takes about 20 seconds, prints a table and draws it.",
    )
    parser.add_argument(
        "-n", type=_argument_types.num_samples, default=500,
        help="number of samples; a fifth of them is held out and not used (default: 500)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=_argument_types.num_timed_steps, default=10_000,
        help="number of gradient descent steps (default: 10000)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_argument_types.seed, default=0,
        help="seed for the samples and the starting parameters (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=_argument_types.path, default="compare.png", metavar="FILE",
        help="picture to write, as PNG, PDF or SVG (default: compare.png)",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=_argument_types.path, metavar="FILE",
        help="write the figures to this file as JSON",
    )  # fmt: skip
    parser.add_argument(
        "--html", type=_argument_types.path, metavar="FILE",
        help="write the bars, each beside its code, to this file as one HTML page",
    )  # fmt: skip
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
    """Time all rungs, save the picture and the figures, and print the table."""
    # Imported here, since no other command needs the contenders.
    from ..compare import ladder, lecture_problem

    saved = [arguments.output]
    check_writable(arguments.output)
    file_format = _file_format(arguments.output)
    for path, option in ((arguments.json, "--json"), (arguments.html, "--html")):
        if path is not None:
            check_writable(path, option, saved)
            saved = [*saved, path]
    problem = lecture_problem(arguments.n, arguments.seed)
    with warnings_as_lines(), progress_bar() as show:
        rows = ladder(problem, arguments.steps, show)
        # Save before anything is printed or erased, which may fail, or wait for a stopped terminal.
        if arguments.json is not None:
            write_whole(arguments.json, _figures(rows, problem, arguments.seed).encode())
        head, notes = _head(problem, arguments.steps), list(_notes(rows, problem))
        if arguments.html is not None:
            write_whole(arguments.html, _page(rows, head, notes, arguments).encode())
        write_whole(arguments.output, _picture(rows, file_format))
    others = ", ".join(saved[:-1])
    say(head, "", *_table(rows), "", *notes)
    if arguments.html is None:
        say("To see the code, try `oneneuron code kernel` or `oneneuron compare --html page.html`.")
    say("", f"Saved {f'{others} and ' if others else ''}{saved[-1]}.")


def _file_format(path: str) -> str:
    """Return the file format that belongs to the extension of a path."""
    file_format = os.path.splitext(path)[1].removeprefix(".").lower()
    if file_format not in _picture_rendering.file_formats():
        raise ValueError(
            f"--output must be the name of a picture, found {path}: end it in .png, .pdf or .svg."
        )
    return file_format


def _head(problem: Problem, num_steps: int) -> str:
    return (
        f"{counted(len(problem.y), 'sample')} of 2 features, {counted(num_steps, 'step')} of the "
        f"same gradient descent, eta = {problem.eta:g}"
    )


def _table(rows: Sequence[Timing]) -> list[str]:
    """Return the table, a line for each rung; the last column is only shown for libraries."""
    columns = [
        ["", "", *(row.name for row in rows)],
        ["time for", f"{counted(rows[0].num_steps, 'step')} ", *(_time(row) for row in rows)],
        [
            "ns for a sample",
            "in a step",
            *(three_digits(row.nanoseconds_per_sample) for row in rows),
        ],
        ["as fast as", "the rung above", *(_ratio(row.speedup_over_previous) for row in rows)],
        ["as fast as", "the lecture", *(_ratio(row.speedup_over_lecture) for row in rows)],
    ]
    if _has_libraries(rows):
        columns.append(["compilation", "and first step", *(_first_time(row) for row in rows)])
    return ["  ".join(cells).rstrip() for cells in zip(*map(_padded, columns), strict=True)]


def _time(row: Timing) -> str:
    return duration(row.seconds) + ("*" if row.timed_steps < row.num_steps else " ")


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{three_digits(value)} x"


def _first_time(row: Timing) -> str:
    return "" if row.first_step_seconds is None else duration(row.first_step_seconds)


def _has_libraries(rows: Sequence[Timing]) -> bool:
    return any(row.first_step_seconds is not None for row in rows)


def _padded(column: Sequence[str]) -> list[str]:
    """Return cells of equal width, aligned to the right, or to the left if there is no heading."""
    width = max(map(len, column))
    return [f"{cell:{'>' if column[0] else '<'}{width}}" for cell in column]


def _notes(rows: Sequence[Timing], problem: Problem) -> Iterator[str]:
    """Yield the lines below the table: how it was made, and on what machine."""
    from ..compare import DEFAULT_ETA, missing_libraries

    if any(row.timed_steps < row.num_steps for row in rows):
        yield "* Fewer steps were timed, since all of them would have taken too long."
    if problem.eta < DEFAULT_ETA:
        yield (
            f"eta is below the usual {DEFAULT_ETA:g}, which can make the cost oscillate with "
            f"{counted(len(problem.y), 'sample')}."
        )
    yield "1 ns is a billionth of a second. Every rung was checked to reach the same parameters."
    yield "Times are computed from a rung's fastest stretch, to exclude the work of other programs."
    yield "The rungs of the lecture and of oneneuron also score every step; the others do not."
    if _has_libraries(rows):
        yield "The other columns leave out compilation, and no column includes a library's import."
    if cores.count() > 1:
        yield (
            f"Each rung runs on one core. The last two may use all {cores.count()} cores, which "
            f"helps with a"
        )
        yield "few thousand samples or more: try -n 100000."
    else:
        yield "Only one core may be used, so there is no rung for several cores."
    if missing := missing_libraries():
        yield f"These libraries would add a rung each, but are not installed: {', '.join(missing)}."
    yield (
        "{processor}; kernels {kernels}; Python {python}, NumPy {numpy}, oneneuron {oneneuron}"
    ).format(**_machine())


def _machine() -> dict[str, str | int]:
    """Return the hardware and the versions that the figures depend on."""
    return {
        "processor": _processor(),
        "cores": cores.count(),
        "kernels": ", ".join(dispatch.available),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "oneneuron": version("oneneuron"),
    }


def _processor() -> str:
    """Return the processor's name from Linux if possible, or else what Python knows about it."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2] for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].strip() if names else platform.processor() or platform.machine()


def _picture(rows: Sequence[Timing], file_format: str) -> bytes:
    from ..plots import plot_ladder

    # The shape of a slide, and small enough to read its ten-point font from the last row.
    return _picture_rendering.render(
        lambda ax: plot_ladder(rows, ax=ax), file_format, size=(8.0, 4.5), dpi=240
    )


def _page(rows: Sequence[Timing], head: str, notes: Sequence[str], arguments: Namespace) -> str:
    from ._compare_page import Comparison, compare_page

    command = (
        f"oneneuron compare -n {arguments.n} --steps {arguments.steps} --seed {arguments.seed} "
        f"--html {shlex.quote(shown(os.path.basename(arguments.html)))}"
    )
    return compare_page(Comparison(rows, head, " ".join(notes), command))


def _figures(rows: Sequence[Timing], problem: Problem, seed: int) -> str:
    """Return the timings as JSON, with the problem and the machine."""
    found = {"samples": len(problem.y), "seed": seed, "eta": problem.eta, "machine": _machine()}
    return json.dumps({**found, "rungs": [row._asdict() for row in rows]}, indent=1) + "\n"
