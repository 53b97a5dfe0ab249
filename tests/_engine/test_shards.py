"""Samples in several shards give the bits of samples in one, whatever is computed from them."""

import pickle
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, bits, make_classes, make_start
from scipy import sparse

from oneneuron import NeuronClassifier, _losses
from oneneuron._engine import samples as samples_module
from oneneuron._engine.joined import JoinedPass
from oneneuron._engine.samples import lay_out
from oneneuron._engine.second_moments import SecondMoments
from oneneuron._engine.shards import Form, InMemory, Shards, pass_over
from oneneuron._engine.sharing import Pass
from oneneuron._engine.solvers import LBFGS, GradientDescent
from oneneuron._engine.sparse import SparsePass
from oneneuron._engine.sparse_samples import lay_out_sparse
from oneneuron._fit import sources
from oneneuron._fit.sparse_validation import as_canonical_rows
from oneneuron._training import Training

BAND = 4096  # samples in a band, here
NUM_BANDS = 5
N = BAND * NUM_BANDS - 1000  # the last band is incomplete

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("name", SOLVERS)
every_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])
weighted_or_not = pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
# The bands at which the samples of 2, 3 and 5 shards are cut.
every_cut = pytest.mark.parametrize(
    "cuts", [(2,), (1, 4), (1, 2, 3, 4)], ids=["two", "three", "five"]
)


@pytest.fixture(autouse=True)
def small_bands(monkeypatch):
    """Let bands be small, so that few samples fill several."""
    monkeypatch.setattr(samples_module, "_BAND_ROWS", BAND)


class Data:
    """Samples of three classes, the last of which is in the first band only."""

    def __init__(self, d=3, dtype=np.float64, weighted=False, n=N):
        X, codes, rng = make_classes(d, n, d, 3)
        self.X = (X * 10.0 ** rng.uniform(-2, 2, d) + rng.standard_normal(d)).astype(dtype)
        self.codes = np.where((codes == 2) & (np.arange(n) >= BAND), 1, codes)
        self.weights = rng.random(n).astype(dtype) if weighted else None
        if weighted:
            self.weights[rng.integers(0, n, 50)] = 0.0
        self.starts = np.array([make_start(rng, d) for _ in range(3)])

    def laid_out(self, *cuts):
        """Return the samples of each shard."""
        num_bands = -(-len(self.X) // BAND)
        return [
            lay_out(
                self.X[rows], self.codes[rows], 3,
                None if self.weights is None else self.weights[rows], first_band=rows.start // BAND,
            )
            for rows in (slice(BAND * a, BAND * b) for a, b in pairwise([0, *cuts, num_bands]))
        ]  # fmt: skip

    def shards(self, *cuts, n_threads=1):
        return InMemory(self.laid_out(*cuts), n_threads)


class Elsewhere(Shards):
    """Shards from which everything is asked as if they were in other processes."""

    def __init__(self, laid_out):
        self._inner = InMemory(laid_out, 1)
        super().__init__(Form.of(laid_out[0]))

    def ask(self, method, *arguments):
        method, arguments = sent((method, arguments))
        return [sent(answer) for answer in self._inner.ask(method, *arguments)]


def sent(value):
    """Return a copy of a value, as another process would get it."""
    return pickle.loads(pickle.dumps(list(value) if isinstance(value, Iterator) else value))


def facts_about(shards):
    numbers = shards.num_samples, shards.num_tiles, shards.num_weighted, shards.total_weight
    return bits([*numbers, shards.class_sizes, shards.class_weights])


def moments_of(shards, fit_intercept=True):
    """Return the bits of all that is known of second moments."""
    moments = SecondMoments(shards, fit_intercept)
    found = [moments.total, moments.means, moments.scales, moments.preconditioner(0.1, 0.25)]
    return bits([*found, moments.safe_eta(0.1, 0.25)])


def fitted(shards, starts, name="lbfgs", loss="log", softmax=False, limits=-1.0, num_steps=6):
    """Return the bits of everything that a solver of three neurons shows after some steps."""
    record = _losses.LOSSES[loss]
    run = pass_over(shards, [0, 1, 2], record, softmax=softmax)
    moments = SecondMoments(shards)
    options = dict(
        alpha=0.5, intercept=True, limits=limits, means=moments.means,
        single=shards.dtype == np.float32,
    )  # fmt: skip
    curvature = record.layer_max_curvature if softmax else record.max_curvature
    if name == "gd":
        solver = GradientDescent(run, eta=moments.safe_eta(0.5, curvature), **options)
    else:
        preconditioner = moments.preconditioner(0.5, curvature)
        solver = LBFGS(run, preconditioner=preconditioner, **options)
    solver.start(starts.reshape(1, -1) if softmax else starts)
    solver.advance(num_steps)
    models = [solver.last, solver.best, solver.lowest]
    return bits([*models, solver.gradient, solver.state, solver.costs, solver.num_passes])


# --- Facts and moments ---


@every_cut
@weighted_or_not
@every_dtype
def test_shards_know_the_same_facts_about_all_samples(dtype, weighted, cuts):
    data = Data(3, dtype, weighted)
    assert facts_about(data.shards(*cuts)) == facts_about(data.shards())


@weighted_or_not
def test_the_facts_are_those_of_the_samples(weighted):
    data = Data(weighted=weighted)
    found = data.shards(1, 4)
    assert (found.num_features, found.num_classes, found.num_samples) == (3, 3, N)
    assert (found.dtype, found.is_weighted) == (np.float64, weighted)
    assert found.num_tiles == sum(len(shard.values) for shard in data.laid_out(1, 4))
    assert found.class_sizes.tolist() == np.bincount(data.codes).tolist()
    # Sums of thousands of weights, in another order.
    weights = np.bincount(data.codes, data.weights)
    np.testing.assert_allclose(found.class_weights, weights, rtol=1e-12)
    assert found.total_weight == pytest.approx(weights.sum(), rel=1e-12)
    assert found.num_weighted == (np.count_nonzero(data.weights) if weighted else N)


@every_cut
@pytest.mark.parametrize("fit_intercept", [True, False])
@weighted_or_not
@every_dtype
@pytest.mark.parametrize("d", [3, 30])  # for the preconditioner, all tiles and one in four
def test_second_moments_have_the_same_bits(d, dtype, weighted, fit_intercept, cuts):
    data = Data(d, dtype, weighted)
    expected = moments_of(data.shards(), fit_intercept)
    assert moments_of(data.shards(*cuts), fit_intercept) == expected


@weighted_or_not
@every_dtype
def test_second_moments_of_many_features_have_the_same_bits(dtype, weighted):
    data = Data(512, dtype, weighted, n=2 * BAND + 100)
    expected = moments_of(data.shards())
    assert moments_of(data.shards(1)) == moments_of(data.shards(1, 2)) == expected


@pytest.mark.parametrize("n_threads", [2, 3])
def test_threads_give_moments_of_the_same_bits(n_threads):
    data = Data(30)
    assert moments_of(data.shards(2, n_threads=n_threads)) == moments_of(data.shards())


@pytest.mark.parametrize("factor", [1e-320, 1e-300, 1e300])
def test_tiny_and_huge_weights_give_moments_of_the_same_bits(factor):
    data = Data()
    data.weights = factor * np.random.default_rng(0).integers(1, 5, N)
    expected = moments_of(data.shards())
    assert moments_of(data.shards(1, 4)) == expected


def test_a_shard_without_weight_changes_no_bit():
    data = Data(weighted=True)
    data.weights[: 2 * BAND] = 0.0
    assert moments_of(data.shards(2)) == moments_of(data.shards())


@pytest.mark.parametrize("heavy", [0, BAND + 5, N - 1])
def test_the_heaviest_tile_may_be_in_any_shard(heavy):
    data = Data(weighted=True)
    data.weights[heavy] = 1e6
    data.X[heavy] = 1e8  # so that another shift would give other bits
    assert moments_of(data.shards(1, 4)) == moments_of(data.shards())


def test_sample_weights_whose_sum_is_infinite_only_over_all_shards_are_refused():
    data = Data(1, n=2 * BAND)
    data.codes[:] = 0
    data.weights = np.full(2 * BAND, 3e304)  # 1.2e308 in each shard
    with pytest.raises(ValueError, match="sample_weight is so large"):
        SecondMoments(data.shards(1))


@pytest.mark.parametrize("d", [3, 512])
def test_squares_that_are_infinite_only_over_several_shards_are_refused(d):
    data = Data(d, n=2 * BAND)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], data.X.shape)
    data.X[:] = 1.6e152 * signs  # the squares of a shard sum to about 1.1e308
    moments = SecondMoments(data.shards(1))
    assert np.isinf(moments.means).all()
    with pytest.raises(ValueError, match="X has features whose squares are infinite"):
        moments.preconditioner(0.1, 0.25)
    with pytest.raises(ValueError, match="X has features whose squares are infinite"):
        moments.safe_eta(0.1, 0.25)


# --- Passes ---


@every_cut
@pytest.mark.parametrize("softmax", [False, True], ids=["neurons", "layer"])
@every_loss
@every_solver
def test_solvers_have_the_same_bits(name, loss, softmax, cuts):
    data = Data()
    options = dict(name=name, loss=loss, softmax=softmax)
    expected = fitted(data.shards(), data.starts, **options)
    assert fitted(data.shards(*cuts), data.starts, **options) == expected


@pytest.mark.parametrize("softmax", [False, True], ids=["neurons", "layer"])
@weighted_or_not
@every_dtype
def test_solvers_have_the_same_bits_for_samples_of_every_kind(dtype, weighted, softmax):
    data = Data(7, dtype, weighted)
    expected = fitted(data.shards(), data.starts, softmax=softmax)
    assert fitted(data.shards(1, 4), data.starts, softmax=softmax) == expected


def test_solvers_have_the_same_bits_after_a_neuron_has_ended():
    data, limits = Data(), np.array([[-1.0], [np.inf], [-1.0]])
    expected = fitted(data.shards(), data.starts, limits=limits)
    assert fitted(data.shards(2), data.starts, limits=limits) == expected


@pytest.mark.parametrize("n_threads", [2, 3])
@every_solver
def test_threads_give_solvers_of_the_same_bits(name, n_threads, made_passes):
    data = Data(100)
    found = fitted(data.shards(2, n_threads=n_threads), data.starts, name)
    assert max(run.num_helpers for run in made_passes) > 0
    assert found == fitted(data.shards(), data.starts, name)


@every_cut
@weighted_or_not
@every_dtype
def test_a_training_has_the_same_bits(dtype, weighted, cuts):
    data = Data(3, dtype, weighted)

    def result(*cuts):
        shards = data.shards(*cuts)
        eta = SecondMoments(shards).safe_eta(0.1, _losses.QUADRATIC.max_curvature)
        training = Training(shards, data.starts[0], eta=eta, alpha=0.1)
        training.advance(10)
        return bits(training.result())

    assert result(*cuts) == result()


def test_each_shard_makes_one_pass_for_the_same_neurons(made_passes):
    data = Data()
    fitted(data.shards(1, 4), data.starts)
    assert len(made_passes) == 3


def test_passes_for_other_neurons_do_not_mix():
    data = Data()
    shards = data.shards(2)
    found = [
        fitted(shards, data.starts, loss=loss, softmax=softmax)
        for loss in LOSSES for softmax in (False, True) for _ in range(2)
    ]  # fmt: skip
    assert found[0::2] == found[1::2] and len(set(found)) == 4


def test_a_single_shard_in_memory_has_a_pass_without_python():
    data = Data()
    assert isinstance(pass_over(data.shards(), [1], _losses.LOG), Pass)
    assert isinstance(pass_over(data.shards(2), [1], _losses.LOG), JoinedPass)


def test_sparse_samples_have_a_pass_of_their_own():
    data = Data(n=100)
    samples = lay_out_sparse(as_canonical_rows(sparse.csr_array(data.X), np.float64), data.codes, 3)
    assert isinstance(pass_over(samples, [1], _losses.LOG, n_threads=1), SparsePass)


# --- Parts ---


@every_cut
@pytest.mark.parametrize("every", [2, 16])
@weighted_or_not
@every_dtype
def test_a_part_has_the_same_bits(dtype, weighted, every, cuts):
    data = Data(3, dtype, weighted)
    expected, found = (data.shards(*c).take_part(every) for c in ((), cuts))
    assert found.is_weighted and facts_about(found) == facts_about(expected)
    assert fitted(found, data.starts) == fitted(expected, data.starts)


@pytest.mark.parametrize("softmax", [False, True], ids=["neurons", "layer"])
@pytest.mark.parametrize("name", SOLVERS)
def test_a_shard_may_have_no_tile_in_a_part(name, softmax):
    data = Data(n=2 * BAND + 40)  # two tiles at most for each class in the last band
    whole, part = data.shards(), data.shards(1, 2).take_part(16)
    assert len(list(part.ask("describe"))) == 2
    expected = whole.take_part(16)
    assert facts_about(part) == facts_about(expected)
    moments, record = SecondMoments(whole), _losses.LOG
    options = dict(alpha=0.5, intercept=True, limits=-1.0, means=moments.means, single=False)
    solvers = []
    for samples in (part, expected):
        run = pass_over(samples, [0, 1, 2], record, softmax=softmax)
        if name == "gd":
            eta = moments.safe_eta(0.5, record.layer_max_curvature)
            solvers.append(GradientDescent(run, eta=eta, **options))
        else:
            P = moments.preconditioner(0.5, record.layer_max_curvature)
            solvers.append(LBFGS(run, preconditioner=P, **options))
        solvers[-1].start(data.starts.reshape(1, -1) if softmax else data.starts)
        solvers[-1].advance(6)
    assert bits(solvers[0].last) == bits(solvers[1].last)


# --- Whole fits ---


class Fits:
    """Fits of a classifier whose samples lie in shards."""

    def __init__(self, monkeypatch):
        self._patch = monkeypatch
        self.num_parts = 0

    def fitted(self, cuts, data, **options):
        """Return the bits of a fit with samples that are cut into shards."""
        fits = self

        class Counted(InMemory):
            def take_part(self, every):
                fits.num_parts += 1
                return super().take_part(every)

        def laid_out(X, *_, n_threads, **options):
            assert len(X) == len(data.X)
            return Counted(data.laid_out(*cuts), n_threads)

        self._patch.setattr(sources, "lay_out_arrays", laid_out)
        found = NeuronClassifier(random_state=3, max_iter=20, **options)
        found.fit(data.X, data.codes, data.weights)
        return bits([found, found.loss_curve_, found.n_iter_, found.stop_reason_, found.eta_])


@pytest.fixture
def fits(monkeypatch):
    return Fits(monkeypatch)


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
@every_loss
@every_solver
def test_a_fit_has_the_same_bits(name, loss, multi_class, fits):
    data, options = Data(), dict(solver=name, loss=loss, multi_class=multi_class)
    expected = fits.fitted((), data, **options)
    assert [fits.fitted(cuts, data, **options) for cuts in [(2,), (1, 2, 3, 4)]] == [expected] * 2


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
@weighted_or_not
@every_dtype
def test_a_fit_with_several_starts_has_the_same_bits(dtype, weighted, multi_class, fits):
    data, options = Data(3, dtype, weighted), dict(multi_class=multi_class, n_init=3)
    assert fits.fitted((1, 4), data, **options) == fits.fitted((), data, **options)


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
@weighted_or_not
@every_dtype
def test_a_fit_with_a_draft_has_the_same_bits(dtype, weighted, multi_class, fit_intercept, fits):
    data = Data(1, dtype, weighted, n=2**16 * 3 + 40)
    options = dict(multi_class=multi_class, fit_intercept=fit_intercept)
    expected = fits.fitted((), data, **options)
    assert fits.fitted((7, 48), data, **options) == expected
    assert fits.num_parts == 2


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
def test_a_fit_on_many_features_has_the_same_bits(fits):
    data = Data(512, np.float32, n=BAND + 500)
    assert fits.fitted((1,), data) == fits.fitted((), data)


# --- Elsewhere ---


@pytest.mark.parametrize("d", [3, 512])
def test_all_that_a_shard_is_asked_and_answers_can_be_sent(d):
    data = Data(d, np.float32, weighted=True, n=2 * BAND + 100)
    elsewhere, expected = Elsewhere(data.laid_out(1, 2)), data.shards()
    assert facts_about(elsewhere) == facts_about(expected)
    assert moments_of(elsewhere) == moments_of(expected)
    for softmax in (False, True):
        found = fitted(elsewhere, data.starts, softmax=softmax)
        assert found == fitted(expected, data.starts, softmax=softmax)


class Lost(Exception):
    """What is raised where a shard cannot be reached."""


def test_moments_can_be_asked_for_again_after_a_shard_was_lost():
    data, failing = Data(), set()

    class Unsteady(Elsewhere):
        def ask(self, method, *arguments):
            if method in failing:
                raise Lost
            return super().ask(method, *arguments)

    moments = SecondMoments(Unsteady(data.laid_out(2)))
    for method in ("heaviest_tile", "deviations", "products"):
        failing.add(method)
        with pytest.raises(Lost):
            moments.preconditioner(0.1, 0.25)
        failing.clear()
    expected = SecondMoments(data.shards())
    assert bits(moments.preconditioner(0.1, 0.25)) == bits(expected.preconditioner(0.1, 0.25))


def test_where_shards_are_is_up_to_subclasses():
    with pytest.raises(NotImplementedError):
        Shards(Form(3, 2, np.dtype(np.float64), False))
    with pytest.raises(NotImplementedError):
        Elsewhere(Data(n=100).laid_out()).take_part(2)
