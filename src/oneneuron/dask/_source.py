"""The samples of a fit on arrays and frames of Dask: surveyed, cut into bands, and laid out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any

import dask.array as da
import numpy as np
from dask import delayed
from dask.delayed import Delayed
from sklearn.utils.validation import validate_data

from .. import _checks
from .._engine.samples import Samples, band_rows, lay_out
from .._engine.shards import Form
from .._engine.sums import add_up
from .._fit.classes import class_factors, codes_among, encode, times_factors
from .._fit.options import Options
from .._fit.sources import note_features
from .._fit.surveys import LEAF_ROWS, Survey, combine, weigh_labels
from .._fit.validation import check_distinct_labels
from .._laying_out import refuse_total_weight
from .._typing import AnyArray, Float64Array, FloatArray
from ._arrays import Arrays, as_arrays, is_array
from ._workers import OnWorkers, Workers

# Labels are surveyed this many rows at a time.
_SURVEYED_ROWS = 64 * LEAF_ROWS

# A task lays out about this many bytes. A pass over them takes milliseconds, beside which the call
# of a pass is nothing.
_PIECE_BYTES = 2**25


class DaskSource:
    """Arrays of Dask as a source of samples.

    Parameters
    ----------
    options : Options
    arrays : Arrays
    feature_names : sequence of str or None
    workers : Workers
    """

    def __init__(
        self, options: Options, arrays: Arrays, feature_names: Sequence[str] | None,
        workers: Workers,
    ) -> None:  # fmt: skip
        self._options, self._arrays, self._workers = options, arrays, workers
        self._feature_names = feature_names
        self._num_samples, self.num_features = arrays.X.shape
        self.dtype = arrays.X.dtype
        survey = combine([self._surveys()])
        check_distinct_labels(survey.labels, survey.num_samples)
        self._labels = self.classes = survey.labels
        if arrays.label_type.kind in "US":
            self.classes = survey.labels.astype(arrays.label_type.kind)
        self._factors = class_factors(
            options.class_weight, self.classes, lambda: add_up(survey.weights)
        )

    def _surveys(self) -> list[Survey]:
        """Return the surveys of all labels, in pieces of whole leaves."""
        first_rows = list(range(0, self._num_samples, _SURVEYED_ROWS))
        survey = delayed(_survey, pure=False)
        rows = self._cut(first_rows, self._arrays.y, self._arrays.sample_weight)
        return self._workers.compute(list(map(survey, first_rows, *rows)))

    def lay_out(self, first: Float64Array) -> OnWorkers:
        """Lay out the samples, and have the workers hold them."""
        is_weighted = self._arrays.sample_weight is not None or self._factors is not None
        form = Form(self.num_features, len(self.classes), self.dtype, is_weighted)
        self._workers.hold(self._pieces(), form, self._options.n_threads)
        samples = OnWorkers(self._workers, form)
        refuse_total_weight(samples)
        return samples

    def _pieces(self) -> dict[str, list[Delayed]]:
        """Return the tasks that lay out a contiguous range of bands on each worker."""
        band = band_rows(len(self.classes))
        step = max(1, _PIECE_BYTES // (band * self.num_features * self.dtype.itemsize))
        threads = self._workers.threads()
        ends = _shares(-(-self._num_samples // band), list(threads.values()))
        first_rows = {
            address: [band * number for number in range(first, end, step)]
            for address, first, end in zip(threads, [0, *ends[:-1]], ends, strict=True)
        }
        in_order = [row for own in first_rows.values() for row in own]
        lay_out = delayed(
            partial(_laid_out, self._labels, self._factors, self._feature_names, self.dtype),
            pure=False,
        )
        tasks = map(lay_out, in_order, *self._cut(in_order, *self._arrays.columns))
        return {
            address: list(islice(tasks, len(own))) for address, own in first_rows.items() if own
        }

    def _cut(self, first_rows: Sequence[int], *arrays: da.Array | None) -> list[list[Any]]:
        """Return the pieces that begin at the given rows, for each of the arrays that are there."""
        lengths = tuple(np.diff([*first_rows, self._num_samples]).tolist())
        cut = []
        for array in arrays:
            if array is None:
                cut.append([None] * len(lengths))
                continue
            # The other method, p2p, would choose workers itself.
            pieces = array.rechunk({0: lengths}, method="tasks").to_delayed(optimize_graph=False)
            cut.append(list(pieces.ravel()))
        return cut

    def refuse_infinite(self) -> None:
        """Do nothing: values that are not finite have been refused when they were laid out."""


def dask_source(
    estimator: Any, options: Options, X: Any, y: Any, sample_weight: Any, workers: Workers
) -> DaskSource:
    """Return the source of a fit on an array or a frame of Dask, checked.

    Parameters
    ----------
    estimator : NeuronClassifier
        It takes note of the number and the names of the features.
    options : Options
    X, y, sample_weight
        As they were passed to `fit`.
    workers : Workers
    """
    arrays = as_arrays(workers, X, y, sample_weight)
    if arrays.X.shape[1] == 0:
        raise ValueError("X must have at least one feature, found none.")
    if is_array(X):
        note_features(estimator, arrays.X.shape[1], None)
    else:
        validate_data(estimator, X._meta, skip_check_array=True)
    names = getattr(estimator, "feature_names_in_", None)
    return DaskSource(options, arrays, names, workers)


def _shares(number: int, threads: Sequence[int]) -> list[int]:
    """Return the ends of contiguous ranges of things, divided among workers by their threads."""
    ends = number * np.cumsum(threads) // sum(threads)
    shares: list[int] = ends.tolist()
    return shares


# --- Tasks ---


def _survey(first_row: int, y: AnyArray, sample_weight: FloatArray | None) -> Survey:
    labels, codes = encode(y, "y")
    sums = weigh_labels(codes, sample_weight, len(labels), first_row // LEAF_ROWS)
    return Survey(labels, sums, len(y))


def _laid_out(
    classes: AnyArray, factors: Float64Array | None, feature_names: Sequence[str] | None,
    dtype: np.dtype[np.floating], first_row: int, X: FloatArray, y: AnyArray,
    sample_weight: FloatArray | None,
) -> Samples:  # fmt: skip
    _checks.refuse_non_finite(X, "X", first_row, feature_names)
    codes = codes_among(classes, *encode(y, "y"))
    weights = times_factors(sample_weight, factors, codes, dtype, may_all_be_zero=True)
    first_band = first_row // band_rows(len(classes))
    return lay_out(X, codes, len(classes), weights, first_band=first_band)
