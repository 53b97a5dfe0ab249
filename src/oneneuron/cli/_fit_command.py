"""`oneneuron fit`: a neuron trained on the user's own CSV file."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .._atomic_write import check_writable
from .._diagnostics import warn_of_divergence
from .._formatting import counted
from .._train import start_training
from .._typing import AnyArray, Float64Array
from . import _argument_types
from ._csv_table import CsvTable
from ._progress import progress_bar
from ._table_model import TableModel
from ._warnings import warnings_as_lines

# The progress bar is redrawn at most this many times.
_MAX_REDRAWS = 100


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its options to the command line."""
    parser = commands.add_parser(
        "fit",
        help="train a neuron on a CSV file",
        description="Train a neuron on a CSV file with numeric features and two classes, "
        "print its accuracy on the rows that were held out, and save it as JSON.",
    )
    parser.add_argument("data", type=_argument_types.path, help="CSV file with a header line")
    parser.add_argument(
        "--target", required=True, metavar="COLUMN",
        help="name of the column with the two classes; all the others are features",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=_argument_types.path, default="model.json", metavar="FILE",
        help="file to save the model to (default: model.json)",
    )  # fmt: skip
    parser.add_argument(
        "--eta", type=_argument_types.eta, default="auto",
        help="step size, or 'auto' for one that never raises the cost (default: auto)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=_argument_types.num_steps, default=10_000,
        help="number of gradient descent steps (default: 10000)",
    )  # fmt: skip
    parser.add_argument(
        "--no-standardise", action="store_true",
        help="do not scale the features to mean 0 and standard deviation 1",
    )  # fmt: skip
    parser.add_argument(
        "--test-size", type=_argument_types.fraction, default=0.2, metavar="FRACTION",
        help="fraction of the rows that is held out for testing (default: 0.2)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_argument_types.seed, default=0,
        help="seed for choosing the held-out rows (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=_argument_types.num_threads,
        help="largest number of threads (default: one per core, fewer for little work)",
    )  # fmt: skip
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
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
        lowest.weights.tolist(), float(lowest.bias),
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
        raise ValueError(
            f"{path} must have a column besides the target, found none: add a feature."
        )
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
