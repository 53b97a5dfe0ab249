"""The arrays of a team: each member has its own, perhaps of different length, or none."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from .. import _checks
from .._engine.sums import add_up
from .._engine.team import Team
from .._team_arrays import agree_on_arrays, have_no_rows
from .._typing import AnyArray, FloatArray, SamplesLike
from .classes import class_factors, codes_among, times_factors
from .options import Options
from .sources import ArraySource, note_features
from .surveys import LEAF_ROWS, Survey, combine, weigh_labels
from .validation import check_distinct_labels, validated_samples_and_labels


class _Own(NamedTuple):
    """The arrays of this member, checked; X is None if it has no rows."""

    X: FloatArray | None
    labels: AnyArray
    codes: AnyArray
    sample_weight: FloatArray | None


def team_source(
    estimator: Any, options: Options, X: SamplesLike, y: ArrayLike,
    sample_weight: ArrayLike | None, team: Team,
) -> ArraySource:  # fmt: skip
    """Return the source of a fit on the arrays of all members of a team, checked.

    Parameters
    ----------
    estimator : NeuronClassifier
        It takes note of the number and the names of the features.
    options : Options
    X, y, sample_weight
        As they were passed to this member's `fit`. X may have no rows.
    team : Team
    """
    own = team.agree(lambda: _checked(estimator, X, y, sample_weight))
    names = getattr(estimator, "feature_names_in_", None) if own.X is not None else None
    agreed = agree_on_arrays(
        team, own.X, own.sample_weight, None if names is None else names.tolist()
    )
    note_features(estimator, agreed.X.shape[1], agreed.names)
    weights = agreed.sample_weight
    sums = []
    if options.class_weight == "balanced":
        num_leaves = -(-len(own.codes) // LEAF_ROWS)
        before = sum(team.gather(num_leaves)[: team.rank])
        sums = weigh_labels(own.codes, weights, len(own.labels), before)
    survey = combine([team.gather(Survey(own.labels, sums, len(own.codes)))])
    check_distinct_labels(survey.labels, survey.num_samples)
    codes = codes_among(survey.labels, own.labels, own.codes)
    factors = class_factors(options.class_weight, survey.labels, lambda: add_up(survey.weights))
    weights = team.agree(
        lambda: times_factors(weights, factors, codes, agreed.X.dtype, may_all_be_zero=True)
    )
    return ArraySource(options, agreed.X, codes, survey.labels, weights, X, team)


def _checked(estimator: Any, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None) -> _Own:
    """Return the arrays of this member, checked."""
    if issparse(X):
        raise TypeError("X is a sparse matrix, which ranks do not take: use X.toarray().")
    if have_no_rows(X, y):
        return _Own(None, np.empty(0), np.empty(0, np.uint8), None)
    samples, labels, codes = validated_samples_and_labels(estimator, X, y, reset=True)
    weights = _checks.as_sample_weight(
        sample_weight, len(codes), samples.dtype, may_all_be_zero=True
    )
    return _Own(samples, labels, codes, weights)
