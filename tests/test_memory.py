"""Ten thousand trainings or fits leak no memory, file or thread, however they end."""

import gc
import os
import pickle
import signal
import sys
import warnings

import numpy as np
import pytest
from helpers import joined, record_passes, system_threads

import oneneuron
from oneneuron import NeuronClassifier, _training
from oneneuron._engine import passes, shards
from oneneuron._engine.turns import turn

ROUNDS = 10_000

# A leak grows in each third of the rounds. What Python and NumPy keep for reuse stops growing: by
# 600 blocks in 500 fits, then by 40, then by 2. So the least growth of the three thirds counts.
# The smallest possible leak of a training is an array of 3 numbers, with 136 bytes and one block of
# Python's allocator. Where several jobs take turns, each has about a tenth of the rounds.
SPANS = 3
MOST_BYTES = 20  # for each round
MOST_BLOCKS = 0.08

pytestmark = [
    pytest.mark.skipif(
        not os.path.exists("/proc/self/statm"),
        reason="this system does not tell the memory in use",
    ),
    pytest.mark.filterwarnings("ignore:.*:RuntimeWarning", "ignore:Maximum:UserWarning"),
    pytest.mark.slow,
    pytest.mark.memory,
]


def in_use():
    """Return the bytes, blocks of Python's allocator, open files and threads of this process."""
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    files = len(os.listdir("/proc/self/fd"))
    blocks = sys.getallocatedblocks()
    return pages * os.sysconf("SC_PAGE_SIZE"), blocks, files, len(system_threads())


def grown(job, rounds):
    """Return by how much each of `in_use` grows while ``job(i)`` is called for each round i."""
    before = in_use()
    for i in range(rounds):
        job(i)
    return np.subtract(in_use(), before)


def assert_nothing_leaks(job, rounds=ROUNDS):
    rounds //= SPANS
    size, blocks, files, threads = np.min([grown(job, rounds) for _ in range(SPANS)], axis=0)
    assert size < MOST_BYTES * rounds, f"{size:,} bytes in {rounds} rounds"
    assert blocks < MOST_BLOCKS * rounds, f"{blocks} blocks in {rounds} rounds"
    # There may be fewer than before: what other tests left open can be closed meanwhile.
    assert files <= 0, f"{files} files in {rounds} rounds"
    # A helper that has finished its work may still be on its way out.
    assert threads <= 1, f"{threads} threads in {rounds} rounds"


rng = np.random.default_rng(0)
X = rng.standard_normal((6, 2))
y = np.array([0, 1, 0, 1, 0, 1])
u = rng.random(6)
START = np.zeros(2), 0.1


def train(X=X, y=y, **options):
    oneneuron.train(X, y, **{"eta": 0.1, "num_steps": 5, "init": START, **options})


REFUSED = [
    {"X": X[:, 0]}, {"X": X * np.nan}, {"y": y + 5}, {"y": y[:3]}, {"eta": -1.0},
    {"sample_weight": -u}, {"n_threads": 0}, {"init": (np.zeros(5), 0.0)},
    {"init": (np.full(2, np.inf), 0.0)},
]  # fmt: skip
ACCEPTED = [
    {}, {"X": X.astype(np.float32)}, {"sample_weight": u}, {"record_every": 2}, {"init": None},
    {"eta": "auto", "alpha": 1.0}, {"n_threads": 2}, {"X": X.tolist()}, {"y": y > 0},
]  # fmt: skip


def test_trainings_leak_nothing():
    assert_nothing_leaks(lambda i: train(**ACCEPTED[i % len(ACCEPTED)]))


def test_refused_trainings_leak_nothing():
    def train_in_vain(i):
        try:
            train(**REFUSED[i % len(REFUSED)])
        except (ValueError, TypeError):
            return
        pytest.fail(f"{REFUSED[i % len(REFUSED)]} was not refused")

    assert_nothing_leaks(train_in_vain)


def test_trainings_that_diverge_leak_nothing():
    far = {"X": np.zeros((6, 2)), "y": np.zeros(6), "eta": 1e308, "num_steps": 50}
    assert_nothing_leaks(lambda i: train(**far, init=(np.zeros(2), 0.0)), ROUNDS // 5)


@pytest.fixture
def with_helpers(monkeypatch):
    """Return arguments of a training that is just large enough for a helper."""
    X, y = rng.standard_normal((10_000, 2)), rng.integers(0, 2, 10_000)
    arguments = {"X": X, "y": y, "n_threads": 2, "num_steps": 20}
    with monkeypatch.context() as patch:
        made = record_passes(patch.setattr)
        train(**arguments)
    assert made[0].num_helpers == 1
    return arguments


def test_helpers_leak_nothing(with_helpers):
    assert_nothing_leaks(lambda i: train(**with_helpers), ROUNDS // 10)


def test_trainings_that_ctrl_c_ends_leak_nothing(monkeypatch, hears_ctrl_c, with_helpers):
    """Ctrl-C comes in the third pass of small trainings, and during one of those with a helper."""

    def pass_over(samples, *args, **options):
        calls = iter(range(3))

        def press_in_third_pass():
            if next(calls) == 2:
                signal.raise_signal(signal.SIGINT)

        run = shards.pass_over(samples, *args, **options)
        if samples.num_samples > len(X):
            return run
        return joined(run, (1, 1, samples.num_features), press_in_third_pass)

    def press_and_turn():
        signal.raise_signal(signal.SIGINT)
        turn()

    monkeypatch.setattr(_training, "pass_over", pass_over)
    monkeypatch.setattr(passes, "turn", press_and_turn)
    endless = {**with_helpers, "num_steps": 10**9}  # a turn is due after about 20 ms

    def train_until_ctrl_c(i):
        try:
            train(**(endless if i % 10 == 0 else {}))
        except KeyboardInterrupt:
            return
        pytest.fail("Ctrl-C was lost")

    assert_nothing_leaks(train_until_ctrl_c, ROUNDS // 2)


def test_fits_leak_nothing():
    labels = np.array(["a", "b", "a", "b", "c", "c"])
    fits = [
        ({"solver": "gd"}, y, None),
        ({"solver": "gd", "record_every": 1}, y, None),
        ({"solver": "lbfgs"}, y, None),
        ({"solver": "lbfgs", "loss": "log"}, y, u),
        ({"solver": "gd", "class_weight": "balanced"}, labels, None),
        ({"solver": "gd"}, y[:3], None),  # refused
    ]
    warnings.simplefilter("ignore")

    def fit(i):
        options, labels, sample_weight = fits[i % len(fits)]
        try:
            NeuronClassifier(max_iter=4, tol=0.05, **options).fit(X, labels, sample_weight)
        except ValueError:
            assert len(labels) == 3

    assert_nothing_leaks(fit)


def test_predicting_pickling_and_refitting_leak_nothing():
    classifier = NeuronClassifier(solver="gd", tol=0.05).fit(X, y)

    def predict(i):
        pickle.loads(pickle.dumps(classifier)).predict(X)

    assert_nothing_leaks(predict)
    assert_nothing_leaks(lambda i: classifier.fit(X, y), ROUNDS // 2)
