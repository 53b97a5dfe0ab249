"""All samples of a fit, in shards, wherever these are.

A shard holds whole bands (`shard.py`). A fit asks all of them for the same thing, and adds up what
they return. Only small arrays travel: parameters out, sums back. Results have the bits of a single
shard, since sums are added as a tree (`sums.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._losses import Loss
from .._typing import Float64Array
from .joined import JoinedPass
from .passes import AnyPass, as_num_threads, make_pass
from .samples import Samples, take_part
from .shard import Neurons, Shard
from .sparse_samples import SparseSamples
from .sums import Subtree, add_up


class Shards:
    """All samples of a fit. Subclasses know where the shards are.

    Parameters
    ----------
    num_features : int
        The number of features, d.
    num_classes : int
        The number of classes, including those without a sample.
    dtype : dtype
        The type of the values, float32 or float64.
    is_weighted : bool
        Whether samples have weights.

    Attributes
    ----------
    num_samples : int
        The number of samples, n.
    num_tiles : int
        The number of tiles in all shards.
    num_weighted : int
        The number of samples of positive weight.
    class_sizes : ndarray of shape (num_classes,), int64
        The number of samples of each class.
    class_weights : ndarray of shape (num_classes,), float64
        The total weight of each class.
    """

    def __init__(
        self, num_features: int, num_classes: int, dtype: np.dtype[np.floating], is_weighted: bool
    ) -> None:
        self.num_features, self.num_classes = num_features, num_classes
        self.dtype, self.is_weighted = dtype, is_weighted
        described = list(self.ask("describe"))
        self.num_samples = sum(shard.num_samples for shard in described)
        self.num_tiles = sum(shard.num_tiles for shard in described)
        self.num_weighted = sum(shard.num_weighted for shard in described)
        self.class_sizes: NDArray[np.int64] = sum(shard.class_sizes for shard in described)
        self.class_weights = add_up(chain.from_iterable(shard.class_weights for shard in described))

    @property
    def total_weight(self) -> float:
        """The total weight of all samples."""
        return math.fsum(self.class_weights)

    def ask(self, method: str, *arguments: Any) -> Iterable[Any]:
        """Call a method of each shard, and return the results in the order of the samples."""
        raise NotImplementedError

    def subtrees(self, method: str, *arguments: Any) -> Iterable[Subtree]:
        """Call a method that returns subtrees, and return those of all shards, in order."""
        return chain.from_iterable(self.ask(method, *arguments))

    def add_up(self, method: str, *arguments: Any) -> Float64Array:
        """Call a method that returns subtrees, and return the sum over all samples."""
        return add_up(self.subtrees(method, *arguments))

    def take_part(self, every: int) -> Shards:
        """Return a part of the samples that stands for all of them; see `samples.take_part`."""
        raise NotImplementedError

    def make_pass(self, neurons: Neurons) -> AnyPass:
        """Return a pass over all samples."""
        num_neurons = len(neurons.own_classes)
        layer = self.num_classes if neurons.softmax else 1

        def sums(parameters: Float64Array, active: NDArray[np.uint8]) -> Float64Array:
            return self.add_up("sums", neurons, parameters, active)

        return JoinedPass(sums, num_neurons // layer, layer, self.num_features)


class InMemory(Shards):
    """Shards in the memory of this process.

    Parameters
    ----------
    samples : sequence of Samples
        The samples of each shard, in order; at least one.
    n_threads : int, default None
        The largest number of threads to use. None means one for each core.
    level : str, default None
        The instruction set, one of `dispatch.available`. None means `dispatch.level`.
    """

    def __init__(
        self, samples: Sequence[Samples], n_threads: int | None = None, level: str | None = None
    ) -> None:
        self._options = as_num_threads(n_threads), level
        self._shards = [Shard(shard, *self._options) for shard in samples]
        first = samples[0]
        super().__init__(
            first.num_features, first.num_classes, first.dtype, first.weights is not None
        )

    def ask(self, method: str, *arguments: Any) -> Iterable[Any]:
        """Call a method of each shard, and return the results in the order of the samples."""
        return (getattr(shard, method)(*arguments) for shard in self._shards)

    def take_part(self, every: int) -> InMemory:
        """Return a part of the samples that stands for all of them; see `samples.take_part`."""
        parts = [take_part(shard.samples, every) for shard in self._shards]
        return InMemory(parts, *self._options)

    def make_pass(self, neurons: Neurons) -> AnyPass:
        """Return a pass over all samples: over a single shard, one without Python in between."""
        if len(self._shards) > 1:
            return super().make_pass(neurons)
        return self._shards[0].make_pass(neurons)


AnySamples: TypeAlias = Shards | SparseSamples


def pass_over(
    samples: AnySamples, own_classes: ArrayLike, loss: Loss, *, softmax: bool = False,
    n_threads: int | None = None,
) -> AnyPass:  # fmt: skip
    """Return a pass over samples for K neurons.

    Parameters
    ----------
    samples : Shards or SparseSamples
    own_classes : array-like of shape (K,)
        The class that each neuron tells from the rest.
    loss : Loss
    softmax : bool, default False
        Whether the neurons are layers with a softmax, each with a neuron for each class, in order.
    n_threads : int, default None
        The largest number of threads for sparse samples; shards know theirs.

    Returns
    -------
    Pass, SparsePass or JoinedPass
    """
    if isinstance(samples, SparseSamples):
        return make_pass(samples, own_classes, loss, softmax=softmax, n_threads=n_threads)
    classes = tuple(np.asarray(own_classes).tolist())
    return samples.make_pass(Neurons(classes, loss.name, softmax))
