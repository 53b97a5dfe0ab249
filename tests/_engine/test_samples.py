"""The layout of the samples, compared with a layout by NumPy, and its safety."""

import os
import threading

import numpy as np
import pytest
from helpers import SECONDS_UNTIL_GIVEN_UP, read_only, system_threads, unaligned, wait_until
from hypothesis import given, settings
from hypothesis import strategies as st

from oneneuron._engine import samples
from oneneuron._engine.pack import Packer
from oneneuron._engine.samples import (
    Samples,
    aligned_empty,
    as_aligned,
    band_rows,
    block_rows,
    lay_out,
    take_part,
    tile_lanes,
    weigh_bands,
)
from oneneuron._engine.shards import InMemory

BAND = 2**14
DTYPES = [np.float32, np.float64]


def draw(seed, n, d, num_classes=2, dtype=np.float64, code_type=np.int64):
    """Return X without zeros, codes of which some classes may be absent, and positive weights."""
    rng = np.random.default_rng(seed)
    X = (1.0 + rng.random((n, d))).astype(dtype)
    present = rng.permutation(num_classes)[: rng.integers(1, num_classes + 1)]
    codes = present[rng.integers(0, len(present), n)].astype(code_type)
    return X, codes, (0.5 + rng.random(n)).astype(dtype)


def slow_layout(X, codes, num_classes):
    """Return tiles and runs, from a stable sort of each band."""
    tile, per_band = tile_lanes(X.shape[1], X.dtype), band_rows(num_classes)
    tiles, runs = [np.empty((0, X.shape[1], tile), X.dtype)], []
    for start in range(0, len(X), per_band):
        rows, band_codes = X[start : start + per_band], codes[start : start + per_band]
        for code in np.unique(band_codes):
            members = rows[band_codes == code]
            count = -(-len(members) // tile)
            padded = np.zeros((count * tile, X.shape[1]), X.dtype)
            padded[: len(members)] = members
            first = sum(map(len, tiles))
            tiles.append(padded.reshape(count, tile, -1).transpose(0, 2, 1))
            last = len(members) - (count - 1) * tile
            runs.append((int(code), first, first + count, last))
    return np.concatenate(tiles), np.array(runs, np.int64).reshape(-1, 4)


def poisoned(*arguments):
    """Return memory that holds NaN, so that a lane left unwritten is found."""
    found = aligned_empty(*arguments)
    found.fill(np.nan)
    return found


def laid_out(*arguments, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "aligned_empty", poisoned)
        return lay_out(*arguments, **options)


def class_weights(found):
    """Return the total weight of each class."""
    return InMemory([found]).class_weights


def assert_same(found, expected):
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.weights, expected.weights)
    np.testing.assert_array_equal(found.runs, expected.runs)
    np.testing.assert_array_equal(found.blocks, expected.blocks)
    assert weigh_bands(found).tobytes() == weigh_bands(expected).tobytes()


def as_field(X):
    """Return X as a field of records, whose values are not aligned."""
    records = np.zeros(len(X), [("label", "u1"), ("x", X.dtype, X.shape[1:])])
    records["x"] = X
    return records["x"]


MEMORY_ORDERS = {
    "c": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "strided fortran": lambda X: np.asfortranarray(np.repeat(X, 2, axis=0))[::2],
    "reversed": lambda X: X[::-1].copy()[::-1],
    "fortran, reversed": lambda X: np.asfortranarray(X[::-1])[::-1],
    "columns reversed": lambda X: X[:, ::-1].copy()[:, ::-1],
    "one row, repeated": lambda X: np.broadcast_to(X[:1], X.shape),
    "read-only": read_only,
    "unaligned": unaligned,
    "field of records, unaligned": as_field,
}


# --- Values and weights ---


@settings(deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.one_of(st.integers(0, 300), st.integers(0, 40_000)),
    d=st.integers(1, 19), dtype=st.sampled_from(DTYPES), num_classes=st.integers(1, 12),
    order=st.sampled_from(sorted(MEMORY_ORDERS)), n_threads=st.integers(1, 3),
)  # fmt: skip
def test_every_sample_is_in_the_lane_that_a_stable_sort_of_its_band_gives(
    seed, n, d, dtype, num_classes, order, n_threads
):
    X, codes, _ = draw(seed, n, d, num_classes, dtype)
    X = MEMORY_ORDERS[order](X)
    found = laid_out(X, codes, num_classes, n_threads=n_threads)
    values, runs = slow_layout(X, codes, num_classes)
    assert found.dtype == dtype and found.weights is None
    np.testing.assert_array_equal(found.values, values)
    np.testing.assert_array_equal(found.runs, runs)
    assert (found.num_samples, found.num_features) == X.shape
    np.testing.assert_array_equal(
        weigh_bands(found).sum(axis=0), np.bincount(codes, minlength=num_classes)
    )


@pytest.mark.parametrize("order", ["c", "fortran"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("num_classes", [2, 10])
@pytest.mark.parametrize("d", [2, 7, 100])
def test_large_data_which_is_written_past_the_caches_is_laid_out_like_small_data(
    order, dtype, num_classes, d
):
    X, codes, _ = draw(d, 2_300_000 // d, d, num_classes, dtype)
    found = laid_out(MEMORY_ORDERS[order](X), codes, num_classes, n_threads=2)
    assert found.nbytes > 2**23
    np.testing.assert_array_equal(found.values, slow_layout(X, codes, num_classes)[0])


@pytest.mark.parametrize("num_classes", [51, 52, 256, 257, 1000, 70_000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_many_classes_are_laid_out_in_larger_bands(num_classes, dtype):
    rng = np.random.default_rng(0)
    n = min(band_rows(num_classes) + 5000, 600_000)
    codes = rng.integers(0, num_classes, n)
    codes[0] = num_classes - 1
    X = rng.random((n, 2)).astype(dtype)
    found = laid_out(X, codes, num_classes, n_threads=2)
    if num_classes <= 1000:
        values, runs = slow_layout(X, codes, num_classes)
        np.testing.assert_array_equal(found.values, values)
        np.testing.assert_array_equal(found.runs, runs)
    np.testing.assert_array_equal(class_weights(found), np.bincount(codes, minlength=num_classes))


def test_padding_takes_about_a_tenth_of_a_whole_band_at_most():
    for num_classes in [2, 10, 51, 52, 1000]:
        n = band_rows(num_classes)
        codes = np.random.default_rng(0).integers(0, num_classes, n)
        found = laid_out(np.ones((n, 1), np.float32), codes, num_classes)
        assert found.values.size < 1.13 * n


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40_000), dtype=st.sampled_from(DTYPES),
    num_classes=st.integers(1, 12), stride=st.sampled_from([1, 2, -1]),
)  # fmt: skip
def test_every_sample_weight_is_at_its_sample_and_zero_in_spare_lanes(
    seed, n, dtype, num_classes, stride
):
    X, codes, _ = draw(seed, n, 1, num_classes, dtype)
    # Each weight is the square of a feature, which identifies its sample.
    weights = np.repeat(X[:, 0] ** 2, abs(stride))[:: abs(stride)]
    if stride < 0:
        weights = weights[::-1].copy()[::-1]
    found = laid_out(X, codes, num_classes, weights)
    np.testing.assert_array_equal(found.weights, found.values[:, 0] ** 2)
    expected = np.bincount(codes, weights, minlength=num_classes)
    np.testing.assert_allclose(class_weights(found), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [4095, 4096, 4097])
@pytest.mark.parametrize("order", ["c", "fortran"])
def test_wide_data_is_laid_out_in_narrow_tiles(d, dtype, order):
    X, codes, _ = draw(0, 40, d, 3, dtype)
    found = laid_out(MEMORY_ORDERS[order](X), codes, 3, n_threads=2)
    assert found.tile * X.itemsize == (256 if d < 4096 else 64)
    np.testing.assert_array_equal(found.values, slow_layout(X, codes, 3)[0])


@pytest.mark.parametrize("num_classes", [1, 2, 5])
def test_a_single_sample_makes_one_tile_one_run_and_one_block(num_classes):
    code = num_classes - 1
    found = laid_out(np.array([[3.0, 5.0]]), np.array([code]), num_classes, np.array([7.0]))
    assert found.values[0, :, 0].tolist() == [3.0, 5.0]
    assert not found.values[0, :, 1:].any() and not found.weights[0, 1:].any()
    assert found.runs.tolist() == [[code, 0, 1, 1]] and found.blocks.tolist() == [[0, 1, 0]]
    assert weigh_bands(found).tolist() == [[0.0] * code + [7.0]]


def test_no_sample_makes_no_tile():
    found = laid_out(np.empty((0, 3)), np.empty(0, int), 2, np.empty(0))
    assert found.values.shape == (0, 3, 32) and found.weights.shape == (0, 32)
    assert found.runs.shape == (0, 4) and found.blocks.shape == (0, 3)
    assert weigh_bands(found).shape == (0, 2)


@pytest.mark.parametrize("code_type", [bool, "i1", "u1", "i2", "u2", "i4", ">i4", "i8", "u8"])
def test_codes_may_be_of_any_integer_type_and_of_any_stride(code_type):
    X, codes, _ = draw(1, 5000, 2)
    expected = lay_out(X, codes, 2)
    assert_same(lay_out(X, codes.astype(code_type), 2), expected)
    assert_same(lay_out(X, np.repeat(codes.astype(code_type), 3)[::3], 2), expected)


def test_laying_out_changes_no_argument():
    arguments = draw(2, 5000, 2)
    before = [argument.copy() for argument in arguments]
    laid_out(*arguments[:2], 2, arguments[2])
    for argument, copy in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(argument, copy)


# --- Blocks, pieces and threads ---


@pytest.mark.parametrize("n", [1, 31, 32, 33, 1024, 1025, BAND - 1, BAND, BAND + 1, 40_000])
@pytest.mark.parametrize("d", [1, 600, 4096])
def test_blocks_share_out_the_tiles_of_each_band_and_none_is_empty(n, d):
    n = min(n, 4_000_000 // d)
    X, codes, _ = draw(n, n, d, 3, np.float32)
    found = lay_out(X, codes, 3)
    rows = block_rows(d, found.tile)
    first, end, run = found.blocks.T
    lanes = len(found.values) * found.tile
    assert -(-n // rows) <= len(found.blocks) <= -(-lanes // rows)
    assert first[0] == 0 and end[-1] == len(found.values)
    np.testing.assert_array_equal(first[1:], end[:-1])
    assert (first < end).all()
    assert (found.runs[run, 1] <= first).all() and (first < found.runs[run, 2]).all()
    sizes = (end - first)[: BAND // rows]  # of the first band
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize(("n", "num_classes"), [(1000, 1000), (5000, 1000), (20_000, 300), (50, 9)])
def test_a_block_has_few_empty_lanes_where_many_classes_leave_many(n, num_classes):
    X, codes = np.ones((n, 2), np.float32), np.arange(n) % num_classes
    found = lay_out(X, codes, num_classes)
    sizes = found.blocks[:, 1] - found.blocks[:, 0]
    assert sizes.max() * found.tile <= 1024 * 5 / 4 + found.tile  # no part of a tile is a block


@pytest.mark.parametrize(
    ("d", "tile", "rows"),
    [(1, 32, 1024), (512, 32, 1024), (513, 32, 512), (4095, 64, 128), (4096, 8, 128),
     (2**16, 8, 8), (2**20, 8, 8), (2**20, 16, 16)],
)  # fmt: skip
def test_a_block_takes_4_megabytes_at_most_unless_it_is_one_tile(d, tile, rows):
    assert block_rows(d, tile) == rows


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1), bands=st.integers(1, 3), rest=st.integers(1, BAND),
    d=st.integers(1, 3), num_classes=st.integers(1, 5), weighted=st.booleans(),
)  # fmt: skip
def test_whole_bands_laid_out_on_their_own_are_the_same_as_among_all_samples(
    seed, bands, rest, d, num_classes, weighted
):
    X, codes, weights = draw(seed, bands * BAND + rest, d, num_classes)
    weights = weights if weighted else None
    everything = lay_out(X, codes, num_classes, weights)
    cut = bands * BAND
    parts = [slice(0, cut), slice(cut, None)]
    pieces = [
        lay_out(
            X[part], codes[part], num_classes, weights[part] if weighted else None,
            first_band=part.start // BAND,
        )
        for part in parts
    ]  # fmt: skip
    tiles, runs = len(pieces[0].values), len(pieces[0].runs)
    values = np.concatenate([piece.values for piece in pieces])
    np.testing.assert_array_equal(values, everything.values)
    moved_runs = pieces[1].runs + np.array([0, tiles, tiles, 0])
    moved_blocks = pieces[1].blocks + np.array([tiles, tiles, runs])
    np.testing.assert_array_equal(np.concatenate([pieces[0].runs, moved_runs]), everything.runs)
    np.testing.assert_array_equal(
        np.concatenate([pieces[0].blocks, moved_blocks]), everything.blocks
    )
    assert [piece.first_block for piece in pieces] == [0, len(pieces[0].blocks)]
    if weighted:
        joined = np.concatenate([piece.weights for piece in pieces])
        np.testing.assert_array_equal(joined, everything.weights)
    found = np.concatenate([weigh_bands(piece) for piece in pieces])
    assert found.tobytes() == weigh_bands(everything).tobytes()


@pytest.mark.parametrize("order", ["c", "fortran"])
@pytest.mark.parametrize(("n", "d"), [(5_000_000, 1), (300_000, 20), (5000, 1100)])
def test_any_number_of_threads_gives_the_same_arrays(n, d, order):
    X, codes, weights = draw(0, n, d, 4, np.float32)
    X = MEMORY_ORDERS[order](X)
    expected = laid_out(X, codes, 4, weights)
    for n_threads in [2, 3, 5, 1000]:
        assert_same(laid_out(X, codes, 4, weights, n_threads=n_threads), expected)


# --- Safety ---


@pytest.mark.parametrize("bad", [-1, 2, 255, 256, 257, 2**31, -(2**40), 2**32])
def test_a_code_out_of_range_is_refused(bad):
    X, codes, _ = draw(0, 10_000, 1)
    codes[7777] = bad
    with pytest.raises(ValueError, match="code"):
        lay_out(X, codes, 2)


@pytest.mark.parametrize("num_classes", [2, 300])
def test_codes_that_another_thread_changes_meanwhile_do_no_harm(num_classes, monkeypatch):
    X, codes, _ = draw(0, 10_000, 1, num_classes)
    expected = lay_out(X, codes, num_classes)

    def allocated(*arguments):
        codes[:] = 2**30  # after they were counted
        return aligned_empty(*arguments)

    monkeypatch.setattr(samples, "aligned_empty", allocated)
    assert_same(lay_out(X, codes, num_classes), expected)


class Sneaky(np.ndarray):
    """Codes that pass the check of their range, and then are out of range."""

    def astype(self, *arguments, **options):
        """Return a copy with a wrong code."""
        copy = np.asarray(self).astype(*arguments, **options)
        copy[5000] = 77
        return copy


@pytest.mark.parametrize("num_classes", [2, 70])
def test_codes_that_change_between_their_check_and_their_copy_are_refused(num_classes):
    codes = np.zeros(10_000, int).view(Sneaky)
    with pytest.raises(ValueError, match="code"):
        lay_out(np.ones((10_000, 1)), codes, num_classes)


# NumPy 2.5 warns of what the test must do.
@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
def test_x_that_is_given_another_shape_meanwhile_is_read_as_it_was(monkeypatch):
    X, codes, _ = draw(0, 10_000, 4)
    expected = lay_out(X, codes, 2)

    def allocated(*arguments):
        X.shape = (4, 10_000)
        return aligned_empty(*arguments)

    monkeypatch.setattr(samples, "aligned_empty", allocated)
    assert_same(lay_out(X, codes, 2), expected)


@pytest.mark.parametrize(
    ("rows", "shape"),
    [(99, (4, 3, 32)), (101, (4, 3, 32)), (100, (3, 3, 32)), (100, (4, 2, 32)), (100, (4, 3, 64))],
)
def test_the_packer_refuses_arrays_of_other_shapes(rows, shape):
    packer = Packer(np.arange(100) % 2, 2, BAND, 32, 1, lambda: None)
    packer.pack(np.ones((100, 3)), aligned_empty((4, 3, 32), np.float64))
    with pytest.raises(ValueError, match=r"X|tiles"):
        packer.pack(np.ones((rows, 3)), aligned_empty(shape, np.float64))


def test_the_packer_refuses_tiles_that_do_not_begin_at_a_cache_line():
    packer = Packer(np.arange(100) % 2, 2, BAND, 32, 1, lambda: None)
    memory = aligned_empty((4 * 3 * 32 + 1,), np.float64)
    with pytest.raises(ValueError, match="aligned"):
        packer.pack(np.ones((100, 3)), memory[1:].reshape(4, 3, 32))


@pytest.mark.parametrize("tile", [0, 4, 12, 33, -8])
def test_the_packer_refuses_a_tile_that_is_no_power_of_two_from_8_on(tile):
    with pytest.raises(ValueError, match="tile"):
        Packer(np.zeros(5, int), 2, BAND, tile, 1, lambda: None)


@pytest.mark.parametrize(("num_classes", "rows"), [(2, 2048), (2, 5000), (1000, BAND), (0, BAND)])
def test_the_packer_refuses_bands_that_are_not_whole_parts(num_classes, rows):
    with pytest.raises(ValueError, match=r"band|num_classes"):
        Packer(np.zeros(5, int), num_classes, rows, 32, 1, lambda: None)


# --- Interrupts ---


class Stop(Exception):
    """What a test raises in the middle of the packing."""


def impatient_packer(n, n_threads, turn):
    """Return a packer that calls `turn` whenever it can, and room for 20 features."""
    packer = Packer(np.arange(n) % 3, 3, BAND, 64, n_threads, turn)
    packer.patience = 0
    return packer, aligned_empty((packer.num_tiles, 20, 64), np.float32)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_an_exception_at_a_turn_ends_the_packing_and_all_helpers(n_threads):
    calls = []

    def turn():
        calls.append(threading.get_ident())
        if len(calls) == 3:
            raise Stop

    packer, values = impatient_packer(500_000, n_threads, turn)
    X = np.random.default_rng(0).random((500_000, 20), np.float32)
    before = system_threads()
    with pytest.raises(Stop):
        while True:  # on busy cores, the helpers may leave too little for three turns
            packer.pack(X, values)
    assert calls == 3 * [threading.get_ident()]
    wait_until(lambda: system_threads() <= before)
    packer.pack(X, values)  # as if nothing had happened
    np.testing.assert_array_equal(values, lay_out(X, np.arange(500_000) % 3, 3).values)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_meanwhile_packs_everything_itself():
    X = np.random.default_rng(0).random((500_000, 20), np.float32)
    expected = lay_out(X, np.arange(500_000) % 3, 3).values
    children = []

    def turn():
        if not children:
            children.append(os.fork())

    packer, values = impatient_packer(500_000, 3, turn)
    while not children:  # on busy cores, the helpers may leave nothing for a turn
        values.fill(np.nan)
        packer.pack(X, values)
    same = np.array_equal(values, expected)
    if children == [0]:
        os._exit(0 if same else 1)
    assert same
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


def test_other_threads_run_while_a_long_copy_is_made():
    ticks = []
    over = threading.Event()

    def tick():
        while not over.wait(0.005):
            ticks.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    X = np.ones((2_000_000, 40), np.float32)
    lay_out(X, np.arange(len(X)) % 3, 3)
    over.set()
    thread.join(SECONDS_UNTIL_GIVEN_UP)
    assert ticks


# --- Small parts ---


@settings(deadline=None, max_examples=100)
@given(
    rows=st.integers(1, 5), columns=st.integers(1, 40),
    dtype=st.sampled_from([np.float32, np.float64, np.int64]),
)  # fmt: skip
def test_an_aligned_array_begins_at_a_cache_line(rows, columns, dtype):
    found = aligned_empty((rows, columns), dtype)
    assert (found.dtype, found.shape) == (dtype, (rows, columns))
    assert found.ctypes.data % 64 == 0 and found.flags.c_contiguous


def test_samples_can_be_made_from_arrays():
    made = Samples(
        values=np.ones((2, 3, 32)), weights=None, runs=np.array([[0, 0, 1, 32], [1, 1, 2, 20]]),
        blocks=np.array([[0, 2, 0]]), blocks_per_band=16, num_classes=3,
        num_samples=52,
    )  # fmt: skip
    assert (made.num_features, made.tile) == (3, 32)
    assert made.class_sizes.tolist() == [32, 20, 0]
    assert made.first_block == 0 and made.nbytes == made.values.nbytes


# --- Parts ---


def draw_bands(num_bands, num_classes=3, d=2, rest=500, dtype=np.float64):
    """Return samples, whose first feature is their number, with their codes and weights."""
    n = BAND * num_bands + rest
    X, codes, weights = draw(num_bands, n, d, num_classes, dtype)
    X[:, 0] = np.arange(n)
    return X, codes, weights


def members(found):
    """Return the number of each sample, by its first feature, in the order of the tiles."""
    sizes = np.full(len(found.values), found.tile)
    sizes[found.runs[:, 2] - 1] = found.runs[:, 3]
    return np.concatenate([row[:size] for row, size in zip(found.values[:, 0], sizes, strict=True)])


@pytest.mark.parametrize("every", [4, 16])
def test_a_part_has_one_tile_in_so_many_of_each_run(every):
    X, codes, _ = draw_bands(3)
    part = take_part(lay_out(X, codes, 3), every)
    rows = members(part).astype(int)
    assert np.array_equal(part.values[0, :, 0], X[rows[0]])
    for first in range(0, len(X), BAND):
        in_band = rows[(first <= rows) & (rows < first + BAND)]
        for code in np.unique(codes):
            of_class = np.flatnonzero(codes[first : first + BAND] == code)
            tiles = np.unique(
                np.searchsorted(of_class, in_band - first)[codes[in_band] == code] // 32
            )
            assert set(np.diff(tiles)) <= {every}
            assert abs(len(tiles) - len(of_class) / 32 / every) <= 1


def test_the_runs_of_a_part_have_the_classes_of_its_samples():
    X, codes, _ = draw_bands(3)
    part = take_part(lay_out(X, codes, 3), 4)
    rows = members(part).astype(int)
    found = np.repeat(
        part.runs[:, 0], (part.runs[:, 2] - part.runs[:, 1] - 1) * 32 + part.runs[:, 3]
    )
    assert np.array_equal(found, codes[rows])
    assert np.array_equal(part.class_sizes, np.bincount(codes[rows], minlength=3))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_weights_of_a_part_stand_for_all_samples(weighted):
    X, codes, weights = draw_bands(3)
    part = take_part(lay_out(X, codes, 3, weights if weighted else None), 8)
    rows = members(part).astype(int)
    expected = 8 * (weights if weighted else np.ones(len(X)))
    in_lanes = np.zeros(len(X))
    is_filled = part.weights > 0  # no weight is 0 here
    in_lanes[part.values[:, 0][is_filled].astype(int)] = part.weights[is_filled]
    assert np.array_equal(in_lanes[rows], expected[rows]) and is_filled.sum() == len(rows)
    np.testing.assert_allclose(
        class_weights(part), np.bincount(codes[rows], expected[rows], 3), rtol=1e-12
    )


def test_a_class_with_one_tile_in_each_band_is_in_a_part():
    X, _, _ = draw_bands(8, rest=0)
    codes = np.arange(len(X)) % 1000 == 7
    part = take_part(lay_out(X, codes, 2), 4)
    assert part.runs[part.runs[:, 0] == 1].shape == (2, 4)


@pytest.mark.parametrize("d, every", [(2, 16), (2, 2), (600, 4)])
def test_the_blocks_of_a_part_hold_its_tiles_in_order(d, every):
    X, codes, _ = draw_bands(2, d=d, rest=5000, dtype=np.float32)
    part = take_part(lay_out(X, codes, 3), every)
    first, end, first_run = part.blocks.T
    assert first[0] == 0 and end[-1] == len(part.values) and np.array_equal(first[1:], end[:-1])
    run_ends = part.runs[first_run, 2]
    assert (part.runs[first_run, 1] <= first).all() and (first < run_ends).all()
    assert len(part.blocks) == 3 * part.blocks_per_band


def test_whole_bands_give_the_same_part_in_pieces():
    X, codes, weights = draw_bands(5)
    cut = 2 * BAND
    whole = take_part(lay_out(X, codes, 3, weights), 4)
    pieces = [
        take_part(lay_out(X[:cut], codes[:cut], 3, weights[:cut]), 4),
        take_part(lay_out(X[cut:], codes[cut:], 3, weights[cut:], first_band=2), 4),
    ]
    assert np.array_equal(whole.values, np.concatenate([p.values for p in pieces]))
    assert np.array_equal(whole.weights, np.concatenate([p.weights for p in pieces]))
    assert pieces[1].first_block == len(pieces[0].blocks)
    assert len(whole.blocks) == sum(len(p.blocks) for p in pieces)
    found = np.concatenate([weigh_bands(piece) for piece in pieces])
    assert found.tobytes() == weigh_bands(whole).tobytes()


def test_whole_bands_without_a_tile_of_the_part_give_an_empty_one():
    X, codes, _ = draw(1, 100, 2, 3)
    part = take_part(lay_out(X, codes, 3, first_band=9), 16)  # no run has 10 tiles
    assert (part.num_samples, len(part.values), len(part.runs)) == (0, 0, 0)
    assert part.blocks.tolist() == [] and part.first_block == 9


def test_the_runs_of_each_band_are_counted():
    X, codes, _ = draw(4, 2 * BAND + 10, 1, 3)
    codes[:BAND] = 2
    found = lay_out(X, codes, 3)
    sizes = [len(np.unique(codes[first : first + BAND])) for first in range(0, len(X), BAND)]
    assert found.band_runs.tolist() == np.cumsum([0, *sizes]).tolist()


@pytest.mark.parametrize("weighted", [False, True])
def test_each_band_has_the_weights_of_its_classes(weighted):
    X, codes, weights = draw(5, 2 * BAND + 10, 1, 4)
    codes[:BAND] %= 2  # the first band lacks classes
    weights = weights if weighted else None
    found = weigh_bands(lay_out(X, codes, 4, weights))
    for band, row in enumerate(found):
        rows = slice(BAND * band, BAND * (band + 1))
        expected = np.bincount(codes[rows], None if weights is None else weights[rows], 4)
        # The sums of up to 16,384 weights have other rounding errors.
        np.testing.assert_allclose(row, expected, rtol=1e-12)


def test_a_sample_without_weight_has_no_values():
    X, codes, weights = draw(3, 100, 2)
    weights[[5, 70]] = 0.0
    found = lay_out(X, codes, 2, weights)
    assert (found.values[:, 0][found.weights == 0.0] == 0.0).all()
    assert np.count_nonzero(found.values[:, 0]) == 98


def test_arrays_begin_at_a_cache_line_after_a_copy_if_need_be():
    aligned = aligned_empty((8,), np.float64)
    aligned[:] = np.arange(8)
    assert as_aligned(aligned) is aligned
    moved = as_aligned(aligned[1:])
    assert moved.ctypes.data % 64 == 0
    np.testing.assert_array_equal(moved, aligned[1:])
