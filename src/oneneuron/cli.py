"""The command `oneneuron`: lecture, fit, predict, info."""

import argparse
import csv
import io
import math
import os
import platform
import sys
import warnings
from importlib.metadata import version
from time import perf_counter

import numpy as np

from . import _dispatch
from .descent import begin
from .table import Table, TableModel, check_writable, write_whole
from .team import cores


def main(argv=None):
    """Run one command; returns the exit code, 2 for bad input."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; the interpreter's last flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, TypeError, OSError) as error:
        print(f"oneneuron: error: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("oneneuron: stopped", file=sys.stderr)
        return 130
    return 0


def _one_line(error):
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).splitlines())


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error; --help shows the usage."""

    def error(self, message):
        self.exit(2, f"oneneuron: error: {message}\n")


def _parser():
    parser = _Parser(prog="oneneuron", description="One sigmoid neuron, fast.")
    commands = parser.add_subparsers(required=True, metavar="command")

    _add_lecture(commands.add_parser("lecture", help="the lecture's example, start to end"))
    _add_fit(commands.add_parser("fit", help="train on a table"))
    _add_predict(commands.add_parser("predict", help="apply a trained model to a table"))
    info = commands.add_parser("info", help="versions and instruction sets")
    info.set_defaults(command=run_info)
    return parser


def _add_lecture(parser):
    parser.add_argument("-n", type=_samples, default=500, help="samples, a fifth held out (500)")
    parser.add_argument("--eta", type=_positive, default=5e-3, help="step size (0.005)")
    parser.add_argument("--steps", type=_count, default=10_000, help="steps (10000)")
    parser.add_argument("--seed", type=_seed, help="repeats a run; drawn and printed otherwise")
    parser.add_argument("--output", default=".", help="folder for the two pictures (this one)")
    parser.set_defaults(command=run_lecture)


def _add_fit(parser):
    parser.add_argument("data", help="CSV with a header line")
    parser.add_argument("--target", required=True, help="the column to predict, of two classes")
    parser.add_argument("--output", default="model.json", help="the model (model.json)")
    parser.add_argument("--eta", type=_eta, default="auto", help="step size, or auto (auto)")
    parser.add_argument("--steps", type=_count, default=10_000, help="steps (10000)")
    parser.add_argument("--no-standardise", action="store_true", help="features as they are")
    parser.add_argument("--test-size", type=_share, default=0.2, help="share held out (0.2)")
    parser.add_argument("--seed", type=_seed, default=0, help="chooses the held-out rows (0)")
    parser.add_argument("--threads", type=_threads, help="at most (as many as the work is worth)")
    parser.set_defaults(command=run_fit)


def _add_predict(parser):
    parser.add_argument("model", help="JSON that fit wrote")
    parser.add_argument("data", help="CSV with the model's features among its columns")
    parser.add_argument("--output", help="CSV to write; the screen otherwise")
    parser.set_defaults(command=run_predict)


def _whole(text, least, most=math.inf):
    value = int(text)
    if not least <= value <= most:
        bound = f"{least} or more" if most == math.inf else f"from {least} to {most}"
        raise argparse.ArgumentTypeError(f"must be {bound}, found {value}")
    return value


def _count(text):
    return _whole(text, 0)


def _threads(text):
    return _whole(text, 1)


def _samples(text):
    return _whole(text, 5)


def _seed(text):
    return _whole(text, 0, 2**32 - 1)


def _positive(text):
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be finite and above 0, found {text}")
    return value


def _share(text):
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, found {text}")
    return value


def _eta(text):
    return text if text == "auto" else _positive(text)


def run_lecture(arguments):
    """Make the data, train, compare, save the pictures."""
    from .lecture import example1, first_network

    pictures = _picture_paths(arguments.output)
    seed = np.random.randint(2**31) if arguments.seed is None else arguments.seed
    np.random.seed(seed)
    data = example1.get_data(arguments.n)
    train_pos, test_pos, train_value, test_value = data
    print(f"{len(train_pos)} samples to train on, {len(test_pos)} held out (seed {seed})")

    model, seconds = _timed(_build_model, train_pos, train_value, arguments.eta, arguments.steps)
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


def _timed(function, *arguments):
    start = perf_counter()
    result = function(*arguments)
    return result, perf_counter() - start


def _build_model(pos, value, eta, num_steps):
    """The lecture's training, its warnings as plain lines on stderr."""
    from .lecture import first_network

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = first_network.build_model(pos, value, eta, num_steps)
    for warning in caught:
        print(f"oneneuron: warning: {warning.message}", file=sys.stderr)
    return model


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
    (solution, *_), seconds = _timed(np.linalg.lstsq, train, train_value, None)
    return "least squares", train @ solution, test @ solution, seconds


def _logistic_regression(train_pos, test_pos, train_value, _):
    from sklearn.linear_model import LogisticRegression

    fitted, seconds = _timed(LogisticRegression().fit, train_pos, train_value)
    train_f, test_f = (fitted.predict_proba(pos)[:, 1] for pos in (train_pos, test_pos))
    return "logistic regression", train_f, test_f, seconds


def _save_pictures(paths, pos, value, model):
    """Draw both pictures, then write them."""
    from .lecture import first_network, plotting_routines

    dots = _png(lambda ax: plotting_routines.plot_dots(pos, value, ax=ax))
    boundary = _png(
        lambda ax: plotting_routines.plot_decision_boundary(
            pos, value, model, first_network.predict, ax=ax
        )
    )
    for path, picture in zip(paths, (dots, boundary), strict=True):
        write_whole(path, picture)


def _png(draw):
    # A Figure of its own, not pyplot's, so that no window opens whatever the backend is.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    draw(figure.add_subplot())
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(file, dpi=150, format="png")
    return file.getvalue()


def run_fit(arguments):
    """Train on one part of a table, say how it does on the rest, save the model."""
    check_writable(arguments.output, [arguments.data])
    names, X, y, classes = _read_training_table(arguments.data, arguments.target)
    train_X, test_X, train_y, test_y = _split(X, y, classes, arguments)
    mean, scale = _scaling(train_X, names, arguments)
    start = (np.zeros(len(names)), 0.0)
    training = begin(
        (train_X - mean) / scale, train_y, eta=arguments.eta, init=start,
        n_threads=arguments.threads,
    )  # fmt: skip
    _advance_with_bar(training, arguments.steps)
    if training.diverged:
        print(
            f"oneneuron: warning: training stopped at step {training.step}, the step size "
            f"{training.eta:g} is too large: try --eta auto or a smaller one. The best model seen "
            f"is kept.",
            file=sys.stderr,
        )
    lowest = training.model("lowest")
    model = TableModel(
        names, arguments.target, classes, mean.tolist(), scale.tolist(),
        lowest.weights.tolist(), lowest.bias,
    )  # fmt: skip
    held_out = np.mean((model.predict_proba(test_X) > 0.5) == test_y)
    model.save(arguments.output)
    print(
        f"{len(X)} rows, {len(names)} features, classes {classes[0]} and {classes[1]}\n"
        f"accuracy in training   {100 * lowest.accuracy:.1f} % of {len(train_y)} rows\n"
        f"accuracy held out      {100 * held_out:.1f} % of {len(test_y)} rows\n"
        f"Saved {arguments.output}."
    )


def _read_training_table(path, target):
    """Feature names, X (n, d), y (n,) true for the second class, and the two classes."""
    table = Table.read(path)
    labels, classes = table.labels(target)
    names = [name for name in table.columns if name != target]
    if not names:
        raise ValueError(f"{path} must have a column beside the target, found none.")
    return names, table.features(names), np.array(labels) == classes[1], classes


def _split(X, y, classes, arguments):
    """The training and the held-out part, each with a row of each class at least."""
    from sklearn.model_selection import train_test_split

    n = len(y)
    num_test = math.ceil(arguments.test_size * n)
    for name, count in zip(classes, (n - y.sum(), y.sum()), strict=True):
        if count * min(num_test, n - num_test) < n:
            raise ValueError(
                f"{arguments.data}: class {name!r} has {count} of {n} rows, too few for one in "
                f"training and one held out with --test-size {arguments.test_size:g}: add rows or "
                f"choose another --test-size."
            )
    return train_test_split(
        X, y, test_size=arguments.test_size, stratify=y, random_state=arguments.seed
    )


def _scaling(X, names, arguments):
    """Mean and standard deviation of each column; a constant one is not scaled."""
    if arguments.no_standardise:
        return np.zeros(len(names)), np.ones(len(names))
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = X.mean(axis=0), X.std(axis=0)
    for name, size in zip(names, scale, strict=True):
        if not np.isfinite(size):
            raise ValueError(
                f"{arguments.data}, column {name!r}, has numbers too large to standardise: "
                f"divide it by a constant."
            )
    # The standard deviation of equal numbers may be a rounding error, not 0.
    scale[(scale == 0) | (X.min(axis=0) == X.max(axis=0))] = 1.0
    return mean, scale


def _advance_with_bar(training, num_steps):
    """Make the steps, with a bar on a terminal once a second has gone by."""
    start = perf_counter()
    shown = False
    chunk = 100
    try:
        while training.step < num_steps and not training.diverged:
            _, seconds = _timed(training.advance, min(chunk, num_steps - training.step))
            chunk = max(1, int(chunk * min(2.0, 0.1 / max(seconds, 1e-9))))
            if perf_counter() - start > 1 and sys.stderr.isatty():
                shown = True
                _show_bar(training.step / num_steps)
    finally:
        if shown:
            print(f"\r{'':60}\r", end="", file=sys.stderr, flush=True)


def _show_bar(share):
    bar = "#" * int(40 * share)
    print(f"\r[{bar:40}] {100 * share:3.0f} %", end="", file=sys.stderr, flush=True)


def run_predict(arguments):
    """Write the class and the probability of every row of a table."""
    if arguments.output is not None:
        check_writable(arguments.output, [arguments.model, arguments.data])
    model = TableModel.load(arguments.model)
    X = Table.read(arguments.data).features(model.features)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", f"P({model.classes[1]})"])
    for f in model.predict_proba(X).tolist():
        writer.writerow([model.classes[f > 0.5], f"{f:.6g}"])
    if arguments.output is None:
        sys.stdout.write(text.getvalue())
    else:
        write_whole(arguments.output, text.getvalue().encode())
        print(f"Saved {arguments.output}.")


def run_info(_):
    """Print versions, instruction sets and threads."""
    versions = [f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn")]
    print(
        f"oneneuron {version('oneneuron')}\n"
        f"kernel {_dispatch.level} (available: {', '.join(_dispatch.available)})\n"
        f"threads {cores()} at most, fewer where the work is not worth them\n"
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )
