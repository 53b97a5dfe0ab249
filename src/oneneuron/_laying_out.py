"""Samples laid out where they belong: in memory or in a scratch file, in one process or a team."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ._engine.passes import as_num_threads
from ._engine.samples import band_rows, lay_out
from ._engine.scratch import ReadRows, Scratch, lay_out_pieces, require_space
from ._engine.shards import Form, InMemory, OnTeam, Shards
from ._engine.team import Team
from ._typing import AnyArray, FloatArray


def lay_out_arrays(
    X: FloatArray, codes: AnyArray, num_classes: int, sample_weight: FloatArray | None, *,
    folder: Path | None, n_threads: int | None, first_band: int = 0,
) -> Shards:  # fmt: skip
    """Lay out checked arrays, in a scratch file if there is a folder for it.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    codes : ndarray of shape (n,)
    num_classes : int
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
    folder : Path or None
    n_threads : int or None
    first_band : int, default 0
        The number of bands before these samples.

    Returns
    -------
    Shards
    """
    form = Form(X.shape[1], num_classes, X.dtype, sample_weight is not None)
    if folder is None:
        if len(X) == 0:
            return InMemory([], n_threads, form=form)
        threads = as_num_threads(n_threads)
        samples = lay_out(
            X, codes, num_classes, sample_weight, n_threads=threads, first_band=first_band
        )
        return InMemory([samples], n_threads)

    def read(first: int, end: int) -> tuple[FloatArray, AnyArray, FloatArray | None]:
        rows = slice(first, end)
        return X[rows], codes[rows], None if sample_weight is None else sample_weight[rows]

    return lay_out_rows(
        read, len(X), form, folder=folder, n_threads=n_threads, first_band=first_band
    )


def lay_out_rows(
    read: ReadRows, num_rows: int, form: Form, *, folder: Path | None, n_threads: int | None,
    first_band: int = 0,
) -> Shards:  # fmt: skip
    """Lay out rows that are read in pieces.

    Parameters
    ----------
    read : callable
        ``read(first, end)`` returns rows `first` to `end` - 1, checked; see `ReadRows`.
    num_rows : int
    form : Form
    folder : Path or None
        Where a scratch file is; None means in memory.
    n_threads : int or None
    first_band : int, default 0
        The number of bands before these rows.

    Returns
    -------
    Shards

    Raises
    ------
    OSError
        If there is no space for the file.
    """
    row_bytes = form.num_features * form.dtype.itemsize
    pieces = lay_out_pieces(
        read, num_rows, row_bytes, form.num_classes, first_band=first_band, n_threads=n_threads
    )
    if folder is None:
        return InMemory(list(pieces), n_threads, form=form)
    require_space(folder, num_rows * row_bytes)
    return Scratch(folder, pieces, form, n_threads)


def of_team(team: Team, lay_out_own: Callable[[], Shards]) -> Shards:
    """Return the samples of all members of a team.

    Parameters
    ----------
    team : Team
    lay_out_own : callable
        Returns those of this member.

    Raises
    ------
    ValueError
        If the sum of all sample weights is zero or infinite.
    """
    local = team.agree(lay_out_own)
    samples = local if team.size == 1 else OnTeam(team, local)
    refuse_total_weight(samples)
    return samples


def bands_before(num_rows: int, num_classes: int, team: Team) -> int:
    """Return the number of bands of the members before, each of which begins a band of its own."""
    rows = band_rows(num_classes)
    return sum(-(-n // rows) for n in team.gather(num_rows)[: team.rank])


def own_rows(num_rows: int, unit: int, team: Team) -> tuple[int, int]:
    """Return the range of the rows of a table that this member reads, in whole units."""
    first, end = team.share(-(-num_rows // unit))
    return min(first * unit, num_rows), min(end * unit, num_rows)


def refuse_total_weight(samples: Shards) -> None:
    """Raise ValueError if the sum of the sample weights is zero or infinite."""
    total, dtype = samples.total_weight, samples.dtype
    if total == 0.0:
        raise ValueError("sample_weight must be above 0 for at least one sample, found only zeros.")
    if not math.isfinite(total) or total > float(np.finfo(dtype).max):
        raise ValueError(
            f"sample_weight must have a finite sum in {dtype}, the dtype of the samples: scale the "
            f"weights down."
        )


def needs_scratch(name: str) -> ValueError:
    """Return the error for a file as samples without a scratch folder."""
    return ValueError(
        f"{name} is a file, which is read in pieces: set scratch to a folder for a temporary file."
    )
