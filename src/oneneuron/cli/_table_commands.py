"""`oneneuron fit` and `oneneuron predict`: a table in, a model or its predictions out."""

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
from ._progress import bar
from ._table_model import TableModel

# The progress bar is redrawn at most this many times.
_LOOKS = 100


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Both commands and their options."""
    _add_fit(commands.add_parser("fit", help="train on a table"))
    _add_predict(commands.add_parser("predict", help="apply a trained model to a table"))


def _add_fit(parser: ArgumentParser) -> None:
    parser.add_argument("data", type=_values.path, help="CSV with a header line")
    parser.add_argument("--target", required=True, help="the column to predict, of two classes")
    parser.add_argument(
        "--output", type=_values.path, default="model.json", help="the model (model.json)"
    )
    parser.add_argument("--eta", type=_values.eta, default="auto", help="step size, or auto (auto)")
    parser.add_argument("--steps", type=_values.count, default=10_000, help="steps (10000)")
    parser.add_argument("--no-standardise", action="store_true", help="features as they are")
    parser.add_argument("--test-size", type=_values.share, default=0.2, help="share held out (0.2)")
    parser.add_argument(
        "--seed", type=_values.seed, default=0, help="chooses the held-out rows (0)"
    )
    parser.add_argument(
        "--threads", type=_values.threads, help="at most (as many as the work is worth)"
    )
    parser.set_defaults(command=run_fit)


def _add_predict(parser: ArgumentParser) -> None:
    parser.add_argument("model", type=_values.path, help="JSON that fit wrote")
    parser.add_argument(
        "data", type=_values.path, help="CSV with the model's features among its columns"
    )
    parser.add_argument("--output", type=_values.path, help="CSV to write; the screen otherwise")
    parser.set_defaults(command=run_predict)


def run_fit(arguments: Namespace) -> None:
    """Train on one part of a table, say how it does on the rest, save the model."""
    check_writable(arguments.output, "--output", [arguments.data])
    names, X, y, classes = _read_training_table(arguments.data, arguments.target)
    train_X, test_X, train_y, test_y = _split(X, y, classes, arguments)
    mean, scale = _scaling(train_X, names, arguments)
    start = (np.zeros(len(names)), 0.0)
    training = start_training(
        (train_X - mean) / scale, train_y, eta=arguments.eta, init=start,
        n_threads=arguments.threads,
    )  # fmt: skip
    with warnings_as_lines(), bar() as show:
        for step in training.walk(arguments.steps, [-(-arguments.steps // _LOOKS)]):
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
        f"accuracy in training   {100 * lowest.accuracy:.1f} % of {counted(len(train_y), 'row')}\n"
        f"accuracy held out      {100 * held_out:.1f} % of {counted(len(test_y), 'row')}\n"
        f"Saved {arguments.output}."
    )


def _read_training_table(
    path: str, target: str
) -> tuple[list[str], Float64Array, NDArray[np.bool_], list[str]]:
    """Feature names, X (n, d), y (n,) true for the second class, and the two classes."""
    table = CsvTable.read(path)
    labels, classes = table.labels(target)
    names = [name for name in table.columns if name != target]
    if not names:
        raise ValueError(f"{path} must have a column beside the target, found none.")
    return names, table.features(names), np.array(labels) == classes[1], classes


def _split(
    X: Float64Array, y: NDArray[np.bool_], classes: Sequence[str], arguments: Namespace
) -> list[AnyArray]:
    """The training and the held-out part, each with a row of each class at least."""
    from sklearn.model_selection import train_test_split

    n = len(y)
    num_test = math.ceil(arguments.test_size * n)
    for name, count in zip(classes, (n - y.sum(), y.sum()), strict=True):
        if count * min(num_test, n - num_test) < n:
            raise ValueError(
                f"{arguments.data}: class {name!r} has {count:,} of {counted(n, 'row')}, "
                f"too few for one in training and one held out with --test-size "
                f"{arguments.test_size:g}: add rows or choose another --test-size."
            )
    parts: list[AnyArray] = train_test_split(
        X, y, test_size=arguments.test_size, stratify=y, random_state=arguments.seed
    )
    return parts


def _scaling(
    X: Float64Array, names: Sequence[str], arguments: Namespace
) -> tuple[Float64Array, Float64Array]:
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


def run_predict(arguments: Namespace) -> None:
    """Write the class and the probability of every row of a table."""
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
