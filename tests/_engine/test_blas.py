"""The threads of the BLAS library during and after a fit."""

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
    """Return the threads of BLAS before a fit."""
    found = blas_threads()
    if set(found) <= {1}:
        pytest.skip("this BLAS library has one thread, or its threads cannot be limited")
    return found


@pytest.fixture
def watch(monkeypatch):
    """Return a function that has another one called at each step of each fit."""
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
def test_a_fit_gives_blas_one_thread_and_restores_the_number_afterwards(
    blas_threads, before, watch, solver
):
    seen = []
    watch(lambda: seen.extend(blas_threads()))
    fit(solver)
    assert set(seen) == {1}
    assert blas_threads() == before


def test_the_threads_of_blas_are_restored_after_an_error(blas_threads, before, watch):
    watch(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit()
    assert blas_threads() == before


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_the_last_of_several_overlapping_fits_restores_the_threads_of_blas(
    blas_threads, before, watch, first_to_end
):
    """Fit 0 begins first."""
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
def test_a_fit_has_the_same_bits_whatever_the_threads_of_blas_were(before, solver):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2_000, 100))
    y = X.sum(axis=1) + rng.standard_normal(2_000) > 0

    def coef():
        return NeuronClassifier(solver=solver, n_threads=1).fit(X, y).coef_.tobytes()

    with threadpool_limits(1, user_api="blas"):
        expected = coef()
    assert coef() == expected


@pytest.mark.no_tsan
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_can_fit_if_another_thread_held_the_lock_on_the_limit():
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
