"""Sums over samples that lie in several places have the bits of sums over samples in one place.

In the first tests, each piece of the samples has its own pass and its own solver, in a thread of
its own, as on the ranks of MPI. The ranks exchange the subtrees of their pieces, and each adds up
all of them.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, pairwise

import numpy as np
import pytest
from helpers import (
    LOSSES,
    SECONDS_UNTIL_GIVEN_UP,
    SOLVERS,
    bits,
    joined,
    system_threads,
    wait_until,
)
from hypothesis import given
from hypothesis import strategies as st

from oneneuron import _losses
from oneneuron._engine import passes
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import band_rows, lay_out
from oneneuron._engine.solvers import LBFGS, GradientDescent
from oneneuron._engine.sums import add_up, join, subtrees_of

BAND = band_rows(3)
NUM_STEPS = 8

every_solver = pytest.mark.parametrize("name", SOLVERS)
every_loss = pytest.mark.parametrize("loss", LOSSES)
every_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


class Fit:
    """Samples of three classes in bands, the last of them incomplete, and how they are fitted."""

    def __init__(
        self, name="lbfgs", loss="log", dtype=np.float64, weighted=False, classes=(0, 1, 2),
        num_bands=5, d=3, n_threads=1,
    ):  # fmt: skip
        n = BAND * num_bands - 3000
        rng = np.random.default_rng(n)
        self.X = rng.standard_normal((n, d)).astype(dtype)
        scores = self.X @ rng.standard_normal((d, 3)) + rng.standard_normal((n, 3))
        self.codes = scores.argmax(axis=1)
        self.weights = rng.random(n).astype(dtype) if weighted else None
        self.starts = rng.standard_normal((len(classes), d + 1))
        self.name, self.loss, self.classes = name, _losses.LOSSES[loss], classes
        self.n_threads = n_threads

    def run_over(self, first, end):
        """Return the pass over the bands from `first` to `end`."""
        rows = slice(BAND * first, BAND * end)
        weights = None if self.weights is None else self.weights[rows]
        samples = lay_out(self.X[rows], self.codes[rows], 3, weights, first_band=first)
        return make_pass(samples, self.classes, self.loss, n_threads=self.n_threads)

    def whole(self):
        """Return the pass over all bands."""
        return self.run_over(0, -(-len(self.X) // BAND))

    @property
    def sizes(self):
        """The numbers of models, of the neurons in each, and of features."""
        return len(self.classes), 1, self.X.shape[1]

    def pieces(self, *cuts):
        """Return the passes over the bands between these cuts."""
        edges = [0, *cuts, -(-len(self.X) // BAND)]
        return [self.run_over(*pair) for pair in pairwise(edges)]

    def solver(self, run, limits=-1.0):
        """Return a solver, before its start."""
        curvature = self.loss.max_curvature * len(self.X)
        options = dict(
            alpha=0.5, intercept=True, limits=limits, means=0.0, single=self.X.dtype == np.float32
        )
        if self.name == "gd":
            return GradientDescent(run, eta=1 / curvature, **options)
        return LBFGS(run, preconditioner=np.full(self.starts.shape[1], curvature**-0.5), **options)

    def fitted(self, run, num_steps=NUM_STEPS):
        """Return the bits of everything that a solver shows after its steps."""
        solver = self.solver(run)
        solver.start(self.starts)
        solver.advance(num_steps)
        return shown(solver)


def shown(solver):
    """Return the bits of everything that a solver shows."""
    models = [solver.last, solver.best, solver.lowest]
    return bits([*models, solver.gradient, solver.state, solver.costs, solver.num_passes])


def fitted_in_pieces(fit, pieces):
    """Return the bits of the solver of each piece, all of which run at the same time."""
    gathered = [None] * len(pieces)
    barrier = threading.Barrier(len(pieces), timeout=SECONDS_UNTIL_GIVEN_UP)

    def exchange(rank, subtrees):
        gathered[rank] = subtrees
        barrier.wait()
        total = add_up(chain.from_iterable(gathered))
        barrier.wait()  # until all have read the subtrees
        return total

    def work(rank):
        try:
            return fit.fitted(joined(pieces[rank], fit.sizes, total=partial(exchange, rank)))
        except BaseException:
            barrier.abort()  # the others would wait in vain
            raise

    with ThreadPoolExecutor(len(pieces)) as ranks:
        return list(ranks.map(work, range(len(pieces))))


def assert_pieces_have_the_bits_of_one(fit, *cuts):
    expected = fit.fitted(fit.whole())
    for found in fitted_in_pieces(fit, fit.pieces(*cuts)):
        assert found == expected


# --- The same bits ---


@pytest.mark.parametrize("classes", [(1,), (0, 1, 2)], ids=["one_neuron", "three_neurons"])
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@every_dtype
@every_loss
@every_solver
def test_three_pieces_have_the_bits_of_one(name, loss, dtype, weighted, classes):
    assert_pieces_have_the_bits_of_one(Fit(name, loss, dtype, weighted, classes), 1, 3)


@pytest.mark.parametrize("n_threads", [2, 4])
@every_solver
def test_three_pieces_with_helpers_have_the_bits_of_one(name, n_threads):
    fit = Fit(name, n_threads=n_threads, d=30)
    pieces = fit.pieces(1, 3)
    found = fitted_in_pieces(fit, pieces)
    assert min(piece.num_helpers for piece in pieces) > 0
    fit.n_threads = 1
    assert found == [fit.fitted(fit.whole())] * 3


@pytest.mark.parametrize(
    "cuts", [(), (1,), (2,), (3,), (4,), (1, 2, 3, 4)], ids=lambda cuts: "_".join(map(str, cuts))
)
def test_it_does_not_matter_where_the_samples_are_cut(cuts):
    assert_pieces_have_the_bits_of_one(Fit(), *cuts)


@pytest.mark.parametrize("cuts", [(1, 12), (3, 14), (5, 6)])
def test_it_does_not_matter_how_many_bands_lie_before_a_piece(cuts):
    # Pieces of 7 or more bands from an odd band on have the most subtrees for their size.
    fit = Fit(dtype=np.float32, classes=[1] * 9, num_bands=15, d=1)
    assert_pieces_have_the_bits_of_one(fit, *cuts)


@pytest.mark.parametrize("which", ["the pieces", "the whole"])
def test_it_does_not_matter_how_many_blocks_are_in_a_chunk(which, monkeypatch):
    # The number depends on the memory that the sums take, so that of pieces may differ.
    fit = Fit()
    if which == "the pieces":
        whole = fit.whole()
    else:
        pieces = fit.pieces(1, 3)
    monkeypatch.setattr(passes, "_LEAST_BYTES_OF_SUMS", 1)
    monkeypatch.setattr(passes, "_SHARE_OF_SUMS", 0.0)
    if which == "the pieces":
        pieces = fit.pieces(1, 3)
    else:
        whole = fit.whole()
    assert fitted_in_pieces(fit, pieces) == [fit.fitted(whole)] * 3


# --- Subtrees ---

# Numbers of very different sizes, so that another order of additions gives other bits.
LEAVES = (10.0 ** np.arange(-6, 7).repeat(7)[:, None]) * np.random.default_rng(0).random((91, 3))
np.random.default_rng(1).shuffle(LEAVES)

some_leaves = st.integers(1, len(LEAVES))
some_cuts = st.sets(st.integers(1, len(LEAVES) - 1), max_size=8)


def in_ranges(num_leaves, cuts):
    """Return the subtrees of each of the ranges that a number of leaves is cut into."""
    edges = [0, *sorted(cut for cut in cuts if cut < num_leaves), num_leaves]
    return [subtrees_of(first, LEAVES[first:end]) for first, end in pairwise(edges)]


def ranges_of(subtrees):
    return [(first, size) for first, size, _ in subtrees]


@given(num_leaves=some_leaves, cuts=some_cuts)
def test_it_does_not_matter_into_which_ranges_the_leaves_are_cut(num_leaves, cuts):
    expected = add_up(subtrees_of(0, LEAVES[:num_leaves]))
    found = add_up(chain.from_iterable(in_ranges(num_leaves, cuts)))
    assert bits(found) == bits(expected)


@given(num_leaves=some_leaves, cuts=some_cuts)
def test_joined_subtrees_are_those_of_one_range(num_leaves, cuts):
    expected = subtrees_of(0, LEAVES[:num_leaves])
    found = join(chain.from_iterable(in_ranges(num_leaves, cuts)))
    assert bits(found) == bits(expected)


@given(first=st.integers(0, 90), num_leaves=some_leaves, cut=st.integers(1, 90))
def test_a_range_that_does_not_begin_with_leaf_0_may_be_joined_in_parts(first, num_leaves, cut):
    leaves = LEAVES[first : first + num_leaves]
    parts = subtrees_of(first, leaves[:cut]) + subtrees_of(first + cut, leaves[cut:])
    assert bits(join(parts)) == bits(subtrees_of(first, leaves))


@given(first=st.integers(0, 10**6), num_leaves=st.integers(1, 91))
def test_subtrees_are_the_largest_aligned_powers_of_two_in_a_range(first, num_leaves):
    end, at = first + num_leaves, first
    for start, size in ranges_of(subtrees_of(first, LEAVES[:num_leaves])):
        assert start == at
        assert size & (size - 1) == 0 and start % size == 0
        assert start % (2 * size) != 0 or start + 2 * size > end  # none twice as large begins here
        at += size
    assert at == end


def test_a_single_leaf_is_a_subtree_and_the_total():
    leaf = np.array([[1.0, 2.0]])
    assert ranges_of(subtrees_of(7, leaf)) == [(7, 1)]
    assert bits(add_up(subtrees_of(0, leaf))) == bits(leaf[0])


def test_no_leaf_makes_no_subtree():
    assert subtrees_of(5, np.empty((0, 3))) == []


def test_leaves_are_added_as_a_tree():
    a, b, c, d, e = leaves = LEAVES[:5]
    expected = ((a + b) + (c + d)) + e
    assert bits(add_up(subtrees_of(0, leaves))) == bits(expected)


def test_a_last_subtree_that_is_not_full_counts_as_full():
    a, b, c = LEAVES[:3]
    subtrees = [(0, 4, a), (4, 2, b), (6, 2, c)]  # of, say, seven leaves
    assert ranges_of(join(subtrees)) == [(0, 8)]
    assert bits(add_up(subtrees)) == bits(a + (b + c))


def test_adding_up_changes_no_subtree():
    subtrees = subtrees_of(0, LEAVES[:7]) + subtrees_of(7, LEAVES[7:20])
    before = bits(subtrees)
    add_up(subtrees)
    join(subtrees)
    assert bits(subtrees) == before


def test_sums_may_overflow_without_a_warning():
    leaves = np.array([[1e308, np.inf], [1e308, -np.inf], [1.0, 1.0]])
    parts = subtrees_of(0, leaves[:1]) + subtrees_of(1, leaves[1:])
    np.testing.assert_array_equal(add_up(parts), [np.inf, np.nan])
    np.testing.assert_array_equal(add_up(subtrees_of(0, leaves)), [np.inf, np.nan])


def test_subtrees_may_come_one_by_one():
    subtrees = subtrees_of(0, LEAVES)
    assert bits(add_up(iter(subtrees))) == bits(add_up(subtrees))
    assert bits(join(iter(subtrees))) == bits(join(subtrees))


# --- The subtrees of a pass ---


def subtrees_over(fit, first=0, end=None):
    """Return the subtrees of the pass over some bands, with all neurons at the starts."""
    end = end or -(-len(fit.X) // BAND)
    active = np.ones(len(fit.classes), np.uint8)
    return fit.run_over(first, end).sums(fit.starts, active)


@pytest.mark.parametrize(("first", "end"), [(0, 4), (1, 3), (3, 4), (1, 4), (2, 3)])
def test_the_subtrees_of_a_pass_are_those_of_its_blocks(first, end):
    blocks = np.zeros(16 * (end - first))  # 16 in each band
    found = subtrees_over(Fit(), first, end)
    assert ranges_of(found) == ranges_of(subtrees_of(16 * first, blocks))
    assert {sums.shape for _, _, sums in found} == {(3, 6)}


@pytest.mark.linetrace
def test_a_last_band_has_the_subtrees_of_its_blocks():
    fit = Fit(classes=[1], num_bands=1, d=1)  # 13,384 samples in 14 blocks
    found = subtrees_over(fit)
    assert ranges_of(found) == [(0, 8), (8, 4), (12, 2)]
    assert found[0][2].shape == (1, 4)


@pytest.mark.parametrize("n_threads", [2, 3])
def test_the_subtrees_of_a_pass_have_the_same_bits_for_any_number_of_threads(n_threads):
    fit = Fit(d=30)
    expected = subtrees_over(fit)
    fit.n_threads = n_threads
    assert bits(subtrees_over(fit)) == bits(expected)


def test_the_subtrees_add_up_to_what_a_solver_gets():
    fit = Fit()
    solver = fit.solver(fit.whole())
    solver.start(fit.starts)
    total = add_up(subtrees_over(fit))
    assert bits(total[:, -1]) == bits(solver.last.wrong)
    weights = np.append(np.full(3, 0.5), 0.0)  # the penalty, which a solver adds
    assert bits(weights * fit.starts - total[:, :4]) == bits(solver.gradient)


def test_the_subtrees_of_active_neurons_do_not_depend_on_the_rest():
    fit = Fit()
    run = fit.whole()
    expected = run.sums(fit.starts, np.ones(3, np.uint8))
    found = run.sums(fit.starts, np.array([1, 0, 1], np.uint8))
    for (*_, some), (*_, every) in zip(found, expected, strict=True):
        assert bits(some[[0, 2]]) == bits(every[[0, 2]])


def test_a_later_pass_changes_no_subtree_of_an_earlier_one():
    fit = Fit()
    run, active = fit.whole(), np.ones(3, np.uint8)
    found = run.sums(fit.starts, active)
    before = bits(found)
    run.sums(2.0 * fit.starts, active)
    assert bits(found) == before


def test_a_pass_for_its_subtrees_changes_no_bit_of_a_solver_that_shares_it():
    fit = Fit("gd")
    run = fit.whole()
    solver = fit.solver(run)
    solver.start(fit.starts)
    for _ in range(NUM_STEPS):
        run.sums(2.0 * fit.starts, np.ones(3, np.uint8))
        solver.advance(1)
    assert shown(solver) == fit.fitted(fit.whole())


def test_parameters_and_flags_may_be_read_only():
    fit = Fit()
    expected = subtrees_over(fit)
    parameters, active = np.broadcast_to(fit.starts, (3, 4)), np.ones(3, np.uint8)
    active.flags.writeable = parameters.flags.writeable = False
    assert bits(fit.whole().sums(parameters, active)) == bits(expected)


@pytest.mark.linetrace
@pytest.mark.parametrize(
    ("parameters", "active"),
    [((1, 3), 1), ((1, 5), 1), ((2, 4), 1), ((0, 4), 1), ((1, 4), 2), ((1, 4), 0), ((2, 4), 2)],
    ids=str,
)
def test_arrays_of_other_shapes_are_refused(parameters, active):
    run = Fit(classes=[1], num_bands=1).whole()
    with pytest.raises(ValueError, match="shape"):
        run.sums(np.zeros(parameters), np.ones(active, np.uint8))


@pytest.mark.parametrize(
    ("parameters", "active"),
    [
        (np.zeros((1, 4), np.float32), np.ones(1, np.uint8)),
        (np.zeros((4, 1)).T[:, ::2], np.ones(1, np.uint8)),
        (np.zeros(4), np.ones(1, np.uint8)),
        (np.zeros((1, 4)), np.ones(1, np.int64)),
        (np.zeros((1, 4)), np.ones((1, 1), np.uint8)),
    ],
    ids=["float32", "strided", "1d", "int64", "2d"],
)
def test_arrays_of_another_type_or_layout_are_refused(parameters, active):
    run = Fit(classes=[1], num_bands=1).whole()
    with pytest.raises(ValueError):
        run.sums(parameters, active)


def test_the_helpers_of_a_pass_for_its_subtrees_end():
    fit, before = Fit(n_threads=3, d=30), system_threads()
    run = fit.whole()
    run.sums(fit.starts, np.ones(3, np.uint8))
    assert run.num_helpers > 0
    wait_until(lambda: system_threads() <= before)  # the system may still be ending one


class StopHere(Exception):
    """What `turn` raises in the tests below."""


def interrupted_pass(monkeypatch):
    """Return a pass with helpers, after `turn` has raised an exception in it, and its arguments."""
    is_due = True

    def turn():
        if is_due:
            raise StopHere

    monkeypatch.setattr(passes, "turn", turn)
    # Without the helper, a pass takes 0.1 s or more, and a turn is due after 20 ms.
    fit = Fit(classes=[1] * 300, num_bands=2, n_threads=2)
    run, arguments = fit.whole(), (fit.starts, np.ones(300, np.uint8))
    with pytest.raises(StopHere):
        while True:
            run.sums(*arguments)
    is_due = False
    return run, arguments


def test_the_helpers_of_a_pass_end_after_an_exception(monkeypatch):
    before = system_threads()
    run, _ = interrupted_pass(monkeypatch)
    assert run.num_helpers == 1
    wait_until(lambda: system_threads() <= before)


def test_a_pass_after_an_exception_has_the_same_bits(monkeypatch):
    run, arguments = interrupted_pass(monkeypatch)
    fit = Fit(classes=[1] * 300, num_bands=2)
    assert bits(run.sums(*arguments)) == bits(fit.whole().sums(*arguments))
