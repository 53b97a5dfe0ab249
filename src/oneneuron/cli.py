"""The command `oneneuron`: lecture, fit, predict, info."""

import argparse
import csv
import io
import math
import os
import platform
import sys
from importlib.metadata import version
from time import perf_counter

import numpy as np

from . import _dispatch
from .descent import Training
from .table import (
    TableModel,
    check_writable,
    features_of,
    labels_of,
    read_columns,
    write_whole,
)


def main(argv=None):
    """Run one command; returns the exit code, 2 for bad input."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
    except (ValueError, TypeError, OSError) as error:
        print(f"oneneuron: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("oneneuron: stopped", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="oneneuron", description="One sigmoid neuron, fast.")
    commands = parser.add_subparsers(required=True, metavar="command")

    lecture = commands.add_parser("lecture", help="the lecture's example, start to end")
    lecture.add_argument("-n", type=int, default=500, help="samples, a fifth held out (500)")
    lecture.add_argument("--eta", type=_positive, default=5e-3, help="step size (0.005)")
    lecture.add_argument("--steps", type=_count, default=10_000, help="steps (10000)")
    lecture.add_argument("--seed", type=_count, help="repeats a run; drawn and printed otherwise")
    lecture.add_argument("--output", default=".", help="folder for the two pictures (this one)")
    lecture.set_defaults(command=run_lecture)

    fit = commands.add_parser("fit", help="train on a table")
    fit.add_argument("data", help="CSV with a header line")
    fit.add_argument("--target", required=True, help="the column to predict, of two classes")
    fit.add_argument("--output", default="model.json", help="the model (model.json)")
    fit.add_argument("--eta", type=_eta, default="auto", help="step size, or auto (auto)")
    fit.add_argument("--steps", type=_count, default=10_000, help="steps (10000)")
    fit.add_argument("--seed", type=_count, default=0, help="chooses the held-out fifth (0)")
    fit.add_argument("--no-standardise", action="store_true", help="take the features as they are")
    fit.set_defaults(command=run_fit)

    predict = commands.add_parser("predict", help="apply a trained model to a table")
    predict.add_argument("model", help="JSON that fit wrote")
    predict.add_argument("data", help="CSV with the model's features among its columns")
    predict.add_argument("--output", help="CSV to write; the screen otherwise")
    predict.set_defaults(command=run_predict)

    info = commands.add_parser("info", help="versions and instruction sets")
    info.set_defaults(command=run_info)
    return parser


def _count(text):
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, found {value}")
    return value


def _positive(text):
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be finite and above 0, found {text}")
    return value


def _eta(text):
    return text if text == "auto" else _positive(text)


def run_lecture(arguments):
    """Make the data, train, compare, save the pictures."""
    from .lecture import example1, first_network

    if not os.path.isdir(arguments.output):
        raise ValueError(f"--output must be a folder, found {arguments.output!r}: make it first.")
    pictures = [os.path.join(arguments.output, name) for name in ("dots.png", "boundary.png")]
    for picture in pictures:
        check_writable(picture)
    seed = np.random.randint(2**31) if arguments.seed is None else arguments.seed
    np.random.seed(seed)
    data = example1.get_data(arguments.n)
    train_pos, test_pos, train_value, test_value = data
    print(f"{len(train_pos)} samples to train on, {len(test_pos)} held out (seed {seed})")

    start = perf_counter()
    model = first_network.build_model(train_pos, train_value, arguments.eta, arguments.steps)
    seconds = perf_counter() - start
    test_f = first_network.predict(test_pos, model)
    print(
        f"On the test data it gets {100 * np.mean(np.round(test_f) == test_value):.1f} percent.\n"
        f"Its training took {1e3 * seconds:.1f} ms ({arguments.steps} steps).\n"
    )
    train_f = first_network.predict(train_pos, model)
    _print_comparison(data, ("gradient descent", train_f, test_f))
    _save_pictures(pictures, train_pos, train_value, model)
    print(f"\nSaved {' and '.join(pictures)}.")


def _print_comparison(data, *outputs):
    """Accuracy of the neuron, least squares and logistic regression on the same split."""
    _, _, train_value, test_value = data
    print(f"{'':22}training    test")
    for name, *outputs_f in (*outputs, _least_squares(*data), _logistic_regression(*data)):
        train, test = (
            100 * np.mean((f > 0.5) == value)
            for f, value in zip(outputs_f, (train_value, test_value), strict=True)
        )
        print(f"{name:22}{train:6.1f} %{test:6.1f} %")


def _least_squares(train_pos, test_pos, train_value, _):
    train, test = (np.column_stack([pos, np.ones(len(pos))]) for pos in (train_pos, test_pos))
    solution = np.linalg.lstsq(train, train_value, rcond=None)[0]
    return "least squares", train @ solution, test @ solution


def _logistic_regression(train_pos, test_pos, train_value, _):
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(train_pos, train_value)
    return (
        "logistic regression",
        fitted.predict_proba(train_pos)[:, 1],
        fitted.predict_proba(test_pos)[:, 1],
    )


def _save_pictures(paths, pos, value, model):
    # A Figure of its own, not pyplot's, so that no window opens whatever the backend is.
    from matplotlib.figure import Figure

    from .lecture import first_network, plotting_routines

    draw = (
        lambda ax: plotting_routines.plot_dots(pos, value, ax=ax),
        lambda ax: plotting_routines.plot_decision_boundary(
            pos, value, model, first_network.predict, ax=ax
        ),
    )
    for path, onto in zip(paths, draw, strict=True):
        figure = Figure(figsize=(8, 6), layout="constrained")
        onto(figure.add_subplot())
        figure.savefig(path, dpi=150)


def run_fit(arguments):
    """Train on four fifths of a table, say how it does on the rest, save the model."""
    check_writable(arguments.output)
    columns = read_columns(arguments.data)
    y, classes = labels_of(columns, arguments.target, arguments.data)
    names = [name for name in columns if name != arguments.target]
    if not names:
        raise ValueError(f"{arguments.data} must have a column beside the target, found none.")
    X = features_of(columns, names, arguments.data)
    train_X, test_X, train_y, test_y = _split(X, y, classes, arguments.seed)
    mean, scale = np.zeros(len(names)), np.ones(len(names))
    if not arguments.no_standardise:
        mean, scale = train_X.mean(axis=0), train_X.std(axis=0)
        scale[scale == 0] = 1.0  # a constant column: nothing to scale

    start = (np.zeros(len(names)), 0.0)
    training = Training((train_X - mean) / scale, train_y, eta=arguments.eta, init=start)
    _advance_with_bar(training, arguments.steps)
    if training.diverged:
        print(
            f"Training stopped at step {training.step}: eta = {training.eta:g} is too large. "
            f"The best model seen is kept; use --eta auto or a smaller one.",
            file=sys.stderr,
        )
    lowest = training.result().lowest
    model = TableModel(
        names, arguments.target, classes, mean.tolist(), scale.tolist(),
        lowest.weights.tolist(), lowest.bias,
    )  # fmt: skip
    model.save(arguments.output)
    held_out = np.mean((model.probabilities(test_X) > 0.5) == test_y)
    print(
        f"{len(X)} rows, {len(names)} features, classes {classes[0]} and {classes[1]}\n"
        f"accuracy in training   {100 * lowest.accuracy:.1f} % of {len(train_y)} rows\n"
        f"accuracy held out      {100 * held_out:.1f} % of {len(test_y)} rows\n"
        f"Saved {arguments.output}."
    )


def _split(X, y, classes, seed):
    from sklearn.model_selection import train_test_split

    for name, count in ((classes[1], y.sum()), (classes[0], (~y).sum())):
        if count < 2 or len(y) < 10:
            raise ValueError(
                f"the table must have 10 rows and 2 of each class, so that a fifth can be held "
                f"out; found {len(y)} rows, {count} of class {name}."
            )
    return train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)


def _advance_with_bar(training, num_steps):
    """Make the steps, with a bar on a terminal once a second has gone by."""
    start = perf_counter()
    shown = False
    chunk = 100
    while training.step < num_steps and not training.diverged:
        before = perf_counter()
        training.advance(min(chunk, num_steps - training.step))
        now = perf_counter()
        chunk = max(1, int(chunk * min(2.0, 0.1 / (now - before))))
        if now - start > 1 and sys.stderr.isatty():
            done = training.step / num_steps
            bar = "#" * int(40 * done)
            print(f"\r[{bar:40}] {100 * done:3.0f} %", end="", file=sys.stderr, flush=True)
            shown = True
    if shown:
        print(f"\r{'':60}\r", end="", file=sys.stderr, flush=True)


def run_predict(arguments):
    """Write the class and the probability of every row of a table."""
    model = TableModel.load(arguments.model)
    if arguments.output is not None:
        check_writable(arguments.output)
    X = features_of(read_columns(arguments.data), model.features, arguments.data)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([model.target, f"P({model.classes[1]})"])
    for f in model.probabilities(X).tolist():
        writer.writerow([model.classes[f > 0.5], f"{f:.6g}"])
    if arguments.output is None:
        sys.stdout.write(text.getvalue())
    else:
        write_whole(arguments.output, text.getvalue())
        print(f"Saved {arguments.output}.")


def run_info(_):
    """Print versions and instruction sets."""
    print(
        f"oneneuron {version('oneneuron')}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}\n"
        f"kernel {_dispatch.level} (available: {', '.join(_dispatch.available)})"
    )
