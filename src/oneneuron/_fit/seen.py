"""The memory of `partial_fit`: which pieces it has seen, and how often."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray

# The samples that are remembered, those with the smallest hashes: a random choice, and always the
# same one.
_REMEMBERED = 1024

# The share of the remembered samples that may have been seen less often than in every round: new
# ones, and those that the current round has not yet come to.
_NEW = 0.1

# Sparse samples are hashed in slabs of about this number of values, which needs little memory.
_SLAB_VALUES = 2**16


class Seen(NamedTuple):
    """The pieces seen so far, and how often some of their samples were among them.

    The cost of a piece contains only a part of the penalty, so that the penalties of all pieces add
    up to that of a fit. The pieces may come again in rounds, in any order and with other samples in
    each. Hence some samples are remembered, to count the rounds.

    Attributes
    ----------
    fitted : float
        The weight of the samples of a fit that came before.
    weight : float
        The sum of the weights of all pieces.
    last : float
        The weight of the last piece.
    hashes : ndarray of shape (k,), uint64
        The hashes of the remembered samples, sorted.
    counts : ndarray of shape (k,), int64
        How many pieces had each of them.
    """

    fitted: float = 0.0
    weight: float = 0.0
    last: float = 0.0
    hashes: NDArray[np.uint64] = np.empty(0, np.uint64)
    counts: NDArray[np.int64] = np.empty(0, np.int64)

    @property
    def rounds(self) -> int:
        """The number of pieces that at least nine tenths of the remembered samples were in.

        So a sample that occurs in many pieces does not count, nor do a few new ones.
        """
        return int(np.sort(self.counts)[int(_NEW * len(self.counts))]) if len(self.counts) else 1

    @property
    def share(self) -> float:
        """The share of the last piece in the weight of all different samples."""
        return self.last / max(self.last, self.fitted + self.weight / self.rounds)

    def with_piece(
        self, X: FloatArray, codes: NDArray[np.integer[Any]], sample_weight: FloatArray | None
    ) -> Seen:
        """Return what is remembered after another piece.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n, d)
            If it is sparse, in canonical format.
        codes : ndarray of shape (n,)
        sample_weight : ndarray of shape (n,), or None
            Samples of weight 0 are not seen.
        """
        weight = float(X.shape[0])
        if sample_weight is not None:
            weight = float(sample_weight.sum(dtype=np.float64))
            X, codes = X[sample_weight > 0.0], codes[sample_weight > 0.0]
        hashes, places = np.unique(
            np.concatenate([self.hashes, np.unique(_hashes(X, codes))]), return_inverse=True
        )
        counts = np.bincount(places[: len(self.counts)], self.counts, len(hashes))
        counts += np.bincount(places[len(self.counts) :], minlength=len(hashes))
        return Seen(
            self.fitted, self.weight + weight, weight, hashes[:_REMEMBERED],
            counts[:_REMEMBERED].astype(np.int64),
        )  # fmt: skip


def _hashes(X: FloatArray, codes: NDArray[np.integer[Any]]) -> NDArray[np.uint64]:
    """Return a hash of 32 bits for each sample and its label.

    It is the upper half of a sum of products with random factors (multilinear hashing), to which
    zeros add nothing. So it does not matter whether they are stored.
    """
    words_per_value = X.dtype.itemsize // 4
    num_words = words_per_value * X.shape[1]
    factors = np.random.default_rng(0).integers(2**64, size=num_words + 1, dtype=np.uint64)
    if not isinstance(X, np.ndarray):
        sums = _sums_of_rows(X, factors[1:].reshape(X.shape[1], words_per_value))
    else:
        # Unlike a product with @, einsum needs no copy of the words in 64 bits.
        sums = np.einsum("ij,j->i", _words(X), factors[1:])
    sums += codes.astype(np.uint64) * factors[0]
    hashes: NDArray[np.uint64] = sums >> np.uint64(32)
    return hashes


def _words(values: FloatArray) -> NDArray[np.uint32]:
    """Return the 32-bit words of the values, with 0.0 in place of -0.0, which equals it."""
    words: NDArray[np.uint32] = np.ascontiguousarray(values + 0.0).view(np.uint32)
    return words


def _sums_of_rows(X: Any, factors: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the sum of words times factors for each row of a sparse matrix, modulo 2^64."""
    num_rows, starts = X.shape[0], X.indptr
    sums = np.empty(num_rows, np.uint64)
    step = max(1, _SLAB_VALUES * num_rows // max(1, len(X.data)))
    for first in range(0, num_rows, step):
        ends = starts[first : first + step + 1] - starts[first]
        slab = slice(starts[first], starts[first] + ends[-1])
        words = _words(X.data[slab]).reshape(ends[-1], -1)
        products = np.einsum("ij,ij->i", words, factors[X.indices[slab]])
        running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(products, dtype=np.uint64)])
        sums[first : first + step] = running[ends[1:]] - running[ends[:-1]]
    return sums
