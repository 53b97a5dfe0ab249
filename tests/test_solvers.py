"""What L-BFGS does to the linear algebra library's threads."""

import threading

import numpy as np
import pytest
import scipy.optimize  # noqa: F401  (brings the library)

from oneneuron import NeuronClassifier
from oneneuron.recording import Recording
from oneneuron.training import Training


@pytest.fixture
def seen(blas_threads, monkeypatch):
    """The threads there were at each evaluation, in a list that grows with the fits of a test."""
    if set(blas_threads()) <= {1}:
        pytest.skip("the linear algebra library here has one thread or can not be limited")
    found, evaluate = [], Training.evaluate

    def watched(self, parameters):
        found.append(blas_threads())
        return evaluate(self, parameters)

    monkeypatch.setattr(Training, "evaluate", watched)
    return found


def fit():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    NeuronClassifier().fit(X, X[:, 0] + rng.standard_normal(60) > 0)


def test_it_runs_with_one_and_leaves_what_there_was(blas_threads, seen):
    before = blas_threads()
    fit()
    assert seen[0] == before  # the start is scored outside
    assert {count for counts in seen[1:] for count in counts} == {1}
    assert blas_threads() == before


def test_an_error_in_it_leaves_what_there_was(blas_threads, seen, monkeypatch):
    before = blas_threads()
    monkeypatch.setattr(Recording, "__call__", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit()
    assert blas_threads() == before


def test_fits_that_overlap_leave_what_there_was(blas_threads, seen, monkeypatch):
    before = blas_threads()
    second = threading.Thread(target=fit)
    under_way, first_is_over = threading.Event(), threading.Event()
    watch = Recording.__call__

    def overlapping(*args):
        if threading.current_thread() is second:
            under_way.set()
            first_is_over.wait(60)
        elif second.ident is None:
            second.start()
            under_way.wait(60)
        return watch(*args)

    monkeypatch.setattr(Recording, "__call__", overlapping)
    fit()
    first_is_over.set()
    second.join()
    assert blas_threads() == before
