"""X and y in the form that the pictures need, from any kind of table and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _checks
from .._typing import AnyArray, Float64Array
from . import _style


class FeatureTable:
    """The columns of X, which is an array of numbers, a pandas frame or a polars frame.

    New tables are made with the type of X, so neither library has to be imported.

    Attributes
    ----------
    X : ndarray or frame
    is_frame : bool
    names : list
        The names of the columns; 0, 1, 2, ... for an array.
    """

    def __init__(self, X: Any) -> None:
        self.is_frame = hasattr(X, "columns") and hasattr(X, "dtypes")
        self.X: Any = X if self.is_frame else _checks.as_samples(X)
        self.names = list(X.columns) if self.is_frame else list(range(self.X.shape[1]))
        self._indices = {name: index for index, name in enumerate(self.names)}
        if len(self.X) == 0:
            raise ValueError("X must have at least one sample, found none.")
        if len(self._indices) < len(self.names):
            [(name, _)] = Counter(self.names).most_common(1)
            raise ValueError(
                f"X must have different names for its columns, found {name!r} more than once: "
                "rename the duplicates."
            )
        if all(isinstance(name, str) for name in self.names):
            self._indices.update(enumerate(range(len(self.names))))

    def index(self, name: Any) -> int:
        """Return the index of a column, given by name, or by number if all names are strings."""
        try:
            return self._indices[name]
        except (KeyError, TypeError):
            listed = ", ".join(map(repr, self.names[:4])) + (", ..." if self.names[4:] else "")
            raise ValueError(f"X has no feature {name!r}: its features are {listed}.") from None

    def label(self, index: int) -> str:
        """Return the label of a column in the picture."""
        return _style.escaped(self.names[index]) if self.is_frame else f"$x_{{{index + 1}}}$"

    def column(self, index: int) -> AnyArray:
        """Return the values of a column."""
        values: AnyArray = _checks.as_array(self._column(index), "X")
        return values

    def numbers(self, index: int) -> Float64Array:
        """Return the values of a column as float64; raise an error if they cannot be drawn."""
        values = self.column(index)
        if values.dtype.kind not in "biuf":
            raise TypeError(
                f"X must hold numbers in the features to draw, but {self.names[index]!r} is of "
                f"dtype {values.dtype}: choose another feature."
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"X must be finite in the features to draw, but {self.names[index]!r} has NaN or "
                f"infinity: drop those samples or fill in the values."
            )
        return values.astype(np.float64)

    def with_values(self, columns: Sequence[AnyArray]) -> Any:
        """Return a table with other values but the same type, names and dtypes."""
        if not self.is_frame:
            return np.column_stack(columns).astype(self.X.dtype, copy=False)
        return type(self.X)(
            {
                name: _like_column(self._column(index), values)
                for index, (name, values) in enumerate(zip(self.names, columns, strict=True))
            }
        )

    def replacing(self, table: Any, columns: Mapping[int, AnyArray]) -> Any:
        """Return a copy of such a table with other values in a few columns, for its first rows.

        To copy a frame of many columns takes a hundredth of the time of making it.
        """
        num_rows = len(next(iter(columns.values())))
        if num_rows < len(table):
            table = table[:num_rows]
        if not self.is_frame:
            table = table.copy()
            for index, values in columns.items():
                table[:, index] = values
            return table
        named = {
            self.names[index]: _like_column(self._column(index), values)
            for index, values in columns.items()
        }
        if hasattr(table, "with_columns"):  # polars
            return table.with_columns([values.alias(name) for name, values in named.items()])
        table = table.copy(deep=False)  # a column that is set later is set in the copy alone
        for name, values in named.items():
            table[name] = values
        return table

    def _column(self, index: int) -> Any:
        return self.X[self.names[index]] if self.is_frame else self.X[:, index]


def _like_column(column: Any, values: AnyArray) -> Any:
    """Return values with the dtype of a frame's column, unless it would cut off fractions."""
    if values.dtype == column.dtype:
        return values  # with a Series instead, a wide frame would take several times as long
    cuts = _checks.as_array(column, "X").dtype.kind in "biu" and values.dtype.kind == "f"
    return type(column)(values, dtype=None if cuts else column.dtype)


class Samples:
    """The samples to draw: one or two features of X, and the labels.

    Attributes
    ----------
    table : FeatureTable
        All features.
    drawn : tuple of one or two ints
        The indices of the features to draw.
    points : ndarray of shape (n, 1) or (n, 2), float64
        The values of these features.
    labels : list of length n
    """

    def __init__(
        self, X: ArrayLike, y: ArrayLike, features: Hashable | Collection[Hashable] | None
    ) -> None:
        self.table = FeatureTable(X)
        self.drawn = _checked_features(self.table, features)
        self.points = np.column_stack([self.table.numbers(index) for index in self.drawn])
        self.labels = _checks.as_any_labels(y, len(self.points)).tolist()


def _checked_features(table: FeatureTable, features: Any) -> tuple[int, ...]:
    """Return the indices of the one or two features to draw."""
    names = table.names
    if features is None and len(names) > 2:
        raise ValueError(
            f"features must name one or two of the {len(names)} features to draw, for instance "
            f"features=({names[0]!r}, {names[1]!r})."
        )
    chosen = names if features is None else [features] if np.ndim(features) == 0 else features
    if len(chosen) not in (1, 2):
        raise ValueError(f"features must be one or two columns of X, found {features!r}.")
    drawn = tuple(map(table.index, chosen))
    if len(set(drawn)) < len(drawn):
        raise ValueError(f"features must be two different columns of X, found {features!r}.")
    return drawn


def classes_of(*labels: Iterable[Any]) -> list[Any]:
    """Return the distinct labels of several lists, sorted.

    The index of a class in this list determines its colour and marker. If there is only the label 0
    or only the label 1, the other one is added, to give each the same look in every picture.
    """
    try:
        classes = sorted(set().union(*labels))
        is_missing = any(label != label for label in classes)
    except TypeError as error:
        raise TypeError(
            "y, and the model's labels, must be of one kind, such as numbers or strings, with none "
            f"missing: {error}."
        ) from error
    if is_missing:
        raise ValueError(
            "y, and the model's labels, must not contain NaN: drop or fill those samples."
        )
    if len(classes) > len(_style.COLORS):
        raise ValueError(
            f"y, and the model's labels, must be of at most {len(_style.COLORS)} classes, found "
            f"{len(classes)}."
        )
    if len(classes) == 1 and classes[0] in (0, 1):
        kind = type(classes[0])
        return [kind(0), kind(1)]
    return classes
