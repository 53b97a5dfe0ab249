"""Where the samples of a fit come from: arrays in memory, or a table on the disk.

A source is checked, and knows its classes, before any samples are laid out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from .. import _checks
from .._engine.passes import as_num_threads
from .._engine.samples import band_rows
from .._engine.shards import AnySamples, Form, Shards
from .._engine.sparse_samples import lay_out_sparse
from .._engine.sums import add_up
from .._engine.team import ALONE, Team
from .._laying_out import (
    bands_before,
    lay_out_arrays,
    lay_out_rows,
    needs_scratch,
    of_team,
    own_rows,
)
from .._tables import Column, Table, open_table, read_weights
from .._typing import AnyArray, Float64Array, FloatArray, SamplesLike
from .classes import class_factors, codes_among, encode, times_factors
from .options import Options
from .surveys import LEAF_ROWS, Survey, combine, weigh_labels
from .validation import (
    check_distinct_labels,
    refuse_infinite,
    validated_samples_and_labels,
)

# Labels that are on the disk are surveyed this many rows at a time.
_SURVEYED_ROWS = 64 * LEAF_ROWS


class Source(Protocol):
    """Samples that have been checked, but not yet laid out.

    Attributes
    ----------
    classes : ndarray of shape (num_classes,)
        The labels, sorted.
    num_features : int
        The number of features, d.
    dtype : dtype
        The type that the samples are computed in.
    """

    classes: AnyArray
    num_features: int
    dtype: np.dtype[np.floating]

    def lay_out(self, first: Float64Array) -> AnySamples:
        """Lay out the samples, given the first start, (num_neurons, d + 1)."""

    def refuse_infinite(self) -> None:
        """Raise an error if samples are not finite: their means are not."""


class ArraySource:
    """Arrays in memory; in a team, each member has its own.

    Parameters
    ----------
    options : Options
    X : ndarray or csr_array of shape (n, d), float32 or float64
        It may hold infinities or NaN, but not if it is sparse.
    codes : ndarray of shape (n,)
        The index of each sample's class.
    classes : ndarray of shape (num_classes,)
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
    given : array-like of shape (n, d)
        The samples as they were passed to the fit. If it is a frame, an error can name its columns.
    team : Team
    """

    def __init__(
        self, options: Options, X: FloatArray, codes: NDArray[np.integer[Any]], classes: AnyArray,
        sample_weight: FloatArray | None, given: SamplesLike, team: Team = ALONE,
    ) -> None:  # fmt: skip
        self._options, self._X, self._codes = options, X, codes
        self._sample_weight, self._given, self._team = sample_weight, given, team
        self.classes, self.num_features, self.dtype = classes, X.shape[1], X.dtype
        if issparse(X) and options.scratch is not None:
            raise ValueError(
                "scratch is for dense samples, and X is sparse: use scratch=None, since sparse "
                "samples are used in place."
            )

    def lay_out(self, first: Float64Array) -> AnySamples:
        """Lay out the samples. Sparse ones keep the columns whose weights are not zero at first."""
        X, num_classes, n_threads = self._X, len(self.classes), self._options.n_threads
        if issparse(X):
            return lay_out_sparse(
                X, self._codes, num_classes, self._sample_weight,
                needed=np.flatnonzero(first[:, :-1].any(axis=0)),
                n_threads=as_num_threads(n_threads),
            )  # fmt: skip
        first_band = bands_before(len(self._codes), num_classes, self._team)
        return of_team(
            self._team,
            lambda: lay_out_arrays(
                X, self._codes, num_classes, self._sample_weight, folder=self._options.scratch,
                n_threads=n_threads, first_band=first_band,
            ),
        )  # fmt: skip

    def refuse_infinite(self) -> None:
        """Raise an error if X is not finite.

        Squares may be infinite even if X is finite.
        """

        def refuse() -> None:
            if len(self._codes) > 0:
                refuse_infinite(self._X, self._given)

        self._team.agree(refuse)


def array_source(
    estimator: Any, options: Options, X: SamplesLike, y: ArrayLike,
    sample_weight: ArrayLike | None,
) -> ArraySource:  # fmt: skip
    """Return the source of a fit on arrays, lists, frames and matrices, checked.

    Parameters
    ----------
    estimator : NeuronClassifier
        It takes note of the number and the names of the features.
    options : Options
    X, y, sample_weight
        As they were passed to `fit`.
    """
    samples, classes, codes = validated_samples_and_labels(estimator, X, y, reset=True)
    weights = _checks.as_sample_weight(sample_weight, len(codes), samples.dtype)
    factors = class_factors(
        options.class_weight, classes, lambda: add_up(weigh_labels(codes, weights, len(classes)))
    )
    weights = times_factors(weights, factors, codes, samples.dtype)
    return ArraySource(options, samples, codes, classes, weights, X)


class TableSource:
    """A table on the disk, of which rows are read in pieces: each member of a team its share.

    Parameters
    ----------
    options : Options
        A team of several members needs no `scratch`.
    table : Table
    labels : Column
    weights : Column or None
    team : Team
    """

    def __init__(
        self, options: Options, table: Table, labels: Column, weights: Column | None,
        team: Team = ALONE,
    ) -> None:  # fmt: skip
        self._options, self._table, self._team = options, table, team
        self._labels, self._weights = labels, weights
        self.num_features, self.dtype = table.shape[1], table.dtype
        survey = combine(team.together(lambda: list(self._surveys())))
        check_distinct_labels(survey.labels, survey.num_samples)
        self.classes = survey.labels
        self._factors = class_factors(
            options.class_weight, self.classes, lambda: add_up(survey.weights)
        )

    def _surveys(self) -> Iterator[Survey]:
        """Yield a survey of each piece of this member's labels."""
        is_balanced = self._options.class_weight == "balanced"
        own_first, own_end = own_rows(self._table.shape[0], LEAF_ROWS, self._team)
        for first in range(own_first, own_end, _SURVEYED_ROWS):
            end = min(first + _SURVEYED_ROWS, own_end)
            labels, codes = self._read_labels(first, end)
            sums = []
            if is_balanced:
                weights = self._read_weights(first, end)
                sums = weigh_labels(codes, weights, len(labels), first // LEAF_ROWS)
            yield Survey(labels, sums, end - first)

    def lay_out(self, first: Float64Array) -> Shards:
        """Lay out the samples, in a scratch file if there is a folder for it."""
        num_classes, options = len(self.classes), self._options
        band = band_rows(num_classes)
        own_first, own_end = own_rows(self._table.shape[0], band, self._team)
        is_weighted = self._weights is not None or self._factors is not None
        form = Form(self.num_features, num_classes, self.dtype, is_weighted)
        return of_team(
            self._team,
            lambda: lay_out_rows(
                lambda first, end: self._read(own_first + first, own_first + end),
                own_end - own_first, form, folder=options.scratch, n_threads=options.n_threads,
                first_band=own_first // band,
            ),
        )  # fmt: skip

    def _read(self, first: int, end: int) -> tuple[FloatArray, AnyArray, FloatArray | None]:
        labels, codes = self._read_labels(first, end)
        codes = codes_among(self.classes, labels, codes)
        weights = times_factors(
            self._read_weights(first, end), self._factors, codes, self.dtype, may_all_be_zero=True
        )
        return self._table.read(first, end), codes, weights

    def _read_labels(self, first: int, end: int) -> tuple[AnyArray, AnyArray]:
        """Return the distinct labels of some rows, and their codes."""
        labels = self._labels.read(first, end)
        _checks.refuse_missing(labels, "y", first)
        return encode(labels, "y")

    def _read_weights(self, first: int, end: int) -> FloatArray | None:
        return read_weights(self._weights, first, end, self.dtype)

    def refuse_infinite(self) -> None:
        """Do nothing: values that are not finite have been refused when they were read."""


def table_source(
    estimator: Any, options: Options, X: SamplesLike, y: ArrayLike,
    sample_weight: ArrayLike | None, team: Team = ALONE,
) -> TableSource:  # fmt: skip
    """Return the source of a fit on a table on the disk, checked; see `array_source`.

    Each member of a team reads its share of the rows, which fits into its memory if there is no
    `scratch`.
    """
    if options.scratch is None and team.size == 1:
        raise needs_scratch("X")
    table, labels, weights = team.agree(lambda: open_table(X, y, sample_weight))
    note_features(estimator, table.shape[1], table.names)
    return TableSource(options, table, labels, weights, team)


def note_features(estimator: Any, num_features: int, names: Sequence[str] | None) -> None:
    """Have an estimator take note of its features."""
    vars(estimator).pop("feature_names_in_", None)
    if names is not None:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    estimator.n_features_in_ = num_features
