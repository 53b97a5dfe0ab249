"""`oneneuron lecture`: the lecture's example, start to end."""

from __future__ import annotations

import os
import shlex
import warnings
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._text import counted, duration
from .._train import train
from .._typing import AnyArray
from . import _rendering, _values
from ._files import check_writable, write_whole
from ._notices import warnings_as_lines
from ._progress import timed

if TYPE_CHECKING:
    from ._baselines import Method

# The page's pictures need no more.
_MOST_RECORDS = 10_000


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """The command and its options."""
    parser = commands.add_parser("lecture", help="the lecture's example, start to end")
    parser.add_argument(
        "-n", type=_values.samples, default=500, help="samples, a fifth held out (500)"
    )
    parser.add_argument("--eta", type=_values.positive, default=5e-3, help="step size (0.005)")
    parser.add_argument("--steps", type=_values.count, default=10_000, help="steps (10000)")
    parser.add_argument(
        "--seed", type=_values.seed, help="repeats a run; drawn and printed otherwise"
    )
    parser.add_argument(
        "--output", type=_values.path, default=".", help="folder for the two pictures (this one)"
    )
    parser.add_argument(
        "--html", type=_values.path, metavar="FILE", help="write the whole run as one page too"
    )
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
    """Make the data, train, save the pictures, compare."""
    from ..lecture import example1, first_network
    from . import _baselines

    pictures = _picture_paths(arguments.output)
    if arguments.html is not None:
        check_writable(arguments.html, "--html", pictures)
    seed = np.random.randint(2**31) if arguments.seed is None else arguments.seed
    np.random.seed(seed)
    data = example1.get_data(arguments.n)
    train_pos, test_pos, train_value, _ = data
    print(
        f"{counted(len(train_pos), 'sample')} to train on, {len(test_pos):,} held out (seed {seed})"
    )

    state = np.random.get_state()
    with warnings_as_lines():
        model, seconds = timed(
            first_network.build_model, train_pos, train_value, arguments.eta, arguments.steps
        )
    compared = [
        _baselines.neuron(data, model, seconds),
        _baselines.least_squares(data),
        _baselines.logistic_regression(data),
    ]
    # The files first, so that they aren't lost where the rest can't be printed to its end.
    _save_pictures(pictures, train_pos, train_value, model)
    saved = pictures
    if arguments.html is not None:
        np.random.set_state(state)
        _save_page(arguments, data, model, compared, seed)
        saved = [*pictures, arguments.html]
    _print_results(compared, arguments.steps)
    print(f"\nSaved {', '.join(saved[:-1])} and {saved[-1]}.")


def _picture_paths(folder: str) -> list[str]:
    """Where the two pictures go, in a folder that is made if need be and can be written to."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise ValueError(f"--output must be a folder, found the file {folder}: name another.")
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, name) for name in ("dots.png", "boundary.png")]
    for path in paths:
        check_writable(path)
    return paths


def _print_results(methods: Sequence[Method], num_steps: int) -> None:
    neuron = methods[0]
    print(
        f"On the test data it gets {100 * neuron.test_accuracy:.1f} percent.\n"
        f"Its training took {duration(neuron.seconds)} ({counted(num_steps, 'step')}).\n"
    )
    print(f"{'method':20}{'training':>10}{'test':>10}{'time':>12}")
    for method in methods:
        print(
            f"{method.name:20}{100 * method.train_accuracy:8.1f} %"
            f"{100 * method.test_accuracy:8.1f} %{duration(method.seconds):>12}"
        )


def _save_pictures(
    paths: Sequence[str], pos: AnyArray, value: AnyArray, model: dict[str, float]
) -> None:
    """Draw both pictures, then write them."""
    from ..lecture import first_network, plotting_routines

    dots = _rendering.picture(lambda ax: plotting_routines.plot_dots(pos, value, ax=ax))
    boundary = _rendering.picture(
        lambda ax: plotting_routines.plot_decision_boundary(
            pos, value, model, first_network.predict, ax=ax
        )
    )
    for path, picture in zip(paths, (dots, boundary), strict=True):
        write_whole(path, picture)


def _save_page(
    arguments: Namespace, data: Sequence[AnyArray], model: dict[str, float],
    methods: Sequence[Method], seed: int,
) -> None:  # fmt: skip
    """Train once more from the same draws, now with a history; NumPy's state is at them."""
    from ._report import LectureRun, lecture_page

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # build_model has warned already
        descent = train(
            data[0], data[2], eta=arguments.eta, num_steps=arguments.steps,
            record_every=max(1, arguments.steps // _MOST_RECORDS),
        )  # fmt: skip
    command = (
        f"oneneuron lecture -n {arguments.n} --eta {arguments.eta!r} --steps {arguments.steps} "
        f"--seed {seed} --html {shlex.quote(os.path.basename(arguments.html))}"
    )
    page = lecture_page(LectureRun(data, model, descent, methods, command))
    write_whole(arguments.html, page.encode())
