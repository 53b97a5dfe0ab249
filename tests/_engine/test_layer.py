"""A layer of neurons with a softmax: its pass, solvers and predictions, beside NumPy and mpmath."""

import mpmath
import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, bits

from oneneuron import _losses, reference
from oneneuron._engine import predictions
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import band_rows, lay_out
from oneneuron._engine.second_moments import SecondMoments
from oneneuron._engine.shards import InMemory, Shards, pass_over
from oneneuron._engine.solvers import LBFGS, GradientDescent, State

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def draw(n=500, d=5, num_classes=4, dtype=np.float64, scale=1.0, seed=0):
    """Return samples, their classes and parameters of a layer, (K, d + 1)."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)).astype(dtype)
    parameters = scale * rng.standard_normal((num_classes, d + 1))
    noise = rng.gumbel(size=(n, num_classes))
    codes = (X @ parameters[:, :-1].T / scale + noise).argmax(axis=1)
    return X, codes, parameters


def solver_of(samples, loss, num_starts=1, name="gd", alpha=0.0, limits=-1.0, n_threads=None):
    """Return a solver of layers, before its start."""
    if not isinstance(samples, Shards):
        samples = InMemory([samples], n_threads)
    classes = np.tile(np.arange(samples.num_classes), num_starts)
    loss = _losses.LOSSES[loss]
    run = pass_over(samples, classes, loss, softmax=True)
    moments = SecondMoments(samples)
    settings = dict(
        alpha=alpha, intercept=True, limits=limits, means=moments.means,
        single=samples.dtype == np.float32,
    )  # fmt: skip
    if name == "gd":
        eta = moments.safe_eta(alpha, loss.layer_max_curvature)
        return GradientDescent(run, eta=eta, **settings)
    return LBFGS(
        run, preconditioner=moments.preconditioner(alpha, loss.layer_max_curvature), **settings
    )


def score(X, codes, parameters, loss, weights=None, **options):
    """Return the cost, the gradient and the weight of the wrong samples."""
    samples = lay_out(X, codes, len(parameters), weights)
    solver = solver_of(samples, loss, **options)
    solver.start(parameters.reshape(1, -1))
    return solver.last.cost[0], solver.gradient[0].reshape(parameters.shape), solver.last.wrong[0]


# --- The pass ---


@every_loss
@pytest.mark.parametrize("num_classes", [3, 4, 26])
@pytest.mark.parametrize("d", [1, 2, 5, 70, 300])
def test_cost_and_gradient_are_those_of_the_reference(loss, num_classes, d):
    X, codes, parameters = draw(300, d, num_classes, scale=1 / np.sqrt(d))
    cost, gradient, _ = score(X, codes, parameters, loss)
    w, b = parameters[:, :-1], parameters[:, -1]
    expected = np.column_stack(reference.layer_gradient(X, codes, w, b, loss))
    np.testing.assert_allclose(cost, reference.layer_cost(X, codes, w, b, loss), rtol=1e-13)
    np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-12 * len(X))


@every_loss
def test_a_layer_of_two_neurons_is_one_neuron_for_the_difference_of_their_outputs(loss):
    X, codes, parameters = draw(num_classes=2)
    cost, gradient, wrong = score(X, codes, parameters, loss)
    neuron = make_pass(lay_out(X, codes, 2), [1], _losses.LOSSES[loss])
    solver = GradientDescent(
        neuron, eta=1.0, alpha=0.0, intercept=True, limits=-1.0, means=0.0, single=False
    )
    solver.start(parameters[1:] - parameters[:1])
    # Each of the two outputs has the squared error of the neuron; the log loss counts once.
    times = 2.0 if loss == "quadratic" else 1.0
    np.testing.assert_allclose(cost, times * solver.last.cost[0], rtol=1e-13)
    np.testing.assert_allclose(gradient[1], times * solver.gradient[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient[0], -gradient[1], rtol=1e-12, atol=1e-12)
    assert wrong == solver.last.wrong[0]


@every_loss
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_gradient_is_that_of_central_differences(loss, scale):
    X, codes, parameters = draw(60, 3, 4, scale=scale)
    _, gradient, _ = score(X, codes, parameters, loss)
    samples, h = lay_out(X, codes, 4), 1e-5
    steps = h * np.eye(16).reshape(16, 1, 16)
    costs = np.empty((16, 2))
    for i, step in enumerate(steps):
        for j, sign in enumerate((-1.0, 1.0)):
            solver = solver_of(samples, loss)
            solver.start(parameters.reshape(1, -1) + sign * step)
            costs[i, j] = solver.last.cost[0]
    differences = (costs[:, 1] - costs[:, 0]) / (2 * h)
    # Third derivatives times h^2 / 6, and the rounding errors of the costs divided by h.
    np.testing.assert_allclose(gradient.ravel(), differences, rtol=0.0, atol=1e-7)


@every_loss
def test_the_gradient_of_a_wide_layer_is_that_of_the_reference(loss):
    X, codes, parameters = draw(40, 5000, 3, scale=0.01)
    cost, gradient, _ = score(X, codes, parameters, loss)
    w, b = parameters[:, :-1], parameters[:, -1]
    expected = np.column_stack(reference.layer_gradient(X, codes, w, b, loss))
    np.testing.assert_allclose(cost, reference.layer_cost(X, codes, w, b, loss), rtol=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-11)


@every_loss
def test_float32_samples_give_the_sums_of_float64_to_single_precision(loss):
    X, codes, parameters = draw(2000, 5, 4, np.float32)
    found = score(X, codes, parameters, loss)
    expected = score(X.astype(float), codes, parameters, loss)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-5, atol=1e-6 * len(X))


def exact(z, own, loss):
    """Return the cost of one sample, its derivatives with respect to z, and their largest terms."""
    with mpmath.workdps(400):
        e = [mpmath.exp(mpmath.mpf(float(x))) for x in z]
        p = [x / sum(e) for x in e]
        r = [x - (k == own) for k, x in enumerate(p)]
        if loss == "log":
            return -mpmath.log(p[own]), r, r
        mean = sum(x * y for x, y in zip(p, r, strict=True))
        slopes = [x * (y - mean) for x, y in zip(p, r, strict=True)]
        return (
            sum(x * x for x in r) / 2,
            slopes,
            [x * max(x * (1 - x), p[own] * -r[own]) for x in p],
        )


@pytest.mark.linetrace
@every_loss
@pytest.mark.parametrize("own", [0, 1, 2])
@pytest.mark.parametrize(
    "z",
    [
        (0.0, 0.0, 0.0), (1.0, -2.0, 0.5), (40.0, 0.0, -3.0), (0.0, 40.0, 39.0),
        (-300.0, 0.0, 2.0), (100.0, 100.0, -100.0), (0.0, 1e-20, -1e-20), (5.0, 60.0, 200.0),
    ],
    ids=str,
)  # fmt: skip
def test_every_digit_is_right_at_saturated_outputs_too(loss, own, z):
    parameters = np.column_stack([z, np.zeros(3)])
    cost, gradient, _ = score(np.ones((1, 1)), np.array([own]), parameters, loss)
    expected_cost, expected, terms = exact(z, own, loss)
    # t is z log2 e, rounded. So e^z is off by up to z units of the last digit, here 300.
    assert abs(cost / expected_cost - 1) < 400 * 2**-52
    # Terms of the quadratic loss's derivatives cancel only where these change their sign.
    for found, slope, term in zip(gradient[:, 1], expected, terms, strict=True):
        assert abs(found - slope) <= 1000 * 2**-52 * max(abs(slope), abs(term)) + 1e-300


@every_loss
def test_huge_outputs_neither_overflow_nor_become_nan(loss):
    X, codes, parameters = draw(100, 3, 5, scale=1e300)
    cost, gradient, _ = score(X, codes, parameters, loss)
    assert np.isfinite(cost) and np.isfinite(gradient).all()


@every_loss
def test_a_number_added_to_all_outputs_changes_nothing(loss):
    X, codes, parameters = draw()
    moved = parameters.copy()
    moved[:, -1] += 8.0
    one, other = score(X, codes, parameters, loss), score(X, codes, moved, loss)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-10)


@every_loss
def test_permuted_classes_permute_the_gradient(loss):
    X, codes, parameters = draw()
    order = np.array([2, 0, 3, 1])
    cost, gradient, _ = score(X, codes, parameters, loss)
    permuted = score(X, np.argsort(order)[codes], parameters[order], loss)
    np.testing.assert_allclose(permuted[0], cost, rtol=1e-13)
    np.testing.assert_allclose(permuted[1], gradient[order], rtol=1e-11, atol=1e-11)


@pytest.mark.linetrace
def test_a_sample_is_wrong_unless_the_first_of_the_largest_outputs_is_its_own():
    outputs = np.array([[1, 1, 0], [1, 1, 0], [0, 2, 2], [0, 2, 2], [3, 3, 3], [3, 3, 3]])
    codes = np.array([0, 1, 1, 2, 0, 2])
    parameters = np.column_stack([np.eye(3), np.zeros(3)])
    _, _, wrong = score(outputs.astype(float), codes, parameters, "quadratic")
    assert wrong == 3.0


@pytest.mark.linetrace
@every_loss
@every_dtype
def test_weights_multiply_the_sums(loss, dtype):
    X, codes, parameters = draw(300, dtype=dtype)
    k = np.random.default_rng(1).integers(0, 4, len(X))
    found = score(X, codes, parameters, loss, k.astype(dtype))
    expected = score(np.repeat(X, k, axis=0), np.repeat(codes, k), parameters, loss)
    tolerance = 1e-11 if dtype == np.float64 else 1e-4
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * len(X))


@every_loss
@every_dtype
def test_the_number_of_threads_changes_no_bit(loss, dtype):
    X, codes, parameters = draw(20_000, 3, 5, dtype)
    one, two, three = (score(X, codes, parameters, loss, n_threads=k) for k in (1, 2, 3))
    assert bits(one) == bits(two) == bits(three)


@every_loss
def test_layers_together_and_alone_give_the_same_bits(loss):
    X, codes, parameters = draw(3000)
    samples = lay_out(X, codes, 4)
    starts = np.stack([parameters.ravel(), 2 * parameters.ravel(), np.zeros(24)])
    together = solver_of(samples, loss, 3, "lbfgs", alpha=0.1, limits=1e-3)
    together.start(starts)
    together.advance(1000)
    for k, start in enumerate(starts):
        alone = solver_of(samples, loss, 1, "lbfgs", alpha=0.1, limits=1e-3)
        alone.start(start[None])
        alone.advance(1000)
        assert bits(alone.last.parameters[0]) == bits(together.last.parameters[k])


@every_loss
@pytest.mark.parametrize("name", SOLVERS)
def test_layers_over_two_shards_have_the_bits_of_one(loss, name):
    band = band_rows(4)
    X, codes, parameters = draw(2 * band + 900, 2)
    starts = np.stack([parameters.ravel(), 2 * parameters.ravel()])
    parts = [
        lay_out(X[rows], codes[rows], 4, first_band=rows.start // band)
        for rows in (slice(0, band), slice(band, None))
    ]
    found = []
    for samples in ([lay_out(X, codes, 4)], parts):
        solver = solver_of(InMemory(samples), loss, 2, name, alpha=0.5)
        solver.start(starts)
        solver.advance(10)
        found.append(bits([solver.last, solver.lowest, solver.gradient, solver.costs]))
    assert found[0] == found[1]


# --- The solvers ---


@every_loss
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_the_safe_step_size_never_raises_the_cost(loss, scale):
    X, codes, parameters = draw(200, 3, 5, scale=scale)
    solver = solver_of(lay_out(X, codes, 5), loss, alpha=0.1)
    solver.start(parameters.reshape(1, -1))
    solver.advance(500)
    costs = solver.costs[0, :501]
    assert (np.diff(costs) <= 1e-13 * costs[0]).all()


def test_no_curvature_of_the_quadratic_loss_is_above_its_bound():
    rng = np.random.default_rng(0)
    bound, largest = _losses.QUADRATIC.layer_max_curvature, 0.0
    for num_classes in (2, 3, 5, 12):
        for z in 3 * rng.standard_normal((3000, num_classes)):
            p = reference.softmax(z[None])[0]
            r = p - np.eye(num_classes)[0]
            J = np.diag(p) - np.outer(p, p)
            mean = p @ r
            # The derivative of p_k (r_k - sum_j p_j r_j) with respect to z_m.
            H = J * (r - mean)[:, None] + p[:, None] * (J - (J @ (r + p))[None, :])
            largest = max(largest, np.linalg.eigvalsh(0.5 * (H + H.T))[-1])
    assert 0.95 * bound < largest <= bound


@every_loss
@every_dtype
def test_lbfgs_ends_where_every_derivative_is_within_its_limit(loss, dtype):
    X, codes, _ = draw(1000, 6, 5, dtype)
    solver = solver_of(lay_out(X, codes, 5), loss, name="lbfgs", alpha=0.3, limits=0.1)
    solver.start(np.zeros((1, 35)))
    solver.advance(1000)
    assert solver.state[0] == State.FLAT and solver.num_passes < 40


# --- Predictions ---


@every_dtype
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("num_classes", [3, 30])
def test_probabilities_are_the_softmax_of_the_margins(dtype, order, num_classes):
    X, _, parameters = draw(1000, 5, num_classes, dtype, scale=3.0)
    coef, intercept = parameters[:, :-1].astype(dtype), parameters[:, -1].astype(dtype)
    found = predictions.softmax(np.asarray(X, order=order), coef, intercept)
    z = X.astype(float) @ coef.astype(float).T + intercept.astype(float)
    # An error of z of a few units of its last digit changes p by as much, relatively.
    tolerance = 200 * np.finfo(dtype).eps
    np.testing.assert_allclose(found, reference.softmax(z), rtol=tolerance, atol=1e-37)


@pytest.mark.linetrace
def test_probabilities_of_huge_outputs_are_0_and_1():
    coef, intercept = np.array([[1e300], [0.0], [-1e300]]), np.zeros(3)
    found = predictions.softmax(np.array([[1.0], [-1.0], [0.0]]), coef, intercept)
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 0, 1], [1 / 3] * 3], atol=1e-300, rtol=1e-15)
