"""All samples of a fit, in shards, wherever these are.

A shard holds whole bands (`shard.py`). A fit asks all of them for the same thing, and adds up what
they return. Only small arrays travel: parameters out, sums back. Results have the bits of a single
shard, since sums are added as a tree (`sums.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._losses import Loss
from .._typing import Float64Array
from .joined import JoinedPass
from .passes import AnyPass, as_num_threads, make_pass
from .samples import Samples, take_part
from .shard import Neurons, Shard
from .sparse_samples import SparseSamples
from .sums import Subtree, add_up, join
from .team import Team


class Form(NamedTuple):
    """The form of the samples of a fit, which is the same in all shards.

    Attributes
    ----------
    num_features : int
        The number of features, d.
    num_classes : int
        The number of classes, including those without a sample.
    dtype : dtype
        The type of the values, float32 or float64.
    is_weighted : bool
        Whether samples have weights.
    """

    num_features: int
    num_classes: int
    dtype: np.dtype[np.floating]
    is_weighted: bool

    @classmethod
    def of(cls, samples: Samples) -> Form:
        """Return the form of some samples."""
        is_weighted = samples.weights is not None
        return cls(samples.num_features, samples.num_classes, samples.dtype, is_weighted)


class Shards:
    """All samples of a fit. Subclasses know where the shards are.

    Parameters
    ----------
    form : Form

    Attributes
    ----------
    form : Form
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

    def __init__(self, form: Form) -> None:
        self.form = form
        described = list(self.ask("describe"))
        self.num_samples = sum(shard.num_samples for shard in described)
        self.num_tiles = sum(shard.num_tiles for shard in described)
        self.num_weighted = sum(shard.num_weighted for shard in described)
        none = np.zeros(form.num_classes, np.int64)
        self.class_sizes: NDArray[np.int64] = sum((s.class_sizes for s in described), none)
        self.class_weights = none.astype(np.float64)
        if described:
            self.class_weights = add_up(
                chain.from_iterable(shard.class_weights for shard in described)
            )

    @property
    def num_features(self) -> int:
        """The number of features, d."""
        return self.form.num_features

    @property
    def num_classes(self) -> int:
        """The number of classes, including those without a sample."""
        return self.form.num_classes

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """The type of the values, float32 or float64."""
        return self.form.dtype

    @property
    def is_weighted(self) -> bool:
        """Whether the samples have weights."""
        return self.form.is_weighted

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

    @property
    def form_of_part(self) -> Form:
        """The form of `take_part`, whose samples always have weights."""
        return self.form._replace(is_weighted=True)

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
        The samples of each shard, in order.
    n_threads : int, default None
        The largest number of threads to use. None means one for each core.
    level : str, default None
        The instruction set, one of `dispatch.available`. None means `dispatch.level`.
    form : Form, default None
        The form of the samples. It must be given if there are none.
    """

    def __init__(
        self, samples: Sequence[Samples], n_threads: int | None = None, level: str | None = None,
        form: Form | None = None,
    ) -> None:  # fmt: skip
        self._options = as_num_threads(n_threads), level
        self._shards = [Shard(shard, *self._options) for shard in samples]
        super().__init__(Form.of(samples[0]) if form is None else form)

    def ask(self, method: str, *arguments: Any) -> Iterable[Any]:
        """Call a method of each shard, and return the results in the order of the samples."""
        return (getattr(shard, method)(*arguments) for shard in self._shards)

    def take_part(self, every: int) -> InMemory:
        """Return a part of the samples that stands for all of them; see `samples.take_part`."""
        parts = list(take_parts((shard.samples for shard in self._shards), every))
        return InMemory(parts, *self._options, form=self.form_of_part)

    def make_pass(self, neurons: Neurons) -> AnyPass:
        """Return a pass over all samples: over a single shard, one without Python in between."""
        if len(self._shards) != 1:
            return super().make_pass(neurons)
        return self._shards[0].make_pass(neurons)


class OnTeam(Shards):
    """Shards that the members of a team hold, each its own.

    Parameters
    ----------
    team : Team
    local : Shards
        The shards of this member, which may be none.
    """

    def __init__(self, team: Team, local: Shards) -> None:
        self._team, self._local = team, local
        super().__init__(local.form)

    def ask(self, method: str, *arguments: Any) -> Iterable[Any]:
        """Call a method of each shard, and return the results in the order of the samples."""
        results = self._team.together(lambda: list(self._local.ask(method, *arguments)))
        return chain.from_iterable(results)

    def subtrees(self, method: str, *arguments: Any) -> Iterable[Subtree]:
        """Call a method that returns subtrees, and return those of all shards, in order."""
        results = self._team.together(lambda: join(self._local.subtrees(method, *arguments)))
        return chain.from_iterable(results)

    def take_part(self, every: int) -> OnTeam:
        """Return a part of the samples that stands for all of them; see `samples.take_part`."""
        return OnTeam(self._team, self._team.agree(lambda: self._local.take_part(every)))


def take_parts(pieces: Iterable[Samples], every: int) -> Iterator[Samples]:
    """Yield the part of each piece that has any; see `samples.take_part`."""
    for samples in pieces:
        part = take_part(samples, every)
        if len(part.values) > 0:
            yield part


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
