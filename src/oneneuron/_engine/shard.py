"""A shard: samples of whole bands in one place, and all that is computed from them there.

The methods are what `Shards.ask` can ask for. Their arguments and results are small, and can be
sent to another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._losses import LOSSES, LossName
from .._typing import Float64Array
from .dispatch import import_moments
from .passes import make_pass
from .samples import Samples, weigh_bands
from .sharing import Pass
from .sums import Subtree, subtrees_of
from .turns import turn

moments = import_moments()

# Ctrl-C waits for a call of compiled code to end. This many multiplications take about 40 ms.
_WORK_PER_CALL = 1e8


class Neurons(NamedTuple):
    """The neurons of a pass.

    Attributes
    ----------
    own_classes : tuple of int
        The class of each neuron.
    loss : {"quadratic", "log"}
    softmax : bool
        Whether they are layers with a softmax.
    """

    own_classes: tuple[int, ...]
    loss: LossName
    softmax: bool


class Scale(NamedTuple):
    """Facts about all samples, which the second moments of a shard depend on.

    Attributes
    ----------
    unit : float
        The power of two that sample weights are divided by.
    tiles_per_weight : float
        The number of tiles, divided by the total weight in this unit.
    """

    unit: float
    tiles_per_weight: float


class Description(NamedTuple):
    """Numbers of samples in a shard, and their weights.

    Attributes
    ----------
    num_samples : int
    num_tiles : int
    num_weighted : int
        The number of samples of positive weight.
    class_sizes : ndarray of shape (num_classes,), int64
        The number of samples of each class.
    class_weights : list of Subtree
        The total weight of each class, (num_classes,), by bands.
    """

    num_samples: int
    num_tiles: int
    num_weighted: int
    class_sizes: NDArray[np.int64]
    class_weights: list[Subtree]


class Shard:
    """Samples of whole bands, and the sums over them.

    Parameters
    ----------
    samples : Samples
    num_threads : int
        The largest number of threads to use.
    level : str or None
        The instruction set of the kernel, one of `dispatch.available`. None means
        `dispatch.level`.
    """

    def __init__(self, samples: Samples, num_threads: int, level: str | None = None) -> None:
        self.samples = samples
        self._num_threads, self._level = num_threads, level
        self._passes: dict[Neurons, Pass] = {}

    def describe(self) -> Description:
        """Return a summary of the samples."""
        samples = self.samples
        num_weighted = samples.num_samples
        if samples.weights is not None:
            num_weighted = int(np.count_nonzero(samples.weights))
        weights = subtrees_of(samples.first_band, weigh_bands(samples))
        return Description(
            samples.num_samples, len(samples.values), num_weighted, samples.class_sizes, weights
        )

    def make_pass(self, neurons: Neurons) -> Pass:
        """Return a pass over the samples."""
        made = make_pass(
            self.samples, neurons.own_classes, LOSSES[neurons.loss], softmax=neurons.softmax,
            n_threads=self._num_threads, level=self._level,
        )  # fmt: skip
        assert isinstance(made, Pass)
        return made

    def sums(
        self, neurons: Neurons, parameters: Float64Array, active: NDArray[np.uint8]
    ) -> list[Subtree]:
        """Make a pass; see `Pass.sums`."""
        if neurons not in self._passes:
            self._passes[neurons] = self.make_pass(neurons)
        return self._passes[neurons].sums(parameters, active)

    # --- Second moments ---

    def heaviest_tile(self) -> tuple[float, Float64Array]:
        """Return the largest weight of a tile, and the means of its features, of shape (d,)."""
        means = np.empty(self.samples.num_features)
        weight = self._tiles(Scale(1.0, 0.0)).choose_shifts(means)
        return weight, means

    def deviations(self, scale: Scale, shifts: Float64Array) -> list[Subtree]:
        """Return the sums of the deviations from the shifts and of their squares, (2, d)."""
        samples = self.samples
        bands = samples.band_runs
        out = np.empty((len(bands) - 1, 2, samples.num_features))
        self._tiles(scale).measure(shifts, bands, self._num_threads, turn, out)
        return subtrees_of(samples.first_band, out)

    def products(
        self, scale: Scale, every: int, found: Float64Array | None, centred: bool, with_ones: bool
    ) -> Iterator[Subtree]:
        """Yield the sums of products of all pairs of features, as upper triangles, for each band.

        Parameters
        ----------
        scale : Scale
        every : int
            With k, about one tile in k is taken, and its weights are raised in proportion.
        found : ndarray of shape (4, d) or None
            The moments, if features are scaled.
        centred : bool
            Whether features are centred, too.
        with_ones : bool
            Whether to add a column of ones after the features.
        """
        tiles = self._tiles(scale)
        side = -(-(self.samples.num_features + with_ones) // 8) * 8

        def add(first: int, end: int, out: Float64Array) -> None:
            tiles.add_products(first, end, every, found, centred, with_ones, out)

        return self._bands((side, side), side * side // (2 * every) + 1, add)

    def products_with(self, scale: Scale, intercept: float, x: Float64Array) -> Iterator[Subtree]:
        """Yield Z^T U Z x for each band; `intercept`, 1 or 0, is the last column of Z."""
        tiles = self._tiles(scale)

        def add(first: int, end: int, out: Float64Array) -> None:
            tiles.add_product_with(first, end, intercept, x, out)

        return self._bands(x.shape, 2 * len(x), add)

    def _tiles(self, scale: Scale) -> Any:
        samples = self.samples
        return moments.Tiles(
            samples.values, samples.weights, samples.runs, 1 / scale.unit, scale.tiles_per_weight
        )

    def _bands(
        self, shape: tuple[int, ...], work_per_sample: int,
        add: Callable[[int, int, Float64Array], None],
    ) -> Iterator[Subtree]:  # fmt: skip
        """Yield the sum of each band. ``add(first, end, out)`` adds the sums of some runs."""
        samples = self.samples
        bands = samples.band_runs.tolist()
        work_per_run = work_per_sample * samples.num_samples / len(samples.runs)
        step = max(1, int(_WORK_PER_CALL / work_per_run))
        for band, (first, end) in enumerate(pairwise(bands)):
            out = np.zeros(shape)
            for run in range(first, end, step):
                add(run, min(run + step, end), out)
            yield samples.first_band + band, 1, out
