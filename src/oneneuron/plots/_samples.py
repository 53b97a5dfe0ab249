"""X and y as the pictures need them, whatever kind of table and of labels they are."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _checks
from .._typing import AnyArray, Float64Array
from . import _style


class FeatureTable:
    """X by its columns: an array, their names being numbers, or a frame of pandas or Polars.

    X's own type tells how to make more rows of it, so that neither library is imported.
    """

    def __init__(self, X: Any) -> None:
        self.is_frame = hasattr(X, "columns") and hasattr(X, "dtypes")
        self.X: Any = X if self.is_frame else _checks.as_samples(X)
        self.names = list(X.columns) if self.is_frame else list(range(self.X.shape[1]))
        self._places = {name: place for place, name in enumerate(self.names)}
        if len(self.X) == 0:
            raise ValueError("X must have at least one sample, found none.")
        if len(self._places) < len(self.names):
            raise ValueError("X must have columns of different names: rename those that recur.")
        if all(isinstance(name, str) for name in self.names):
            self._places.update(enumerate(range(len(self.names))))

    def place(self, name: Any) -> int:
        """Where the column of this name is; names that are all strings leave numbers to places."""
        try:
            return self._places[name]
        except (KeyError, TypeError):
            shown = ", ".join(map(repr, self.names[:4])) + (", ..." if self.names[4:] else "")
            raise ValueError(f"X has no feature {name!r}: its features are {shown}.") from None

    def label(self, place: int) -> str:
        """What to call a column in the picture."""
        return _style.plain(self.names[place]) if self.is_frame else f"$x_{{{place + 1}}}$"

    def column(self, place: int) -> AnyArray:
        """The values of a column."""
        return np.asarray(self._column(place))

    def numbers(self, place: int) -> Float64Array:
        """The values of a column that is to be drawn, in float64."""
        values = self.column(place)
        if values.dtype.kind not in "biuf":
            raise TypeError(
                f"a feature must hold numbers to be drawn, {self.names[place]!r} is of dtype "
                f"{values.dtype}: choose another."
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"a feature must be finite to be drawn, {self.names[place]!r} has NaN or "
                f"infinity: drop those samples or fill the values in."
            )
        return values.astype(np.float64)

    def filled(self, columns: Sequence[AnyArray]) -> Any:
        """A table of the same kind, with the same columns and dtypes, of other values."""
        if not self.is_frame:
            return np.column_stack(columns).astype(self.X.dtype, copy=False)
        return type(self.X)(
            {
                name: _alike(self._column(place), values)
                for place, (name, values) in enumerate(zip(self.names, columns, strict=True))
            }
        )

    def _column(self, place: int) -> Any:
        return self.X[self.names[place]] if self.is_frame else self.X[:, place]


def _alike(column: Any, values: AnyArray) -> Any:
    """Values as a column of a frame, of that one's dtype unless fractions would be cut off."""
    if values.dtype == column.dtype:
        return values  # a wide frame would take several times as long with Series
    cuts = np.asarray(column).dtype.kind in "biu" and values.dtype.kind == "f"
    return type(column)(values, dtype=None if cuts else column.dtype)


class Samples:
    """The points (n, 2) of two features of X, and their labels."""

    def __init__(self, X: ArrayLike, y: ArrayLike, features: Collection[Hashable] | None) -> None:
        self.table = FeatureTable(X)
        self.places = _two_places(self.table, features)
        self.points = np.column_stack([self.table.numbers(place) for place in self.places])
        self.labels = _checks.as_any_labels(y, len(self.points)).tolist()


def _two_places(table: FeatureTable, features: Collection[Hashable] | None) -> tuple[int, int]:
    names = table.names
    if len(names) < 2:
        raise ValueError("X must have two features or more to draw, found one.")
    if features is None and len(names) > 2:
        raise ValueError(
            f"features must name the two of {len(names)} to draw, for instance "
            f"features=({names[0]!r}, {names[1]!r})."
        )
    chosen: Any = names if features is None else features
    if isinstance(chosen, str) or np.shape(chosen)[:1] != (2,):
        raise ValueError(f"features must be two columns of X, found {chosen!r}.")
    first, second = map(table.place, chosen)
    if first == second:
        raise ValueError(f"features must be two different columns of X, found {chosen!r}.")
    return first, second


def classes_of(*labels: Iterable[Any]) -> list[Any]:
    """The different labels of several lists, in order; 0 and 1 are a pair, even one by itself.

    A label's place here gives its class a colour and a marker.
    """
    try:
        classes = sorted(set().union(*labels))
        is_missing = any(label != label for label in classes)
    except TypeError as error:
        raise TypeError(
            "the labels, of y and of the model, must be of one kind, such as numbers or strings, "
            f"and none missing: {error}."
        ) from error
    if is_missing:
        raise ValueError("the labels must not be NaN: drop those samples.")
    if len(classes) > len(_style.COLORS):
        raise ValueError(
            f"the labels must be of {len(_style.COLORS)} classes at most, found {len(classes)}."
        )
    if len(classes) == 1 and classes[0] in (0, 1):
        kind = type(classes[0])
        return [kind(0), kind(1)]
    return classes
