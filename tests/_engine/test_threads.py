"""Threads: the same bits from any number of them, none left, none that can hold a descent up."""

import json
import multiprocessing
import os
import subprocess
import sys
import sysconfig
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import oneneuron
from oneneuron import NeuronClassifier
from oneneuron._engine import cores, team, training
from oneneuron._engine.dispatch import available, import_kernel
from oneneuron._train import start_training

SECONDS_UNTIL_GIVEN_UP = 60


def made_samples(n=10_000, d=30, dtype=np.float64):
    """Ten blocks, and a step that is worth eight threads."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = rng.integers(0, 2, n)
    return X, y, (rng.standard_normal(d), 0.1)


def bits(model):
    return model.weights.tobytes(), model.bias, model.cost, model.accuracy, model.step


@pytest.fixture
def started(monkeypatch):
    """Numbers of helpers that were asked for, one for each call."""
    counts, helpers = [], team.helpers
    monkeypatch.setattr(
        team, "helpers", lambda count, *rest: (counts.append(count), helpers(count, *rest))[1]
    )
    return counts


# --- The same bits ---

BITS = """
import json
from hashlib import sha256
import numpy as np
import oneneuron
from oneneuron._engine import team, training
from oneneuron._engine.training import Training

training._LEAST_SECONDS_FOR_A_HELPER = 1e-6
started, helpers = [], team.helpers
team.helpers = lambda count, *rest: (started.append(count), helpers(count, *rest))[1]


def shifted(X):
    # Off every boundary but that of a value.
    buffer = np.empty(X.size + 1, X.dtype)
    buffer[1:] = X.ravel()
    return buffer[1:].reshape(X.shape)


def unaligned(X):
    return np.frombuffer(b"x" + X.tobytes(), X.dtype, offset=1).reshape(X.shape)


def trained(case, X, y, n_threads, layout=lambda X: X, num_steps=60, **options):
    n, d = X.shape
    found = oneneuron.train(
        layout(X), y, eta=2 / n, num_steps=num_steps, init=(np.linspace(-1, 1, d) / d, 0.1),
        record_every=num_steps // 2, n_threads=n_threads, **options
    )
    report(case, n_threads, (found.last, found.best, found.lowest, found.history))


def trained_on_the_log_loss(case, X, y, n_threads, num_steps=60, sample_weight=None):
    n, d = X.shape
    start = np.append(np.linspace(-1, 1, d) / d, 0.1)
    if sample_weight is not None:
        sample_weight = sample_weight.astype(X.dtype)
    training = Training(
        X, y, start, eta=1 / n, sample_weight=sample_weight, alpha=3.0, loss="log",
        n_threads=n_threads
    )
    training.advance(num_steps)
    found = training.result()
    scored = training.evaluate(start)
    report(case, n_threads, (found.last, found.best, found.lowest, scored, [training.costs(0)]))


def report(case, n_threads, found):
    digests = [sha256(b"".join(np.asarray(v).tobytes() for v in m)).hexdigest() for m in found]
    print(json.dumps([case, n_threads, max(started), digests]))
    started.clear()


rng = np.random.default_rng(0)
samples = {}
for n in (8191, 8192, 8193, 10_000):
    samples[n] = rng.standard_normal((n, 30)), rng.integers(0, 2, n), rng.random(n)
wide = rng.standard_normal((2100, 4097)), rng.integers(0, 2, 2100)
for dtype in (np.float64, np.float32):
    for threads in (1, 2, 3, 8):
        for n, (X, y, u) in samples.items():
            case = f"{np.dtype(dtype)} {n}"
            X = X.astype(dtype)
            trained(case, X, y, threads)
            if n == 10_000:
                trained(case + " weighted, L2", X, y, threads, sample_weight=u, alpha=3.0)
                trained_on_the_log_loss(case + " log", X, y, threads)
                trained_on_the_log_loss(case + " log, weighted", X, y, threads, sample_weight=u)
        wide_case, wide_X = f"{np.dtype(dtype)} wide", wide[0].astype(dtype)
        trained(wide_case, wide_X, wide[1], threads, num_steps=4)
        trained_on_the_log_loss(wide_case + " log", wide_X, wide[1], threads, num_steps=4)
    for layout in (np.asfortranarray, shifted, unaligned, lambda X: X[::-1].copy()[::-1]):
        trained(case, X, y, 2, layout)
    trained(case, X, y, 8)
"""


@pytest.fixture(scope="module")
def runs():
    """[level, case, n_threads, helpers, digests of all that came out], on every level."""
    found = []
    for level in available:
        run = subprocess.run(
            [sys.executable, "-c", BITS], env={**os.environ, "ONENEURON_ISA": level},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found += [[level, *json.loads(line)] for line in run.stdout.splitlines()]
    return found


def test_the_threads_asked_for_are_there(runs):
    cases = {case for _, case, *_ in runs}
    # Of a wide problem there are three blocks.
    most = {case: 3 if "wide" in case else 8 for case in cases}
    assert len(cases) == 18
    for _, case, n_threads, helpers, *_ in runs:
        assert helpers == min(n_threads, most[case]) - 1, case


def test_a_descent_is_the_same_bits_for_any_number_of_threads_layout_and_alignment_and_again(runs):
    for level in available:
        for case in {run[1] for run in runs}:
            mine = [run[4:] for run in runs if run[:2] == [level, case]]
            assert len(mine) >= 4
            assert all(run == mine[0] for run in mine), (level, case)


def test_a_descent_is_the_same_bits_on_every_level_with_fused_multiply_add(runs):
    fused = [level for level in available if level != "plain"]
    for case in {run[1] for run in runs}:
        found = {json.dumps(run[4:]) for run in runs if run[0] in fused and run[1] == case}
        assert len(found) == (1 if fused else 0), case


# --- How many there are ---


def test_a_small_problem_has_no_helpers(started):
    X, y, init = made_samples(400, 2)
    oneneuron.train(X, y, eta=0.001, num_steps=10_000, init=init)
    assert set(started) == {0}


def test_by_default_there_is_a_thread_for_each_core(started, monkeypatch):
    monkeypatch.setattr(cores, "count", lambda: 4)
    X, y, init = made_samples()
    oneneuron.train(X, y, eta=1e-4, num_steps=60, init=init)
    assert started[-1] == 3


def test_there_are_no_more_threads_than_blocks(started):
    X, y, init = made_samples(10_000, 100)
    oneneuron.train(X, y, eta=1e-4, num_steps=50, init=init, n_threads=64)
    assert started[-1] == 9  # of 1024 samples each


@pytest.mark.parametrize(("num_steps", "helpers"), [(1, 0), (14, 0), (15, 1), (60, 4), (200, 7)])
def test_each_helper_has_at_least_a_millisecond_of_work(started, num_steps, helpers):
    X, y, init = made_samples()  # a step of which takes 70 us
    oneneuron.train(X, y, eta=1e-4, num_steps=num_steps, init=init, n_threads=8)
    assert set(started) == {helpers}


@pytest.mark.parametrize(
    ("n_threads", "error"),
    [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError), ("2", TypeError)],
)
def test_a_bad_number_of_threads_is_refused_by_name(n_threads, error):
    with pytest.raises(error, match="n_threads must be"):
        oneneuron.train([[1.0], [2.0]], [0, 1], eta=1, n_threads=n_threads)


# --- None is left ---


def system_threads():
    return len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else None


def assert_no_thread_is_left(before, system_before):
    assert threading.enumerate() == before
    # A thread that is joined may be on its last instructions still.
    give_up = time.monotonic() + SECONDS_UNTIL_GIVEN_UP
    while system_threads() != system_before and time.monotonic() < give_up:
        time.sleep(1e-3)
    assert system_threads() == system_before


def test_no_thread_is_left_after_a_training(started):
    X, y, init = made_samples()
    before, system_before = threading.enumerate(), system_threads()
    oneneuron.train(X, y, eta=1e-4, num_steps=60, init=init, n_threads=4)
    assert started[-1] == 3
    assert_no_thread_is_left(before, system_before)


def test_no_thread_is_left_after_ctrl_c(started, press_ctrl_c):
    X, y, init = made_samples()
    before, system_before = threading.enumerate(), system_threads()
    timer = press_ctrl_c(0.2)
    with pytest.raises(KeyboardInterrupt):
        oneneuron.train(X, y, eta=1e-9, num_steps=10**10, init=init, n_threads=4)
    timer.join()
    assert started[-1] == 3
    assert_no_thread_is_left(before, system_before)


def test_no_thread_is_left_after_a_divergence(started):
    X, _, init = made_samples()
    before, system_before = threading.enumerate(), system_threads()
    with pytest.warns(RuntimeWarning, match="smaller eta"):
        found = oneneuron.train(
            np.abs(X), np.zeros(len(X)), eta=1e307, num_steps=10**6, init=init, n_threads=4
        )
    assert (found.stop_reason, started[-1]) == ("diverged", 3)
    assert_no_thread_is_left(before, system_before)


# --- Forks, and other threads of the caller's ---

FORK = """
import multiprocessing, threading
import numpy as np, oneneuron
from oneneuron._engine import team
from oneneuron._train import start_training

started, helpers = [], team.helpers
team.helpers = lambda count, *rest: (started.append(count), helpers(count, *rest))[1]
rng = np.random.default_rng(0)
X, y = rng.standard_normal((10_000, 30)), rng.integers(0, 2, 10_000)


def trained():
    last = oneneuron.train(
        X, y, eta=1e-4, num_steps=30, init=(np.zeros(30), 0.0), n_threads=3
    ).last
    assert started[-1] == 2
    return last.weights.tobytes(), last.bias


def child(queue):
    queue.put(trained())


def assert_a_child_trains():
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=child, args=(queue,), daemon=True)
    process.start()
    process.join(60)
    assert process.exitcode == 0, process.exitcode
    assert queue.get() == expected


expected = trained()
assert_a_child_trains()

# While another thread's helpers are at work in this process.
training = start_training(X, y, eta=1e-4, init=(np.zeros(30), 0.0), n_threads=3)
going = True


def descend():
    while going:
        training.advance(100)


other = threading.Thread(target=descend)
other.start()
while training.step == 0:
    pass
assert_a_child_trains()
going = False
other.join()
print("trained")
"""


def run_by_itself(script, env=None):
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True,
        timeout=2 * SECONDS_UNTIL_GIVEN_UP, check=False,
    )  # fmt: skip


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
def test_a_child_trains_after_a_fork_that_follows_or_interrupts_a_training_with_threads():
    run = run_by_itself(FORK)
    assert run.stdout == "trained\n", run.stderr


def at_once(jobs, turns=5):
    """What each job gives, several times over, all in threads that begin together."""
    start = threading.Barrier(len(jobs))

    def work(job):
        start.wait(SECONDS_UNTIL_GIVEN_UP)
        return [job() for _ in range(turns)]

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(work, jobs))


def trainings():
    """Of both precisions, alone and with a helper: no two make the same steps."""
    for eta, dtype, n_threads in [
        (1e-4, np.float64, 1), (2e-4, np.float64, 2), (3e-4, np.float32, 1), (4e-4, np.float32, 2)
    ]:  # fmt: skip
        X, y, init = made_samples(dtype=dtype)
        yield partial(trained, X, y, eta=eta, num_steps=30, init=init, n_threads=n_threads)


def trained(*args, **options):
    return bits(oneneuron.train(*args, **options).last)


def fits():
    """Of both solvers, on the same samples, and the answers of a classifier that is fitted."""
    X, y, _ = made_samples(400, 5)
    y = y + (X[:, 0] > 0)
    for alpha, solver in [(0.1, "gd"), (0.2, "gd"), (0.3, "lbfgs"), (0.4, "lbfgs")]:
        yield partial(fitted, X, y, alpha=alpha, solver=solver, tol=0.01)
    classifier = NeuronClassifier().fit(X, y)
    for ask in (classifier.predict, classifier.predict_proba):
        yield lambda ask=ask: ask(X).tobytes()


def fitted(X, y, **options):
    found = NeuronClassifier(**options).fit(X, y)
    return found.coef_.tobytes(), found.intercept_.tobytes(), found.loss_curve_.tobytes()


@pytest.mark.parametrize("jobs", [trainings, fits])
def test_what_several_threads_do_at_once_comes_out_as_alone(jobs):
    jobs = list(jobs())
    alone = [{job()} for job in jobs]
    assert [set(found) for found in at_once(jobs)] == alone


FIRST_IMPORTS = """
import threading
from concurrent.futures import ThreadPoolExecutor

ways = 3 * ["import oneneuron", "from oneneuron import NeuronClassifier"]
start = threading.Barrier(len(ways))


def work(way):
    start.wait(60)
    exec(way, {})


with ThreadPoolExecutor(len(ways)) as pool:
    list(pool.map(work, ways))
print("imported")
"""


def test_several_threads_may_be_the_first_to_import_it():
    run = run_by_itself(FIRST_IMPORTS)
    assert run.stdout == "imported\n", run.stderr


# --- Without the interpreter's lock ---

IMPORT_ALL = """
import importlib, sys
from oneneuron._engine.dispatch import available

kernels = [f"_kernel_{level}_{dtype}" for level in available for dtype in ("float64", "float32")]
for name in ("_cpu", "_cyutility", "_naive", "_pack", *kernels):
    importlib.import_module(f"oneneuron.{name}")
print(sys._is_gil_enabled())
"""


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has the lock always"
)
def test_no_module_brings_the_lock_back():
    # The variable would keep it away, whatever the modules declare.
    free = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    run = run_by_itself(IMPORT_ALL, free)
    assert (run.stdout, run.stderr) == ("False\n", "")


# --- The neuron itself, by hand ---

CLAIMED, HELD, HANDED_IN = 1, 2, 3  # phases of a mark, as in sharing.h
MARKS_FROM = 8


def by_hand(monkeypatch, samples, n_threads=2):
    """A training, its neuron and the arrays that this was made with."""
    arrays = {}

    def recording(*which):
        kernel = import_kernel(*which)

        def neuron(*positional, **named):
            arrays.update(named)
            return kernel.Neuron(*positional, **named)

        return SimpleNamespace(**{**vars(kernel), "Neuron": neuron})

    with monkeypatch.context() as patch:
        patch.setattr(training, "import_kernel", recording)
        X, y, init = samples
        made = start_training(X, y, eta=1e-4, init=init, n_threads=n_threads)
    marks = arrays["marks"][MARKS_FROM : MARKS_FROM + len(arrays["blocks"])]
    return made, made._neuron, SimpleNamespace(**{**arrays, "marks": marks})


WITHOUT_END = 2**62


def descend(neuron, last_step, budget=WITHOUT_END):
    neuron.descend(1e-4, 0.0, last_step, budget)


def wait_until(done):
    give_up = time.monotonic() + SECONDS_UNTIL_GIVEN_UP
    while not done():
        assert time.monotonic() < give_up, "it never came"
        time.sleep(1e-4)


@pytest.fixture
def alone():
    """The model and the blocks' sums after step 1, by one thread."""
    with pytest.MonkeyPatch.context() as patch:
        made, neuron, arrays = by_hand(patch, made_samples(), n_threads=1)
    descend(neuron, 1)
    return SimpleNamespace(bits=bits(made.model()), blocks=arrays.blocks)


def test_a_helper_sums_what_the_leader_left_to_the_same_bits(monkeypatch, alone):
    made, neuron, arrays = by_hand(monkeypatch, made_samples())
    marks = arrays.marks
    descend(neuron, 1, budget=1)
    assert np.count_nonzero(marks == 4 + HANDED_IN) == 1
    with team.helpers(1, neuron.help, neuron.dismiss):
        wait_until(lambda: (marks == 4 + HANDED_IN).all())
    np.testing.assert_array_equal(arrays.blocks, alone.blocks)
    descend(neuron, 1)
    assert bits(made.model()) == alone.bits


@pytest.mark.parametrize("claimed", [[0], [9], [0, 5, 9], range(10)])
def test_the_leader_sums_blocks_itself_that_a_helper_claimed_and_never_hands_in(
    monkeypatch, alone, claimed
):
    made, neuron, arrays = by_hand(monkeypatch, made_samples())
    marks = arrays.marks
    marks[list(claimed)] = 4 * 1 + CLAIMED
    descend(neuron, 1)
    assert bits(made.model()) == alone.bits
    assert marks.tolist() == [4 + HANDED_IN] * 10


def test_what_a_helper_has_handed_in_counts(monkeypatch, alone):
    made, neuron, arrays = by_hand(monkeypatch, made_samples())
    arrays.marks[3] = 4 * 1 + HANDED_IN
    arrays.blocks[3] = alone.blocks[3]
    arrays.blocks[3, -1] += 5  # wrong samples, so as to tell who summed them
    descend(neuron, 1)
    assert made.model().accuracy == (9_995 - alone.blocks[:, -1].sum()) / 10_000


def test_a_leader_waits_for_a_helper_that_is_writing_its_sums(monkeypatch, alone):
    made, neuron, arrays = by_hand(monkeypatch, made_samples())
    arrays.blocks[4] = np.nan
    arrays.marks[4] = 4 * 1 + HELD
    leader = threading.Thread(target=descend, args=(neuron, 1))
    leader.start()
    time.sleep(0.02)  # a step takes a tenth of a millisecond
    assert made.step == 0
    arrays.blocks[4] = alone.blocks[4]
    arrays.marks[4] = 4 * 1 + HANDED_IN
    leader.join()
    assert bits(made.model()) == alone.bits


def test_marks_of_a_step_that_is_over_claim_nothing_of_the_next(monkeypatch, alone):
    made, neuron, arrays = by_hand(monkeypatch, made_samples())
    arrays.marks[:] = 4 * 0 + HANDED_IN
    arrays.blocks[:] = np.nan
    descend(neuron, 1)
    assert bits(made.model()) == alone.bits


def late_sums(step_at_hand_in):
    """What a block's row holds after a helper was overtaken while summing it."""
    d, num_tiles = 20, 20_000
    kernel = import_kernel("float64")
    marks = np.zeros(8 + 1, np.int64)
    blocks = np.zeros((1, d + 3))
    neuron = kernel.Neuron(
        np.zeros((num_tiles, d, kernel.TILE_SAMPLES)),
        np.ones((2, kernel.TILE_SAMPLES)),
        False,
        num_tiles,
        loss=kernel.LOSSES["quadratic"],
        intercept=True,
        parameters=np.zeros(d + 1),
        totals=np.zeros(d + 3),
        limits=np.full(d + 1, -1.0),
        models=np.zeros((3, d + 4)),
        costs=np.zeros(1),
        blocks=blocks,
        marks=marks,
        scaled=np.zeros((2, d + 1)),
        sums=np.zeros((2, kernel.SUM_LANES * (d + 3))),
        rows=np.zeros((2, d + 3)),
    )
    marks[0] = 1  # the stage: step 1 is open
    with team.helpers(1, neuron.help, neuron.dismiss):
        while marks[MARKS_FROM] == 0:
            time.sleep(0)
        overtaken = marks[MARKS_FROM] == 4 * 1 + CLAIMED
        marks[MARKS_FROM] = 4 * step_at_hand_in + HANDED_IN
        blocks[:] = -1.0
    return blocks if overtaken else None


@pytest.mark.parametrize("step", [1, 2])
def test_what_a_late_helper_hands_in_is_refused(step):
    for _ in range(50):  # the helper may be done before this thread has its turn
        found = late_sums(step)
        if found is not None:
            break
    assert found is not None and (found == -1.0).all()


def test_a_helper_ends_when_it_is_dismissed_before_it_began(monkeypatch):
    _, neuron, _ = by_hand(monkeypatch, made_samples())
    neuron.muster()
    neuron.dismiss()
    neuron.help(1)


def test_helpers_of_a_neuron_that_rests_leave_everything_as_it_is(monkeypatch):
    _, neuron, arrays = by_hand(monkeypatch, made_samples())
    before = arrays.blocks.copy(), arrays.marks.copy()
    neuron.muster()
    with team.helpers(1, neuron.help, neuron.dismiss):
        pass
    np.testing.assert_array_equal(arrays.blocks, before[0])
    np.testing.assert_array_equal(arrays.marks, before[1])


def test_other_threads_run_while_the_neuron_descends(monkeypatch):
    made, neuron, _ = by_hand(monkeypatch, made_samples(1024, 2), n_threads=1)
    last_step = 100_000
    leader = threading.Thread(target=descend, args=(neuron, last_step))
    leader.start()
    seen = 0
    while leader.is_alive() and seen == 0:
        seen = made.step
        time.sleep(1e-4)
    leader.join()
    # One call makes all steps, so this thread has looked on from the middle of it.
    assert 0 < seen < last_step
