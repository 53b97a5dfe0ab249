"""The contenders: each makes the same gradient descent as the reference."""

from pathlib import Path

import numpy as np
import pytest
from helpers import printed_by

from oneneuron._engine.dispatch import available
from oneneuron.compare import _contenders
from oneneuron.compare._ladder import check_parameters, expected_parameters
from oneneuron.compare._problem import Problem


def made_problem(n=60, d=3):
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.4).astype(float)
    X = rng.standard_normal((n, d)) + y[:, None]
    return Problem(X, y, eta=2 / n, start=rng.random(d + 1))


@pytest.fixture(params=_contenders.ORDER)
def contender(request):
    if request.param in _contenders.REQUIRED_LIBRARIES:
        pytest.importorskip(_contenders.REQUIRED_LIBRARIES[request.param])
    return _contenders.load(request.param)


def test_every_contender_reaches_the_parameters_of_the_reference(contender):
    problem = made_problem()
    found = contender.prepare(problem, 1)(problem.check_steps)
    check_parameters(contender.NAME, contender, found, expected_parameters(problem))


def test_every_contender_continues_from_its_last_step(contender):
    problem = made_problem()
    advance = contender.prepare(problem, 1)
    first = advance(3)
    np.testing.assert_allclose(advance(0), first, rtol=1e-15)
    at_once = contender.prepare(problem, 1)(7)
    np.testing.assert_allclose(advance(4), at_once, rtol=getattr(contender, "TOLERANCE", 1e-12))


def test_no_contender_changes_the_problem(contender):
    problem = made_problem()
    contender.prepare(problem, 1)(2)
    untouched = made_problem()
    for name in ("X", "y", "start"):
        np.testing.assert_array_equal(getattr(problem, name), getattr(untouched, name))


@pytest.mark.parametrize("level", available)
@pytest.mark.parametrize("name", ["oneneuron_float64", "oneneuron_float32"])
def test_the_kernel_of_every_level_reaches_the_parameters_of_the_reference(name, level):
    problem, contender = made_problem(), _contenders.load(name)
    found = contender.prepare(problem, 1, level=level)(problem.check_steps)
    check_parameters(level, contender, found, expected_parameters(problem))


def test_every_contender_is_in_the_order():
    modules = {path.stem for path in Path(_contenders.__file__).parent.glob("*.py")}
    assert modules == {*_contenders.ORDER, "__init__"}


def test_a_contender_that_needs_a_library_has_a_make_function(contender):
    module = contender.__name__.rpartition(".")[2]
    assert hasattr(contender, "make") or module not in _contenders.REQUIRED_LIBRARIES


def test_importing_the_package_loads_no_contender():
    code = "import sys, oneneuron; print([m for m in sys.modules if 'contenders' in m])"
    assert printed_by(code) == "[]\n"


def test_signed_rows_times_the_parameters_are_the_margins():
    problem = made_problem()
    *weights, bias = problem.start
    margins = np.where(problem.y == 1, 1, -1) * (problem.X @ weights + bias)
    np.testing.assert_allclose(problem.signed_rows() @ problem.start, margins, rtol=1e-13)


@pytest.mark.parametrize(("n", "steps"), [(10, 1000), (500, 1000), (5000, 100), (10**6, 3)])
def test_fewer_steps_are_checked_for_larger_data_but_at_least_three(n, steps):
    problem = Problem(np.empty((n, 2)), np.empty(n), eta=1.0, start=np.zeros(3))
    assert problem.check_steps == steps


def test_numpy_on_two_threads_reaches_the_parameters_of_the_reference():
    problem, contender = made_problem(5000), _contenders.load("numpy_best")
    found = contender.prepare(problem, 2)(problem.check_steps)
    check_parameters("two threads", contender, found, expected_parameters(problem))
