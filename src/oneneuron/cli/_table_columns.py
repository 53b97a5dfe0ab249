"""The columns of a table that a model is trained on, and those that are left out."""

from __future__ import annotations

import difflib
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._formatting import counted
from .._typing import AnyArray
from ._column_kinds import Column, coded_texts, look_at, numbers, texts
from ._table_reading import Table

__all__ = [
    "MOST_LISTED", "Feature", "add_column_options", "choose_features", "labels", "listed",
    "numbers", "shortened", "texts",
]  # fmt: skip

# Longer lists in messages are cut off here.
MOST_LISTED = 12

# Texts are categories if there are at most this many different ones, and either few or at most
# half as many as rows.
_MOST_CATEGORIES = 1000
_FEW_CATEGORIES = 20

# A column with more different labels does not hold classes. The lower limit applies to decimals.
_MOST_CLASSES = 100
_MOST_DECIMAL_CLASSES = 20

# The names of columns that count rows in the files of pandas, R and spreadsheets.
_INDEX_NAME = re.compile(
    r"(?i:unnamed: ?\d+|level_\d+|index|idx|row|row[ _.]?(names?|id|num(ber)?))"
)
_ID_NAME = re.compile(
    r"(?i:(.*[ _.-])?(id|ids|uuid|guid|nr|number)|(.* )?no\.?|num|key|obs|case|subject)"
    r"|.*[a-z](ID|Id)"
)


@dataclass(frozen=True)
class Feature:
    """A column that a model is trained on.

    Attributes
    ----------
    name : str
    categories : tuple of str, or None
        The values that are one-hot encoded, in order. None means that the column holds numbers.
    """

    name: str
    categories: tuple[str, ...] | None = None


def add_column_options(parser: ArgumentParser) -> None:
    """Add the options that choose the features."""
    for option, help_text in (
        ("--drop", "columns that are not features"),
        ("--features", "columns that are features (default: all that are of use)"),
        ("--keep", "columns that are features though they hold dates or tell the rows apart"),
    ):
        parser.add_argument(
            option, nargs="+", action="extend", default=[], metavar="COLUMN", help=help_text
        )


def choose_features(
    table: Table, target: str, arguments: Namespace
) -> tuple[list[Feature], list[str]]:
    """Choose the columns that predict the target.

    Parameters
    ----------
    table : Table
    target : str
        The name of the column with the labels.
    arguments : Namespace
        With the options of `add_column_options`.

    Returns
    -------
    features : list of Feature
    notes : list of str
        What the user should know: which columns are left out and why, and which predict the target
        perhaps only because of the order of the rows.

    Raises
    ------
    ValueError
        If a name is not that of a column, if a column cannot be a feature, or if none is left.
    """
    check_names(table, [target], "--target")
    for option in ("drop", "features", "keep"):
        check_names(table, getattr(arguments, option), f"--{option}")
    if target in arguments.features:
        raise ValueError(f"--features must not name the target {target!r}: leave it out.")
    wanted = arguments.features or list(table.frame.columns)
    names = [name for name in wanted if name != target and name not in arguments.drop]
    asked_for = {*arguments.features, *arguments.keep}
    features: list[Feature] = []
    left_out: dict[str, str] = {}
    for name in dict.fromkeys(names):
        column = look_at(table, name)
        reason = _reason_to_leave_out(table, column, asked_for)
        if reason:
            left_out[name] = reason
        else:
            features.append(_feature(column))
    notes = [_note(left_out)] if left_out else []
    if not features:
        raise ValueError(
            f"{table.path} must have a feature besides the target {target!r}, found none"
            f"{f' ({notes[0]})' if notes else ''}: choose columns with --features."
        )
    return features, notes + _warnings_of_order(table, target, features)


def _feature(column: Column) -> Feature:
    return Feature(column.name, column.values or None)


def _reason_to_leave_out(table: Table, column: Column, asked_for: Collection[str]) -> str | None:
    """Return what makes a column useless, if the user did not ask for it."""
    present = int(table.frame[column.name].notna().sum())
    if not present:
        return "no values"
    if column.name in asked_for:
        return None
    if column.kind == "date":
        return "dates"
    if column.kind == "number":
        return _reason_of_numbers(table, column.name)
    different = len(column.values)
    if different == present > 2:
        return "a different text in every row"
    if different > max(_FEW_CATEGORIES, present / 2) or different > _MOST_CATEGORIES:
        return f"{different:,} different texts"
    return None


def _reason_of_numbers(table: Table, name: str) -> str | None:
    is_index = name in table.unnamed or bool(_INDEX_NAME.fullmatch(name))
    # R calls a column without a name X, which is also a good name for a feature.
    if not (is_index or name == "X" or _ID_NAME.fullmatch(name)):
        return None
    values = numbers(table, name)
    if (values % 1 != 0).any() or len(np.unique(values)) < len(values):
        return None
    if name == "X":
        is_index = bool(np.array_equal(values, np.arange(1, len(values) + 1)))
        return "counts the rows" if is_index else None
    return "counts the rows" if is_index else "a different number in every row"


def _note(left_out: dict[str, str]) -> str:
    """Return one sentence about the columns that are left out, at most a dozen by name."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        by_reason.setdefault(reason, []).append(name)
    found = "; ".join(f"{listed(names)} ({reason})" for reason, names in by_reason.items())
    first = next((name for name, reason in left_out.items() if reason != "no values"), None)
    return f"left out {found}" + (f": --keep {first!r} uses it" if first else "")


def listed(names: Sequence[str]) -> str:
    """Return names in quotes with commas between them, at most a dozen."""
    return shortened(list(map(repr, names)), "other")


def shortened(items: Sequence[str], noun: str) -> str:
    """Return at most a dozen items with commas between them, and the number of the others.

    Parameters
    ----------
    items : list of str
    noun : str
        The name for one of the others.
    """
    shown = ", ".join(items[:MOST_LISTED])
    others = len(items) - MOST_LISTED
    return f"{shown} and {counted(others, noun)}" if others > 0 else shown


def check_names(table: Table, names: Iterable[str], option: str) -> None:
    """Raise ValueError, with the most similar names, if a name is not that of a column."""
    columns = list(table.frame.columns)
    for name in names:
        if name in columns:
            continue
        by_lower_case = {column.lower(): column for column in columns}
        nearest = difflib.get_close_matches(name.lower(), by_lower_case, 3)
        similar = [by_lower_case[text] for text in nearest]
        if similar:
            remedy = f"did you mean {' or '.join(map(repr, similar))}?"
        else:
            remedy = f"choose one of {listed(columns)}."
        raise ValueError(f"{option} must name a column of {table.path}, found {name!r}: {remedy}")


# --- The order of the rows ---


def _warnings_of_order(table: Table, target: str, features: Sequence[Feature]) -> list[str]:
    """Return a warning if the target follows the order of the rows, as a feature does."""
    codes, _ = coded_texts(table, target)
    codes = codes[codes >= 0]
    if not _is_grouped(codes):
        return []
    names = [f.name for f in features if f.categories is None and _is_ordered(table, f.name)]
    if not names:
        return []
    return [
        f"the table is sorted by {target!r}, and so {listed(names)}, which only rises or falls "
        f"from row to row, may predict it: --drop {names[0]!r} leaves it out"
    ]


def _is_grouped(codes: AnyArray) -> bool:
    """Return whether equal labels follow each other far more often than by chance."""
    changes = int(np.count_nonzero(np.diff(codes)))
    shares = np.bincount(codes) / max(len(codes), 1)
    by_chance = (len(codes) - 1) * (1 - float((shares**2).sum()))
    return 0 < 5 * changes <= by_chance


def _is_ordered(table: Table, name: str) -> bool:
    values = numbers(table, name)
    steps = np.diff(values[~np.isnan(values)])
    # Few different numbers in order may be another way to write the labels.
    if 2 * np.count_nonzero(steps) < len(steps):
        return False
    return bool(np.all(steps >= 0) or np.all(steps <= 0))


# --- Labels ---


def labels(table: Table, target: str) -> tuple[NDArray[np.object_], list[str]]:
    """Return the labels in the target column and its classes.

    Parameters
    ----------
    table : Table
    target : str
        The name of the column.

    Returns
    -------
    labels : ndarray of shape (n,), object
        Texts, and None where a cell is missing.
    classes : list of str
        Numbers in their order, or texts in theirs.

    Raises
    ------
    ValueError
        If there is no such column, or if its labels are not two classes or more.
    """
    check_names(table, [target], "--target")
    codes, found = coded_texts(table, target)
    parsed = [table.dialect.number(text) for text in found]
    are_numbers = None not in parsed
    place = f"{table.path}, column {target!r}, must have classes that are to be predicted"
    if len(found) < 2:
        raise ValueError(
            f"{table.path}, column {target!r}, must have two classes or more, found "
            f"{found[0] if found else 'no label'!r}: choose another --target or other rows."
        )
    with_decimals = are_numbers and any(number % 1 for number in parsed if number is not None)
    most = _MOST_DECIMAL_CLASSES if with_decimals else _MOST_CLASSES
    if len(found) > most:
        kind = "numbers" if are_numbers else "texts"
        raise ValueError(
            f"{place}, at most {most}, found {len(found):,} different {kind}: choose another "
            f"--target, or write it in fewer classes."
        )
    classes = sorted(found)
    if are_numbers:
        classes.sort(key=table.dialect.number)  # type: ignore[arg-type]  # not None
    return np.array([*found, None], object)[codes], classes
