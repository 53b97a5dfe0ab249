"""The points at which a model predicts: a grid over some features, with the others held fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._typing import Float64Array
from . import _style
from ._samples import FeatureTable, Samples

# Points on each side. On a slide, a cell is about three pixels wide.
_SIDE = 200
# Points along a single feature, with cells narrower than a pixel.
_SIDE_OF_ONE = 2000
# 32 MB of float64. A thousand features then need no more memory than a few, and a frame of 5,000
# columns, each of which takes some time in each chunk, makes 48 chunks.
_CHUNK_VALUES = 2**22


class Grid:
    """A grid over the drawn features of samples, with the other features held fixed.

    Parameters
    ----------
    samples : Samples
    at : dict, array-like or None
        The values at which other features are held.
    limits : list of (float, float)
        The ends of each axis.

    Attributes
    ----------
    axes : list of one or two ndarrays
        The values of each feature.
    shape : tuple of one or two ints
        The lengths of these, the last one first.
    """

    def __init__(self, samples: Samples, at: Any, limits: Sequence[tuple[float, float]]) -> None:
        self._table = samples.table
        self._drawn = samples.drawn
        side = _SIDE if len(limits) == 2 else _SIDE_OF_ONE
        self.axes = [np.linspace(*ends, side) for ends in limits]
        self.shape = tuple(len(values) for values in reversed(self.axes))
        given = {} if at is None else _given_values(at, self._table)
        self._held = {
            index: given[index] if index in given else _typical_value(self._table, index)
            for index in range(len(self._table.names))
            if index not in self._drawn
        }
        self._is_typical = not given.keys() & self._held.keys()

    def chunks(self) -> Iterator[Any]:
        """Yield tables like X that together hold all points, row by row of the grid."""
        points = [values.ravel() for values in np.meshgrid(*self.axes)]
        num_points = len(points[0])
        size = min(num_points, max(1, _CHUNK_VALUES // len(self._table.names)))
        drawn = dict(zip(self._drawn, points, strict=True))
        table = self._table.with_values(
            [
                drawn[index][:size] if index in drawn else np.full(size, self._held[index])
                for index in range(len(self._table.names))
            ]
        )
        for start in range(0, num_points, size):
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


def limits_around(*columns: Float64Array) -> tuple[float, float]:
    """Return the ends of an axis: a little below all values, and a little above them.

    The range is never narrower than what matplotlib can show.
    """
    low, high = (float(f([f(column) for column in columns])) for f in (np.min, np.max))
    margin = 0.08 * (high - low)
    return _style.widened(low - margin, high + margin)


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
