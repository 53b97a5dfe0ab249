"""The seam between passes and solvers: samples in several pieces have the bits of one piece.

Each piece has its own pass and its own solver in a thread of its own, as on the ranks of MPI. The
hooks exchange the sums of the pieces, and each merges all of them.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from helpers import LOSSES, SECONDS_UNTIL_GIVEN_UP, SOLVERS, bits

from oneneuron import _losses
from oneneuron._engine import passes
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import band_rows, lay_out
from oneneuron._engine.solvers import LBFGS, GradientDescent
from oneneuron._engine.sums import merge

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

    def hook_of(rank):
        def exchange(nodes):
            gathered[rank] = pieces[rank].subtrees, nodes
            barrier.wait()
            total = merge(gathered)
            barrier.wait()  # until all have read the nodes
            return total

        return exchange

    def work(rank):
        pieces[rank].hook = hook_of(rank)
        try:
            return fit.fitted(pieces[rank])
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
    fit = Fit(name, n_threads=n_threads)
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


# --- Subtrees and merging ---


@pytest.mark.parametrize(("first", "end"), [(0, 5), (1, 3), (3, 5), (1, 4)])
def test_subtrees_are_the_aligned_powers_of_two_that_make_up_a_piece(first, end):
    subtrees = Fit().run_over(first, end).subtrees
    blocks_in_a_band = 16
    assert subtrees[0][0] == blocks_in_a_band * first
    for (start, size), (next_start, _) in pairwise(subtrees):
        assert start + size == next_start
    for start, size in subtrees:
        assert size & (size - 1) == 0 and start % size == 0


@pytest.mark.linetrace
def test_a_hook_gets_one_row_of_sums_for_each_subtree():
    fit, shapes = Fit(classes=[1], num_bands=1, d=1), []
    run = fit.whole()
    run.hook = lambda nodes: (shapes.append(nodes.shape), np.zeros((1, 4)))[1]
    fit.solver(run).start(fit.starts)
    assert shapes == [(len(run.subtrees), 1, 4)]


def test_sums_are_added_as_a_tree_over_the_blocks():
    a, b, c, d, e = np.random.default_rng(0).standard_normal((5, 1, 4)) * 10.0 ** np.arange(4)
    pieces = [([(0, 1)], [a]), ([(1, 1), (2, 1)], [b, c]), ([(3, 1), (4, 1)], [d, e])]
    assert bits(merge(pieces)) == bits(((a + b) + (c + d)) + e)


def test_a_last_subtree_that_is_not_full_counts_as_full():
    a, b, c = np.random.default_rng(0).standard_normal((3, 1, 4))
    pieces = [([(0, 4)], [a]), ([(4, 2), (6, 1)], [b, c])]
    assert bits(merge(pieces)) == bits(a + (b + c))


def test_merging_leaves_the_sums_of_the_pieces_as_they_are():
    nodes = np.ones((2, 1, 4))
    total = merge([([(0, 1), (1, 1)], nodes)])
    total += 1.0
    assert (nodes == 1.0).all()


def test_merging_a_single_subtree_makes_a_copy():
    nodes = np.ones((1, 1, 4))
    total = merge([([(0, 1)], nodes)])
    total += 1.0
    assert (nodes == 1.0).all()


def test_sums_of_another_number_than_the_subtrees_are_refused():
    with pytest.raises(ValueError, match="zip"):
        merge([([(0, 1), (1, 1)], np.ones((1, 1, 4)))])


# --- Hooks ---


def test_what_a_hook_returns_is_what_the_solver_gets():
    fit = Fit(classes=[1])
    run = fit.whole()
    run.hook = lambda nodes: np.array([[1.0, 2.0, 3.0, 4.0, 10.0, 7.0]])
    solver = fit.solver(run)
    solver.start(np.zeros((1, 4)))
    assert solver.gradient.tolist() == [[-1.0, -2.0, -3.0, -4.0]]
    assert (solver.last.cost[0], solver.last.wrong[0]) == (5.0, 7.0)


def test_a_hook_may_return_a_read_only_array():
    fit = Fit()
    run = fit.whole()
    run.hook = lambda nodes: np.broadcast_to(merge([(run.subtrees, nodes)]), (3, 6))
    assert fit.fitted(run) == fit.fitted(fit.whole())


def test_a_hook_may_keep_the_sums_it_gets():
    fit, kept, copies = Fit(), [], []
    run = fit.whole()

    def keep(nodes):
        kept.append(nodes)
        copies.append(np.array(nodes))
        return merge([(run.subtrees, nodes)])

    run.hook = keep
    fit.fitted(run)
    assert bits(kept) == bits(copies)


def test_without_its_hook_a_pass_works_alone_again():
    fit = Fit()
    run = fit.whole()
    run.hook = lambda nodes: np.zeros((3, 6))
    fit.fitted(run)
    run.hook = None
    assert fit.fitted(run) == fit.fitted(fit.whole())


def test_the_sums_of_neurons_that_have_ended_do_not_matter():
    fit = Fit("gd")
    run = fit.whole()

    def hook(nodes):
        total = merge([(run.subtrees, nodes)])
        if solver.num_passes > 0:
            total[1] = np.nan
        return total

    run.hook = hook
    solver = fit.solver(run, limits=[[-1.0], [np.inf], [-1.0]])
    solver.start(fit.starts)
    solver.advance(3)
    assert solver.last.step.tolist() == [3, 0, 3]
    assert np.isfinite(solver.last.cost).all()


@pytest.mark.parametrize(
    "returned",
    [
        np.zeros((3, 5)), np.zeros((2, 6)), np.zeros((6, 3)), np.zeros((1, 3, 6)), np.zeros(18),
        np.zeros((3, 6), np.float32), np.zeros((6, 3)).T, None,
    ],
    ids=["columns", "rows", "transposed", "3d", "1d", "float32", "not_contiguous", "none"],
)  # fmt: skip
def test_sums_of_another_shape_or_type_are_refused(returned):
    fit = Fit()
    run = fit.whole()
    run.hook = lambda nodes: returned
    with pytest.raises(ValueError):
        fit.solver(run).start(fit.starts)


@pytest.mark.linetrace
def test_the_shape_that_a_hook_must_return_is_named():
    fit = Fit(classes=[1], num_bands=1, d=1)
    run = fit.whole()
    run.hook = lambda nodes: np.zeros((1, 3))
    with pytest.raises(ValueError, match=r"of shape \(1, 4\), found \(1, 3\)"):
        fit.solver(run).start(fit.starts)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, OSError, SystemExit])
@every_solver
def test_an_exception_from_a_hook_is_the_solvers(name, raised):
    def fail(nodes):
        raise raised("lost")

    fit = Fit(name)
    run = fit.whole()
    solver = fit.solver(run)
    solver.start(fit.starts)
    run.hook = fail
    with pytest.raises(raised, match="lost"):
        solver.advance(3)


@pytest.mark.parametrize("failing_pass", [2, 3, 6])
@pytest.mark.parametrize("n_threads", [1, 3])
@every_solver
def test_a_solver_continues_after_an_exception_from_a_hook_to_the_same_bits(
    name, n_threads, failing_pass
):
    fit = Fit(name, n_threads=n_threads)
    expected = fit.fitted(fit.whole())
    run, passed = fit.whole(), []

    def hook(nodes):
        passed.append(None)
        if len(passed) == failing_pass:
            raise OSError("lost")
        return merge([(run.subtrees, nodes)])

    run.hook = hook
    solver = fit.solver(run)
    solver.start(fit.starts)
    with pytest.raises(OSError, match="lost"):
        solver.advance(NUM_STEPS)
    if name == "gd":
        solver.advance(NUM_STEPS - solver.last.step[0])
    else:  # its neurons may have made different numbers of steps
        while solver.last.step.min() < NUM_STEPS:
            solver.advance(1)
    assert shown(solver) == expected
