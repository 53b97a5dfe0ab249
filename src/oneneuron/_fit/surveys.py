"""Surveys of all labels, before samples are laid out: the classes and their weights.

Labels that are read in pieces, or that lie in several places, are surveyed piece by piece, and the
surveys are combined. The result has the same bits as a survey of all labels at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._engine.sums import Subtree, join, subtrees_of
from .._typing import AnyArray, Float64Array, FloatArray
from .classes import encode

# The weights of the labels are added as a tree whose leaves are this many rows.
LEAF_ROWS = 2**14


class Survey(NamedTuple):
    """The labels of a piece.

    Attributes
    ----------
    labels : ndarray of shape (num_labels,)
        The distinct labels, sorted.
    weights : list of Subtree
        The total weight of each label, (num_labels,), as subtrees of leaves of `LEAF_ROWS` rows.
    num_samples : int
    """

    labels: AnyArray
    weights: list[Subtree]
    num_samples: int


def weigh_labels(
    codes: AnyArray, sample_weight: FloatArray | None, num_labels: int, first_leaf: int = 0
) -> list[Subtree]:
    """Return the total weight of each label, as subtrees.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        The index of each sample's label.
    sample_weight : ndarray of shape (n,) or None
    num_labels : int
    first_leaf : int, default 0
        The number of leaves before these samples.
    """
    leaves: list[Float64Array] = []
    for first in range(0, len(codes), LEAF_ROWS):
        rows = slice(first, first + LEAF_ROWS)
        weights = None if sample_weight is None else sample_weight[rows]
        leaves.append(np.bincount(codes[rows], weights, num_labels).astype(np.float64, copy=False))
    return subtrees_of(first_leaf, np.array(leaves).reshape(len(leaves), num_labels))


def combine(of_members: Sequence[Sequence[Survey]]) -> Survey:
    """Return the survey of all pieces.

    Parameters
    ----------
    of_members : sequence of sequences of Survey
        Those of each member of a team, in the order of the samples. Surveys without samples do not
        matter.

    Raises
    ------
    TypeError
        If some pieces have numbers as labels and others have strings.
    """
    surveys = [survey for own in of_members for survey in own if survey.num_samples > 0]
    if len({survey.labels.dtype.kind in "biuf" for survey in surveys}) > 1:
        raise TypeError("y must hold labels of one kind, such as numbers or strings.")
    labels, codes = encode(np.concatenate([survey.labels for survey in surveys]), "y")
    ends = np.cumsum([len(survey.labels) for survey in surveys])
    weights = []
    for survey, own_codes in zip(surveys, np.split(codes, ends[:-1]), strict=True):
        for first, size, own in survey.weights:
            among_all = np.zeros(len(labels))
            among_all[own_codes] = own
            weights.append((first, size, among_all))
    return Survey(labels, join(weights), sum(survey.num_samples for survey in surveys))
