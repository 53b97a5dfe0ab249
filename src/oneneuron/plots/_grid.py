"""The points at which a model predicts: a grid over two features, with the others held fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._typing import Float64Array
from . import _style
from ._samples import FeatureTable, Samples

# Points on each side. On a slide, a cell is about three pixels wide.
_SIDE = 200
# 32 MB of float64. A thousand features then need no more memory than a few, and a frame of 5,000
# columns, each of which takes some time in each chunk, makes 48 chunks.
_CHUNK_VALUES = 2**22


class Grid:
    """A grid over the plane of the samples; `at` has the values at which other features are held.

    Attributes
    ----------
    x1 : ndarray of shape (k,)
        The values of the first feature.
    x2 : ndarray of shape (m,)
        The values of the second feature.
    shape : (int, int)
        (m, k).
    """

    def __init__(self, samples: Samples, at: Any) -> None:
        self._table = samples.table
        self._pair = samples.pair
        self.x1, self.x2 = (_axis_values(column) for column in samples.points.T)
        self.shape = len(self.x2), len(self.x1)
        given = {} if at is None else _given_values(at, self._table)
        self._held = {
            index: given[index] if index in given else _typical_value(self._table, index)
            for index in range(len(self._table.names))
            if index not in self._pair
        }
        self._is_typical = not given.keys() & self._held.keys()

    def chunks(self) -> Iterator[Any]:
        """Yield tables like X that together hold all points, row by row of the grid."""
        first, second = (values.ravel() for values in np.meshgrid(self.x1, self.x2))
        size = min(len(first), max(1, _CHUNK_VALUES // len(self._table.names)))
        drawn = dict(zip(self._pair, (first, second), strict=True))
        table = self._table.with_values(
            [
                drawn[index][:size] if index in drawn else np.full(size, self._held[index])
                for index in range(len(self._table.names))
            ]
        )
        for start in range(0, len(first), size):
            columns = {index: values[start : start + size] for index, values in drawn.items()}
            yield self._table.replacing(table, columns)

    def note(self) -> str:
        """Return a short text on where the other features are held; empty if there are none."""
        values = ", ".join(
            f"{self._table.label(index)} = {_short_text(value)}"
            for index, value in self._held.items()
        )
        if len(values) <= 60:
            return values
        where = "at their medians" if self._is_typical else "held fixed"
        return f"{len(self._held)} other features {where}"


def _axis_values(column: Float64Array) -> Float64Array:
    """Return the grid's values along one axis, from a little below the samples to a little above.

    The range is never narrower than what matplotlib can show.
    """
    low, high = column.min(), column.max()
    margin = 0.08 * (high - low)
    return np.linspace(*_style.widened(low - margin, high + margin), _SIDE)


def _typical_value(table: FeatureTable, index: int) -> Any:
    """Return the median of a column, or the most common value if it does not hold numbers.

    The median of an even number of whole numbers is the lower of the two in the middle.
    """
    values = table.column(index)
    if values.dtype.kind == "f":
        typical = np.median(values)
    elif values.dtype.kind in "biumM":
        typical = np.sort(values)[(len(values) - 1) // 2]
    else:
        [(typical, _)] = Counter(values.tolist()).most_common(1)
    if typical is None or typical != typical:
        raise ValueError(
            f"X has missing values in feature {table.names[index]!r}, which therefore has no "
            f"median: choose where to hold it, with at={{{table.names[index]!r}: ...}}."
        )
    return typical


def _given_values(at: Any, table: FeatureTable) -> dict[int, Any]:
    """Return the values in `at` by the index of their column."""
    if isinstance(at, str) or not np.iterable(at):
        raise TypeError(
            f"at must be a dict of values by feature, or one value for each feature, found {at!r}."
        )
    named: Any = at if hasattr(at, "keys") else None
    names = table.names if named is None else list(named.keys())
    values = list(at) if named is None else [named[name] for name in names]
    if len(values) != len(names):
        raise ValueError(
            f"at must have a value for each of {len(names)} features, found {len(values)}: to hold "
            f"the others at their medians, use a dict such as at={{{table.names[0]!r}: ...}}."
        )
    given = {table.index(name): value for name, value in zip(names, values, strict=True)}
    for index, value in given.items():
        _check_value(table, index, value)
    return given


def _check_value(table: FeatureTable, index: int, value: Any) -> None:
    is_number = np.asarray(value).dtype.kind in "biuf"
    if np.ndim(value) != 0 or is_number != (table.column(index).dtype.kind in "biuf"):
        raise ValueError(
            f"at must have a single value of the same kind as in X for feature "
            f"{table.names[index]!r}, found {value!r}."
        )


def _short_text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else _style.escaped(value)
