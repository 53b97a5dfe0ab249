"""Ten thousand fits leave no memory, block, file or thread behind, however they end."""

import gc
import os
import pickle
import signal
import sys
import threading
import warnings

import numpy as np
import pytest

import oneneuron
from oneneuron import NeuronClassifier
from oneneuron._engine.training import Training

ROUNDS = 10_000

# What leaks does so in each third of the rounds, while what Python and NumPy keep for the next time
# fills up, by 600 blocks in 500 fits, then 40, then 2: so the least of three counts. The smallest
# thing that a training could leave is an array of 3 numbers, of 136 bytes and a block of Python's;
# each job of a mix has a tenth of the rounds.
SPANS = 3
MOST_BYTES = 20  # of each round
MOST_BLOCKS = 0.08

pytestmark = [
    pytest.mark.skipif(
        not os.path.exists("/proc/self/statm"), reason="this system doesn't tell the memory"
    ),
    pytest.mark.filterwarnings("ignore:.*:RuntimeWarning", "ignore:Maximum:UserWarning"),
]


def in_use():
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    files = len(os.listdir("/proc/self/fd"))
    blocks = sys.getallocatedblocks()
    return pages * os.sysconf("SC_PAGE_SIZE"), blocks, files, threading.active_count()


def grown(job, rounds):
    """How much more there is of each after `job(i)` for i = 0, 1, ..., rounds - 1."""
    before = in_use()
    for i in range(rounds):
        job(i)
    return np.subtract(in_use(), before)


def assert_nothing_is_left(job, rounds=ROUNDS):
    rounds //= SPANS
    size, blocks, files, threads = np.min([grown(job, rounds) for _ in range(SPANS)], axis=0)
    assert size < MOST_BYTES * rounds, f"{size:,} bytes in {rounds} rounds"
    assert blocks < MOST_BLOCKS * rounds, f"{blocks} blocks in {rounds} rounds"
    assert (files, threads) == (0, 0), "files, threads"


rng = np.random.default_rng(0)
X = rng.standard_normal((6, 2))
y = np.array([0, 1, 0, 1, 0, 1])
u = rng.random(6)
START = np.zeros(2), 0.1


def train(X=X, y=y, **options):
    oneneuron.train(X, y, **{"eta": 0.1, "num_steps": 5, "init": START, **options})


BAD = [
    {"X": X[:, 0]}, {"X": X * np.nan}, {"y": y + 5}, {"y": y[:3]}, {"eta": -1.0},
    {"sample_weight": -u}, {"n_threads": 0}, {"init": (np.zeros(5), 0.0)},
    {"init": (np.full(2, np.inf), 0.0)},
]  # fmt: skip
GOOD = [
    {}, {"X": X.astype(np.float32)}, {"sample_weight": u}, {"record_every": 2}, {"init": None},
    {"eta": "auto", "alpha": 1.0}, {"n_threads": 2}, {"X": X.tolist()}, {"y": y > 0},
]  # fmt: skip


def test_trainings_leave_nothing():
    assert_nothing_is_left(lambda i: train(**GOOD[i % len(GOOD)]))


def test_refused_trainings_leave_nothing():
    def refused(i):
        try:
            train(**BAD[i % len(BAD)])
        except (ValueError, TypeError):
            return
        pytest.fail(f"{BAD[i % len(BAD)]} was not refused")

    assert_nothing_is_left(refused)


def test_trainings_that_diverge_leave_nothing():
    far = {"X": np.zeros((6, 2)), "y": np.zeros(6), "eta": 1e308, "num_steps": 50}
    assert_nothing_is_left(lambda i: train(**far, init=(np.zeros(2), 0.0)), ROUNDS // 5)


@pytest.fixture
def with_helpers(monkeypatch):
    """A helper for each training, however little there is to do."""
    monkeypatch.setattr(Training, "_worthwhile_helpers", lambda made, _: made._most_threads - 1)
    return {"X": rng.standard_normal((2_500, 2)), "y": rng.integers(0, 2, 2_500), "n_threads": 2}


def test_helpers_leave_nothing(with_helpers):
    assert_nothing_is_left(lambda i: train(**with_helpers), ROUNDS // 10)


def test_trainings_that_ctrl_c_ends_leave_nothing(monkeypatch, hears_ctrl_c, with_helpers):
    advance_to = Training._advance_to

    def pressed(training, last_step, eta):
        advance_to(training, last_step, eta)
        if eta > 0.0:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Training, "_advance_to", pressed)

    def interrupted(i):
        try:
            train(**(with_helpers if i % 10 == 0 else {}))
        except KeyboardInterrupt:
            return
        pytest.fail("Ctrl-C was lost")

    assert_nothing_is_left(interrupted, ROUNDS // 2)


def test_fits_leave_nothing():
    labels = np.array(["a", "b", "a", "b", "c", "c"])
    some = [
        ({"solver": "gd"}, y, None),
        ({"solver": "gd", "record_every": 1}, y, None),
        ({"solver": "lbfgs"}, y, None),
        ({"solver": "lbfgs", "loss": "log"}, y, u),
        ({"solver": "gd", "class_weight": "balanced"}, labels, None),
        ({"solver": "gd"}, y[:3], None),  # refused
    ]
    warnings.simplefilter("ignore")

    def fit(i):
        options, labels, weights = some[i % len(some)]
        try:
            NeuronClassifier(max_iter=4, tol=0.05, **options).fit(X, labels, weights)
        except ValueError:
            assert len(labels) == 3

    assert_nothing_is_left(fit)


def test_a_classifier_fitted_again_and_again_asked_and_pickled_leaves_nothing():
    classifier = NeuronClassifier(solver="gd", tol=0.05).fit(X, y)

    def ask(i):
        pickle.loads(pickle.dumps(classifier)).predict(X)

    assert_nothing_is_left(ask)
    assert_nothing_is_left(lambda i: classifier.fit(X, y), ROUNDS // 2)
