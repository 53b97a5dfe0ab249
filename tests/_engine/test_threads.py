"""Threads: any number gives the same bits, all of them end, and none can hold a descent up."""

import json
import multiprocessing
import sysconfig
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import (
    SECONDS_UNTIL_GIVEN_UP,
    bits,
    new_threads,
    printed_by,
    run_python,
    system_threads,
    wait_until,
)

import oneneuron
from oneneuron import NeuronClassifier
from oneneuron._engine import cores, helper_threads, training
from oneneuron._engine.dispatch import available, import_kernel
from oneneuron._losses import QUADRATIC
from oneneuron._train import start_training


def make_problem(n=10_000, d=30, dtype=np.float64):
    """Return samples, labels and a start: by default ten blocks, and a step worth eight threads."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = rng.integers(0, 2, n)
    return X, y, (rng.standard_normal(d), 0.1)


# --- The same bits ---

BITS = """
import json
from hashlib import sha256
import numpy as np
import oneneuron
from helpers import count_helpers, unaligned
from oneneuron._engine import training
from oneneuron._engine.training import Training
from oneneuron._losses import LOG

training._LEAST_SECONDS_FOR_A_HELPER = 1e-6
helper_counts = count_helpers()


def shifted(X):
    # Aligned for its dtype, but not for a vector or a cache line.
    buffer = np.empty(X.size + 1, X.dtype)
    buffer[1:] = X.ravel()
    return buffer[1:].reshape(X.shape)


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
        X, y, start, eta=1 / n, sample_weight=sample_weight, alpha=3.0, loss=LOG,
        n_threads=n_threads
    )
    training.advance(num_steps)
    found = training.result()
    scored = training.evaluate(start)
    report(case, n_threads, (found.last, found.best, found.lowest, scored, [training.costs(0)]))


def report(case, n_threads, found):
    digests = [sha256(b"".join(np.asarray(v).tobytes() for v in m)).hexdigest() for m in found]
    print(json.dumps([case, n_threads, max(helper_counts), digests]))
    helper_counts.clear()


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
    """Return [level, case, n_threads, num_helpers, digests of the results] of every run."""
    found = []
    for level in available:
        lines = printed_by(BITS, ONENEURON_ISA=level).splitlines()
        found += [[level, *json.loads(line)] for line in lines]
    return found


@pytest.mark.slow
def test_the_requested_number_of_threads_is_used(runs):
    cases = {case for _, case, *_ in runs}
    # A wide problem has three blocks.
    most = {case: 3 if "wide" in case else 8 for case in cases}
    assert len(cases) == 18
    for _, case, n_threads, helpers, *_ in runs:
        assert helpers == min(n_threads, most[case]) - 1, case


@pytest.mark.slow
def test_a_descent_has_the_same_bits_for_any_number_of_threads_layout_and_alignment(runs):
    for level in available:
        for case in {run[1] for run in runs}:
            mine = [run[4:] for run in runs if run[:2] == [level, case]]
            assert len(mine) >= 4
            assert all(run == mine[0] for run in mine), (level, case)


@pytest.mark.slow
def test_a_descent_has_the_same_bits_on_every_level_with_fused_multiply_add(runs):
    fused = [level for level in available if level != "plain"]
    for case in {run[1] for run in runs}:
        found = {json.dumps(run[4:]) for run in runs if run[0] in fused and run[1] == case}
        assert len(found) == (1 if fused else 0), case


# --- The number of threads ---


def test_a_small_problem_has_no_helpers(helper_counts):
    X, y, init = make_problem(400, 2)
    oneneuron.train(X, y, eta=0.001, num_steps=10_000, init=init)
    assert set(helper_counts) == {0}


def test_by_default_there_is_a_thread_for_each_core(helper_counts, monkeypatch):
    monkeypatch.setattr(cores, "count", lambda: 4)
    X, y, init = make_problem()
    oneneuron.train(X, y, eta=1e-4, num_steps=60, init=init)
    assert helper_counts[-1] == 3


def test_there_are_at_most_as_many_threads_as_blocks(helper_counts):
    X, y, init = make_problem(10_000, 100)
    oneneuron.train(X, y, eta=1e-4, num_steps=50, init=init, n_threads=64)
    assert helper_counts[-1] == 9  # beside the leader, for ten blocks of 1024 samples at most


@pytest.mark.parametrize(("num_steps", "helpers"), [(1, 0), (14, 0), (15, 1), (60, 4), (200, 7)])
def test_each_helper_has_at_least_a_millisecond_of_work(helper_counts, num_steps, helpers):
    X, y, init = make_problem()  # a step takes some 70 us
    oneneuron.train(X, y, eta=1e-4, num_steps=num_steps, init=init, n_threads=8)
    assert set(helper_counts) == {helpers}


@pytest.mark.parametrize(
    ("n_threads", "error"),
    [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError), ("2", TypeError)],
)
def test_a_bad_number_of_threads_is_refused_by_name(n_threads, error):
    with pytest.raises(error, match="n_threads must be"):
        oneneuron.train([[1.0], [2.0]], [0, 1], eta=1, n_threads=n_threads)


# --- The end of all threads ---


@pytest.fixture
def no_thread_is_left():
    """Check after the test that all threads which it started have ended."""
    before, system_before = threading.enumerate(), system_threads()
    yield
    assert new_threads(before) == []
    # After it was joined, a thread still has some last instructions to run.
    wait_until(lambda: system_threads() <= system_before)


def test_all_threads_end_after_a_training(no_thread_is_left, helper_counts):
    X, y, init = make_problem()
    oneneuron.train(X, y, eta=1e-4, num_steps=60, init=init, n_threads=4)
    assert helper_counts[-1] == 3


def test_all_threads_end_after_ctrl_c(no_thread_is_left, helper_counts, press_ctrl_c):
    X, y, init = make_problem()
    presser = press_ctrl_c(0.1, lambda: helper_counts)
    with pytest.raises(KeyboardInterrupt):
        oneneuron.train(X, y, eta=1e-9, num_steps=10**10, init=init, n_threads=4)
    presser.join()
    assert helper_counts[-1] == 3


def test_all_threads_end_after_a_divergence(no_thread_is_left, helper_counts):
    X, _, init = make_problem()
    with pytest.warns(RuntimeWarning, match="smaller eta"):
        found = oneneuron.train(
            np.abs(X), np.zeros(len(X)), eta=1e307, num_steps=10**6, init=init, n_threads=4
        )
    assert (found.stop_reason, helper_counts[-1]) == ("diverged", 3)


# --- Forks, and other threads of the caller ---

FORK = """
import multiprocessing, threading
import numpy as np, oneneuron
from helpers import count_helpers
from oneneuron._train import start_training

helper_counts = count_helpers()
rng = np.random.default_rng(0)
X, y = rng.standard_normal((10_000, 30)), rng.integers(0, 2, 10_000)


def trained():
    last = oneneuron.train(
        X, y, eta=1e-4, num_steps=30, init=(np.zeros(30), 0.0), n_threads=3
    ).last
    assert helper_counts[-1] == 2
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

# Once more, while another thread and its helpers train in this process.
training = start_training(X, y, eta=1e-4, init=(np.zeros(30), 0.0), n_threads=3)
going = True


def go_on():
    while going:
        training.advance(100)


other = threading.Thread(target=go_on)
other.start()
while training.step == 0:
    pass
assert_a_child_trains()
going = False
other.join()
print("trained")
"""


@pytest.mark.no_tsan
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
def test_a_forked_child_trains_after_and_during_a_training_with_threads():
    assert printed_by(FORK) == "trained\n"


def at_once(jobs, turns=5):
    """Run each job several times, all in threads that begin together; return lists of results."""
    start = threading.Barrier(len(jobs))

    def work(job):
        start.wait(SECONDS_UNTIL_GIVEN_UP)
        return [job() for _ in range(turns)]

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(work, jobs))


def trainings():
    """Yield trainings in both precisions, with and without a helper, and all with another eta."""
    for eta, dtype, n_threads in [
        (1e-4, np.float64, 1), (2e-4, np.float64, 2), (3e-4, np.float32, 1), (4e-4, np.float32, 2)
    ]:  # fmt: skip
        X, y, init = make_problem(dtype=dtype)
        yield partial(trained, X, y, eta=eta, num_steps=30, init=init, n_threads=n_threads)


def trained(*args, **options):
    return bits(oneneuron.train(*args, **options).last)


def fits():
    """Yield fits with both solvers on the same samples, and predictions of a fitted classifier."""
    X, y, _ = make_problem(400, 5)
    y = y + (X[:, 0] > 0)
    for alpha, solver in [(0.1, "gd"), (0.2, "gd"), (0.3, "lbfgs"), (0.4, "lbfgs")]:
        yield partial(fitted, X, y, alpha=alpha, solver=solver, tol=0.01)
    classifier = NeuronClassifier().fit(X, y)
    for ask in (classifier.predict, classifier.predict_proba):
        yield lambda ask=ask: ask(X).tobytes()


def fitted(X, y, **options):
    found = NeuronClassifier(**options).fit(X, y)
    return bits([found, found.loss_curve_])


@pytest.mark.parametrize("jobs", [trainings, fits])
def test_concurrent_calls_have_the_same_results_as_one_after_the_other(jobs):
    jobs = list(jobs())
    alone = [{job()} for job in jobs]
    assert [set(found) for found in at_once(jobs)] == alone


FIRST_IMPORTS = """
import threading
from concurrent.futures import ThreadPoolExecutor

statements = 3 * ["import oneneuron", "from oneneuron import NeuronClassifier"]
start = threading.Barrier(len(statements))


def work(statement):
    start.wait(60)
    exec(statement, {})


with ThreadPoolExecutor(len(statements)) as pool:
    list(pool.map(work, statements))
print("imported")
"""


def test_several_threads_may_be_the_first_to_import_the_package():
    assert printed_by(FIRST_IMPORTS) == "imported\n"


# --- Without the interpreter's lock ---

IMPORT_ALL = """
import importlib, sys
from oneneuron._engine.dispatch import available

kernels = [f"kernel_{level}_{dtype}" for level in available for dtype in ("float64", "float32")]
engine = [f"_engine.{name}" for name in ("cpu", "_cyutility", "pack", *kernels)]
for name in ("compare._naive_loop", *engine):
    importlib.import_module(f"oneneuron.{name}")
print(sys._is_gil_enabled())
"""


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python always has the lock"
)
def test_no_module_enables_the_lock_again():
    # The variable would keep the lock disabled, whatever the modules declare.
    run = run_python(IMPORT_ALL, PYTHON_GIL=None)
    assert (run.stdout, run.stderr) == ("False\n", "")


# --- The Neuron of the kernel, called by hand ---

CLAIMED, HELD, PUBLISHED = 1, 2, 3  # in sharing.h CLAIMED, HELD and HANDED_IN
MARKS_FROM = 8


def by_hand(monkeypatch, samples, n_threads=2):
    """Return a training, its `Neuron`, and the arrays that the `Neuron` was made with."""
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


UNLIMITED = 2**62


def make_steps(neuron, last_step, budget=UNLIMITED):
    neuron.descend(1e-4, 0.0, last_step, budget)


@pytest.fixture
def alone():
    """Return the bits of the model and the sums of the blocks after step 1 of one thread."""
    with pytest.MonkeyPatch.context() as patch:
        made, neuron, arrays = by_hand(patch, make_problem(), n_threads=1)
    make_steps(neuron, 1)
    return SimpleNamespace(bits=bits(made.model()), blocks=arrays.blocks)


@pytest.mark.linetrace
def test_a_helper_sums_the_blocks_that_the_leader_left_to_the_same_bits(monkeypatch, alone):
    made, neuron, arrays = by_hand(monkeypatch, make_problem())
    marks = arrays.marks
    make_steps(neuron, 1, budget=1)
    assert np.count_nonzero(marks == 4 + PUBLISHED) == 1
    with helper_threads.helpers(1, neuron.help, neuron.dismiss):
        wait_until(lambda: (marks == 4 + PUBLISHED).all())
    np.testing.assert_array_equal(arrays.blocks, alone.blocks)
    make_steps(neuron, 1)
    assert bits(made.model()) == alone.bits


@pytest.mark.parametrize(
    "claimed", [[0], pytest.param([9], marks=pytest.mark.linetrace), [0, 5, 9], range(10)]
)
def test_the_leader_sums_the_blocks_that_a_helper_claimed_and_never_finishes(
    monkeypatch, alone, claimed
):
    made, neuron, arrays = by_hand(monkeypatch, make_problem())
    marks = arrays.marks
    marks[list(claimed)] = 4 * 1 + CLAIMED
    make_steps(neuron, 1)
    assert bits(made.model()) == alone.bits
    assert marks.tolist() == [4 + PUBLISHED] * 10


def test_the_sums_that_a_helper_published_are_used(monkeypatch, alone):
    made, neuron, arrays = by_hand(monkeypatch, make_problem())
    arrays.marks[3] = 4 * 1 + PUBLISHED
    arrays.blocks[3] = alone.blocks[3]
    arrays.blocks[3, -1] += 5  # wrong samples, which show whose sums were used
    make_steps(neuron, 1)
    assert made.model().accuracy == (9_995 - alone.blocks[:, -1].sum()) / 10_000


@pytest.mark.no_tsan
def test_the_leader_waits_for_a_helper_that_is_writing_its_sums(monkeypatch, alone):
    made, neuron, arrays = by_hand(monkeypatch, make_problem())
    arrays.blocks[4] = np.nan
    arrays.marks[4] = 4 * 1 + HELD
    leader = threading.Thread(target=make_steps, args=(neuron, 1))
    leader.start()
    time.sleep(0.02)  # a step takes some 0.1 ms
    assert made.step == 0
    arrays.blocks[4] = alone.blocks[4]
    arrays.marks[4] = 4 * 1 + PUBLISHED
    leader.join()
    assert bits(made.model()) == alone.bits


def test_the_marks_of_a_step_do_not_count_in_the_next(monkeypatch, alone):
    made, neuron, arrays = by_hand(monkeypatch, make_problem())
    arrays.marks[:] = 4 * 0 + PUBLISHED
    arrays.blocks[:] = np.nan
    make_steps(neuron, 1)
    assert bits(made.model()) == alone.bits


def sums_after_overtaking(published_step):
    """Overtake a helper that sums a block; return the block's sums afterwards, None if too late."""
    d, num_tiles = 20, 20_000
    kernel = import_kernel("float64")
    marks = np.zeros(8 + 1, np.int64)
    blocks = np.zeros((1, d + 3))
    neuron = kernel.Neuron(
        np.zeros((num_tiles, d, kernel.TILE_SAMPLES)),
        np.ones((2, kernel.TILE_SAMPLES)),
        False,
        num_tiles,
        loss=QUADRATIC.kernel_code,
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
    marks[0] = 1  # the stage: step 1 has begun
    with helper_threads.helpers(1, neuron.help, neuron.dismiss):
        while marks[MARKS_FROM] == 0:
            time.sleep(0)
        overtaken = marks[MARKS_FROM] == 4 * 1 + CLAIMED
        marks[MARKS_FROM] = 4 * published_step + PUBLISHED
        blocks[:] = -1.0
    return blocks if overtaken else None


@pytest.mark.parametrize("step", [1, 2])
def test_the_sums_of_a_helper_that_was_overtaken_are_discarded(step):
    for _ in range(50):  # the helper may finish before this thread runs again
        found = sums_after_overtaking(step)
        if found is not None:
            break
    assert found is not None and (found == -1.0).all()


@pytest.mark.linetrace
def test_a_helper_stops_if_it_was_told_to_before_it_began(monkeypatch):
    _, neuron, _ = by_hand(monkeypatch, make_problem())
    neuron.muster()
    neuron.dismiss()
    neuron.help(1)


def test_helpers_change_nothing_while_no_step_is_made(monkeypatch):
    _, neuron, arrays = by_hand(monkeypatch, make_problem())
    before = arrays.blocks.copy(), arrays.marks.copy()
    neuron.muster()
    with helper_threads.helpers(1, neuron.help, neuron.dismiss):
        pass
    np.testing.assert_array_equal(arrays.blocks, before[0])
    np.testing.assert_array_equal(arrays.marks, before[1])


@pytest.mark.no_tsan
def test_other_threads_run_during_a_call_of_the_kernel(monkeypatch):
    made, neuron, arrays = by_hand(monkeypatch, make_problem(1024, 2), n_threads=1)
    # Some 10 s, a block for each step. It only ends the test if this thread is held up meanwhile.
    budget = 10**7
    leader = threading.Thread(target=make_steps, args=(neuron, UNLIMITED, budget))
    leader.start()
    wait_until(lambda: made.step > 0)
    arrays.limits[:] = np.inf  # now any gradient counts as flat, which ends the call
    leader.join()
    assert made.flat and 0 < made.step < budget
