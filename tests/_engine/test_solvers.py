"""The compiled solvers, mostly on problems that NumPy scores.

An exception can only come from a pass of the package, so the tests of interruptions use the kernel.
"""

import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, joined, system_threads, wait_until
from hypothesis import given
from hypothesis import strategies as st
from python_problem import PythonProblem
from scipy.optimize import minimize
from scipy.special import expit

from oneneuron import _losses
from oneneuron._engine import passes
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import lay_out
from oneneuron._engine.solvers import COSTS_KEPT, LBFGS, GradientDescent, State

ALPHA = 0.5
MANY = 10**6  # steps, more than any fit takes

NEVER = np.full((3, 5), -1.0)  # limits within which no derivative is

every_loss = pytest.mark.parametrize("loss", LOSSES)


# --- Problems ---


def make_problem(X, codes, weights, loss, positives):
    """Return the problem of one neuron for each class in `positives`; margins in the dtype of X."""
    signs = np.where(codes == np.reshape(positives, (-1, 1)), 1, -1)

    def score(parameters, active):
        rows = np.empty((len(signs), X.shape[1] + 3))
        with np.errstate(all="ignore"):
            for row, s, p in zip(rows, signs, parameters.astype(X.dtype), strict=True):
                margins = s * (X @ p[:-1] + p[-1])
                error = expit(-margins)
                if loss == "quadratic":
                    twice, g = error**2, error**2 * expit(margins)
                else:
                    twice, g = 2 * np.logaddexp(0, -margins), error
                u = (weights * s * g).astype(np.float64)
                row[:] = *(u @ X), u.sum(), weights @ twice, weights @ (margins < 0)
        return rows

    return PythonProblem(score, len(signs), X.shape[1])


def make_function(function, d=1):
    """Return the problem of one neuron whose cost and gradient are ``function(parameters)``."""

    def score(parameters, active):
        with np.errstate(all="ignore"):
            cost, gradient = function(parameters[0])
        return np.array([[*np.negative(gradient), 2 * cost, 0.0]])

    return PythonProblem(score, 1, d)


class Example:
    """Noisy samples of three classes, one neuron for each, and the settings of its solvers."""

    def __init__(self, loss="log", dtype=np.float64, factor=1.0, tol=1e-4, n=300, d=4):
        rng = np.random.default_rng(7)
        self.X = (rng.standard_normal((n, d)) * [1, 5, 0.2, 1] + [0, 30, 1, -2]).astype(dtype)
        scores = self.X / self.X.std(0) @ rng.standard_normal((d, 3))
        self.codes = (scores - scores.mean(0) + rng.standard_normal((n, 3))).argmax(axis=1)
        self.loss, self.factor, self.positives = loss, factor, [0, 1, 2]
        self.means, scales = self.X.mean(0, dtype=np.float64), self.X.std(0, dtype=np.float64)
        self.limits = tol * factor * n * np.tile([*scales, 1.0], (3, 1))
        self.alpha, self.single = factor * ALPHA, dtype == np.float32
        curvature = _losses.LOSSES[loss].max_curvature
        Z = self.X - self.means
        bound = curvature * Z.T @ Z + ALPHA * np.eye(d)
        half = np.linalg.inv(np.linalg.cholesky(bound)).T
        self.P = np.zeros((d + 1, d + 1))
        self.P[:d, :d], self.P[d, :d] = half, -self.means @ half
        self.P[d, d] = 1 / np.sqrt(curvature * n)
        self.P /= np.sqrt(factor)
        self.eta = 0.5 / factor / np.linalg.norm(curvature * self.X.T @ self.X)
        self.starts = rng.standard_normal((3, d + 1)) / [1, 5, 0.2, 1, 1]

    def problem(self, positives=None):
        weights = np.full(len(self.X), self.factor)
        positives = self.positives if positives is None else positives
        return make_problem(self.X, self.codes, weights, self.loss, positives)

    def kernel_pass(self, **options):
        """Return the same problem as a pass of the kernel."""
        weights = None if self.factor == 1.0 else np.full(len(self.X), self.factor, self.X.dtype)
        return make_pass(
            lay_out(self.X, self.codes, 3, weights), self.positives, _losses.LOSSES[self.loss],
            **options,
        )  # fmt: skip

    def solver(self, name, problem=None, intercept=True, limits=None, neurons=slice(None)):
        """Return a solver at its start."""
        problem = problem or self.problem(np.array(self.positives)[neurons])
        limits = self.limits[neurons] if limits is None else limits
        means = self.means * intercept
        if name == "gd":
            solver = GradientDescent(
                problem, self.eta, self.alpha, intercept, limits, means, self.single
            )
        else:
            solver = LBFGS(problem, self.alpha, intercept, limits, means, self.single, self.P)
        solver.start(self.starts[neurons])
        return solver


def lbfgs_on(function, start, limit=-1.0, preconditioner=None):
    """Return L-BFGS at its start, on a function of two parameters."""
    P = np.ones(2) if preconditioner is None else preconditioner
    solver = LBFGS(make_function(function), 0.0, True, np.full((1, 2), limit), [0.0], False, P)
    solver.start(np.array([start]))
    return solver


@pytest.fixture(params=SOLVERS)
def name(request):
    return request.param


def snapshot(solver):
    """Return copies of everything that a solver shows."""
    models = [array for model in (solver.last, solver.best, solver.lowest) for array in model]
    return [array.copy() for array in (*models, solver.gradient, solver.state, solver.costs)]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def record(solver, num_steps):
    """Make steps one by one; return what `last` was after each, beginning with the start."""
    models = [[array.copy() for array in solver.last]]
    for _ in range(num_steps):
        solver.advance(1)
        models.append([array.copy() for array in solver.last])
    return [np.array(arrays) for arrays in zip(*models, strict=True)]


# --- What both solvers do ---


def test_the_start_is_scored_as_step_0(name):
    solver = Example().solver(name)
    np.testing.assert_array_equal(solver.last.parameters, Example().starts)
    np.testing.assert_array_equal(solver.last.step, 0)
    np.testing.assert_array_equal(solver.costs[:, 0], solver.last.cost)


@every_loss
def test_the_gradient_is_that_of_the_penalised_cost(name, loss):
    example = Example(loss)
    solver = example.solver(name)
    gradient = solver.gradient.copy()
    for j in range(5):
        ends = []
        for sign in (1, -1):
            moved = example.starts.copy()
            moved[:, j] += sign * 1e-5
            solver.start(moved)
            ends.append(solver.last.cost.copy())
        difference = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(gradient[:, j], difference, rtol=1e-5, atol=1e-5)


def test_each_neuron_makes_the_steps_asked_for(name):
    solver = Example().solver(name)
    solver.advance(3)
    np.testing.assert_array_equal(solver.last.step, 3)


def test_one_call_and_many_give_the_same_bits(name):
    one, many = Example().solver(name), Example().solver(name)
    one.advance(8)
    for num_steps in (1, 0, 2, 5):
        many.advance(num_steps)
    assert_same(snapshot(one), snapshot(many))


def test_neurons_together_and_alone_give_the_same_bits(name):
    together = Example().solver(name)
    together.advance(8)
    for k in range(3):
        alone = Example().solver(name, neurons=[k])
        alone.advance(8)
        assert_same([a[[k]] for a in snapshot(together)], snapshot(alone))


def test_a_second_start_forgets_the_first(name):
    solver, fresh = Example().solver(name), Example().solver(name)
    solver.advance(7)
    solver.start(Example().starts)
    solver.advance(5)
    fresh.advance(5)
    assert_same(snapshot(solver)[:-1], snapshot(fresh)[:-1])


@pytest.mark.linetrace
def test_a_neuron_that_has_ended_stays_as_it_is(name):
    limits = np.full((3, 5), -1.0)
    limits[1] = np.inf
    solver = Example().solver(name, limits=limits)
    solver.advance(2)
    assert solver.state.tolist() == [State.RUNNING, State.FLAT, State.RUNNING]
    assert solver.last.step.tolist() == [2, 0, 2]


def test_the_ring_holds_the_cost_of_each_step(name):
    solver = Example().solver(name, limits=NEVER)
    costs = record(solver, 9)[1]
    np.testing.assert_array_equal(solver.costs[:, :10], costs.T)


def test_the_ring_begins_again_when_it_is_full():
    solver = Example().solver("gd", limits=NEVER)
    solver.advance(COSTS_KEPT)
    np.testing.assert_array_equal(solver.costs[:, 0], solver.last.cost)


@pytest.mark.parametrize("field", ["best", "lowest"])
def test_the_first_iterate_of_several_equals_is_kept(name, field):
    solver = Example("quadratic").solver(name, limits=NEVER)
    parameters, costs, wrongs, _ = record(solver, 12)
    ranks = wrongs if field == "best" else costs
    first = 1 + ranks[1:].argmin(axis=0)
    np.testing.assert_array_equal(getattr(solver, field).step, first)
    np.testing.assert_array_equal(getattr(solver, field).parameters, parameters[first, [0, 1, 2]])


def test_a_start_better_than_all_steps_is_not_kept():
    example = Example()
    solver = example.solver("lbfgs")
    solver.advance(MANY)
    example.starts, example.eta = solver.last.parameters.copy(), 100 * example.eta
    worse = example.solver("gd", limits=NEVER)
    worse.advance(3)
    assert worse.lowest.step.min() > 0


@pytest.mark.linetrace
def test_without_an_intercept_the_bias_stays(name):
    example = Example()
    solver = example.solver(name, intercept=False)
    solver.advance(5)
    np.testing.assert_array_equal(solver.last.parameters[:, -1], example.starts[:, -1])
    np.testing.assert_array_equal(solver.gradient[:, -1], 0.0)


# --- Ends ---


def test_the_limits_bound_derivatives_with_centred_features(name):
    example = Example()
    at_start = example.solver(name).gradient
    centred = np.abs(at_start)
    centred[:, :-1] = np.abs(at_start[:, :-1] - example.means * at_start[:, -1:])
    at = example.solver(name, limits=centred * (1 + 1e-12))
    below = example.solver(name, limits=centred * (1 - 1e-12))
    assert set(at.state) == {State.FLAT}
    assert set(below.state) == {State.RUNNING}


def test_a_flat_neuron_makes_no_step(name):
    solver = Example().solver(name, limits=np.full((3, 5), np.inf))
    solver.advance(5)
    np.testing.assert_array_equal(solver.last.step, 0)


@pytest.mark.linetrace
@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize(
    ("low_cost", "state"), [(0.0, State.FLAT), (0.09, State.FLAT), (0.3, State.RUNNING)]
)
def test_limits_are_smaller_where_the_cost_is_low(low_cost, state, name):
    problem = make_function(lambda x: (0.1, [0.0, 0.5]))
    options = (0.0, True, np.full((1, 2), 1.0), [0.0], False)
    if name == "gd":
        solver = GradientDescent(problem, 1.0, *options, low_costs=low_cost)
    else:
        solver = LBFGS(problem, *options, np.ones(2), low_costs=low_cost)
    solver.start(np.zeros((1, 2)))
    assert solver.state[0] == state  # the limit is 1/3 in the last case


@pytest.mark.linetrace
def test_a_derivative_that_is_nan_is_not_flat():
    problem = make_function(lambda x: (1.0, [0.0, np.nan]))
    solver = GradientDescent(problem, 1.0, 0.0, True, np.full((1, 2), np.inf), [0.0], False)
    solver.start(np.zeros((1, 2)))
    assert solver.state[0] == State.RUNNING


@pytest.mark.linetrace
def test_a_start_with_an_infinite_cost_has_diverged():
    solver = lbfgs_on(lambda x: (np.inf, [1.0, 1.0]), [0.0, 0.0])
    assert solver.state[0] == State.DIVERGED


@pytest.mark.linetrace
def test_a_start_that_does_not_fit_the_samples_has_diverged():
    solver = lbfgs_on(lambda x: (1.0, [1.0, 1.0]), [1.7e308, 0.0])  # infinite times log2 e
    assert solver.state[0] == State.DIVERGED


@pytest.mark.linetrace
@pytest.mark.parametrize(("single", "steps"), [(True, 38), (False, 307)])
def test_divergence_keeps_the_last_parameters_that_fit_the_samples(single, steps):
    problem = make_function(lambda x: (1.0, [-9.0 * x[0], 0.0]))
    solver = GradientDescent(problem, 1.0, 0.0, True, np.full((1, 2), -1.0), [0.0], single)
    solver.start(np.array([[1.0, 0.0]]))
    solver.advance(MANY)
    assert solver.state[0] == State.DIVERGED
    assert solver.last.step[0] in (steps - 1, steps, steps + 1)
    assert solver.last.parameters[0, 0] == pytest.approx(10.0 ** solver.last.step[0])


@pytest.mark.linetrace
def test_divergence_keeps_the_last_parameters_with_a_finite_cost():
    problem = make_function(lambda x: (1.0 if x[0] < 3.5 else np.inf, [-1.0, 0.0]))
    solver = GradientDescent(problem, 1.0, 0.0, True, np.full((1, 2), -1.0), [0.0], False)
    solver.start(np.zeros((1, 2)))
    solver.advance(MANY)
    assert solver.last.parameters.tolist() == [[3.0, 0.0]]


# --- Helpers and interruptions ---


def test_helpers_are_started_and_stopped_with_each_call(name):
    solver_problem = Example().problem()
    solver = Example().solver(name, solver_problem)  # one pass, at the start
    solver.advance(5)
    assert solver_problem.calls == [1, "stop", 5, "stop"]


def test_no_helper_runs_after_the_call(name):
    example = Example(n=20_000)
    before = system_threads()
    example.solver(name, example.kernel_pass(n_threads=2)).advance(9)
    wait_until(lambda: system_threads() <= before)  # the system may still be ending one


def interruptible(example, failing_pass):
    """Return a pass of the kernel that raises KeyboardInterrupt in one of the passes."""
    num_passes = 0

    def interrupt():
        nonlocal num_passes
        num_passes += 1
        if num_passes == failing_pass:
            raise KeyboardInterrupt

    return joined(example.kernel_pass(), (3, 1, example.X.shape[1]), interrupt)


def interrupted(name, example, failing_pass):
    """Return a solver after a call in which one of the passes was interrupted.

    The pass at the start is the first one.
    """
    solver = example.solver(name, interruptible(example, failing_pass))
    with pytest.raises(KeyboardInterrupt):
        solver.advance(MANY)
    return solver


def test_an_interrupted_call_stops_its_helpers(name, monkeypatch):
    is_due = False

    def turn():
        if is_due:
            raise KeyboardInterrupt

    monkeypatch.setattr(passes, "turn", turn)
    # A pass of 600 neurons takes about 20 ms: then a turn is due.
    example = Example(n=20_000)
    example.positives, example.starts = [0, 1, 2] * 200, np.tile(example.starts, (200, 1))
    problem = example.kernel_pass(n_threads=2)
    solver = example.solver(name, problem, limits=np.full((600, 5), -1.0))
    before, is_due = system_threads(), True
    with pytest.raises(KeyboardInterrupt):
        solver.advance(MANY)
    assert problem.num_helpers == 1
    wait_until(lambda: system_threads() <= before)


@pytest.mark.parametrize("failing_pass", [2, 3, 5, 8])
def test_an_interrupted_run_shows_finished_steps_only(name, failing_pass):
    solver = interrupted(name, Example(), failing_pass)
    for k in range(3):  # some neurons may have been in a line search
        assert solver.costs[k, solver.last.step[k]] == solver.last.cost[k]
    assert solver.num_passes == failing_pass - 1


@pytest.mark.parametrize("failing_pass", [2, 3, 5, 8])
def test_an_interrupted_run_continues_to_the_same_bits(name, failing_pass):
    solver = interrupted(name, Example(), failing_pass)
    whole = Example().solver(name, Example().kernel_pass())
    if name == "gd":
        solver.advance(9 - solver.last.step[0])
        whole.advance(9)
    else:
        solver.advance(MANY)
        whole.advance(MANY)
    assert_same(snapshot(solver), snapshot(whole))


def test_an_interrupted_start_can_be_repeated(name):
    example = Example()
    solver = example.solver(name, interruptible(example, 2))
    with pytest.raises(KeyboardInterrupt):
        solver.start(example.starts + 1.0)
    solver.start(example.starts + 1.0)
    example.starts += 1.0
    assert_same(snapshot(solver), snapshot(example.solver(name, example.kernel_pass())))


@pytest.mark.linetrace
def test_starts_of_another_shape_are_refused(name):
    with pytest.raises(ValueError, match="parameters must be of shape"):
        Example().solver(name).start(np.zeros((3, 4)))


# --- Gradient descent ---


@every_loss
def test_gradient_descent_makes_the_steps_of_the_formula(loss):
    example = Example(loss)
    problem = example.problem()
    solver = example.solver("gd", limits=NEVER)
    parameters = example.starts.copy()
    penalty = np.append(np.full(4, ALPHA), 0.0)
    for _ in range(20):
        sums = problem.score(parameters, np.ones(3, bool))[:, :5]
        parameters += example.eta * (sums - penalty * parameters)
    solver.advance(20)
    np.testing.assert_array_equal(solver.last.parameters, parameters)


# --- L-BFGS ---


def scipy_fit(example, k):
    """Return SciPy's result with the same coordinates, limits and memory, and its passes."""
    solver = example.solver("lbfgs", limits=np.full((1, 5), -1.0), neurons=[k])
    start = example.starts[k]

    def cost(v):
        solver.start((start + P @ v)[None])
        return solver.last.cost[0], P.T @ solver.gradient[0]

    def stop_if_flat(intermediate_result):
        g = solver.gradient[0]
        centred = [*np.abs(g[:-1] - example.means * g[-1]), abs(g[-1])]
        if (centred <= example.limits[k]).all():
            raise StopIteration

    P = example.P * np.linalg.norm(example.P.T @ solver.gradient[0])
    options = {"maxcor": 20, "ftol": 0, "gtol": 0}
    found = minimize(
        cost, np.zeros(5), jac=True, method="L-BFGS-B", callback=stop_if_flat, options=options
    )
    return found.fun, found.nfev


def test_lbfgs_finds_the_minimum_that_scipy_finds():
    example = Example(tol=1e-7)
    solver = example.solver("lbfgs")
    solver.advance(MANY)
    assert set(solver.state) == {State.FLAT}
    costs = [scipy_fit(example, k)[0] for k in range(3)]
    np.testing.assert_allclose(solver.last.cost, costs, rtol=1e-10)


@every_loss
def test_lbfgs_takes_no_more_passes_than_scipy(loss):
    example = Example(loss)
    passes = []
    for k in range(3):
        solver = example.solver("lbfgs", neurons=[k])
        solver.advance(MANY)
        passes.append(solver.num_passes)
    assert sum(passes) <= 1.1 * sum(scipy_fit(example, k)[1] for k in range(3))


@pytest.mark.parametrize("exponent", [-200, -40, 40, 200])
@every_loss
def test_a_cost_times_a_power_of_two_changes_no_iterate(loss, exponent):
    plain, scaled = Example(loss), Example(loss, factor=2.0**exponent)
    scaled.P = plain.P * 2.0 ** (-exponent // 2)
    solvers = [example.solver("lbfgs") for example in (plain, scaled)]
    for solver in solvers:
        solver.advance(MANY)
    assert_same(*([s.last.parameters, s.last.step, s.state] for s in solvers))


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_small_and_large_costs_reach_the_same_minimum(factor):
    plain = Example(tol=1e-8).solver("lbfgs")
    scaled = Example(tol=1e-8, factor=factor).solver("lbfgs")
    plain.advance(MANY)
    scaled.advance(MANY)
    np.testing.assert_allclose(scaled.last.cost, factor * plain.last.cost, rtol=1e-12)


@every_loss
def test_float32_samples_reach_the_limits(loss):
    solver = Example(loss, np.float32).solver("lbfgs")
    solver.advance(MANY)
    assert set(solver.state) == {State.FLAT}


@pytest.mark.linetrace
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_loss
def test_without_limits_lbfgs_ends_at_the_limit_of_precision(loss, dtype):
    example = Example(loss, dtype)
    solver = example.solver("lbfgs", limits=NEVER)
    solver.advance(MANY)
    assert set(solver.state) == {State.PRECISION}
    exact = Example(loss, tol=1e-10).solver("lbfgs")
    exact.start(solver.last.parameters)
    exact.advance(MANY)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(solver.last.cost, exact.last.cost, rtol=tolerance)


def test_the_first_step_follows_the_preconditioned_gradient():
    example = Example()
    solver = example.solver("lbfgs", neurons=[1])
    expected = example.starts[[1]] - solver.gradient @ example.P @ example.P.T
    solver.advance(1)
    np.testing.assert_allclose(solver.last.parameters, expected, rtol=1e-10)


@pytest.mark.linetrace
@pytest.mark.parametrize("side", [2, 8, 21])
def test_with_the_inverse_root_of_the_hessian_one_step_finds_the_minimum(side):
    rng = np.random.default_rng(side)
    root = np.eye(side) + 0.1 * rng.standard_normal((side, side))
    H, minimum = root @ root.T, rng.standard_normal(side)
    problem = make_function(lambda x: (0.5 * (x - minimum) @ H @ (x - minimum), H @ (x - minimum)),
                            side - 1)  # fmt: skip
    limits, P = np.full((1, side), 1e-10), np.linalg.inv(root).T
    solver = LBFGS(problem, 0.0, True, limits, np.zeros(side - 1), False, P)
    solver.start(np.zeros((1, side)))
    solver.advance(MANY)
    np.testing.assert_allclose(solver.last.parameters[0], minimum, rtol=1e-10)
    assert solver.last.step[0] == 1


@pytest.mark.linetrace
def test_a_cost_that_is_all_penalty_takes_one_step():
    problem = make_function(lambda x: (0.0, [0.0, 0.0]))
    limits, P = np.full((1, 2), 1e-12), np.array([0.5, 1.0])
    solver = LBFGS(problem, 4.0, True, limits, [0.0], False, P)
    solver.start(np.array([[3.0, -1.0]]))
    solver.advance(MANY)
    assert solver.last.parameters.tolist() == [[0.0, -1.0]]
    assert solver.last.step[0] == 1


@pytest.mark.linetrace
def test_one_step_tells_how_far_the_curvature_of_the_samples_is_from_its_bound():
    bound = np.array([99.0, 0.0001, 100.0])
    H, penalty = 0.01 * bound, np.array([1.0, 1.0, 0.0])
    problem = make_function(lambda x: (0.5 * (x - 1) @ (H * (x - 1)), H * (x - 1)), d=2)
    limits, P = np.full((1, 3), 1e-12), 1 / np.sqrt(bound + penalty)
    solver = LBFGS(problem, 1.0, True, limits, np.zeros(2), False, P)
    solver.start(np.array([[3.0, 2.0, -1.0]]))
    solver.advance(MANY)
    assert solver.state[0] == State.FLAT
    assert solver.last.step[0] == 2


@pytest.mark.linetrace
def test_a_diagonal_preconditioner_is_the_same_as_its_matrix():
    example = Example()
    example.P = np.diag(example.P).copy()
    diagonal = example.solver("lbfgs")
    example.P = np.diag(example.P)
    dense = example.solver("lbfgs")
    diagonal.advance(9)
    dense.advance(9)
    assert_same(snapshot(diagonal), snapshot(dense))


@pytest.mark.linetrace
def test_an_infinite_cost_only_shortens_the_step():
    def barrier(x):
        inside = x[0] > 0
        cost = x[0] - np.log(x[0]) + x[1] ** 2 if inside else np.inf
        return cost, [1 - 1 / x[0], 2 * x[1]]

    solver = lbfgs_on(barrier, [100.0, 1.0], limit=1e-6, preconditioner=np.array([30.0, 30.0]))
    solver.advance(MANY)
    assert solver.state[0] == State.FLAT
    np.testing.assert_allclose(solver.last.parameters[0], [1.0, 0.0], atol=1e-6)


@pytest.mark.linetrace
def test_where_squares_of_slopes_overflow_the_search_halves_its_interval():
    def cliff(x):
        if x[0] < 0.5:
            return 2e200 * (x[0] - 0.25) ** 2, [4e200 * (x[0] - 0.25), 0.0]
        return 1e200 * (2.0 - x[0]), [-1e200, 0.0]

    solver = lbfgs_on(cliff, [0.0, 0.0], limit=1e190, preconditioner=np.array([1e-100, 1.0]))
    solver.advance(MANY)  # tries 1, 0.5 and 0.25
    assert solver.last.parameters.tolist() == [[0.25, 0.0]]
    assert solver.num_passes == 4


@pytest.mark.linetrace
def test_a_search_that_fails_is_repeated_along_the_gradient():
    trials, failures_left = [], 0

    def troubled(x):
        nonlocal failures_left
        trials.append(x)
        if failures_left > 0:
            failures_left -= 1
            return np.inf, [0.0, 0.0]
        return rosenbrock(x)

    solver = lbfgs_on(troubled, [-1.2, 1.0], limit=1e-8)
    solver.advance(5)
    expected = solver.last.parameters[0] - solver.gradient[0]
    failures_left, first = 20, len(trials)  # a search has so many trials
    solver.advance(MANY)
    assert trials[first + 20].tolist() == expected.tolist()
    assert solver.state[0] == State.FLAT


@pytest.mark.linetrace
def test_a_pair_of_rounding_errors_is_not_remembered():
    trials = []

    def sheared(x):
        trials.append(x)
        return 0.5 * (x[0] - 1.0) ** 2, [x[0] - 1.0, 1e20 * x[0]]

    solver = lbfgs_on(sheared, [0.0, 0.0])
    solver.advance(1)  # the change of the gradient is almost at a right angle to the step
    expected = solver.last.parameters[0] - solver.gradient[0]
    solver.advance(1)
    assert trials[2].tolist() == expected.tolist()


def test_a_concave_region_is_left_downhill():
    def well(x):
        e = np.exp(-0.5 * (x @ x))
        return 1.0 - e, e * x

    solver = lbfgs_on(well, [2.5, -2.0], limit=1e-8)
    solver.advance(MANY)
    assert solver.state[0] == State.FLAT
    np.testing.assert_allclose(solver.last.parameters[0], 0.0, atol=1e-8)


def rosenbrock(x):
    a, b = 1.0 - x[0], x[1] - x[0] ** 2
    return a * a + 100 * b * b, [-2 * a - 400 * x[0] * b, 200 * b]


def test_trial_points_of_a_line_search_leave_no_trace():
    solver = lbfgs_on(rosenbrock, [-1.2, 1.0], limit=1e-8)
    parameters, costs, _, _ = record(solver, 15)
    assert solver.num_passes > 16  # some steps took several trials
    exact = [rosenbrock(p[0])[0] for p in parameters]
    np.testing.assert_allclose(solver.costs[0, :16], exact, rtol=1e-14)
    assert (np.diff(costs[:, 0]) < 0).all()


@pytest.mark.linetrace
def test_lbfgs_solves_rosenbrock_in_fewer_than_50_passes():
    solver = lbfgs_on(rosenbrock, [-1.2, 1.0], limit=1e-8)
    solver.advance(MANY)
    assert solver.state[0] == State.FLAT
    assert solver.num_passes < 50


@pytest.mark.linetrace
def test_a_gradient_that_lies_ends_as_precision():
    solver = lbfgs_on(lambda x: (1.0 + x @ x, -2 * x), [1.0, 1.0])
    solver.advance(MANY)
    assert solver.state[0] == State.PRECISION
    assert solver.last.step[0] == 0


@pytest.mark.linetrace
def test_an_exact_minimum_without_limits_ends_as_precision():
    solver = lbfgs_on(lambda x: (0.5 * (x @ x), x), [3.0, -2.0])
    solver.advance(MANY)
    assert solver.state[0] == State.PRECISION
    assert solver.last.step[0] == 1


# --- Drafts ---


def drafted(draft, neurons=(0, 1, 2), **options):
    """Return L-BFGS on the example, at its start, with the result of a draft."""
    solver = Example(**options).solver("lbfgs")
    solver.adopt(draft, np.array(neurons, np.int64))
    return solver


@pytest.mark.linetrace
def test_the_first_step_leads_to_the_point_of_the_draft():
    draft = Example(n=150).solver("lbfgs")
    draft.advance(MANY)
    solver = drafted(draft)
    solver.advance(1)
    # The direction is the difference of both points, and the start plus it is rounded once more.
    np.testing.assert_allclose(solver.last.parameters, draft.last.parameters, rtol=1e-14)
    assert solver.last.step.tolist() == [1, 1, 1] and solver.num_passes == 2


@pytest.mark.linetrace
def test_what_a_draft_learned_of_the_hessian_makes_the_second_step_newtons():
    H = np.array([1.0, 100.0])

    def valley(minimum):
        return lambda x: (0.5 * (x - minimum) @ (H * (x - minimum)), H * (x - minimum))

    draft = lbfgs_on(valley([1.0, -2.0]), [5.0, 5.0], limit=1e-9)
    draft.advance(MANY)
    solver = lbfgs_on(valley([1.5, -2.5]), [5.0, 5.0])
    solver.adopt(draft, np.zeros(1, np.int64))
    solver.advance(2)
    np.testing.assert_allclose(solver.last.parameters, [[1.5, -2.5]], rtol=1e-6)


@pytest.mark.linetrace
def test_without_pairs_only_the_point_of_a_draft_is_taken_over():
    draft = Example(n=150).solver("lbfgs")
    draft.advance(MANY)
    solver, fresh = Example().solver("lbfgs"), Example().solver("lbfgs")
    solver.adopt(draft, np.arange(3), with_pairs=False)
    solver.advance(1)
    fresh.start(solver.last.parameters.copy())
    for found in (solver, fresh):
        found.advance(1)
    np.testing.assert_array_equal(solver.last.parameters, fresh.last.parameters)


@pytest.mark.linetrace
def test_only_the_neurons_of_a_draft_begin_with_it():
    example = Example()
    draft = example.solver("lbfgs", neurons=[2])
    draft.advance(MANY)
    solver, plain = drafted(draft, [2]), example.solver("lbfgs")
    for found in (solver, plain):
        found.advance(1)
    np.testing.assert_array_equal(solver.last.parameters[:2], plain.last.parameters[:2])
    np.testing.assert_allclose(solver.last.parameters[2], draft.last.parameters[0], rtol=1e-14)


@pytest.mark.linetrace
def test_a_draft_uphill_is_ignored():
    start, plain = Example().starts, Example().solver("lbfgs")
    uphill = start + plain.gradient
    draft = Example().solver("lbfgs")
    draft.start(uphill)
    solver = drafted(draft)
    for found in (solver, plain):
        found.advance(1)
    assert_same(snapshot(solver), snapshot(plain))


@pytest.mark.linetrace
def test_a_draft_that_diverged_is_ignored():
    draft, plain = Example().solver("lbfgs"), Example().solver("lbfgs")
    draft.start(np.full((3, 5), np.nan))
    solver = drafted(draft)
    for found in (solver, plain):
        found.advance(1)
    assert_same(snapshot(solver), snapshot(plain))


@pytest.mark.linetrace
def test_a_draft_too_far_away_is_approached_only_in_part():
    draft = lbfgs_on(lambda x: (0.0, [0.0, 0.0]), [100.0, 0.0])
    solver = lbfgs_on(lambda x: (np.abs(x - [1, 0]).sum() ** 2, 2 * (x - [1, 0])), [0.0, 0.0])
    solver.adopt(draft, np.zeros(1, np.int64))
    solver.advance(1)
    x, y = solver.last.parameters[0]
    assert 0 < x < 2 and y == 0 and solver.last.step[0] == 1


@pytest.mark.linetrace
def test_a_search_for_the_point_of_a_draft_that_fails_is_given_up():
    # Everywhere but at the start, the cost is higher than the slope there says.
    def lying(x):
        return (0.0, [-1.0, 0.0]) if x[0] == 0.0 else (1.0, [1.0, 0.0])

    draft = lbfgs_on(lambda x: (0.0, [0.0, 0.0]), [1.0, 0.0])
    solver = lbfgs_on(lying, [0.0, 0.0])
    solver.adopt(draft, np.zeros(1, np.int64))
    solver.advance(MANY)
    assert solver.state[0] == State.PRECISION
    assert solver.last.parameters.tolist() == [[0.0, 0.0]]


# --- Checkpoints ---


def copies(solver):
    """Return copies of the variables of a solver, as a checkpoint has them."""
    return {name: array.copy() for name, array in solver.variables.items()}


def one_pass(solver, step=MANY):
    """Make a single pass, and return whether the solver has ended or made its steps."""
    return solver.advance_to(step, 0)


@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_new_solver_after_every_pass_gives_the_same_bits(name, loss, dtype):
    example, step = Example(loss, dtype), 30
    whole = example.solver(name)
    whole.advance(step)
    solver, saved, num_passes = example.solver(name), None, 0
    while not one_pass(solver, step):
        num_passes += 1
        saved = copies(solver)
        solver = example.solver(name)
        solver.restore(saved)
    assert num_passes == whole.num_passes - 1  # apart from the start
    assert_same(snapshot(solver), snapshot(whole))


@pytest.mark.linetrace
@given(changes=st.sets(st.integers(1, 25)))
def test_a_search_with_many_trials_continues_in_a_new_solver(changes):
    def rosenbrock(x):
        a, b = 1 - x[0], x[1] - x[0] ** 2
        return a * a + 100 * b * b, np.array([-2 * a - 400 * x[0] * b, 200 * b])

    whole, solver = (lbfgs_on(rosenbrock, [-1.2, 1.0], limit=1e-8) for _ in range(2))
    whole.advance(MANY)
    for num_passes in range(whole.num_passes):
        if num_passes in changes:
            saved = copies(solver)
            solver = lbfgs_on(rosenbrock, [-1.2, 1.0], limit=1e-8)
            solver.restore(saved)
        one_pass(solver)
    assert_same(snapshot(solver), snapshot(whole))


def test_a_search_for_the_point_of_a_draft_continues_in_a_new_solver():
    draft = Example(n=150).solver("lbfgs")
    draft.advance(MANY)
    whole, solver = drafted(draft), Example().solver("lbfgs")
    solver.restore(copies(whole))
    for found in (whole, solver):
        found.advance(MANY)
    assert_same(snapshot(solver), snapshot(whole))


@pytest.mark.parametrize("failing_pass", [2, 3, 5, 8])
def test_a_new_solver_continues_a_run_that_an_exception_has_ended(name, failing_pass):
    saved = copies(interrupted(name, Example(), failing_pass))
    solver, whole = (Example().solver(name, Example().kernel_pass()) for _ in range(2))
    solver.restore(saved)
    for found in (solver, whole):
        found.advance_to(12)
    assert_same(snapshot(solver), snapshot(whole))


@pytest.mark.linetrace
def test_neurons_at_different_steps_advance_to_the_same_step(name):
    solver, whole = Example().solver(name), Example().solver(name)
    solver.advance(2)
    assert solver.advance_to(8)
    whole.advance(8)
    assert solver.advance_to(8) and solver.advance_to(3)  # there is nothing to do
    assert_same(snapshot(solver), snapshot(whole))


def test_room_for_pairs_that_are_not_there_yet_holds_zeros():
    variables = Example().solver("lbfgs").variables
    assert not variables["v_steps"].any() and not variables["v_changes"].any()


@pytest.mark.parametrize(
    "change",
    [dict(alpha=0.25), dict(intercept=False), dict(limits=2.0), dict(means=1.0),
     dict(single=True), dict(eta=0.2)],
)  # fmt: skip
def test_the_constants_tell_runs_apart(name, change):
    def constants(problem, alpha=0.5, intercept=True, limits=1.0, means=2.0, single=False, eta=0.1):
        if name == "gd":
            found = GradientDescent(problem, eta, alpha, intercept, limits, means, single)
        else:
            found = LBFGS(problem, alpha, intercept, limits, means, single, np.full(5, eta))
        return {key: array.tobytes() for key, array in found.constants.items()}

    problem = Example().problem()
    assert constants(problem) == constants(problem)
    assert constants(problem) != constants(problem, **change)


def with_memory(saved, byte):
    saved["memories"][:] = byte
    return saved


@pytest.mark.linetrace
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (dict(costs=np.zeros((2, COSTS_KEPT))), r"costs must be .* of shape \(3, 1024\)"),
        (dict(costs=np.zeros((3, COSTS_KEPT), np.float32)), "costs must be an array of float64"),
        (dict(gradient=None), "gradient must be an array"),
        (dict(state=np.full(3, 4, np.int8)), "state must hold"),
        (dict(state=np.full(3, -1, np.int8)), "state must hold .*State"),
        (dict({"last.step": np.array([3, -1, 3])}), "last.step must be 0 or more"),
        (dict(memories=0x7F), "memories must hold"),
        (dict(memories=0xFF), "memories must hold numbers of pairs"),
    ],
)
def test_variables_that_no_such_solver_has_are_refused(changed, message):
    solver = Example().solver("lbfgs")
    solver.advance(3)
    before, saved = snapshot(solver), copies(solver)
    if "memories" in changed:
        changed = {"memories": np.full_like(saved["memories"], changed["memories"])}
    with pytest.raises(ValueError, match=message):
        solver.restore(saved | changed)
    assert_same(snapshot(solver), before)
