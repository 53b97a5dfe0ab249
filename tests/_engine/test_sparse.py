"""Sparse samples have the same sums, moments and predictions as dense ones."""

import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, bits
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from oneneuron import _losses
from oneneuron._engine import predictions, sparse_samples
from oneneuron._engine.dispatch import import_kernel
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import lay_out
from oneneuron._engine.second_moments import SecondMoments
from oneneuron._engine.shards import InMemory
from oneneuron._engine.solvers import LBFGS, GradientDescent, State
from oneneuron._engine.sparse import SparsePass
from oneneuron._engine.sparse_moments import SparseMoments
from oneneuron._engine.sparse_samples import lay_out_sparse
from oneneuron._engine.turns import turn
from oneneuron._fit.sparse_validation import as_canonical_rows

# Sums of the same terms in another order. Each term is computed to a few units of rounding.
TOLERANCE = 1e-12

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@st.composite
def matrices(draw):
    """Return a matrix in canonical format: drawn with duplicates, zeros, empty rows and columns."""
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 9))
    entry = st.tuples(
        st.integers(0, n - 1), st.integers(0, d - 1), st.sampled_from([0.0, 1.0, -2.5, 0.3, 7.0])
    )
    entries = draw(st.lists(entry, max_size=60))
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    places = np.array(rows, np.int64), np.array(columns, np.int64)
    return as_canonical_rows(
        sparse.coo_array((np.array(values, float), places), shape=(n, d)), np.float64
    )


def draw_matrix(n=2000, d=300, density=0.1, dtype=np.float64, seed=0):
    """Return a matrix in canonical format."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < density)
    return as_canonical_rows(sparse.csr_array(X), dtype)


def draw_classes(n, num_classes, seed=0):
    return np.random.default_rng(seed).integers(num_classes, size=n)


def start_of(run, parameters):
    """Return a solver at its start: the sums of a pass, as cost, gradient and wrong samples."""
    solver = GradientDescent(
        run, eta=1e-3, alpha=0.0, intercept=True, limits=-1.0, means=0.0, single=False
    )
    solver.start(parameters)
    return solver


def neurons_of(num_classes, is_layer):
    """Return the classes of the neurons, and the number of neurons of a model."""
    own_classes = np.arange(num_classes) if num_classes > 2 else np.array([1])
    return own_classes, num_classes if is_layer else 1


def assert_same_sums(X, num_classes, loss, is_layer, weights=None, seed=0):
    """Assert that a pass over X has the sums of a pass over the same samples, dense."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(num_classes, size=X.shape[0])
    own_classes, layer = neurons_of(num_classes, is_layer)
    parameters = rng.standard_normal((len(own_classes) // layer, layer * (X.shape[1] + 1)))
    every = np.arange(X.shape[1])
    of_sparse, of_dense = (
        start_of(
            make_pass(samples, own_classes, _losses.LOSSES[loss], softmax=is_layer), parameters
        )
        for samples in (
            lay_out_sparse(X, codes, num_classes, weights, needed=every),
            lay_out(X.toarray().astype(np.float64), codes, num_classes, weights),
        )
    )
    # The terms of a sum are at most as large as the samples' sizes and the cost.
    size = 1.0 + abs(X).sum() + of_dense.last.cost.max()
    np.testing.assert_allclose(of_sparse.last.cost, of_dense.last.cost, rtol=TOLERANCE)
    np.testing.assert_allclose(of_sparse.gradient, of_dense.gradient, atol=TOLERANCE * size)
    np.testing.assert_array_equal(of_sparse.last.wrong, of_dense.last.wrong)


# --- The pass ---


@every_loss
@pytest.mark.parametrize(("num_classes", "is_layer"), [(2, False), (4, False), (4, True)])
@given(X=matrices(), seed=st.integers(0, 99))
def test_a_pass_has_the_sums_of_dense_samples(X, loss, num_classes, is_layer, seed):
    assert_same_sums(X, num_classes, loss, is_layer, seed=seed)


@every_loss
@pytest.mark.parametrize(("num_classes", "is_layer"), [(2, False), (4, False), (4, True)])
@given(X=matrices(), seed=st.integers(0, 99))
def test_a_pass_has_the_sums_of_dense_weighted_samples(X, loss, num_classes, is_layer, seed):
    weights = np.random.default_rng(seed).integers(0, 4, size=X.shape[0]).astype(float)
    assert_same_sums(X, num_classes, loss, is_layer, weights, seed)


@pytest.mark.linetrace
@every_loss
@every_dtype
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize(("num_classes", "is_layer"), [(2, False), (3, True)])
def test_a_pass_over_few_samples_has_the_sums_of_dense_samples(
    loss, dtype, is_weighted, num_classes, is_layer
):
    weights = np.arange(40.0) % 3 if is_weighted else None
    assert_same_sums(draw_matrix(40, 5, 0.4, dtype), num_classes, loss, is_layer, weights)


@every_loss
def test_a_pass_over_many_blocks_and_ranges_has_the_sums_of_dense_samples(loss):
    assert_same_sums(draw_matrix(20_000, 300), 3, loss, is_layer=True)


def test_values_in_float32_are_added_up_in_double():
    X, codes = draw_matrix(dtype=np.float32), draw_classes(2000, 2)
    parameters = np.random.default_rng(1).standard_normal((1, 301))
    of_single, of_double = (
        start_of(make_pass(lay_out_sparse(Z, codes, 2), [1], _losses.LOG), parameters)
        for Z in (X, X.astype(np.float64))
    )
    assert bits(of_single.gradient) == bits(of_double.gradient)


def run_with(samples, num_threads, turn=turn):
    """Return a pass of three neurons with this very number of threads, however few cores."""
    return SparsePass(
        import_kernel("float64"), samples.rows, samples.lanes,
        samples.tiles.weights, samples.tiles.runs, samples.tiles.blocks,
        np.arange(3), _losses.LOG.kernel_code, 1, num_threads, turn,
    )  # fmt: skip


@pytest.mark.parametrize("num_threads", [2, 3, 8])
def test_any_number_of_threads_gives_the_same_bits(num_threads):
    X, codes = draw_matrix(20_000, 300), draw_classes(20_000, 3)
    parameters = np.random.default_rng(1).standard_normal((3, 301))
    alone = start_of(run_with(lay_out_sparse(X, codes, 3), 1), parameters)
    run = run_with(lay_out_sparse(X, codes, 3, n_threads=num_threads), num_threads)
    shared = start_of(run, parameters)
    assert run.num_helpers == num_threads - 1
    assert bits([shared.last, shared.gradient]) == bits([alone.last, alone.gradient])


@every_loss
def test_neurons_that_have_ended_do_not_change_the_others(loss):
    """The first of three ends at once. Some samples weigh nothing: their slopes must stay zero."""
    X, codes = draw_matrix(n=500, d=20), draw_classes(500, 3)
    weights = draw_classes(500, 2, seed=1).astype(float)
    samples = lay_out_sparse(X, codes, 3, weights)

    def trained(own_classes, limits):
        solver = GradientDescent(
            make_pass(samples, own_classes, _losses.LOSSES[loss]), eta=1e-3, alpha=0.1,
            intercept=True, limits=limits, means=0.0, single=False,
        )  # fmt: skip
        solver.start(np.zeros((len(own_classes), 21)))
        solver.advance(5)
        return solver

    together = trained([0, 1, 2], np.repeat([[1e9], [-1.0], [-1.0]], 21, axis=1))
    assert together.state.tolist() == [State.FLAT, State.RUNNING, State.RUNNING]
    assert bits(together.last.parameters[1:]) == bits(trained([1, 2], -1.0).last.parameters)


def test_an_exception_from_a_turn_loses_no_step():
    X, codes = draw_matrix(), draw_classes(2000, 3)
    parameters = np.random.default_rng(1).standard_normal((3, 301))
    num_turns = 0

    def interrupt():
        nonlocal num_turns
        num_turns += 1
        if num_turns == 3:
            raise KeyboardInterrupt

    samples = lay_out_sparse(X, codes, 3)
    interrupted = start_of(run_with(samples, 2, turn=interrupt), parameters)
    with pytest.raises(KeyboardInterrupt):
        interrupted.advance(10**9)
    step = int(interrupted.last.step[0])
    interrupted.advance(5)
    undisturbed = start_of(run_with(samples, 1), parameters)
    undisturbed.advance(step + 5)
    assert bits(interrupted.last) == bits(undisturbed.last)


# --- The layout ---


@pytest.mark.linetrace
@every_dtype
@pytest.mark.parametrize("n_threads", [1, 4])
def test_the_product_of_the_transpose_is_that_of_scipy(dtype, n_threads):
    X = draw_matrix(n=100, d=20, dtype=dtype)
    samples = lay_out_sparse(X, draw_classes(100, 2), 2, n_threads=n_threads)
    x, product = np.random.default_rng(1).standard_normal(100), np.empty(20)
    samples.rows.multiply_transpose(x, product, n_threads, turn)
    np.testing.assert_allclose(product, X.T @ x, atol=1e-12 * abs(X).sum())


def test_ranges_of_columns_have_about_as_many_values_each():
    counts = np.array([0, 90, 1, 0, 60, 30, 0, 0])
    assert sparse_samples._ranges(counts, 2).tolist() == [0, 3, 8]
    assert sparse_samples._ranges(counts, 3).tolist() == [0, 2, 5, 8]


def test_columns_without_a_value_are_left_out_if_most_are():
    X = as_canonical_rows(sparse.coo_array(([1.0, 2.0], ([0, 1], [3, 70]))), np.float64)
    assert lay_out_sparse(X, np.array([0, 1]), 2).kept.tolist() == [3, 70]


def test_columns_that_are_needed_are_kept():
    X = as_canonical_rows(sparse.coo_array(([1.0, 2.0], ([0, 1], [3, 70]))), np.float64)
    assert lay_out_sparse(X, np.array([0, 1]), 2, needed=np.array([5])).kept.tolist() == [3, 5, 70]


def test_all_columns_are_kept_if_most_have_values():
    X = as_canonical_rows(sparse.coo_array(([1.0, 2.0], ([0, 1], [0, 2]))), np.float64)
    assert lay_out_sparse(X, np.array([0, 1]), 2).kept.tolist() == [0, 1, 2]


def test_a_matrix_of_zeros_keeps_a_column():
    X = as_canonical_rows(sparse.coo_array((3, 8)), np.float64)
    assert lay_out_sparse(X, np.array([0, 1, 1]), 2).kept.tolist() == [0]


def test_parameters_are_gathered_and_scattered():
    X = as_canonical_rows(sparse.coo_array(([1.0, 2.0], ([0, 1], [3, 70]))), np.float64)
    samples = lay_out_sparse(X, np.array([0, 1]), 2)
    parameters = samples.scatter(np.array([[1.0, 2.0, 3.0]]))
    assert np.flatnonzero(parameters).tolist() == [3, 70, 71]
    assert samples.gather(parameters).tolist() == [[1.0, 2.0, 3.0]]


# --- Moments ---


@given(X=matrices(), seed=st.integers(0, 99), is_weighted=st.booleans())
def test_means_and_scales_are_those_of_dense_samples(X, seed, is_weighted):
    rng = np.random.default_rng(seed)
    codes, weights = rng.integers(2, size=X.shape[0]), None
    if is_weighted:
        weights = rng.integers(0, 4, size=X.shape[0]) + 0.25
    of_sparse = SparseMoments(
        lay_out_sparse(X, codes, 2, weights, needed=np.arange(X.shape[1])), True
    )
    of_dense = SecondMoments(InMemory([lay_out(X.toarray(), codes, 2, weights)]), True)
    np.testing.assert_allclose(of_sparse.means, of_dense.means, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(of_sparse.scales, of_dense.scales, rtol=1e-12)


@pytest.mark.linetrace
def test_the_deviation_of_a_feature_far_from_zero_is_precise():
    values = 1e9 + np.random.default_rng(0).standard_normal(1000)
    X = as_canonical_rows(sparse.coo_array(values[:, None]), np.float64)
    moments = SparseMoments(lay_out_sparse(X, draw_classes(1000, 2), 2))
    # The deviation is 1e-9 of the values, whose own rounding errors are 1e-16.
    np.testing.assert_allclose(moments.scales, [values.std()], rtol=1e-7)


def test_a_constant_feature_has_no_deviation_but_its_size():
    X = as_canonical_rows(sparse.coo_array(np.full((1000, 1), 0.1)), np.float64)
    moments = SparseMoments(lay_out_sparse(X, draw_classes(1000, 2), 2))
    np.testing.assert_allclose(moments.scales, [0.1])


def test_squares_that_overflow_make_scales_infinite():
    X = as_canonical_rows(sparse.coo_array(np.array([[1e200], [0.0]])), np.float64)
    assert np.isinf(SparseMoments(lay_out_sparse(X, np.array([0, 1]), 2)).scales).all()


@pytest.mark.linetrace
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("is_weighted", [True, False])
def test_the_safe_step_size_is_just_below_the_inverse_of_the_largest_curvature(
    fit_intercept, is_weighted
):
    X, codes = draw_matrix(60, 8, 0.3), draw_classes(60, 2)
    u = np.random.default_rng(1).uniform(size=60) if is_weighted else np.ones(60)
    moments = SparseMoments(lay_out_sparse(X, codes, 2, u), fit_intercept)
    Z = np.column_stack([X.toarray(), np.full(60, float(fit_intercept))])
    largest = np.linalg.eigvalsh(Z.T @ (u[:, None] * Z))[-1]
    # As the docstring says: rounded down by less than 0.2 %.
    ratio = moments.safe_eta(0.5, 0.25) * (0.25 * largest + 0.5)
    assert 0.998 < ratio <= 1.0


def test_the_moments_have_the_same_bits_on_any_number_of_threads():
    X, codes = draw_matrix(20_000, 300), draw_classes(20_000, 2)
    alone, shared = (
        SparseMoments(lay_out_sparse(X, codes, 2), n_threads=n_threads) for n_threads in (1, 4)
    )
    assert bits([alone.means, alone.scales, alone.safe_eta(0.0, 0.25)]) == bits(
        [shared.means, shared.scales, shared.safe_eta(0.0, 0.25)]
    )


# --- Solvers ---


@every_loss
@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_comes_to_the_minimum_of_dense_samples(loss, name):
    X, codes = draw_matrix(300, 20, 0.3), draw_classes(300, 2)
    record = _losses.LOSSES[loss]

    def minimum(samples, moments):
        settings = dict(
            alpha=1.0, intercept=True, means=moments.means, single=False,
            limits=1e-9 * 300 * np.append(moments.scales, 1.0),
        )  # fmt: skip
        run = make_pass(samples, [1], record)
        if name == "gd":
            eta = moments.safe_eta(1.0, record.max_curvature)
            solver = GradientDescent(run, eta=eta, **settings)
        else:
            preconditioner = moments.preconditioner(1.0, record.max_curvature)
            solver = LBFGS(run, preconditioner=preconditioner, **settings)
        solver.start(np.zeros((1, 21)))
        solver.advance(100_000)
        assert solver.state[0] == State.FLAT
        return solver.last.parameters

    of_sparse = lay_out_sparse(X, codes, 2)
    of_dense = lay_out(X.toarray(), codes, 2)
    # Where derivatives are within 1e-9 of the curvature's unit, parameters are within about that.
    np.testing.assert_allclose(
        minimum(of_sparse, SparseMoments(of_sparse)),
        minimum(of_dense, SecondMoments(InMemory([of_dense]))),
        atol=1e-7,
    )


# --- Predictions ---


@every_dtype
@pytest.mark.parametrize("num_neurons", [1, 3])
@pytest.mark.parametrize("name", ["margins", "class_codes", "probabilities", "softmax"])
def test_predictions_are_those_for_dense_samples(name, num_neurons, dtype):
    if name == "softmax" and num_neurons == 1:
        pytest.skip("a softmax has several neurons")
    X, rng = draw_matrix(dtype=dtype), np.random.default_rng(1)
    coef = rng.standard_normal((num_neurons, 300)).astype(dtype)
    intercept = rng.standard_normal(num_neurons).astype(dtype)
    of_sparse, of_dense = (getattr(predictions, name)(Z, coef, intercept) for Z in (X, X.toarray()))
    assert of_sparse.dtype == of_dense.dtype
    # Margins of order 10 in dtype, with some hundred rounding errors in the dense product.
    np.testing.assert_allclose(of_sparse, of_dense, rtol=0, atol=1e3 * np.finfo(dtype).eps)


def test_margins_that_overflow_are_an_error():
    X = as_canonical_rows(sparse.coo_array(np.array([[1e200]])), np.float64)
    with pytest.raises(predictions.InfiniteMarginError):
        predictions.margins(X, np.array([[1e200]]), np.zeros(1))
