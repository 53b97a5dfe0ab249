"""Missing values in a table: refused, left out or filled; and numbers that may stand for them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._formatting import counted
from .._typing import AnyArray, Float64Array
from ._table_columns import Feature, listed, numbers, shortened
from ._table_reading import Table

# A number stands apart if it occurs this often, and the others are not just two or three.
_LEAST_REPEATED = 3
_LEAST_OTHERS = 4


def add_missing_option(parser: ArgumentParser) -> None:
    """Add the option that says what becomes of missing values."""
    parser.add_argument(
        "--missing", choices=["refuse", "drop", "mean"], default="refuse",
        help="what to do about missing values: refuse the table, drop their rows, or take the mean "
        "of the column for numbers and none of the categories for texts (default: refuse)",
    )  # fmt: skip


def settle_missing(
    table: Table, features: Sequence[Feature], target: str, arguments: Namespace
) -> tuple[Table, list[str]]:
    """Refuse missing values in the columns that matter, or leave their rows out.

    Parameters
    ----------
    table : Table
    features : list of Feature
    target : str
        The name of the column with the labels.
    arguments : Namespace
        With the option of `add_missing_option`. With "mean", missing cells of features stay; rows
        without a label are left out.

    Returns
    -------
    table : Table
    notes : list of str
        What the user should know: how many rows are left out, and which numbers may mean that a
        value is missing.

    Raises
    ------
    ValueError
        If a value is missing and that is not allowed, or if no row is left.
    """
    table, notes = _without_empty_rows(table, target)
    names = [target, *(feature.name for feature in features)]
    is_missing = {name: table.frame[name].isna().to_numpy() for name in names}
    is_missing = {name: cells for name, cells in is_missing.items() if cells.any()}
    if is_missing:
        table, more_notes = _without_missing(table, is_missing, target, arguments.missing)
        notes += more_notes
    return table, notes + _apart(table, features)


def _without_empty_rows(table: Table, target: str) -> tuple[Table, list[str]]:
    """Leave out rows without any cell, which spreadsheets write below a table."""
    if not table.frame[target].isna().any():
        return table, []
    is_empty = np.all([table.frame[name].isna() for name in table.frame.columns], axis=0)
    if is_empty.all() or not is_empty.any():
        return table, []
    return table.rows(~is_empty), [f"left out {counted(int(is_empty.sum()), 'empty row')}"]


def _without_missing(
    table: Table, is_missing: dict[str, AnyArray], target: str, how: str
) -> tuple[Table, list[str]]:
    n = len(table.frame)
    is_incomplete = np.any(list(is_missing.values()), axis=0)
    counts = {name: int(cells.sum()) for name, cells in is_missing.items()}
    if how == "refuse":
        raise ValueError(
            f"{table.path} must have no missing values, found {_counted(counts)} of "
            f"{counted(n, 'row')}: --missing drop leaves out "
            f"{counted(int(is_incomplete.sum()), 'row')}, --missing mean fills features in, and "
            f"--drop leaves out a column."
        )
    left_out = is_incomplete if how == "drop" else is_missing.get(target, np.zeros(n, bool))
    if left_out.all():
        most = max(counts, key=lambda name: counts[name])
        raise ValueError(
            f"{table.path} must have a row without missing values, found {_counted(counts)} of "
            f"{counted(n, 'row')}: choose --missing mean, or leave out "
            f"columns, such as --drop {most!r}."
        )
    notes = []
    if left_out.any():
        what = "missing values" if how == "drop" else f"no label in {target!r}"
        notes.append(f"left out {int(left_out.sum()):,} of {counted(n, 'row')} with {what}")
    return table.rows(~left_out), notes


def _counted(counts: dict[str, int]) -> str:
    """Return the number of missing cells of each column, of at most a dozen columns."""
    by_count = sorted(counts, key=lambda name: -counts[name])
    return shortened([f"{name!r} {counts[name]:,}" for name in by_count], "other column")


# --- Numbers that stand for missing values ---


def _apart(table: Table, features: Sequence[Feature]) -> list[str]:
    """Return a note about each number that is far from all others and occurs often."""
    found: dict[float, list[str]] = {}
    for feature in features:
        if feature.categories is None:
            for number in _numbers_apart(numbers(table, feature.name)):
                found.setdefault(number, []).append(feature.name)
    return [
        f"{number:g} is far from all other numbers in {listed(names)}: if it means that a value is "
        f"missing, add --na={number:g}"
        for number, names in found.items()
    ]


def _numbers_apart(values: Float64Array) -> list[float]:
    """Return the smallest and the largest number, unless they are close to the others."""
    values = values[~np.isnan(values)]
    if not len(values):
        return []
    return [end for end in (values.min(), values.max()) if _is_apart(values, end)]


def _is_apart(values: Float64Array, end: Any) -> bool:
    is_end = values == end
    if np.count_nonzero(is_end) < _LEAST_REPEATED or is_end.all():
        return False
    others = values[~is_end]
    low, high = others.min(), others.max()
    with np.errstate(over="ignore"):  # an infinite gap is a large one
        gap, width = low - end if end < low else end - high, high - low
    return bool(gap > width and len(np.unique(others)) >= _LEAST_OTHERS)
