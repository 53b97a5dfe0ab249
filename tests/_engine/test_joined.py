"""Passes whose sums come from a Python function, and solvers that work with them."""

import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, bits, joined, make_classes
from numpy.lib.stride_tricks import as_strided

from oneneuron import _losses
from oneneuron._engine.joined import JoinedPass
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import lay_out
from oneneuron._engine.solvers import LBFGS, GradientDescent, State
from oneneuron._engine.sums import add_up

NUM_STEPS = 8
SIZES = 3, 1, 4  # three models of one neuron each, four features
SHAPE = 3, 7  # of their sums

every_solver = pytest.mark.parametrize("name", SOLVERS)


class Fit:
    """Samples of three classes in four features, and how their neurons are fitted."""

    def __init__(self, name="lbfgs", loss="log", n_threads=1, n=20_000, is_layer=False):
        self.X, self.codes, rng = make_classes(n, n, 4, 3)
        self.starts = rng.standard_normal((3, 5))
        self.name, self.loss, self.n_threads = name, _losses.LOSSES[loss], n_threads
        self.is_layer = is_layer

    def run(self):
        """Return a pass of the kernel."""
        samples = lay_out(self.X, self.codes, 3)
        return make_pass(
            samples, [0, 1, 2], self.loss, softmax=self.is_layer, n_threads=self.n_threads
        )

    def joined(self, *options):
        """Return the same pass as a function of Python makes it."""
        return joined(self.run(), (1, 3, 4) if self.is_layer else SIZES, *options)

    def solver(self, run, limits=-1.0):
        """Return a solver, before its start."""
        curvature = 0.5 * len(self.X)
        options = dict(alpha=0.5, intercept=True, limits=limits, means=0.0, single=False)
        if self.name == "gd":
            return GradientDescent(run, eta=1 / curvature, **options)
        return LBFGS(run, preconditioner=np.full(self.side, curvature**-0.5), **options)

    @property
    def side(self):
        """The number of parameters of a model."""
        return 15 if self.is_layer else 5

    def start(self, solver):
        solver.start(self.starts.reshape(-1, self.side))

    def fitted(self, run):
        """Return the bits of everything that a solver shows after its steps."""
        solver = self.solver(run)
        self.start(solver)
        solver.advance(NUM_STEPS)
        return shown(solver)


def shown(solver):
    """Return the bits of everything that a solver shows."""
    models = [solver.last, solver.best, solver.lowest]
    return bits([*models, solver.gradient, solver.state, solver.costs, solver.num_passes])


# --- What goes in ---


@pytest.mark.parametrize("is_layer", [False, True], ids=["neurons", "layer"])
@pytest.mark.parametrize("loss", LOSSES)
@every_solver
def test_a_function_that_makes_the_pass_gives_its_bits(name, loss, is_layer):
    fit = Fit(name, loss, is_layer=is_layer)
    assert fit.fitted(fit.joined()) == fit.fitted(fit.run())


@pytest.mark.linetrace
def test_the_function_gets_a_row_of_parameters_for_each_neuron_and_a_flag_for_each_model():
    seen = []

    def function(parameters, active):
        seen.append((parameters, active))
        return np.zeros((6, 6))

    solver = GradientDescent(
        JoinedPass(function, 2, 3, 3), eta=1.0, alpha=0.0, intercept=True, limits=-1.0, means=0.0,
        single=False,
    )  # fmt: skip
    starts = np.arange(24.0).reshape(2, 12)
    solver.start(starts)
    ((parameters, active),) = seen
    assert bits(parameters) == bits(starts.reshape(6, 4))
    assert bits(active) == bits(np.ones(2, np.uint8))


def test_models_that_have_ended_are_not_active():
    fit, seen = Fit("gd"), []
    run = fit.run()

    def function(parameters, active):
        seen.append(active.tolist())
        return add_up(run.sums(parameters, active))

    solver = fit.solver(JoinedPass(function, *SIZES), limits=[[-1.0], [np.inf], [-1.0]])
    fit.start(solver)
    solver.advance(2)
    assert seen == [[1, 1, 1], [1, 0, 1], [1, 0, 1]]


@every_solver
def test_the_function_may_keep_its_arguments(name):
    fit, kept, copies = Fit(name), [], []
    run = fit.run()

    def function(*arguments):
        kept.append(arguments)
        copies.append([argument.copy() for argument in arguments])
        return add_up(run.sums(*arguments))

    fit.fitted(JoinedPass(function, *SIZES))
    assert len(kept) > NUM_STEPS and bits(kept) == bits(copies)


@every_solver
def test_the_function_may_change_its_arguments(name):
    fit = Fit(name)
    run = fit.run()

    def function(parameters, active):
        total = add_up(run.sums(parameters, active))
        parameters[:], active[:] = np.nan, 0
        return total

    assert fit.fitted(JoinedPass(function, *SIZES)) == fit.fitted(run)


# --- What comes out ---


def test_what_the_function_returns_is_what_the_solver_gets():
    run = JoinedPass(lambda *_: np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 7.0]] * 3), *SIZES)
    solver = Fit().solver(run)
    solver.start(np.zeros((3, 5)))
    assert solver.gradient.tolist() == [[-1.0, -2.0, -3.0, -4.0, -5.0]] * 3
    assert (solver.last.cost.tolist(), solver.last.wrong.tolist()) == ([5.0] * 3, [7.0] * 3)


def test_the_function_may_return_a_read_only_array():
    fit = Fit()
    found = fit.joined(lambda: None, lambda subtrees: np.broadcast_to(add_up(subtrees), SHAPE))
    assert fit.fitted(found) == fit.fitted(fit.run())


def test_the_function_may_return_the_same_array_each_time():
    fit, total = Fit(), np.empty(SHAPE)

    def in_place(subtrees):
        total[:] = add_up(subtrees)
        return total

    assert fit.fitted(fit.joined(lambda: None, in_place)) == fit.fitted(fit.run())


@pytest.mark.linetrace
def test_the_sums_of_models_that_have_ended_do_not_matter():
    solver = None

    def total(subtrees):
        found = add_up(subtrees)
        if solver.num_passes > 0:
            found[1] = np.nan
        return found

    fit = Fit("gd", n=100)
    solver = fit.solver(fit.joined(lambda: None, total), limits=[[-1.0], [np.inf], [-1.0]])
    fit.start(solver)
    solver.advance(3)
    assert solver.last.step.tolist() == [3, 0, 3]
    assert np.isfinite(solver.last.cost).all()


def overlapping():
    """Return an array whose rows overlap, so that it is not contiguous."""
    return as_strided(np.zeros(20), SHAPE, (8, 8))


@pytest.mark.parametrize(
    "returned",
    [
        np.zeros((3, 6)), np.zeros((2, 7)), np.zeros((7, 3)), np.zeros((1, 3, 7)), np.zeros(21),
        np.zeros((0, 7)), np.zeros(SHAPE, np.float32), np.zeros((7, 3)).T, overlapping(), None,
    ],
    ids=[
        "columns", "rows", "transposed", "3d", "1d", "empty", "float32", "not_contiguous",
        "overlapping", "none",
    ],
)  # fmt: skip
def test_sums_of_another_shape_or_type_are_refused(returned):
    fit = Fit(n=100)
    with pytest.raises(ValueError):
        fit.start(fit.solver(JoinedPass(lambda *_: returned, *SIZES)))


@pytest.mark.parametrize("returned", [1.0, "sums", [[0.0] * 7] * 3], ids=["number", "text", "list"])
def test_sums_that_are_no_array_are_refused(returned):
    fit = Fit(n=100)
    with pytest.raises(TypeError):
        fit.start(fit.solver(JoinedPass(lambda *_: returned, *SIZES)))


@pytest.mark.linetrace
def test_the_shape_that_the_function_must_return_is_named():
    fit = Fit(n=100)
    with pytest.raises(ValueError, match=r"of shape \(3, 7\), found \(3, 3\)"):
        fit.start(fit.solver(JoinedPass(lambda *_: np.zeros((3, 3)), *SIZES)))


# --- Exceptions ---


class StopHere(BaseException):
    """An exception that nothing but a test expects."""


def raise_at(count, error):
    """Return a function that raises an error at a call of it."""
    calls = iter(range(1, count + 1))

    def call():
        if next(calls, None) == count:
            raise error

    return call


@pytest.mark.parametrize("failing_pass", [2, 3, 6])
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("error", [OSError("lost"), KeyboardInterrupt, SystemExit, StopHere])
@every_solver
def test_a_solver_goes_on_to_the_same_bits_after_an_exception(name, error, n_threads, failing_pass):
    fit = Fit(name, n_threads=n_threads)
    solver = fit.solver(fit.joined(raise_at(failing_pass, error)))
    fit.start(solver)
    with pytest.raises(error if isinstance(error, type) else type(error)):
        solver.advance(NUM_STEPS)
    if name == "gd":
        solver.advance(NUM_STEPS - solver.last.step[0])
    else:  # its neurons may have made different numbers of steps
        while solver.last.step.min() < NUM_STEPS:
            solver.advance(1)
    assert shown(solver) == Fit(name).fitted(Fit(name).run())


@every_solver
def test_a_start_with_an_exception_can_be_repeated(name):
    fit = Fit(name)
    solver = fit.solver(fit.joined(raise_at(1, OSError)))
    with pytest.raises(OSError):
        fit.start(solver)
    assert solver.num_passes == 0
    fit.start(solver)
    solver.advance(NUM_STEPS)
    assert shown(solver) == fit.fitted(fit.run())


@every_solver
def test_sums_that_are_refused_leave_a_solver_as_it_was(name):
    fit, is_wrong = Fit(name), False
    solver = fit.solver(
        fit.joined(
            lambda: None, lambda subtrees: np.zeros((1, 1)) if is_wrong else add_up(subtrees)
        )
    )
    fit.start(solver)
    before, is_wrong = shown(solver), True
    with pytest.raises(ValueError):
        solver.advance(1)
    assert shown(solver) == before


# --- Other claims ---


def test_the_function_may_fit():
    fit, inner = Fit(n=200), []
    expected = fit.fitted(fit.run())
    found = fit.fitted(fit.joined(lambda: inner.append(fit.fitted(fit.run()))))
    assert {found, *inner} == {expected}


def test_a_solver_on_sums_ends_where_all_derivatives_are_small():
    fit = Fit()
    solver = fit.solver(fit.joined(), limits=1.0)
    fit.start(solver)
    solver.advance(1000)
    assert set(solver.state) == {State.FLAT}
