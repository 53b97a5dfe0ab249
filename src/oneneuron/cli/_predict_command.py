"""`oneneuron predict`: the classes that a saved model predicts for a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .._atomic_write import check_writable, write_whole
from .._formatting import counted
from .._typing import AnyArray, Float64Array
from . import _argument_types
from ._printing import note, print_data, say
from ._table_columns import MOST_LISTED, listed, numbers, texts
from ._table_model import CategoryFeature, TableModel
from ._table_reading import Table, add_reading_options, read_table


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its options to the command line."""
    parser = commands.add_parser(
        "predict",
        help="apply a trained model to a table",
        description="Predict the class of each row of a table, and write the predictions as CSV.",
    )
    parser.add_argument("model", type=_argument_types.path, help="model that `oneneuron fit` saved")
    parser.add_argument(
        "data", type=_argument_types.path,
        help="CSV, Parquet or Feather file with the columns that are features of the model; - "
        "reads CSV from standard input",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=_argument_types.path, metavar="FILE",
        help="CSV file to write the predictions to (default: print them)",
    )  # fmt: skip
    parser.add_argument(
        "--proba", action="store_true", help="also write the probability of each class"
    )
    parser.add_argument(
        "--keep-columns", action="store_true",
        help="also write the columns of the table, before the predictions",
    )  # fmt: skip
    parser.add_argument(
        "--strict", action="store_true",
        help="refuse a table with rows that cannot be read (default: say which they are, and leave "
        "their predictions empty)",
    )  # fmt: skip
    add_reading_options(parser)
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
    """Write the predictions for all rows of a table, then say which rows have none."""
    if arguments.output is not None:
        check_writable(arguments.output, "--output", [arguments.model, arguments.data])
    model = TableModel.load(arguments.model)
    skipped: list[tuple[int, str]] | None = None if arguments.strict else []
    categories = [f.name for f in model.features if isinstance(f, CategoryFeature)]
    table = read_table(arguments.data, arguments, skip=skipped, texts=categories)
    _check_columns(table, model)
    columns, faults = _columns(table, model)
    codes, probabilities = model.predict(columns)
    codes[list(faults)] = -1
    unread = np.flatnonzero(codes < 0).tolist()
    if arguments.strict and unread:
        raise ValueError(f"{_described(table, model, columns, faults, unread[0])}: correct it.")
    lines = [line for line, _ in skipped or []]
    text = _as_csv(table, model, codes, probabilities, lines, arguments)
    if arguments.output is None:
        print_data(text)
    else:
        write_whole(arguments.output, text.encode())
        say(f"Saved {arguments.output}.")
    _warn(
        [
            *(f"{table.path}, line {line}, {fault}" for line, fault in skipped or []),
            *(_described(table, model, columns, faults, row) for row in unread[:MOST_LISTED]),
        ],
        len(unread) + len(lines), len(codes) + len(lines),
    )  # fmt: skip


def _check_columns(table: Table, model: TableModel) -> None:
    """Raise ValueError if the table lacks a feature of the model."""
    for feature in model.features:
        if feature.name not in table.frame:
            raise ValueError(
                f"{table.path} must have the column {feature.name!r}, found "
                f"{listed(list(table.frame))}: add it, or rename a column."
            )


def _columns(table: Table, model: TableModel) -> tuple[dict[str, AnyArray], dict[int, str]]:
    """Return the columns of the features, and the fault of each row whose cells cannot be read."""
    columns: dict[str, AnyArray] = {}
    found: list[tuple[int, str]] = []
    for feature in model.features:
        if isinstance(feature, CategoryFeature):
            columns[feature.name] = texts(table, feature.name)
        else:
            columns[feature.name] = numbers(table, feature.name, skip=found)
    return columns, dict(reversed(found))  # the first fault of each row


def _described(
    table: Table, model: TableModel, columns: Mapping[str, AnyArray], faults: Mapping[int, str],
    row: int,
) -> str:  # fmt: skip
    """Return where a row without a prediction is, and what is wrong with it."""
    fault = faults.get(row)
    if fault is None and model.missing == "refuse":
        empty = [name for name, cells in columns.items() if _is_missing(cells[row])]
        fault = f"column {empty[0]!r}, is empty" if empty else None
    return f"{table.place(row)}, {fault or 'has numbers too large to compute w.x + b'}"


def _is_missing(cell: object) -> bool:
    return cell is None or cell != cell


def _warn(described: Sequence[str], num_unread: int, num_rows: int) -> None:
    """Print which rows have no predictions: a dozen at most, and how many there are."""
    if num_unread == 0:
        return
    first = f"; the first {MOST_LISTED} are" if num_unread > MOST_LISTED else ""
    note(
        f"oneneuron: warning: {num_unread:,} of {counted(num_rows, 'row')} cannot be read and "
        f"{'has' if num_unread == 1 else 'have'} no prediction{first}:"
    )
    for line in described[:MOST_LISTED]:
        note(f"oneneuron: warning: {line}.")


def _as_csv(
    table: Table, model: TableModel, codes: NDArray[np.intp], probabilities: Float64Array,
    skipped_lines: Sequence[int], arguments: Namespace,
) -> str:  # fmt: skip
    """Return the predictions for all rows of the file, in its order, as the text of a CSV file."""
    import pandas

    # Number -1, of the rows without a prediction, is the last.
    classes = np.array([*model.classes, ""], object)
    made = {f"predicted {model.target}": classes[codes]}
    if arguments.proba:
        for name, column in zip(model.classes, probabilities.T.tolist(), strict=True):
            made[f"P({name})"] = np.array([f"{p:.6g}" for p in column], object)
            made[f"P({name})"][codes < 0] = ""
    frame = pandas.DataFrame(made, dtype=object)
    if arguments.keep_columns:
        clashes = [name for name in made if name in table.frame]
        if clashes:
            raise ValueError(
                f"{table.path} has a column {clashes[0]!r} already: rename it, or leave out "
                f"--keep-columns."
            )
        frame = pandas.concat([table.frame.reset_index(drop=True), frame], axis="columns")
    if skipped_lines and table.lines is not None:
        # As objects, since whole numbers could not be in a column with an empty cell.
        frame = frame.astype(object).reindex(range(len(frame) + len(skipped_lines)))
        frame = frame.iloc[np.argsort([*table.lines.tolist(), *skipped_lines], kind="stable")]
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text
