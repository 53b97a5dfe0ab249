"""Arrays of the members of a team, who may have different numbers of rows, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from ._engine.team import Team
from ._typing import FloatArray, SamplesLike


class Agreed(NamedTuple):
    """The arrays of one member, in the form that all members have agreed on.

    Attributes
    ----------
    X : ndarray of shape (n, d), float32 or float64
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
    names : list of str or None
        The names of the features.
    """

    X: FloatArray
    sample_weight: FloatArray | None
    names: list[str] | None


class _Facts(NamedTuple):
    """Facts about the arrays of a member that has rows, which all members must know."""

    num_features: int
    names: list[str] | None
    dtype: np.dtype[np.floating]
    is_weighted: bool


def have_no_rows(X: SamplesLike, y: ArrayLike) -> bool:
    """Return whether there are no rows, which only a member of a team may pass."""
    shapes = np.shape(cast("ArrayLike", X)), np.shape(y)
    return all(len(shape) > 0 and shape[0] == 0 for shape in shapes)


def agree_on_arrays(
    team: Team, X: FloatArray | None, sample_weight: FloatArray | None,
    names: list[str] | None = None,
) -> Agreed:  # fmt: skip
    """Return this member's arrays as all members have agreed on.

    Parameters
    ----------
    team : Team
    X : ndarray of shape (n, d), float32 or float64, or None
        None means that this member has no rows.
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
    names : list of str or None
        The names of the features, if X has any.

    Returns
    -------
    Agreed
        In float64 if any member has float64.

    Raises
    ------
    ValueError
        If no member has rows, or if the features differ, or if only some have sample weights.
    """
    own = None
    if X is not None:
        own = _Facts(X.shape[1], names, X.dtype, sample_weight is not None)
    common = _common([facts for facts in team.gather(own) if facts is not None])
    if X is None:
        X = np.empty((0, common.num_features), common.dtype)
        sample_weight = np.empty(0, common.dtype) if common.is_weighted else None
    if sample_weight is not None:
        sample_weight = sample_weight.astype(common.dtype, copy=False)
    return Agreed(X.astype(common.dtype, copy=False), sample_weight, common.names)


def _common(of_members: Sequence[_Facts]) -> _Facts:
    """Return what all members have in common, or raise an error if that is too little."""
    if not of_members:
        raise ValueError("X must have at least one sample on one of the ranks, found none.")
    first = of_members[0]
    for facts in of_members:
        if facts.num_features != first.num_features:
            raise ValueError(
                f"X must have the same features on all ranks, found {first.num_features} and "
                f"{facts.num_features} features."
            )
        if facts.names != first.names:
            raise ValueError(
                f"X must have the same features on all ranks, found the names {first.names} and "
                f"{facts.names}."
            )
        if facts.is_weighted != first.is_weighted:
            raise ValueError("sample_weight must be given on all ranks, or on none.")
    # float32 is exact in float64, so nothing is lost if only some members have float32.
    return first._replace(dtype=np.result_type(*(facts.dtype for facts in of_members)))
