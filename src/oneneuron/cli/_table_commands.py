"""`oneneuron fit` and `oneneuron predict`: a neuron for the user's own CSV file."""

from __future__ import annotations

import csv
import io
import math
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .._diagnostics import warn_of_divergence
from .._text import counted
from .._train import start_training
from .._typing import AnyArray, Float64Array
from . import _values
from ._csv_table import CsvTable
from ._files import check_writable, write_whole
from ._notices import warnings_as_lines
from ._progress import progress_bar
from ._table_model import TableModel

# The progress bar is redrawn at most this many times.
_MAX_REDRAWS = 100


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add both commands and their options to the command line."""
    _add_fit(
        commands.add_parser(
            "fit",
            help="train a neuron on a CSV file",
            description="Train a neuron on a CSV file with numeric features and two classes, "
            "print its accuracy on the rows that were held out, and save it as JSON.",
        )
    )
    _add_predict(
        commands.add_parser(
            "predict",
            help="apply a trained neuron to a CSV file",
            description="Predict the class of each row of a CSV file, and its probability.",
        )
    )


def _add_fit(parser: ArgumentParser) -> None:
    parser.add_argument("data", type=_values.path, help="CSV file with a header line")
    parser.add_argument(
        "--target", required=True, metavar="COLUMN",
        help="name of the column with the two classes; all the others are features",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=_values.path, default="model.json", metavar="FILE",
        help="file to save the model to (default: model.json)",
    )  # fmt: skip
    parser.add_argument(
        "--eta", type=_values.eta, default="auto",
        help="step size, or 'auto' for one that never raises the cost (default: auto)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=_values.num_steps, default=10_000,
        help="number of gradient descent steps (default: 10000)",
    )  # fmt: skip
    parser.add_argument(
        "--no-standardise", action="store_true",
        help="do not scale the features to mean 0 and standard deviation 1",
    )  # fmt: skip
    parser.add_argument(
        "--test-size", type=_values.fraction, default=0.2, metavar="FRACTION",
        help="fraction of the rows that is held out for testing (default: 0.2)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_values.seed, default=0,
        help="seed for choosing the held-out rows (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=_values.num_threads,
        help="largest number of threads (default: one per core, fewer for little work)",
    )  # fmt: skip
    parser.set_defaults(command=run_fit)


def _add_predict(parser: ArgumentParser) -> None:
    parser.add_argument("model", type=_values.path, help="model that `oneneuron fit` saved")
    parser.add_argument(
        "data", type=_values.path,
        help="CSV file with a header line; columns that are not features of the model are ignored",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=_values.path, metavar="FILE",
        help="CSV file to write the predictions to (default: print them)",
    )  # fmt: skip
    parser.set_defaults(command=run_predict)


def run_fit(arguments: Namespace) -> None:
    """Train on a part of the rows, score the model on the others, and save it."""
    check_writable(arguments.output, "--output", [arguments.data])
    names, X, y, classes = _read_training_table(arguments.data, arguments.target)
    train_X, test_X, train_y, test_y = _split(X, y, classes, arguments)
    mean, scale = _mean_and_scale(train_X, names, arguments)
    start = (np.zeros(len(names)), 0.0)
    training = start_training(
        (train_X - mean) / scale, train_y, eta=arguments.eta, init=start,
        n_threads=arguments.threads,
    )  # fmt: skip
    with warnings_as_lines(), progress_bar() as show:
        for step in training.walk(arguments.steps, [-(-arguments.steps // _MAX_REDRAWS)]):
            show(step / arguments.steps)
        if training.diverged:
            warn_of_divergence(training.step, training.eta)
    lowest = training.model("lowest")
    model = TableModel(
        names, arguments.target, classes, mean.tolist(), scale.tolist(),
        lowest.weights.tolist(), lowest.bias,
    )  # fmt: skip
    held_out = np.mean((model.predict_proba(test_X) > 0.5) == test_y)
    model.save(arguments.output)
    print(
        f"{counted(len(X), 'row')}, {counted(len(names), 'feature')}, "
        f"classes {classes[0]} and {classes[1]}\n"
        f"training accuracy   {100 * lowest.accuracy:.1f} % of {counted(len(train_y), 'row')}\n"
        f"held-out accuracy   {100 * held_out:.1f} % of {counted(len(test_y), 'row')}\n"
        f"Saved {arguments.output}."
    )


def _read_training_table(
    path: str, target: str
) -> tuple[list[str], Float64Array, NDArray[np.bool_], list[str]]:
    """Return the feature names, X, y (true for the second class) and the names of both classes."""
    table = CsvTable.read(path)
    labels, classes = table.labels(target)
    names = [name for name in table.columns if name != target]
    if not names:
        raise ValueError(f"{path} must have a column beside the target, found none: add a feature.")
    return names, table.features(names), np.array(labels) == classes[1], classes


def _split(
    X: Float64Array, y: NDArray[np.bool_], classes: Sequence[str], arguments: Namespace
) -> list[AnyArray]:
    """Split X and y into a training part and a held-out part, each with rows of both classes."""
    from sklearn.model_selection import train_test_split

    n = len(y)
    num_test = math.ceil(arguments.test_size * n)
    for name, count in zip(classes, (n - y.sum(), y.sum()), strict=True):
        if count * min(num_test, n - num_test) < n:
            raise ValueError(
                f"{arguments.data}: class {name!r} has {count:,} of {counted(n, 'row')}, too few "
                f"to have one in training and one held out with --test-size "
                f"{arguments.test_size:g}: add rows or choose another --test-size."
            )
    parts: list[AnyArray] = train_test_split(
        X, y, test_size=arguments.test_size, stratify=y, random_state=arguments.seed
    )
    return parts


def _mean_and_scale(
    X: Float64Array, names: Sequence[str], arguments: Namespace
) -> tuple[Float64Array, Float64Array]:
    """Return each column's mean and standard deviation, or 1 for the latter if it is constant."""
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
    # Rounding can make the standard deviation of equal numbers slightly larger than 0.
    scale[(scale == 0) | (X.min(axis=0) == X.max(axis=0))] = 1.0
    return mean, scale


def run_predict(arguments: Namespace) -> None:
    """Write the predicted class and the probability for every row of a table."""
    if arguments.output is not None:
        check_writable(arguments.output, "--output", [arguments.model, arguments.data])
    model = TableModel.load(arguments.model)
    X = CsvTable.read(arguments.data).features(model.features)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", f"P({model.classes[1]})"])
    for f in model.predict_proba(X).tolist():
        writer.writerow([model.classes[f > 0.5], f"{f:.6g}"])
    if arguments.output is None:
        print(text.getvalue(), end="")
    else:
        write_whole(arguments.output, text.getvalue().encode())
        print(f"Saved {arguments.output}.")
