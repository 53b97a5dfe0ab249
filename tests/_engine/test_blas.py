"""What a fit does to the threads of the linear algebra library."""

import multiprocessing
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from oneneuron import NeuronClassifier
from oneneuron._engine import blas
from oneneuron._fit.recording import Recorder


@pytest.fixture
def before(blas_threads):
    """The threads there are before a fit."""
    found = blas_threads()
    if set(found) <= {1}:
        pytest.skip("the linear algebra library here has one thread or can not be limited")
    return found


@pytest.fixture
def watch(monkeypatch):
    """A function that has another called at each step of each fit."""
    record = Recorder.__call__

    def watch_with(function):
        def watched(*args):
            function()
            return record(*args)

        monkeypatch.setattr(Recorder, "__call__", watched)

    return watch_with


def fit(solver="lbfgs"):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    NeuronClassifier(solver=solver).fit(X, X[:, 0] + rng.standard_normal(60) > 0)


@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
def test_a_fit_runs_with_one_and_leaves_what_there_was(blas_threads, before, watch, solver):
    seen = []
    watch(lambda: seen.extend(blas_threads()))
    fit(solver)
    assert set(seen) == {1}
    assert blas_threads() == before


def test_an_error_in_a_fit_leaves_what_there_was(blas_threads, before, watch):
    watch(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit()
    assert blas_threads() == before


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_of_fits_that_overlap_the_last_to_end_leaves_what_there_was(
    blas_threads, before, watch, first_to_end
):
    """The first to begin is 0."""
    ends = [threading.Event(), threading.Event()]
    begun = [threading.Event(), threading.Event()]
    fits = [threading.Thread(target=fit) for _ in ends]

    def wait():
        rank = fits.index(threading.current_thread())
        begun[rank].set()
        assert ends[rank].wait(60)

    watch(wait)
    for thread, has_begun in zip(fits, begun, strict=True):
        thread.start()
        assert has_begun.wait(60)
    seen = []
    for rank in (first_to_end, 1 - first_to_end):
        seen += blas_threads()
        ends[rank].set()
        fits[rank].join()
    assert set(seen) == {1}
    assert blas_threads() == before


@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
def test_a_fit_has_the_same_bits_however_many_threads_there_were(before, solver):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2_000, 100))
    y = X.sum(axis=1) + rng.standard_normal(2_000) > 0

    def coef():
        return NeuronClassifier(solver=solver, n_threads=1).fit(X, y).coef_.tobytes()

    with threadpool_limits(1, user_api="blas"):
        of_one = coef()
    assert coef() == of_one


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_can_fit_whose_parent_was_forked_while_another_thread_set_the_limit():
    held = threading.Event()

    def hold():
        with blas._lock:
            held.set()
            time.sleep(0.1)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    child = multiprocessing.get_context("fork").Process(target=fit, daemon=True)
    child.start()
    holder.join()
    child.join(60)
    assert child.exitcode == 0
