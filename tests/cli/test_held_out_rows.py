"""The choice of the rows that are held out."""

import numpy as np
import pytest

from oneneuron.cli._held_out_rows import held_out_folds, held_out_fraction


def make_codes(seed, most=60):
    """Return codes of classes of very different sizes, each of which occurs."""
    rng = np.random.default_rng(seed)
    sizes = np.maximum(1, rng.exponential(rng.integers(1, most), rng.integers(2, 8))).astype(int)
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes))


@pytest.mark.parametrize("seed", range(40))
def test_as_many_rows_are_held_out_as_asked_for_while_each_class_keeps_one(seed):
    codes = make_codes(seed)
    for fraction in (0.01, 0.2, 0.5, 0.99):
        if len(codes) == codes.max() + 1:
            continue
        held_out = held_out_fraction(codes, fraction, seed)
        most = len(codes) - codes.max() - 1
        assert len(held_out) == min(np.ceil(fraction * len(codes)), most)
        assert (np.diff(held_out) > 0).all()
        assert set(np.delete(codes, held_out)) == set(codes)


@pytest.mark.parametrize("seed", range(20))
def test_each_class_is_held_out_in_proportion_to_its_size(seed):
    codes = make_codes(seed, 2000)
    held_out = held_out_fraction(codes, 0.2, seed)
    counts = np.bincount(codes)
    np.testing.assert_array_less(
        np.abs(np.bincount(codes[held_out], minlength=len(counts)) - 0.2 * counts), 2.0
    )


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("num_folds", [2, 3, 5])
def test_folds_hold_out_each_row_once_while_training_sees_each_class(seed, num_folds):
    codes = np.append(make_codes(seed), np.zeros(num_folds, int))
    folds = held_out_folds(codes, num_folds, seed)
    alone = np.flatnonzero(np.bincount(codes)[codes] == 1)
    found = np.sort(np.concatenate([alone, *folds]))
    np.testing.assert_array_equal(found, np.arange(len(codes)))
    for held_out in folds:
        assert set(np.delete(codes, held_out)) == set(codes)
        for code, count in enumerate(np.bincount(codes)):
            if count > 1:
                assert abs((codes[held_out] == code).sum() - count / num_folds) < 1


def test_another_seed_holds_out_other_rows():
    codes = np.arange(100) % 2
    chosen = {tuple(held_out_fraction(codes, 0.1, seed)) for seed in range(10)}
    assert len(chosen) == 10


@pytest.mark.parametrize("hold_out", [held_out_fraction, held_out_folds])
def test_rows_each_of_a_class_of_its_own_are_refused(hold_out):
    with pytest.raises(ValueError, match="found 3 rows, each of a class of its own: choose"):
        hold_out(np.array([0, 1, 2]), 2, 0)


def test_more_folds_than_rows_are_refused():
    with pytest.raises(ValueError, match=r"--cv must be at most 4, .* found 5: choose fewer"):
        held_out_folds(np.array([0, 0, 1, 1, 2]), 5, 0)
