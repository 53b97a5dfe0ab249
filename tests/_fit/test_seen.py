"""The memory of `partial_fit`: rounds over the pieces, and the share of each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneneuron._fit.seen import Seen

RNG = np.random.default_rng(0)
X, CODES = RNG.standard_normal((3000, 5)), RNG.integers(0, 3, 3000)


def after(pieces, X=X, codes=CODES, weights=None, fitted=0.0):
    """Return what is remembered after these pieces."""
    seen = Seen(fitted)
    for rows in pieces:
        u = None if weights is None else weights[rows]
        seen = seen.with_piece(X[rows], codes[rows], u)
    return seen


def pieces_of(n, size, seed=None):
    order = np.arange(n) if seed is None else np.random.default_rng(seed).permutation(n)
    return np.split(order, np.arange(size, n, size))


@given(size=st.integers(1, 40), num_rounds=st.integers(1, 4), data=st.data())
def test_rounds_over_the_same_samples_are_counted_in_any_order(size, num_rounds, data):
    seeds = data.draw(st.lists(st.integers(0, 99), min_size=num_rounds, max_size=num_rounds))
    pieces = [piece for seed in seeds for piece in pieces_of(40, size, seed)]
    found = after(pieces)
    assert found.rounds == num_rounds and found.weight == 40 * num_rounds
    assert found.share == pytest.approx(len(pieces[-1]) / 40)


def test_new_samples_are_not_rounds():
    found = after(pieces_of(3000, 64))
    assert found.rounds == 1 and found.share == (3000 % 64) / 3000


def test_more_samples_than_are_remembered_have_the_same_rounds():
    assert after([*pieces_of(3000, 500, 0), *pieces_of(3000, 500, 1)]).rounds == 2
    assert len(after([range(3000)]).hashes) == 1024


def test_a_few_new_samples_in_a_late_round_do_not_change_the_rounds():
    assert after([*pieces_of(100, 10) * 5, range(100, 105)]).rounds == 5


def test_samples_that_many_pieces_have_do_not_count_as_rounds():
    rows = X.copy()
    rows[:2000] = rows[0]  # two thirds are copies of one sample
    assert after(pieces_of(3000, 50, 0), X=rows, codes=CODES * 0).rounds == 1


def test_the_first_piece_is_the_whole():
    assert Seen().rounds == 1 and after([range(7)]).share == 1.0


def test_samples_of_a_fit_count_once():
    assert after([range(10)], fitted=90.0).share == 0.1


def test_samples_of_weight_0_are_not_seen():
    weights = np.ones(10)
    weights[4:] = 0.0
    found = after([range(10)], weights=weights)
    assert found.weight == 4.0 and len(found.hashes) == 4


def test_the_same_features_with_another_label_are_another_sample():
    assert len(after([range(5), range(5)], codes=np.arange(3000) // 5).hashes) == 5
    assert len(after([[0], [0, 1]], X=X * 0.0, codes=np.arange(3000)).hashes) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_different_samples_have_different_hashes_and_minus_0_that_of_0(dtype):
    grid = np.stack(np.meshgrid([-1.0, -0.0, 0.0, 1.0, 2.0], [3, 4, 5, 6]), -1).reshape(-1, 2)
    found = after([range(20)], X=grid.astype(dtype), codes=np.zeros(20, int))
    assert len(found.hashes) == 16
