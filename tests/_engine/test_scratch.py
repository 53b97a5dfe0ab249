"""Shards in a temporary file: the same bits as in memory, and nothing left behind."""

import errno
import gc
import os

import numpy as np
import pytest
from helpers import bits

from oneneuron._engine import scratch
from oneneuron._engine.samples import band_rows, lay_out
from oneneuron._engine.scratch import Scratch, lay_out_pieces, require_space
from oneneuron._engine.second_moments import SecondMoments
from oneneuron._engine.shards import Form, InMemory, pass_over
from oneneuron._engine.solvers import LBFGS
from oneneuron._losses import LOSSES, QUADRATIC

BAND = band_rows(2)


@pytest.fixture(autouse=True)
def one_band_in_a_piece(monkeypatch):
    monkeypatch.setattr(scratch, "_PIECE_BYTES", 1)


def make_data(n=3 * BAND + 700, d=3, num_classes=2, dtype=np.float64, weighted=False):
    """Return X, class codes and sample weights or None."""
    rng = np.random.default_rng(n + d)
    X = rng.standard_normal((n, d)).astype(dtype)
    scores = X[:, :1] * np.arange(num_classes) + rng.standard_normal((n, num_classes))
    return X, scores.argmax(axis=1), rng.random(n).astype(dtype) if weighted else None


def in_scratch(folder, X, codes, weights, num_classes=2):
    """Return samples in a scratch file, one band in each shard."""

    def read(first, end):
        rows = slice(first, end)
        return X[rows], codes[rows], None if weights is None else weights[rows]

    form = Form(X.shape[1], num_classes, X.dtype, weights is not None)
    pieces = lay_out_pieces(read, len(X), X.shape[1] * X.itemsize, num_classes)
    return Scratch(folder, pieces, form, 1)


def both(folder, num_classes=2, **options):
    """Return the same samples in memory and in a scratch file."""
    X, codes, weights = make_data(num_classes=num_classes, **options)
    return (
        InMemory([lay_out(X, codes, num_classes, weights)], 1),
        in_scratch(folder, X, codes, weights, num_classes),
    )


def test_each_piece_is_a_shard(tmp_path):
    _, found = both(tmp_path)
    assert len(list(found.ask("describe"))) == 4


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_known_of_the_samples_is_what_is_known_in_memory(tmp_path, dtype, weighted):
    names = "form", "num_samples", "num_tiles", "num_weighted", "class_sizes", "class_weights"
    expected, found = (
        [bits(getattr(samples, name)) for name in names[1:]] + [samples.form]
        for samples in both(tmp_path, dtype=dtype, weighted=weighted)
    )
    assert found == expected


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [3, 520])
def test_second_moments_have_the_bits_of_those_in_memory(tmp_path, d, dtype, weighted):
    n = 2 * BAND + 50
    expected, found = (
        bits([m.means, m.scales, m.preconditioner(0.1, 0.25), m.safe_eta(0.1, 0.25)])
        for m in map(SecondMoments, both(tmp_path, n=n, d=d, dtype=dtype, weighted=weighted))
    )
    assert found == expected


def fitted(samples, own_classes, loss, softmax):
    """Return the bits of L-BFGS after a few steps."""
    d, layer = samples.num_features, samples.num_classes if softmax else 1
    run = pass_over(samples, own_classes, LOSSES[loss], softmax=softmax)
    solver = LBFGS(
        run, alpha=0.5, intercept=True, limits=-1.0, means=0.0,
        single=samples.dtype == np.float32, preconditioner=np.full(d + 1, 0.02),
    )  # fmt: skip
    solver.start(np.linspace(-1, 1, len(own_classes) * (d + 1)).reshape(-1, layer * (d + 1)))
    solver.advance(5)
    return bits([*solver.last, solver.gradient, solver.costs])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("softmax", [False, True], ids=["neurons", "layer"])
def test_a_solver_has_the_bits_of_one_in_memory(tmp_path, softmax, loss, weighted):
    expected, found = (
        fitted(samples, [0, 1, 2], loss, softmax)
        for samples in both(tmp_path, num_classes=3, weighted=weighted)
    )
    assert found == expected


@pytest.mark.parametrize("every", [2, 16, 512])
def test_a_part_has_the_bits_of_one_in_memory(tmp_path, every):
    expected, found = (
        fitted(samples.take_part(every), [0, 1, 2], "log", True)
        for samples in both(tmp_path, num_classes=3)
    )
    assert found == expected


def test_a_part_of_a_part_can_be_taken(tmp_path):
    _, samples = both(tmp_path)
    assert samples.take_part(4).take_part(2).num_samples < samples.num_samples / 4


def test_the_file_has_no_name_or_is_gone_with_its_last_user(tmp_path):
    _, samples = both(tmp_path)
    part = samples.take_part(4)
    if os.name == "posix":
        assert os.listdir(tmp_path) == []
    del samples, part
    gc.collect()
    assert os.listdir(tmp_path) == []


def test_a_shard_can_be_used_after_its_file_is_closed(tmp_path):
    # A map outlives the descriptor, so whatever still refers to a shard stays valid.
    X, codes, _ = make_data(n=100)
    samples = in_scratch(tmp_path, X, codes, None)
    shard = next(samples._read())
    expected = lay_out(X, codes, 2)
    del samples
    gc.collect()
    assert bits(shard.values) == bits(expected.values)


def test_at_most_three_shards_are_mapped_at_a_time_and_none_is_kept(tmp_path, monkeypatch):
    _, samples = both(tmp_path)
    counts, mapped = [], scratch.mmap.mmap
    live = set()

    class Counted(mapped):
        def __init__(self, *args, **options):
            live.add(id(self))
            counts.append(len(live))

        def __del__(self):
            live.discard(id(self))

    monkeypatch.setattr(scratch.mmap, "mmap", Counted)
    solver = LBFGS(
        pass_over(samples, [1], QUADRATIC), alpha=0.0, intercept=True, limits=-1.0, means=0.0,
        single=False, preconditioner=np.full(4, 0.02),
    )  # fmt: skip
    solver.start(np.zeros((1, 4)))
    # The last one, the present one and the next one.
    assert (max(counts), len(live)) == (3, 0)


def test_an_error_while_pieces_are_made_leaves_nothing_behind(tmp_path):
    X, codes, _ = make_data()

    def read(first, end):
        if first > 0:
            raise ValueError("a bad row")
        return X[first:end], codes[first:end], None

    form = Form(3, 2, X.dtype, False)
    with pytest.raises(ValueError, match="a bad row"):
        Scratch(tmp_path, lay_out_pieces(read, len(X), 24, 2), form)
    gc.collect()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_gives_an_error_that_names_the_folder(tmp_path, monkeypatch, code):
    def fail(self, array, alignment):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Scratch, "_write", fail)
    with pytest.raises(OSError, match="choose another folder for scratch") as raised:
        both(tmp_path)
    assert (raised.value.errno, raised.value.filename) == (code, str(tmp_path))


def test_an_error_of_the_source_is_not_taken_for_one_of_the_scratch_file(tmp_path):
    def read(first, end):
        raise OSError(errno.EIO, "the table cannot be read")

    with pytest.raises(OSError, match="the table cannot be read"):
        Scratch(tmp_path, lay_out_pieces(read, 10, 24, 2), Form(3, 2, np.dtype(np.float64), False))


def test_too_little_space_is_seen_before_anything_is_written(tmp_path):
    with pytest.raises(OSError, match=r"scratch needs about 1e\+09 GB, and .* GB are free: free"):
        require_space(tmp_path, 10**18)
