"""Fits under stress: more threads than cores, forks, joblib, Ctrl-C; each comes out as alone.

    python tests/test_stress.py forks 50    # one of them, 50 times as long

What might hang is in a process of its own, which says where if it does.
"""

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

import oneneuron
from oneneuron import NeuronClassifier
from oneneuron._engine import team, training
from oneneuron._train import start_training

ROUNDS = 1
SECONDS_UNTIL_GIVEN_UP = 60


def test_fits_in_more_threads_than_cores_come_out_as_alone():
    assert_passes("fits_at_once", "many_threads", "mix")


def test_fits_inside_joblib_come_out_as_alone():
    assert_passes("in_joblib")


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
def test_children_fit_as_their_parent():
    assert_passes("forks", "forks_from_a_thread")


def test_ctrl_c_ends_the_main_threads_fit_and_no_other():
    assert_passes("ctrl_c")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")
def test_a_descent_that_ctrl_c_broke_into_anywhere_goes_on_to_the_same_bits():
    assert_passes("ctrl_c_anywhere")


def assert_passes(*stresses):
    """All of them, one after the other."""
    run = subprocess.run(
        [sys.executable, __file__, *stresses, str(ROUNDS)], capture_output=True, text=True,
        timeout=2 * ROUNDS * SECONDS_UNTIL_GIVEN_UP, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, "passed\n"), run.stderr


# --- The fits ---


def made_samples(n, d, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)).astype(dtype)
    return X, (X.sum(axis=1) + rng.standard_normal(n) > 0).astype(int)


def share_all_work():
    """Have as many helpers as are asked for, however little there is to do, in any process."""
    training._LEAST_SECONDS_FOR_A_HELPER = 1e-6


def trained(n, d, dtype=np.float64, eta=1e-4, num_steps=30, **options):
    share_all_work()
    X, y = made_samples(n, d, dtype)
    last = oneneuron.train(
        X, y, eta=eta, num_steps=num_steps, init=(np.zeros(d), 0.1), **options
    ).last
    return last.weights.tobytes(), last.bias, last.cost, last.step


def fitted(n, d, dtype=np.float64, **options):
    share_all_work()
    X, y = made_samples(n, d, dtype)
    found = NeuronClassifier(tol=0.01, **options).fit(X, y + (X[:, 0] > 0))
    asked = found.predict_proba(X[:100]).tobytes()
    return found.coef_.tobytes(), found.intercept_.tobytes(), found.loss_curve_.tobytes(), asked


# The moments of 100 features are worth threads of BLAS, with which they would come out otherwise.
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


def alone(fits):
    return [fit() for fit in fits]


def assert_alike(found, expected):
    wrong = [i for i, (f, e) in enumerate(zip(found, expected, strict=True)) if f != e]
    assert not wrong, f"fits {wrong} of {len(expected)} are not as alone"


def at_once(fits, turns):
    """What each gives, so many times, in threads that begin together: a list for each turn."""
    start = threading.Barrier(len(fits))

    def work(fit):
        start.wait(SECONDS_UNTIL_GIVEN_UP)
        return [fit() for _ in range(turns)]

    with ThreadPoolExecutor(len(fits)) as pool:
        return zip(*pool.map(work, fits), strict=True)


def assert_no_thread_is_left():
    # One that was being started when Ctrl-C came may be in the list for good, but never lived.
    give_up = time.monotonic() + SECONDS_UNTIL_GIVEN_UP / 2
    while sum(thread.is_alive() for thread in threading.enumerate()) > 1:
        assert time.monotonic() < give_up, threading.enumerate()
        time.sleep(1e-3)


# --- The stress ---


def fits_at_once(rounds):
    expected = alone(FITS)
    for found in at_once(FITS, rounds):
        assert_alike(found, expected)
    assert_no_thread_is_left()


def many_threads(rounds):
    counts, helpers = [], team.helpers
    team.helpers = lambda count, *rest: (counts.append(count), helpers(count, *rest))[1]
    fits = [partial(trained, 200_000, 2, dtype, n_threads=64) for dtype in (np.float64, np.float32)]
    expected = [fit(n_threads=1) for fit in fits]
    for found in at_once(2 * fits, rounds):
        assert_alike(found, 2 * expected)
    assert counts.count(63) == 4 * rounds
    assert_no_thread_is_left()


def in_joblib(rounds):
    expected = alone(FITS)

    def assert_alike_with(backend, n_jobs):
        for _ in range(rounds):
            with joblib.parallel_config(backend, n_jobs=n_jobs):
                assert_alike(joblib.Parallel()(joblib.delayed(fit)() for fit in FITS), expected)

    assert_alike_with("threading", 4)
    assert_no_thread_is_left()
    assert_alike_with("loky", 2)  # which keeps threads of its own


def call(fit):
    return fit()


def assert_children_fit(expected):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert_alike(pool.map(call, FITS, chunksize=1), expected)


def forks(rounds):
    expected = alone(FITS)  # with threads, before any fork
    for _ in range(rounds):
        assert_children_fit(expected)
        assert_alike([FITS[0]()], expected[:1])


def forks_from_a_thread(rounds):
    expected = alone(FITS)
    over = threading.Event()

    def go_on(fit, expected):
        while not over.is_set():
            assert_alike([fit()], [expected])

    def fork():
        try:
            for _ in range(rounds):
                assert_children_fit(expected)
        finally:
            over.set()

    with ThreadPoolExecutor(4) as pool:
        # No classifiers: in OpenBLAS, which they use, a fork meanwhile hangs by itself.
        others = [pool.submit(go_on, FITS[i], expected[i]) for i in (0, 1, 2)]
        pool.submit(fork).result()
        for other in others:
            other.result()
    assert_no_thread_is_left()


def ctrl_c(rounds):
    """Ctrl-C comes again and again, at random, while four threads fit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs are deaf to it
    expected = alone(FITS)
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
            assert_alike([fit()], [expected])
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
    # Python has none rise from a weak reference's callback.
    assert caught > 0
    assert_alike(alone(FITS), expected)
    assert_no_thread_is_left()


def ctrl_c_anywhere(rounds):
    """Ctrl-C comes mostly while helpers are being started or awaited."""
    X, y = made_samples(10_000, 30)

    def begun(n_threads):
        return start_training(X, y, eta=1e-4, init=(np.zeros(30), 0.1), n_threads=n_threads)

    share_all_work()
    num_steps = 300
    expected = begun(1)
    expected.advance(num_steps)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    caught = 0
    for _ in range(20 * rounds):
        interrupted = begun(4)
        # No more than so many, or with busy cores it gets nowhere.
        presses = iter(range(20))
        while interrupted.step < num_steps:
            try:
                if next(presses, None) is not None:
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 3e-3))
                interrupted.advance(min(30, num_steps - interrupted.step))
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            except KeyboardInterrupt:
                caught += 1
        assert interrupted.parameters.tobytes() == expected.parameters.tobytes()
    assert caught > 20 * rounds
    assert_no_thread_is_left()


def mix(rounds):
    """Trainings, fits, joblib in a thread, answers and 64 threads, all at once."""
    X, y = made_samples(10_000, 30)
    classifier = NeuronClassifier(tol=0.01).fit(X, y)

    def in_threads():
        return joblib.Parallel(2, "threading")(joblib.delayed(fit)() for fit in FITS[:3])

    def pickled():
        copy = joblib.hash(classifier)
        return copy, classifier.predict(X).tobytes()

    fits = [
        *FITS[3:7],
        in_threads,
        pickled,
        partial(trained, 200_000, 2, n_threads=64),
        partial(fitted, 400, 5, solver="gd", n_init=3, random_state=0),
    ]
    expected = alone(fits)
    for found in at_once(fits, rounds):
        assert_alike(found, expected)
    assert_no_thread_is_left()


if __name__ == "__main__":
    *stresses, rounds = sys.argv[1:]
    faulthandler.dump_traceback_later(int(rounds) * SECONDS_UNTIL_GIVEN_UP, exit=True)
    for stress in stresses:
        globals()[stress](int(rounds))
    print("passed")
