"""`oneneuron predict`: the classes that a saved model predicts for a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .._atomic_write import check_writable, write_whole
from .._formatting import counted
from .._typing import AnyArray, Float64Array
from . import _argument_types
from ._printing import note, print_data, say
from ._table_columns import numbers, texts
from ._table_model import CategoryFeature, NumberFeature, TableModel
from ._table_reading import Table, add_reading_options, read_table

# Longer lists of names or rows are cut off here.
_MAX_LISTED = 12


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
        help="refuse a table with rows that cannot be read, instead of leaving their predictions "
        "empty",
    )  # fmt: skip
    add_reading_options(parser)
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
    """Write the predictions for all rows of a table, then say which rows have none."""
    if arguments.output is not None:
        check_writable(arguments.output, "--output", [arguments.model, arguments.data])
    model = TableModel.load(arguments.model)
    ragged: list[tuple[int, str]] = []
    table = read_table(arguments.data, arguments, skip=None if arguments.strict else ragged)
    columns = {feature.name: _Column.of(table, feature) for feature in model.features}
    codes, probabilities = model.predict({name: column.cells for name, column in columns.items()})
    is_wrong = np.logical_or.reduce([column.is_wrong for column in columns.values()])
    codes[is_wrong] = -1
    unread = _Unread(table, model, columns, np.flatnonzero(codes < 0), ragged)
    if arguments.strict and len(unread.rows):
        raise ValueError(f"{unread.reason(unread.rows[0])}: correct or drop it.")
    text = _as_csv(table, model, codes, probabilities, [line for line, _ in ragged], arguments)
    if arguments.output is None:
        print_data(text)
    else:
        write_whole(arguments.output, text.encode())
        say(f"Saved {arguments.output}.")
    for line in unread.described():
        note(f"oneneuron: warning: {line}")


class _Column(NamedTuple):
    """The cells of a feature as the model takes them, and which of them are not numbers."""

    cells: AnyArray
    is_wrong: NDArray[np.bool_]

    @classmethod
    def of(cls, table: Table, feature: NumberFeature | CategoryFeature) -> Self:
        """Return a column of a table; raise ValueError if the table lacks it."""
        if feature.name not in table.frame:
            names = [*map(repr, table.frame)]
            listed = ", ".join(names[:_MAX_LISTED]) + (", ..." if names[_MAX_LISTED:] else "")
            raise ValueError(
                f"{table.path} must have the column {feature.name!r}, found {listed}: add it, or "
                f"rename a column."
            )
        if isinstance(feature, CategoryFeature):
            return cls(texts(table, feature.name), np.zeros(len(table.frame), bool))
        cells, is_text = _numbers(table, feature.name)
        return cls(cells, is_text | np.isinf(cells))


@dataclass(frozen=True)
class _Unread:
    """The rows of a table for which there are no predictions.

    Attributes
    ----------
    table : Table
    model : TableModel
    columns : dict of str to _Column
    rows : ndarray of int
        The numbers of rows with cells from which nothing can be computed.
    ragged : list of (int, str)
        The lines of the file that are no rows of the table, and why.
    """

    table: Table
    model: TableModel
    columns: dict[str, _Column]
    rows: NDArray[np.intp]
    ragged: list[tuple[int, str]]

    def reason(self, row: int) -> str:
        """Return where a row is, and what is wrong with it."""
        place = self.table.place(row)
        for feature in self.model.features:
            cells, is_wrong = self.columns[feature.name]
            if is_wrong[row]:
                found = str(self.table.frame[feature.name].iloc[row])
                return f"{place}, column {feature.name!r}, must hold a number, found {found!r}"
            is_missing = cells[row] is None or cells[row] != cells[row]
            if is_missing and self.model.missing == "refuse":
                return f"{place}, column {feature.name!r}, is empty"
        return f"{place}, has numbers too large to compute w.x + b"

    def described(self) -> list[str]:
        """Return lines for people: how many rows there are, and the first of them."""
        num_unread, num_rows = len(self.rows) + len(self.ragged), len(self.table.frame)
        if num_unread == 0:
            return []
        reasons = [f"{self.table.path}, line {line}, {reason}" for line, reason in self.ragged]
        reasons += map(self.reason, self.rows[:_MAX_LISTED].tolist())
        total = counted(num_rows + len(self.ragged), "row")
        head = f"{num_unread:,} of {total} have no prediction"
        if num_unread > _MAX_LISTED:
            head += f"; the first {_MAX_LISTED} follow"
        return [f"{head}.", *(f"{reason}." for reason in reasons[:_MAX_LISTED])]


def _as_csv(
    table: Table, model: TableModel, codes: NDArray[np.intp], probabilities: Float64Array,
    ragged_lines: Sequence[int], arguments: Namespace,
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
    frame = pandas.DataFrame(made)
    if arguments.keep_columns:
        clashes = [name for name in made if name in table.frame]
        if clashes:
            raise ValueError(
                f"{table.path} has a column {clashes[0]!r} already: rename it, or leave out "
                f"--keep-columns."
            )
        frame = pandas.concat([table.frame.reset_index(drop=True), frame], axis="columns")
    if ragged_lines:
        # As objects, since whole numbers could not be in a column with an empty cell.
        frame = frame.astype(object).reindex(range(len(frame) + len(ragged_lines)))
        frame = frame.iloc[np.argsort([*table.lines, *ragged_lines], kind="stable")]
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def _numbers(table: Table, name: str) -> tuple[Float64Array, NDArray[np.bool_]]:
    """Return the numbers in a column, with NaN for other cells, and which of these are texts."""
    import pandas

    try:
        cells = numbers(table, name)
    except ValueError:  # there are texts
        column = table.frame[name]
        cells = pandas.to_numeric(column, errors="coerce").to_numpy(np.float64)
        return cells, np.isnan(cells) & column.notna().to_numpy()
    return cells, np.zeros(len(cells), bool)
