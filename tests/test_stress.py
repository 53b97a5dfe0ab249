"""Fits under stress have the results of undisturbed ones: threads, forks, joblib, exceptions.

    python tests/test_stress.py forks 50    # one of the stresses, 50 times as long

Each test runs in a process of its own, so that one that hangs ends and says where.
"""

import ctypes
import faulthandler
import itertools
import multiprocessing
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import joblib
import numpy as np
import pytest
from helpers import (
    SECONDS_UNTIL_GIVEN_UP,
    HelperCounts,
    bits,
    record_passes,
    system_threads,
    wait_until,
)

import oneneuron
from oneneuron import NeuronClassifier
from oneneuron._engine import cores
from oneneuron._train import start_training

ROUNDS = 1

# A hanging stress is ended after this time in each round. A busy machine takes a few seconds.
SECONDS_OF_A_ROUND = 10 * SECONDS_UNTIL_GIVEN_UP

pytestmark = [pytest.mark.stress, pytest.mark.slow]

needs_timers = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no setitimer"
)


def test_fits_in_more_threads_than_cores_have_the_same_bits():
    assert_passes("fits_at_once", "many_threads", "mix")


@pytest.mark.no_tsan
def test_fits_inside_joblib_have_the_same_bits():
    assert_passes("in_joblib")


@pytest.mark.no_tsan
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
def test_fits_in_forked_children_have_the_same_bits():
    assert_passes("forks", "forks_from_a_thread")


def test_ctrl_c_ends_only_the_fit_of_the_main_thread():
    assert_passes("ctrl_c")


@needs_timers
def test_a_descent_interrupted_anywhere_goes_on_to_the_same_bits():
    assert_passes("ctrl_c_anywhere")


def test_a_descent_with_an_exception_from_another_thread_anywhere_goes_on_to_the_same_bits():
    assert_passes("async_exceptions_anywhere")


@needs_timers
def test_fits_in_a_signal_handler_anywhere_in_fits_have_the_same_bits():
    assert_passes("handlers_that_fit")


def assert_passes(*stresses):
    """Run the stresses one after the other in a new process."""
    run = subprocess.run(
        [sys.executable, __file__, *stresses, str(ROUNDS)], capture_output=True, text=True,
        timeout=2 * ROUNDS * SECONDS_OF_A_ROUND, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, "passed\n"), run.stderr


# --- The fits ---


def draw_samples(n, d, dtype=np.float64):
    """Return samples and labels that depend on all features."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)).astype(dtype)
    return X, (X.sum(axis=1) + rng.standard_normal(n) > 0).astype(int)


def allow_many_threads():
    """Let all threads be used that are asked for, on any machine; in child processes too."""
    cores.count = lambda: 64


def trained(n, d, dtype=np.float64, eta=1e-4, num_steps=30, **options):
    allow_many_threads()
    X, y = draw_samples(n, d, dtype)
    last = oneneuron.train(
        X, y, eta=eta, num_steps=num_steps, init=(np.zeros(d), 0.1), **options
    ).last
    return bits(last)


def fitted(n, d, dtype=np.float64, **options):
    allow_many_threads()
    X, y = draw_samples(n, d, dtype)
    found = NeuronClassifier(tol=0.01, **options).fit(X, y + (X[:, 0] > 0))
    return bits([found, found.loss_curve_, found.predict_proba(X[:100])])


FITS = [
    partial(trained, 10_000, 30, n_threads=2),
    partial(trained, 10_000, 30, np.float32, n_threads=3, record_every=10),
    partial(trained, 10_000, 30, eta=2e-4, n_threads=8),
    partial(trained, 10_000, 30, num_steps=60),
    partial(fitted, 10_000, 30, solver="gd", n_threads=2),
    partial(fitted, 10_000, 30, np.float32, solver="gd", n_threads=4),
    partial(fitted, 4_000, 100, n_threads=2),
    partial(fitted, 4_000, 100, n_threads=3, loss="log"),
]


def one_by_one(fits):
    return [fit() for fit in fits]


def assert_same_bits(found, expected):
    wrong = [i for i, (f, e) in enumerate(zip(found, expected, strict=True)) if f != e]
    assert not wrong, f"fits {wrong} of {len(expected)} have other bits"


def at_once(fits, turns):
    """Run all fits in threads that begin together, several times; yield the results of a turn."""
    start = threading.Barrier(len(fits))

    def work(fit):
        start.wait(SECONDS_OF_A_ROUND)
        return [fit() for _ in range(turns)]

    with ThreadPoolExecutor(len(fits)) as pool:
        return zip(*pool.map(work, fits), strict=True)


def assert_no_thread_is_left():
    # A thread that was being started when Ctrl-C came may stay in the list, but was never alive.
    wait_until(lambda: sum(thread.is_alive() for thread in threading.enumerate()) == 1)
    wait_until(lambda: system_threads() <= threads_at_start)


# --- The stress ---


def fits_at_once(rounds):
    expected = one_by_one(FITS)
    for found in at_once(FITS, rounds):
        assert_same_bits(found, expected)
    assert_no_thread_is_left()


def many_threads(rounds):
    counts = HelperCounts(record_passes())
    fits = [
        partial(trained, 200_000, 2, dtype, num_steps=60, n_threads=64)
        for dtype in (np.float64, np.float32)
    ]
    expected = [fit(n_threads=1) for fit in fits]
    for found in at_once(2 * fits, rounds):
        assert_same_bits(found, 2 * expected)
    assert counts.count(63) == 4 * rounds
    assert_no_thread_is_left()


def in_joblib(rounds):
    expected = one_by_one(FITS)

    def assert_same_bits_with(backend, n_jobs):
        for _ in range(rounds):
            with joblib.parallel_config(backend, n_jobs=n_jobs):
                assert_same_bits(joblib.Parallel()(joblib.delayed(fit)() for fit in FITS), expected)

    assert_same_bits_with("threading", 4)
    assert_no_thread_is_left()
    assert_same_bits_with("loky", 2)  # which keeps its own threads


def call(fit):
    return fit()


def assert_children_fit(expected):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert_same_bits(pool.map(call, FITS, chunksize=1), expected)


def forks(rounds):
    expected = one_by_one(FITS)  # with threads, and before any fork
    for _ in range(rounds):
        assert_children_fit(expected)
        assert_same_bits([FITS[0]()], expected[:1])


def forks_from_a_thread(rounds):
    expected = one_by_one(FITS)
    over = threading.Event()

    def go_on(fit, expected):
        while not over.is_set():
            assert_same_bits([fit()], [expected])

    def fork():
        try:
            for _ in range(rounds):
                assert_children_fit(expected)
        finally:
            over.set()

    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(go_on, FITS[i], expected[i]) for i in (1, 4, 6)]
        pool.submit(fork).result()
        for other in others:
            other.result()
    assert_no_thread_is_left()


def ctrl_c(rounds):
    """Press Ctrl-C again and again, at random times, while four threads fit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    expected = one_by_one(FITS)
    armed, over = threading.Event(), threading.Event()
    times = caught = 0

    def press():
        nonlocal times
        while armed.wait() and not over.is_set():
            armed.clear()
            time.sleep(random.uniform(0.0, 0.05))
            signal.raise_signal(signal.SIGINT)
            times += 1

    def go_on(fit, expected):
        done = 0
        while done == 0 or not over.is_set():
            assert_same_bits([fit()], [expected])
            done += 1

    def fit_until(press_number):
        for fit in itertools.cycle(FITS):
            fit()
            if times == press_number:
                return

    others = [2, 4, 7]
    with ThreadPoolExecutor(4) as pool:
        going = [pool.submit(go_on, FITS[i], expected[i]) for i in others]
        pool.submit(press)
        for i in range(10 * rounds):
            try:
                armed.set()
                fit_until(i + 1)
            except KeyboardInterrupt:
                caught += 1
            while times == i:
                time.sleep(1e-3)
        over.set()
        armed.set()
        for other in going:
            other.result()
    # Not always: Python drops an exception that is raised in the callback of a weak reference.
    assert caught > 0
    assert_same_bits(one_by_one(FITS), expected)
    assert_no_thread_is_left()


NUM_STEPS = 300


def start(n_threads):
    """Return a training at its start, and let its steps have helpers."""
    allow_many_threads()
    X, y = draw_samples(10_000, 30)
    return start_training(X, y, eta=1e-4, init=(np.zeros(30), 0.1), n_threads=n_threads)


def parameters_at_the_end():
    training = start(1)
    training.advance(NUM_STEPS)
    return training.parameters.tobytes()


def ctrl_c_anywhere(rounds):
    """Press Ctrl-C mostly while helpers are being started or joined."""
    expected = parameters_at_the_end()
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    caught = 0
    for _ in range(20 * rounds):
        training = start(4)
        # With more presses than these it would make no progress on busy cores.
        presses = iter(range(20))
        while training.step < NUM_STEPS:
            try:
                if next(presses, None) is not None:
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 3e-3))
                training.advance(min(30, NUM_STEPS - training.step))
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            except KeyboardInterrupt:
                caught += 1
        assert training.parameters.tobytes() == expected
    assert caught > 20 * rounds
    assert_no_thread_is_left()


class Raised(BaseException):
    pass


def async_exceptions_anywhere(rounds):
    """Raise exceptions in a training thread, at random times, by the interface for debuggers."""
    expected = parameters_at_the_end()
    armed, over = threading.Event(), threading.Event()

    def go_on():
        try:
            for _ in range(10 * rounds):
                training = start(4)
                for _ in range(20):
                    try:
                        armed.set()
                        training.advance(min(30, NUM_STEPS - training.step))
                        while True:
                            time.sleep(1e-4)
                    except Raised:
                        pass
                training.advance(NUM_STEPS - training.step)
                assert training.parameters.tobytes() == expected
        finally:
            over.set()
            armed.set()

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(go_on)
        (thread,) = pool._threads
        while armed.wait() and not over.is_set():
            armed.clear()
            time.sleep(random.uniform(0.0, 3e-3))
            ident, error = ctypes.c_ulong(thread.ident), ctypes.py_object(Raised)
            assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error) == 1
        going.result()
    assert_no_thread_is_left()


def handlers_that_fit(rounds):
    """Fit in signal handlers that run at random times during other fits."""
    expected = one_by_one(FITS)
    numbers = itertools.cycle(range(len(FITS)))
    handled = 0

    def handle(*_):
        nonlocal handled
        i = next(numbers)
        assert_same_bits([FITS[i]()], [expected[i]])
        handled += 1

    signal.signal(signal.SIGALRM, handle)
    while handled < 10 * rounds:
        for fit, bits_expected in zip(FITS, expected, strict=True):
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, 0.05))
            assert_same_bits([fit()], [bits_expected])
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    assert_no_thread_is_left()


def mix(rounds):
    """Run trainings, fits, joblib in a thread, predictions and 64 threads, all at once."""
    X, y = draw_samples(10_000, 30)
    classifier = NeuronClassifier(tol=0.01).fit(X, y)

    def in_threads():
        return joblib.Parallel(2, "threading")(joblib.delayed(fit)() for fit in FITS[:3])

    def predicted():
        copy = joblib.hash(classifier)
        return copy, classifier.predict(X).tobytes()

    fits = [
        *FITS[3:7],
        in_threads,
        predicted,
        partial(trained, 200_000, 2, n_threads=64),
        partial(fitted, 400, 5, solver="gd", n_init=3, random_state=0),
    ]
    expected = one_by_one(fits)
    for found in at_once(fits, rounds):
        assert_same_bits(found, expected)
    assert_no_thread_is_left()


if __name__ == "__main__":
    *stresses, rounds = sys.argv[1:]
    faulthandler.dump_traceback_later(int(rounds) * SECONDS_OF_A_ROUND, exit=True)
    threads_at_start = system_threads()
    for stress in stresses:
        globals()[stress](int(rounds))
    print("passed")
