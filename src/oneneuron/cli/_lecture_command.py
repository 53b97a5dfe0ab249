"""`oneneuron lecture`: the lecture's example from the data to the pictures."""

from __future__ import annotations

import os
import shlex
import warnings
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._atomic_write import check_writable, write_whole
from .._formatting import counted, duration
from .._train import train
from .._typing import AnyArray
from . import _argument_types, _picture_rendering
from ._printing import say, shown
from ._warnings import warnings_as_lines

if TYPE_CHECKING:
    from ._baselines import MethodScore

# More recorded steps would not be visible in the pictures of the page.
_MAX_RECORDS = 10_000

_COMMAND_FOR_THE_PAGE = (
    "  oneneuron lecture --html lecture.html    a run as a page: how the cost falls"
)
_OTHER_COMMANDS = (
    "  oneneuron playground                     a neuron to play with in the browser",
    "  oneneuron lecture --eta 1e-6             a step size that is much too small",
    "  oneneuron compare                        the time of slower and faster code",
    "  oneneuron code kernel                    the compiled code",
    "  oneneuron fit table.csv --target name    a neuron for your own table",
)


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its options to the command line."""
    parser = commands.add_parser(
        "lecture",
        help="run the lecture's example from the data to the pictures",
        description="Make the lecture's data, train its neuron, save two pictures, and compare "
        "gradient descent with the neuron's fast solver, least squares and logistic regression.",
    )
    parser.add_argument(
        "-n", type=_argument_types.num_samples, default=500,
        help="number of samples; a fifth of them is held out for testing (default: 500)",
    )  # fmt: skip
    parser.add_argument(
        "--eta", type=_argument_types.eta, default=5e-3,
        help="step size, or auto for the largest that never raises the cost (default: 0.005)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=_argument_types.num_steps, default=10_000,
        help="number of gradient descent steps (default: 10000)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_argument_types.seed,
        help="seed for the samples and the starting parameters; give it to repeat a run "
        "(default: a random seed, which is printed)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=_argument_types.path, default=".", metavar="FOLDER",
        help="folder for dots.png and boundary.png (default: the current folder)",
    )  # fmt: skip
    parser.add_argument(
        "--html", type=_argument_types.path, metavar="FILE",
        help="also write the whole run to this file, as one HTML page",
    )  # fmt: skip
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
    """Make the data, train, save the pictures, and print the comparison."""
    from ..lecture import example1, first_network
    from . import _baselines

    pictures = _picture_paths(arguments.output)
    if arguments.html is not None:
        check_writable(arguments.html, "--html", pictures)
    seed = np.random.randint(2**31) if arguments.seed is None else arguments.seed
    np.random.seed(seed)
    data = example1.get_data(arguments.n)
    train_pos, test_pos, train_value, _ = data
    say(
        f"{counted(len(train_pos), 'sample')} for training, {len(test_pos):,} held out for "
        f"testing (seed {seed})"
    )

    state = np.random.get_state()
    with warnings_as_lines():
        model, seconds = _baselines.timed(
            first_network.build_model, train_pos, train_value, arguments.eta, arguments.steps
        )
        # Save before anything else is printed, which may fail, or wait for a stopped terminal.
        _save_pictures(pictures, train_pos, train_value, model)
        scores = [
            _baselines.score_neuron(data, model, seconds),
            _baselines.fit_classifier(data),
            _baselines.fit_least_squares(data),
            _baselines.fit_logistic_regression(data),
        ]
        saved = pictures
        if arguments.html is not None:
            np.random.set_state(state)
            _save_page(arguments, data, model, scores, seed)
            saved = [*pictures, arguments.html]
    _print_scores(scores, arguments.steps)
    say("", f"Saved {', '.join(saved[:-1])} and {saved[-1]}.", "", "What to try next:")
    if arguments.html is None:
        say(_COMMAND_FOR_THE_PAGE)
    say(*_OTHER_COMMANDS)


def _picture_paths(folder: str) -> list[str]:
    """Return the paths of the two pictures; make the folder, and check that it can be written."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise ValueError(f"--output must be a folder, found the file {folder}: name another.")
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, name) for name in ("dots.png", "boundary.png")]
    for path in paths:
        check_writable(path)
    return paths


def _print_scores(scores: Sequence[MethodScore], num_steps: int) -> None:
    neuron = scores[0]
    say(
        f"On the test data it gets {100 * neuron.test_accuracy:.1f} percent correct.",
        f"Training took {duration(neuron.seconds)} ({counted(num_steps, 'step')}).",
        "",
        f"{'method':20}{'training':>10}{'test':>10}{'time':>12}",
    )
    for score in scores:
        say(
            f"{score.name:20}{100 * score.train_accuracy:8.1f} %"
            f"{100 * score.test_accuracy:8.1f} %{duration(score.seconds):>12}"
        )
    say(
        "",
        f"Gradient descent has {counted(num_steps, 'step')} to make, and scores the neuron "
        "after each.",
        "NeuronClassifier trains the same neuron with a solver that stops near the",
        "minimum, as that of LogisticRegression does.",
    )


def _save_pictures(
    paths: Sequence[str], pos: AnyArray, value: AnyArray, model: dict[str, float]
) -> None:
    """Draw both pictures, then write both files."""
    from ..lecture import first_network, plotting_routines

    dots = _picture_rendering.render(lambda ax: plotting_routines.plot_dots(pos, value, ax=ax))
    boundary = _picture_rendering.render(
        lambda ax: plotting_routines.plot_decision_boundary(
            pos, value, model, first_network.predict, ax=ax
        )
    )
    for path, picture in zip(paths, (dots, boundary), strict=True):
        write_whole(path, picture)


def _save_page(
    arguments: Namespace, data: Sequence[AnyArray], model: dict[str, float],
    scores: Sequence[MethodScore], seed: int,
) -> None:  # fmt: skip
    """Repeat the training with a history and write the page.

    NumPy's global state must be the same as before the first training, so that both start from the
    same parameters.
    """
    from ._lecture_page import LectureRun, lecture_page

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # build_model has warned already
        descent = train(
            data[0], data[2], eta=arguments.eta, num_steps=arguments.steps,
            record_every=max(1, arguments.steps // _MAX_RECORDS),
        )  # fmt: skip
    command = (
        f"oneneuron lecture -n {arguments.n} --eta {arguments.eta} --steps {arguments.steps} "
        f"--seed {seed} --html {shlex.quote(shown(os.path.basename(arguments.html)))}"
    )
    page = lecture_page(LectureRun(data, model, descent, scores, command))
    write_whole(arguments.html, page.encode())
