"""The data of the lecture."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.model_selection import train_test_split

from oneneuron.lecture import example1


def test_a_fifth_of_the_samples_is_held_out():
    train_pos, test_pos, train_value, test_value = example1.get_data(500, random_state=0)
    shapes = [a.shape for a in (train_pos, test_pos, train_value, test_value)]
    assert shapes == [(400, 2), (100, 2), (400,), (100,)]


def test_get_data_draws_from_numpys_global_state_by_default():
    np.random.seed(7)
    pos, value = make_blobs(50, centers=2, center_box=(-3, 3))
    expected = train_test_split(pos, value, test_size=0.2)
    np.random.seed(7)
    found = example1.get_data(50)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_random_state_equals_the_lectures_call_after_np_random_seed():
    np.random.seed(11)
    expected = example1.get_data(50)
    found = example1.get_data(50, random_state=11)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("n", "error"), [(4, ValueError), (-1, ValueError), (2.5, TypeError)])
def test_a_bad_n_raises(n, error):
    with pytest.raises(error, match="n must be"):
        example1.get_data(n)
