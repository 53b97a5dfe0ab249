"""The layout of the samples for the kernel, read back sample by sample."""

import numpy as np
import pytest
from helpers import read_only
from hypothesis import given, settings
from hypothesis import strategies as st

from oneneuron._engine import tiles
from oneneuron._engine.dispatch import import_kernel
from oneneuron._engine.tiles import aligned_empty, lay_out


def columns(values):
    """Turn tiles of shape (num_tiles, d, tile) into an array of shape (num_lanes, d)."""
    return values.transpose(0, 2, 1).reshape(-1, values.shape[1])


def read_back(laid_out, positives, negatives):
    """Return the samples of class 1 and of class 0 without their signs, and the empty lanes."""
    both = laid_out.values[: laid_out.num_positive], laid_out.values[laid_out.num_positive :]
    counts = positives, negatives
    samples = [
        sign * columns(part)[:count]
        for sign, part, count in zip((1, -1), both, counts, strict=True)
    ]
    rest = [columns(part)[count:] for part, count in zip(both, counts, strict=True)]
    return *samples, np.concatenate(rest)


def draw_samples(seed, n, d, dtype=np.float64, share=0.5):
    """Return samples, and labels that are 1 with the probability `share`."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)).astype(dtype), (rng.random(n) < share).astype(int)


def laid_out(X, y, sample_weight=None):
    """Lay out samples in memory that holds NaN wherever nothing is written."""

    def poisoned(shape, dtype):
        found = aligned_empty(shape, dtype)
        found.fill(np.nan)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "aligned_empty", poisoned)
        return lay_out(X, y, sample_weight, import_kernel(X.dtype.name))


def as_field(X):
    records = np.zeros(len(X), [("label", "u1"), ("x", X.dtype, X.shape[1:])])
    records["x"] = X
    return records["x"]


LAYOUTS = {
    "c": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda X: X[::-1].copy()[::-1],
    "columns reversed": lambda X: X[:, ::-1].copy()[:, ::-1],
    "read-only": read_only,
    "field of records, unaligned": as_field,
}


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 300), d=st.integers(1, 9),
    dtype=st.sampled_from([np.float32, np.float64]), share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    layout=st.sampled_from(sorted(LAYOUTS)), slab_bytes=st.sampled_from([1, 1000, 2**20]),
)  # fmt: skip
def test_every_sample_is_laid_out_once_in_order_times_the_sign_of_its_class(
    seed, n, d, dtype, share, layout, slab_bytes
):
    X, y = draw_samples(seed, n, d, dtype, share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "_SLAB_BYTES", slab_bytes)
        found = laid_out(LAYOUTS[layout](X), y)
    ones, zeros, rest = read_back(found, np.sum(y == 1), np.sum(y == 0))
    assert found.values.dtype == dtype
    np.testing.assert_array_equal(ones, X[y == 1])
    np.testing.assert_array_equal(zeros, X[y == 0])
    assert not rest.any()


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 300), share=st.sampled_from([0.0, 0.5, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]), slab_bytes=st.sampled_from([1, 2**20]),
)  # fmt: skip
def test_every_sample_weight_is_at_its_sample_and_zero_in_empty_lanes(
    seed, n, share, dtype, slab_bytes
):
    X, y = draw_samples(seed, n, 1, dtype, share)
    # Each weight is the square of a feature, which identifies its sample.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "_SLAB_BYTES", slab_bytes)
        found = laid_out(X, y, X[:, 0] ** 2)
    assert found.weighted
    np.testing.assert_array_equal(found.sample_weight, found.values[:, 0] ** 2)


@settings(deadline=None, max_examples=100)
@given(n=st.integers(1, 300), share=st.sampled_from([0.0, 0.3, 1.0]))
def test_without_sample_weights_the_last_tile_of_a_class_has_ones_at_its_samples(n, share):
    X, y = draw_samples(n, n, 1, share=share)
    X[:] = 1.0
    found = laid_out(X, y)
    assert not found.weighted and len(found.sample_weight) == 2
    there = found.values[:, 0] != 0
    if found.num_positive > 0:
        np.testing.assert_array_equal(found.sample_weight[0], there[found.num_positive - 1])
    if found.num_positive < len(found.values):
        np.testing.assert_array_equal(found.sample_weight[1], there[-1])
    last = {found.num_positive - 1, len(found.values) - 1}
    assert all(there[i].all() for i in range(len(there)) if i not in last)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_tile_is_narrow_from_4096_features_on(dtype):
    kernel = import_kernel(np.dtype(dtype).name)
    for d, tile in [(4095, kernel.TILE_SAMPLES), (4096, kernel.NARROW_TILE_SAMPLES)]:
        X, y = draw_samples(0, 3, d, dtype)
        assert laid_out(X, y).values.shape == (len(set(y)), d, tile)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 15, 16, 17, 40])
def test_every_sample_of_wide_data_is_laid_out_once(n, dtype):
    X, y = draw_samples(n, n, 4097, dtype)
    ones, zeros, rest = read_back(laid_out(X, y), np.sum(y == 1), np.sum(y == 0))
    np.testing.assert_array_equal(ones, X[y == 1])
    np.testing.assert_array_equal(zeros, X[y == 0])
    assert not rest.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_a_tile_and_of_its_weights_are_whole_cache_lines(dtype):
    kernel = import_kernel(np.dtype(dtype).name)
    line = 64 // np.dtype(dtype).itemsize
    assert kernel.NARROW_TILE_SAMPLES == line
    assert kernel.TILE_SAMPLES % line == 0


@pytest.mark.parametrize("label", [0, 1])
def test_a_single_sample_makes_a_tile_of_its_class(label):
    found = laid_out(np.array([[3.0, 5.0]]), np.array([label]))
    assert found.num_positive == label and len(found.values) == 1
    assert found.values[0, :, 0].tolist() == ([3.0, 5.0] if label else [-3.0, -5.0])
    row = found.sample_weight[1 - label]
    assert row.tolist() == [1.0] + [0.0] * (len(row) - 1)


@pytest.mark.parametrize("labels", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_labels_may_be_of_any_dtype(labels):
    X, y = draw_samples(1, 50, 2)
    np.testing.assert_array_equal(laid_out(X, y.astype(labels)).values, laid_out(X, y).values)


def test_laying_out_changes_no_argument():
    X, y = draw_samples(2, 50, 2)
    before = X.copy(), y.copy()
    laid_out(X, y, X[:, 0] ** 2)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@settings(deadline=None, max_examples=100)
@given(
    rows=st.integers(1, 5), columns=st.integers(1, 40),
    dtype=st.sampled_from([np.float32, np.float64, np.int64]),
)  # fmt: skip
def test_every_row_of_an_aligned_array_begins_at_a_cache_line(rows, columns, dtype):
    found = aligned_empty((rows, columns), dtype)
    assert (found.dtype, len(found)) == (dtype, rows)
    assert columns <= found.shape[1] < columns + 64 // found.itemsize
    assert [row.ctypes.data % 64 for row in found] == [0] * rows
    assert found.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 3, 4097])
def test_tiles_begin_at_a_cache_line(dtype, d):
    for n in range(1, 6):
        X, y = draw_samples(n, n, d, dtype)
        found = laid_out(X, y)
        assert found.values.ctypes.data % 64 == 0
        assert found.values.flags.c_contiguous


def test_labels_that_another_thread_changes_meanwhile_have_no_effect(monkeypatch):
    X, y, kernel = np.arange(100.0)[:, None], np.arange(100) % 2, import_kernel("float64")
    expected = lay_out(X, y, None, kernel)

    def allocated(*args):
        y[:] = y[::-1].copy()  # after they were counted, and without changing the counts
        return aligned_empty(*args)

    monkeypatch.setattr(tiles, "aligned_empty", allocated)
    np.testing.assert_array_equal(lay_out(X, y, None, kernel).values, expected.values)
