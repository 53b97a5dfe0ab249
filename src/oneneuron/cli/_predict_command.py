"""`oneneuron predict`: the classes that a saved neuron predicts for a CSV file."""

from __future__ import annotations

import csv
import io
from argparse import ArgumentParser, Namespace, _SubParsersAction

from .._atomic_write import check_writable, write_whole
from . import _argument_types
from ._csv_table import CsvTable
from ._table_model import TableModel


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its options to the command line."""
    parser = commands.add_parser(
        "predict",
        help="apply a trained neuron to a CSV file",
        description="Predict the class of each row of a CSV file, and its probability.",
    )
    parser.add_argument("model", type=_argument_types.path, help="model that `oneneuron fit` saved")
    parser.add_argument(
        "data", type=_argument_types.path,
        help="CSV file with a header line; columns that are not features of the model are ignored",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=_argument_types.path, metavar="FILE",
        help="CSV file to write the predictions to (default: print them)",
    )  # fmt: skip
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
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
