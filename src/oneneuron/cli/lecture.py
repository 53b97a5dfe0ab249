"""`oneneuron lecture`: the lecture's example, start to end."""

import os

import numpy as np

from .. import rendering
from ..table import check_writable, write_whole
from . import values
from .notices import warnings_as_lines
from .progress import timed


def add_to(commands):
    """The command and its options."""
    parser = commands.add_parser("lecture", help="the lecture's example, start to end")
    parser.add_argument(
        "-n", type=values.samples, default=500, help="samples, a fifth held out (500)"
    )
    parser.add_argument("--eta", type=values.positive, default=5e-3, help="step size (0.005)")
    parser.add_argument("--steps", type=values.count, default=10_000, help="steps (10000)")
    parser.add_argument(
        "--seed", type=values.seed, help="repeats a run; drawn and printed otherwise"
    )
    parser.add_argument("--output", default=".", help="folder for the two pictures (this one)")
    parser.set_defaults(command=run)


def run(arguments):
    """Make the data, train, compare, save the pictures."""
    from ..lecture import example1, first_network

    pictures = _picture_paths(arguments.output)
    seed = np.random.randint(2**31) if arguments.seed is None else arguments.seed
    np.random.seed(seed)
    data = example1.get_data(arguments.n)
    train_pos, test_pos, train_value, test_value = data
    print(f"{len(train_pos)} samples to train on, {len(test_pos)} held out (seed {seed})")

    with warnings_as_lines():
        model, seconds = timed(
            first_network.build_model, train_pos, train_value, arguments.eta, arguments.steps
        )
    train_f, test_f = (first_network.predict(pos, model) for pos in (train_pos, test_pos))
    print(
        f"On the test data it gets {100 * np.mean(np.round(test_f) == test_value):.1f} percent.\n"
        f"Its training took {1e3 * seconds:.1f} ms ({arguments.steps} steps).\n"
    )
    _print_comparison(data, ("gradient descent", train_f, test_f, seconds))
    _save_pictures(pictures, train_pos, train_value, model)
    print(f"\nSaved {' and '.join(pictures)}.")


def _picture_paths(folder):
    """Where the two pictures go, in a folder that is made if need be and can be written to."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise ValueError(f"--output must be a folder, found the file {folder}: name another.")
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, name) for name in ("dots.png", "boundary.png")]
    for path in paths:
        check_writable(path)
    return paths


def _print_comparison(data, neuron):
    """The neuron, least squares and logistic regression on the same split."""
    _, _, train_value, test_value = data
    print(f"{'method':20}{'training':>10}{'test':>10}{'time':>12}")
    for name, train_f, test_f, seconds in (
        neuron, _least_squares(*data), _logistic_regression(*data)
    ):  # fmt: skip
        train = 100 * np.mean((train_f > 0.5) == train_value)
        test = 100 * np.mean((test_f > 0.5) == test_value)
        print(f"{name:20}{train:8.1f} %{test:8.1f} %{1e3 * seconds:9.1f} ms")


def _least_squares(train_pos, test_pos, train_value, _):
    train, test = (np.column_stack([pos, np.ones(len(pos))]) for pos in (train_pos, test_pos))
    (solution, *_), seconds = timed(np.linalg.lstsq, train, train_value, None)
    return "least squares", train @ solution, test @ solution, seconds


def _logistic_regression(train_pos, test_pos, train_value, _):
    from sklearn.linear_model import LogisticRegression

    fitted, seconds = timed(LogisticRegression().fit, train_pos, train_value)
    train_f, test_f = (fitted.predict_proba(pos)[:, 1] for pos in (train_pos, test_pos))
    return "logistic regression", train_f, test_f, seconds


def _save_pictures(paths, pos, value, model):
    """Draw both pictures, then write them."""
    from ..lecture import first_network, plotting_routines

    dots = rendering.png(lambda ax: plotting_routines.plot_dots(pos, value, ax=ax))
    boundary = rendering.png(
        lambda ax: plotting_routines.plot_decision_boundary(
            pos, value, model, first_network.predict, ax=ax
        )
    )
    for path, picture in zip(paths, (dots, boundary), strict=True):
        write_whole(path, picture)
