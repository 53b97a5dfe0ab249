"""The columns of a table whose rows lie on the ranks of MPI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._engine.samples import band_rows
from .._engine.team import Team
from .._typing import AnyArray


class RankColumns:
    """A stand-in for a frame of pandas, whose columns are gathered when they are asked for.

    All ranks must ask for the same columns in the same order. Each then sees the whole column, for
    as long as it looks at it, and all come to the same decisions.

    Parameters
    ----------
    team : Team
        The ranks.
    own : pandas.DataFrame
        The rows of this rank, which follow those of the ranks before.
    """

    def __init__(self, team: Team, own: Any) -> None:
        self._team, self.own = team, own
        ends = np.cumsum(team.gather(len(own)))
        self._length = int(ends[-1])
        # The rows of this rank among all.
        self.span = slice(int(ends[team.rank]) - len(own), int(ends[team.rank]))
        self._latest: tuple[str, Any] | None = None

    @property
    def columns(self) -> Any:
        """The names of the columns."""
        return self.own.columns

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return iter(self.own)

    def __getitem__(self, key: str | AnyArray) -> Any:
        """Return a column, gathered, or the columns with some of the rows, given a boolean each."""
        if not isinstance(key, str):
            return RankColumns(self._team, self.own[key[self.span]])
        if self._latest is None or self._latest[0] != key:
            self._latest = key, self._gathered(self.own[key])
        return self._latest[1]

    @property
    def index(self) -> Any:
        """The numbers of the rows in the file, gathered."""
        return self._gathered(self.own.index.to_series()).array

    def _gathered(self, own: Any) -> Any:
        import pandas

        parts = self._team.gather(own)
        # An empty part would turn numbers into objects.
        return pandas.concat([part for part in parts if len(part)] or parts[:1])


def own_span(num_rows: int, team: Team) -> tuple[int, int]:
    """Return the range of the rows of this rank: whole bands of samples, but for the last one."""
    band = band_rows(2)
    first, end = (min(band * number, num_rows) for number in team.share(-(-num_rows // band)))
    return first, end
