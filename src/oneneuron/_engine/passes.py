"""Passes over samples: which kernel makes them, and with how many threads."""

from __future__ import annotations

from typing import TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from .._losses import Loss
from .._typing import Float64Array
from . import cores
from .dispatch import import_kernel
from .joined import JoinedPass
from .samples import Samples
from .sharing import Pass
from .sparse import SparsePass
from .sparse_samples import SparseSamples
from .turns import turn

# The sums of all chunks may take this share of the samples' memory, and this many bytes anyway.
_SHARE_OF_SUMS = 0.02
_LEAST_BYTES_OF_SUMS = 2**20

# There are at least this many chunks, where there are as many blocks: for threads to share, and for
# Python to get turns in between.
_LEAST_CHUNKS = 32

_MOST_THREADS_PER_CORE = 2

AnyPass: TypeAlias = Pass | SparsePass | JoinedPass


def make_pass(
    samples: Samples | SparseSamples, own_classes: ArrayLike, loss: Loss, *, softmax: bool = False,
    n_threads: int | None = None, level: str | None = None,
) -> AnyPass:  # fmt: skip
    """Return a pass over samples for K neurons.

    Parameters
    ----------
    samples : Samples or SparseSamples
    own_classes : array-like of shape (K,)
        The class that each neuron tells from the rest.
    loss : Loss
    softmax : bool, default False
        Whether the neurons are layers with a softmax, each with a neuron for each class, in order.
    n_threads : int, default None
        The largest number of threads to use. None means one for each core.
    level : str, default None
        The instruction set, one of `dispatch.available`. None means `dispatch.level`.

    Returns
    -------
    Pass or SparsePass
    """
    own_classes = np.ascontiguousarray(own_classes, dtype=np.int64)
    layer = samples.num_classes if softmax else 1
    if isinstance(samples, SparseSamples):
        return SparsePass(
            import_kernel("float64", level),
            samples.rows,
            samples.lanes,
            cast("Float64Array | None", samples.tiles.weights),
            samples.tiles.runs,
            samples.tiles.blocks,
            own_classes=own_classes,
            loss=loss.kernel_code,
            layer=layer,
            num_threads=as_num_threads(n_threads),
            turn=turn,
        )
    return Pass(
        import_kernel(samples.dtype.name, level),
        samples.values,
        samples.weights,
        samples.runs,
        samples.blocks,
        own_classes=own_classes,
        loss=loss.kernel_code,
        layer=layer,
        chunk_blocks=_chunk_blocks(samples, len(own_classes)),
        first_block=samples.first_block,
        num_threads=as_num_threads(n_threads),
        turn=turn,
    )


def as_num_threads(n_threads: int | None) -> int:
    """Return the number of threads to use: as many as asked for, but at most two for each core.

    None asks for one thread for each core.
    """
    available = cores.count()
    if n_threads is None:
        return available
    return min(n_threads, _MOST_THREADS_PER_CORE * available)


def _chunk_blocks(samples: Samples, num_neurons: int) -> int:
    """Return the number of blocks in a chunk: 1, or more if the sums of all blocks are too large.

    It is a power of two, and at most the number of blocks in a band.
    """
    num_bytes = 8 * num_neurons * (samples.num_features + 3) * len(samples.blocks)
    most_bytes = max(_LEAST_BYTES_OF_SUMS, _SHARE_OF_SUMS * samples.values.nbytes)
    most_blocks = min(samples.blocks_per_band, len(samples.blocks) // _LEAST_CHUNKS)
    blocks = 1
    while num_bytes > most_bytes * blocks and 2 * blocks <= most_blocks:
        blocks *= 2
    return blocks
