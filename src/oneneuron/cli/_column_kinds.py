"""The kinds of the columns of a table, and their cells as numbers or as texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._typing import Float64Array
from ._table_reading import Table
from ._text_dialect import has_commas_in_numbers

# A column of numbers and texts holds categories, such as 0, 1, 2 and 3+, if it has at most this
# many different ones.
_MOST_MIXED = 12

_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?"
_ZONE = r"( ?(Z|UTC|[+-]\d\d:?\d\d))?"
_WITH_SIGNS = re.compile(r"[+-]?[$€£¥]? ?[+-]?\d[\d.,]*( ?[%$€£¥])?")
_ISO_DATE = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}([T ]{_CLOCK}{_ZONE})?")
_DATE = re.compile(
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d{2})"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})"
    rf"([T ,]+{_CLOCK}{_ZONE})?|{_CLOCK}"
)


@dataclass(frozen=True)
class Column:
    """The content of a column.

    Attributes
    ----------
    name : str
    kind : "number", "category" or "date"
    values : tuple of str
        The different texts, in order. Empty if `numbers` can read the column.
    """

    name: str
    kind: Literal["number", "category", "date"]
    values: tuple[str, ...] = ()


def look_at(table: Table, name: str) -> Column:
    """Return what a column of a table holds.

    Parameters
    ----------
    table : Table
    name : str
        The name of one of its columns.

    Returns
    -------
    Column

    Raises
    ------
    ValueError
        If the column holds numbers and other text, or something that is neither.
    """
    from pandas.api import types

    column = table.frame[name]
    if types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype):
        return Column(name, "number")
    if types.is_datetime64_any_dtype(column.dtype):
        return Column(name, "date")
    _, values = coded_texts(table, name)
    if not values:
        return Column(name, "number")
    if all(map(_ISO_DATE.fullmatch, values)):
        return Column(name, "date")
    if all(map(_DATE.fullmatch, values)):
        return Column(name, "date", tuple(sorted(values)))
    numbers_found = [table.dialect.number(value) is not None for value in values]
    if all(numbers_found) and not isinstance(column.dtype, _categorical()):
        return Column(name, "number")
    _refuse_stray_text(table, name, values, numbers_found)
    return Column(name, "category", tuple(sorted(values)))


def _categorical() -> Any:
    from pandas import CategoricalDtype

    return CategoricalDtype


def _refuse_stray_text(
    table: Table, name: str, values: Sequence[str], are_numbers: Sequence[bool]
) -> None:
    """Raise ValueError if most of the different texts are numbers that a person would read."""
    readable = sum(are_numbers) + sum(map(_is_number_for_people, values))
    if len(values) <= _MOST_MIXED or 2 * readable <= len(values):
        return
    stray = next(value for value, known in zip(values, are_numbers, strict=True) if not known)
    row = int((texts(table, name) == stray).argmax())
    if has_commas_in_numbers(stray):
        remedy = "say how numbers are written with --decimal or --thousands"
    elif _is_number_for_people(stray):
        remedy = "write it without signs"
    else:
        remedy = f"correct it, or read it as missing with --na={stray!r}"
    raise ValueError(
        f"{table.place(row)}, column {name!r}, must hold a number, found {stray!r}: {remedy}, or "
        f"leave the column out with --drop {name!r}."
    )


def _is_number_for_people(cell: str) -> bool:
    return has_commas_in_numbers(cell) or bool(_WITH_SIGNS.fullmatch(cell))


def numbers(table: Table, name: str, *, skip: list[tuple[int, str]] | None = None) -> Float64Array:
    """Return the numbers in a column; dates count as days since 1970.

    Parameters
    ----------
    table : Table
    name : str
        The name of one of its columns.
    skip : list or None
        The list to which the row, from 0, and the fault of each cell are appended that does not
        hold a finite number. Such a cell becomes NaN. None means that it is an error.

    Returns
    -------
    ndarray of shape (n,), float64
        NaN where a cell is missing.

    Raises
    ------
    ValueError
        If a cell holds something else than a finite number.
    """
    from pandas.api import types

    column = table.frame[name]
    if types.is_datetime64_any_dtype(column.dtype):
        return _days(column)
    if types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype):
        values: Float64Array = column.to_numpy(np.float64, na_value=np.nan)
        wrong = np.flatnonzero(np.isinf(values))
    else:
        codes, found = coded_texts(table, name)
        values = np.array([*_parsed(table, found), np.nan])[codes]
        wrong = np.flatnonzero((codes >= 0) & np.isnan(values))
    cells = texts(table, name) if len(wrong) else values
    for row in wrong.tolist():
        fault = f"column {name!r}, must hold a finite number, found {cells[row]!r}"
        if skip is None:
            raise ValueError(
                f"{table.place(row)}, {fault}: correct it, or read it as missing with "
                f"--na={cells[row]!r}."
            )
        skip.append((row, fault))
    if len(wrong):
        values = values.copy()
        values[wrong] = np.nan
    return values


def _parsed(table: Table, found: Sequence[str]) -> list[float]:
    """Return texts as numbers, NaN where they are none."""
    if found and all(map(_ISO_DATE.fullmatch, found)):
        return _days_of_texts(found)
    parsed = map(table.dialect.number, found)
    return [np.nan if number is None or np.isinf(number) else number for number in parsed]


def _days_of_texts(found: Sequence[str]) -> list[float]:
    import pandas

    moments = pandas.to_datetime(
        pandas.Series(list(found), dtype=object), format="ISO8601", utc=True, errors="coerce"
    )
    days: list[float] = _days(moments).tolist()
    return days


def _days(column: Any) -> Float64Array:
    import pandas

    moments = column.dt.tz_convert(None) if column.dt.tz is not None else column
    days: Float64Array = ((moments - pandas.Timestamp(0)) / pandas.Timedelta(days=1)).to_numpy(
        np.float64
    )
    return days


def texts(table: Table, name: str) -> NDArray[np.object_]:
    """Return the cells of a column as texts, the same for a number in any type of column.

    Parameters
    ----------
    table : Table
    name : str
        The name of one of its columns.

    Returns
    -------
    ndarray of shape (n,), object
        Texts without spaces around them. A whole number has no decimals, and a truth value is
        "True" or "False". None where a cell is missing.
    """
    codes, found = coded_texts(table, name)
    return np.array([*found, None], object)[codes]


def coded_texts(table: Table, name: str) -> tuple[NDArray[np.intp], list[str]]:
    """Return the different texts of a column, and the number of that in each row, or -1."""
    import pandas

    try:
        codes, values = pandas.factorize(table.frame[name])
    except TypeError:
        raise ValueError(
            f"{table.path}, column {name!r}, must hold numbers or texts, found lists or other "
            f"nested values: leave it out with --drop {name!r}."
        ) from None
    found = [_text(value) for value in values]
    # " a" and "a", or 1 and "1", are different values but the same text.
    different = list(dict.fromkeys(found))
    if len(different) < len(found):
        numbers_of = {text: i for i, text in enumerate(different)}
        merged = np.array([*(numbers_of[text] for text in found), -1])
        codes = merged[codes]
    return codes, different


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else str(number)
    text = str(value).strip()
    return text.capitalize() if text.lower() in ("true", "false") else text
