"""The points at which a model is asked: a grid over two features, the others held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._typing import Float64Array
from . import _style
from ._samples import FeatureTable, Samples

# Points to a side: at the size of a slide a cell is some three pixels wide.
_SIDE = 200
# 8 MB of float64, so that a thousand features take no more memory than a few.
_SLAB_VALUES = 2**20


class Grid:
    """A grid over the plane of the samples, with the other features where `at` says."""

    def __init__(self, samples: Samples, at: Any) -> None:
        self._table = samples.table
        self._places = samples.places
        self.x1, self.x2 = (_span(column) for column in samples.points.T)
        self.shape = len(self.x2), len(self.x1)
        given = {} if at is None else _given(at, self._table)
        self._held = {
            place: given[place] if place in given else _typical(self._table, place)
            for place in range(len(self._table.names))
            if place not in self._places
        }
        self._is_typical = not given.keys() & self._held.keys()

    def slabs(self) -> Iterator[Any]:
        """Tables like X that together hold all points, x1 running fastest."""
        first, second = (values.ravel() for values in np.meshgrid(self.x1, self.x2))
        size = max(1, _SLAB_VALUES // len(self._table.names))
        for start in range(0, len(first), size):
            rows = slice(start, start + size)
            drawn = dict(zip(self._places, (first[rows], second[rows]), strict=True))
            yield self._table.filled(
                [
                    drawn[place] if place in drawn else np.full(len(first[rows]), self._held[place])
                    for place in range(len(self._table.names))
                ]
            )

    def note(self) -> str:
        """Where the other features are held, in a few words; none if there are no others."""
        values = ", ".join(
            f"{self._table.label(place)} = {_short(value)}" for place, value in self._held.items()
        )
        if len(values) <= 60:
            return values
        where = "at their medians" if self._is_typical else "held"
        return f"{len(self._held)} other features {where}"


def _span(column: Float64Array) -> Float64Array:
    """Coordinates a little wider than the column's values, and than matplotlib's narrowest axis."""
    low, high = column.min(), column.max()
    margin = 0.08 * (high - low)
    return np.linspace(*_style.shown(low - margin, high + margin), _SIDE)


def _typical(table: FeatureTable, place: int) -> Any:
    """The median of a column, of whole numbers one that occurs; else the most common value."""
    values = table.column(place)
    if values.dtype.kind == "f":
        typical = np.median(values)
    elif values.dtype.kind in "biumM":
        typical = np.sort(values)[(len(values) - 1) // 2]
    else:
        [(typical, _)] = Counter(values.tolist()).most_common(1)
    if typical is None or typical != typical:
        raise ValueError(
            f"feature {table.names[place]!r} has missing values, and so no median: say where to "
            f"hold it, at={{{table.names[place]!r}: ...}}."
        )
    return typical


def _given(at: Any, table: FeatureTable) -> dict[int, Any]:
    """The values of `at` by the places of their columns."""
    if isinstance(at, str) or not np.iterable(at):
        raise TypeError(f"at must be values by name, or one for each feature, found {at!r}.")
    named: Any = at if hasattr(at, "keys") else None
    names = table.names if named is None else list(named.keys())
    values = list(at) if named is None else [named[name] for name in names]
    if len(values) != len(names):
        raise ValueError(
            f"at must have a value for each of {len(names)} features, found {len(values)}: name "
            f"some, at={{{table.names[0]!r}: ...}}, to leave the others at their medians."
        )
    given = {table.place(name): value for name, value in zip(names, values, strict=True)}
    for place, value in given.items():
        _check_value(table, place, value)
    return given


def _check_value(table: FeatureTable, place: int, value: Any) -> None:
    is_number = np.asarray(value).dtype.kind in "biuf"
    if np.ndim(value) != 0 or is_number != (table.column(place).dtype.kind in "biuf"):
        raise ValueError(
            f"at must hold a value like those of feature {table.names[place]!r}, found {value!r}."
        )


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else _style.plain(value)
