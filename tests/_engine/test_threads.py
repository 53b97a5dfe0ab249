"""Threads: any number gives the same bits, helpers take part in large work, and all of them end.

Whatever interrupts a fit, it either goes on to the same bits or ends with the exception: forks,
signals, exceptions from other threads, the interpreter's exit, libraries that replace threads.
"""

import atexit
import ctypes
import faulthandler
import json
import multiprocessing
import os
import platform
import signal
import sys
import sysconfig
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import (
    LOSSES,
    SECONDS_UNTIL_GIVEN_UP,
    SOLVERS,
    HelperCounts,
    bits,
    joined,
    printed_by,
    record_passes,
    run_python,
    system_threads,
    wait_until,
)

import oneneuron
from oneneuron._engine import cores, passes, predictions
from oneneuron._engine.dispatch import available, import_kernel
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import lay_out, weigh_bands
from oneneuron._engine.second_moments import SecondMoments
from oneneuron._engine.shards import InMemory
from oneneuron._engine.sharing import Pass
from oneneuron._engine.solvers import LBFGS, GradientDescent
from oneneuron._losses import LOSSES as LOSS_RECORDS
from oneneuron._losses import QUADRATIC
from oneneuron._training import Training

DTYPES = [np.float64, np.float32]

DAYS = 10**10  # steps that no test waits for

SECONDS_OF_A_PROCESS = 5 * SECONDS_UNTIL_GIVEN_UP

needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
needs_proc = pytest.mark.skipif(not system_threads(), reason="this system does not list threads")
needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="uses functions of the GNU C library"
)
needs_alarms = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there is no SIGALRM")


def in_new_process(claim):
    """Have a test run in a new interpreter, so that it may exit, crash or hang on its own."""

    @wraps(claim)
    def test(**arguments):
        folder, module = str(Path(__file__).parent), Path(__file__).stem
        code = (
            "import json, sys\n"
            f"sys.path.insert(0, {folder!r})\n"
            f"import {module}\n"
            f"{module}.run_claim({claim.__name__!r}, json.loads(sys.argv[1]))"
        )
        run = run_python(code, json.dumps(arguments))
        assert "Timeout (" not in run.stderr, f"hung:\n{run.stderr}"
        assert run.returncode == 0, f"{run.stderr}\nexit code {run.returncode}"

    test.claim = claim
    return test


def run_claim(name, arguments):
    """Run a test of this file in this process, which ends with an error if the test hangs."""
    faulthandler.dump_traceback_later(SECONDS_OF_A_PROCESS, exit=True)
    cores.count = lambda: 8
    process = os.getpid()
    try:
        globals()[name].claim(**arguments)
    except BaseException:
        if os.getpid() != process:  # a child would wait for a thread of faulthandler at its exit
            traceback.print_exc()
            os._exit(1)
        raise


@pytest.fixture(autouse=True)
def many_cores(monkeypatch):
    """Let eight cores seem to be available, so that several threads are used everywhere."""
    monkeypatch.setattr(cores, "count", lambda: 8)


def make_problem(n=10_000, d=30, dtype=np.float64):
    """Return samples, labels and a start: by default ten blocks."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = rng.integers(0, 2, n)
    return X, y, (rng.standard_normal(d), 0.1)


def make_classes(n=20_000, d=10, num_classes=3, dtype=np.float64):
    """Return samples and labels of several classes: by default a pass is worth many threads."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    scores = X @ rng.standard_normal((d, num_classes)) + rng.standard_normal((n, num_classes))
    return X.astype(dtype), scores.argmax(axis=1)


def make_solver(name="gd", n_threads=2, loss="quadratic", dtype=np.float64, problem_of=None):
    """Return a solver of three neurons at its start, and its `Pass`.

    ``problem_of(its_pass)`` may return what the solver gets in place of the pass.
    """
    loss = LOSS_RECORDS[loss]
    samples = lay_out(*make_classes(dtype=dtype), 3)
    its_pass = make_pass(samples, [0, 1, 2], loss, n_threads=n_threads)
    problem = its_pass if problem_of is None else problem_of(its_pass)
    options = dict(alpha=0.1, intercept=True, limits=-1.0, single=dtype == np.float32)
    if name == "gd":
        solver = GradientDescent(problem, eta=1e-5, means=0.0, **options)
    else:
        moments = SecondMoments(InMemory([samples]))
        preconditioner = moments.preconditioner(0.1, loss.max_curvature)
        solver = LBFGS(problem, means=moments.means, preconditioner=preconditioner, **options)
    solver.start(np.linspace(-1.0, 1.0, 33).reshape(3, 11))
    return solver, its_pass


NUM_STEPS = {"gd": 20, "lbfgs": 10**6}  # L-BFGS ends long before


def after_steps(name, num_steps=None):
    """Return all that a solver of one thread has found after some steps."""
    solver, _ = make_solver(name, 1)
    solver.advance(num_steps or NUM_STEPS[name])
    return found_by(solver)


def found_by(solver):
    return bits([solver.last, solver.best, solver.lowest, solver.gradient, solver.state])


def fitted(n_threads, X=None, y=None, **options):
    if X is None:
        X, y = make_classes()
    # One against the rest is a single pass; a layer also has that of its draft.
    found = oneneuron.NeuronClassifier(multi_class="ovr", n_threads=n_threads, **options)
    found.fit(X, y)
    return bits([found, found.loss_curve_])


def trained(*args, **options):
    found = oneneuron.train(*args, **options)
    return bits([found.last, found.best, found.lowest])


def in_a_thread(work, **options):
    thread = threading.Thread(target=work, **options)
    thread.start()
    return thread


# --- The same bits ---


@pytest.mark.parametrize("level", available)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("n", "d", "is_weighted"),
    [
        (8191, 30, False), (8192, 30, False), (8193, 30, False), (10_000, 30, True),
        (100_000, 2, False), (2100, 4097, False),
    ],
)  # fmt: skip
def test_a_descent_has_the_same_bits_for_any_number_of_threads(level, dtype, n, d, is_weighted):
    X, y, _ = make_problem(n, d, dtype)
    u = np.random.default_rng(1).random(n).astype(dtype) if is_weighted else None
    samples = lay_out(X, y, 2, u)

    def advanced(n_threads):
        start = np.linspace(-1.0, 1.0, d + 1) / d
        training = Training(InMemory([samples], n_threads, level), start, eta=1 / n)
        training.advance(10)
        return bits([training.model("last"), training.model("best"), training.model("lowest")])

    one, *several = (advanced(n_threads) for n_threads in (1, 2, 3, 8))
    assert several == [one] * 3


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_several_neurons_have_the_same_bits_for_any_number_of_threads(solver, loss, dtype):
    def advanced(n_threads):
        found, _ = make_solver(solver, n_threads, loss, dtype)
        found.advance(20)
        return found_by(found)

    one, *several = (advanced(n_threads) for n_threads in (1, 2, 3, 8))
    assert several == [one] * 3


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_fit_has_the_same_bits_for_any_number_of_threads(solver, loss):
    one, *several = (
        fitted(n_threads, solver=solver, loss=loss, max_iter=30) for n_threads in (1, 2, 3, 8)
    )
    assert several == [one] * 3


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_fit_has_the_same_bits_whatever_the_threads_of_blas(blas_threads, solver):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    if set(blas_threads()) <= {1}:
        pytest.skip("this BLAS library has one thread, or its threads cannot be limited")
    X, y = make_classes(2000, 100)
    fit = partial(fitted, 1, X, y, solver=solver, max_iter=10)
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        expected = fit()
    assert fit() == expected


@pytest.mark.parametrize("ask", ["margins", "class_codes", "probabilities"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("num_neurons", [1, 3])
def test_predictions_have_the_same_bits_for_any_number_of_threads(ask, dtype, num_neurons):
    X, _, _ = make_problem(30_000, 20, dtype)
    coef = np.linspace(-1.0, 1.0, 20 * num_neurons, dtype=dtype).reshape(num_neurons, 20)
    intercept = np.linspace(0.0, 0.1, num_neurons, dtype=dtype)
    one, *several = (
        bits(getattr(predictions, ask)(X, coef, intercept, n_threads)) for n_threads in (1, 2, 3, 8)
    )
    assert several == [one] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_are_laid_out_to_the_same_bits_by_any_number_of_threads(dtype):
    X, y = make_classes(100_000, 20, dtype=dtype)

    def laid_out(n_threads):
        found = lay_out(X, y, 3, X[:, 0] ** 2, n_threads=n_threads)
        return bits([found.values, found.weights, found.runs, found.blocks, weigh_bands(found)])

    one, *several = (laid_out(n_threads) for n_threads in (1, 2, 3, 8))
    assert several == [one] * 3


# --- The number of threads ---


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_large_fit_with_two_threads_has_a_helper(solver, helper_counts):
    fitted(2, solver=solver, max_iter=10)
    assert list(helper_counts) == [1]


def test_a_large_training_with_two_threads_has_a_helper(helper_counts):
    X, y, init = make_problem()
    oneneuron.train(X, y, eta=1e-4, num_steps=60, init=init, n_threads=2)
    assert list(helper_counts) == [1]


@needs_proc
def test_a_large_prediction_with_two_threads_has_a_helper():
    X = np.broadcast_to(np.ones(30), (10**6, 30))
    before, over = system_threads(), threading.Event()

    def predict():
        while not over.is_set():
            predictions.class_codes(X, np.ones((3, 30)), np.zeros(3), 2)

    predicting = threading.Thread(target=predict)
    predicting.start()
    try:
        wait_until(lambda: len(system_threads() - before) == 2)  # that thread and a helper
    finally:
        over.set()
        predicting.join()


def test_a_small_training_has_no_helpers(helper_counts):
    X, y, init = make_problem(400, 2)
    oneneuron.train(X, y, eta=0.001, num_steps=10_000, init=init)
    assert list(helper_counts) == [0]


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_small_fit_has_no_helpers(solver, helper_counts):
    fitted(8, *make_classes(150, 4), solver=solver, max_iter=1000)
    assert list(helper_counts) == [0]


def test_one_thread_has_no_helpers(helper_counts):
    X, y, init = make_problem()
    oneneuron.train(X, y, eta=1e-4, num_steps=60, init=init, n_threads=1)
    assert list(helper_counts) == [0]


def test_by_default_there_is_a_thread_for_each_core(helper_counts, monkeypatch):
    monkeypatch.setattr(cores, "count", lambda: 4)
    X, y, init = make_problem()
    oneneuron.train(X, y, eta=1e-4, num_steps=60, init=init)
    assert list(helper_counts) == [3]


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_threads", [5, 10**6, 2**62])
def test_there_are_at_most_two_threads_for_each_core(solver, n_threads, helper_counts, monkeypatch):
    monkeypatch.setattr(cores, "count", lambda: 2)
    fitted(n_threads, solver=solver, max_iter=10)
    assert list(helper_counts) == [3]


def test_there_are_at_most_as_many_threads_as_blocks(helper_counts):
    X, y, init = make_problem(10_000, 100)
    oneneuron.train(X, y, eta=1e-4, num_steps=99, init=init, n_threads=16)
    assert list(helper_counts) == [9]  # beside the leader, for ten blocks


@pytest.mark.parametrize(("num_steps", "helpers"), [(1, 0), (2, 0), (3, 1), (9, 3), (60, 7)])
def test_each_helper_has_about_200_microseconds_of_work(helper_counts, num_steps, helpers):
    X, y, init = make_problem()  # a step takes some 70 us
    oneneuron.train(X, y, eta=1e-4, num_steps=num_steps, init=init, n_threads=8)
    assert list(helper_counts) == [helpers]


@pytest.mark.parametrize(
    ("n_threads", "error"),
    [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError), ("2", TypeError)],
)
def test_a_bad_number_of_threads_is_refused_by_name(n_threads, error):
    with pytest.raises(error, match="n_threads must be"):
        oneneuron.train([[1.0], [2.0]], [0, 1], eta=1, n_threads=n_threads)


def set_stack_size(num_bytes):
    """Set the size of the stacks of native threads; `threading.stack_size` is for Python's."""
    libc, attributes = ctypes.CDLL(None), ctypes.create_string_buffer(256)
    libc.pthread_attr_setstacksize.argtypes = ctypes.c_void_p, ctypes.c_size_t
    assert libc.pthread_attr_init(attributes) == 0
    assert libc.pthread_attr_setstacksize(attributes, num_bytes) == 0
    assert libc.pthread_setattr_default_np(attributes) == 0


@needs_glibc
@pytest.mark.no_tsan
@pytest.mark.parametrize("most", [0, 1, 2])
@in_new_process
def test_a_fit_makes_do_with_as_many_helpers_as_the_system_starts(most):
    import resource

    expected = after_steps("gd")
    solver, its_pass = make_solver("gd", 8)
    # Memory for the stacks of so many threads is left, and half a stack for anything else.
    stack = 2**29
    set_stack_size(stack)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = used + most * stack + stack // 2
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    solver.advance(NUM_STEPS["gd"])
    assert its_pass.num_helpers == most
    assert found_by(solver) == expected


@needs_glibc
@pytest.mark.no_tsan
@in_new_process
def test_helpers_need_little_stack():
    X, y = make_classes()
    expected = fitted(1, X, y, max_iter=10)
    made = record_passes()
    set_stack_size(2**17)
    assert fitted(8, X, y, max_iter=10) == expected
    assert list(HelperCounts(made)) == [7]


# --- The end of all threads ---


@pytest.fixture
def no_thread_is_left():
    """Check after the test that all threads which it started have ended."""
    before = system_threads()
    yield
    # After it was waited for, a helper still has some last instructions to run.
    wait_until(lambda: system_threads() <= before)


def test_all_threads_end_after_a_training(no_thread_is_left, helper_counts):
    X, y, init = make_problem()
    oneneuron.train(X, y, eta=1e-4, num_steps=60, init=init, n_threads=4)
    assert list(helper_counts) == [3]


@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
@pytest.mark.parametrize("solver", SOLVERS)
def test_all_threads_end_after_a_fit(solver, no_thread_is_left, helper_counts):
    fitted(4, solver=solver, max_iter=10)
    assert list(helper_counts) == [3]


def test_all_threads_end_after_a_prediction(no_thread_is_left):
    X, _, _ = make_problem(100_000, 20)
    predictions.probabilities(X, np.ones((3, 20)), np.zeros(3), 4)


def test_all_threads_end_after_ctrl_c(no_thread_is_left, helper_counts, press_ctrl_c):
    X, y, init = make_problem()
    presser = press_ctrl_c(0.0, lambda: list(helper_counts) == [3])
    with pytest.raises(KeyboardInterrupt):
        oneneuron.train(X, y, eta=1e-9, num_steps=DAYS, init=init, n_threads=4)
    presser.join()


def test_all_threads_end_after_a_divergence(no_thread_is_left, helper_counts):
    X, _, init = make_problem()
    with pytest.warns(RuntimeWarning, match="smaller eta"):
        found = oneneuron.train(
            np.abs(X), np.zeros(len(X)), eta=1e307, num_steps=10**6, init=init, n_threads=4
        )
    assert (found.stop_reason, *helper_counts) == ("diverged", 3)


# --- Exceptions during a pass, after which a solver goes on ---


class StopHere(BaseException):
    pass


def raise_at(count, error):
    """Return a function that raises an error at a call of it."""
    calls = iter(range(1, count + 1))

    def call():
        if next(calls, None) == count:
            raise error

    return call


def make_solver_with_turns(turn, n_threads=3):
    """Return a solver after its start, and its `Pass`, which calls `turn` now and then."""
    at_start = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "turn", lambda: None if at_start else turn())
        found = make_solver("gd", n_threads)
    at_start = False
    return found


def advance_until(solver, is_enough):
    """Advance in long calls until a condition holds, and return how many steps that took."""
    num_steps = 0
    while not is_enough():
        solver.advance(1000)
        num_steps += 1000
    return num_steps


def raise_if(is_over):
    if is_over.is_set():
        raise StopHere


def advance_until_stopped(solver):
    with pytest.raises(StopHere):
        solver.advance(DAYS)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, StopHere])
def test_a_solver_goes_on_to_the_same_bits_after_an_exception_within_a_pass(
    error, no_thread_is_left
):
    raised = []

    def turn():
        if not raised:
            raised.append(True)
            raise error

    solver, its_pass = make_solver_with_turns(turn)
    with pytest.raises(error):
        advance_until(solver, lambda: False)
    assert its_pass.num_helpers == 2
    solver.advance(NUM_STEPS["gd"])
    assert found_by(solver) == after_steps("gd", num_steps=int(solver.last.step[0]))


def test_python_may_interrupt_a_pass_between_the_blocks_of_a_chunk():
    X, y, _ = make_problem(16_384, 30)
    samples = lay_out(X, y, 2)
    starts = np.linspace(-1.0, 1.0, 3000 * 31).reshape(3000, 31)  # their pass takes 0.1 s or more

    def make(turn):
        its_pass = Pass(
            import_kernel("float64"), samples.values, None, samples.runs, samples.blocks,
            own_classes=np.ones(len(starts), np.int64), loss=QUADRATIC.kernel_code,
            layer=1, chunk_blocks=len(samples.blocks), first_block=0, num_threads=1, turn=turn,
        )  # fmt: skip
        return GradientDescent(
            its_pass, eta=1e-5, alpha=0.0, intercept=True, limits=-1.0, means=0.0, single=False
        )

    expected, found = make(lambda: None), make(raise_at(2, StopHere))
    expected.start(starts)
    with pytest.raises(StopHere):  # at the second turn in the first pass, which has one chunk
        found.start(starts)
    assert found.num_passes == 0
    found.start(starts)
    assert found_by(found) == found_by(expected)


def test_a_turn_may_fit(no_thread_is_left):
    inner = []
    X, y, init = make_problem()
    train = partial(trained, X, y, eta=1e-4, num_steps=30, init=init)
    solver, its_pass = make_solver_with_turns(
        lambda: inner.append(train(n_threads=2)) if len(inner) < 3 else None
    )
    num_steps = advance_until(solver, lambda: len(inner) == 3)
    assert its_pass.num_helpers == 2
    assert inner == [train(n_threads=1)] * 3
    assert found_by(solver) == after_steps("gd", num_steps=num_steps)


@needs_proc
def test_the_same_helpers_run_until_a_call_ends():
    is_over = threading.Event()
    solver, its_pass = make_solver_with_turns(lambda: raise_if(is_over))
    before = system_threads()
    leader = in_a_thread(advance_until_stopped, args=(solver,), daemon=True)
    wait_until(lambda: its_pass.num_helpers == 2)
    seen = []
    for _ in range(5):
        enough = solver.num_passes + 10
        wait_until(lambda enough=enough: solver.num_passes >= enough)
        seen.append(system_threads() - before - {str(leader.native_id)})
    is_over.set()
    wait_until(lambda: not leader.is_alive())
    assert len(seen[0]) == 2 and seen == seen[:1] * 5


# --- Late helpers ---


def freezer():
    """Return functions that stop a thread of this process, wherever it is, and let it go on."""
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = ctypes.c_int, ctypes.c_void_p
    for number, handler in ((signal.SIGUSR1, libc.pause), (signal.SIGUSR2, libc.getpid)):
        libc.signal(number, ctypes.cast(handler, ctypes.c_void_p))
    tgkill = partial(libc.syscall, {"x86_64": 234, "aarch64": 131}[platform.machine()])

    def send(number, threads):
        for thread in threads:
            tgkill(os.getpid(), int(thread), int(number))

    return partial(send, signal.SIGUSR1), partial(send, signal.SIGUSR2)


@pytest.mark.no_tsan
@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="uses calls of Linux",
)
@in_new_process
def test_a_solver_goes_on_while_all_its_helpers_are_stopped():
    freeze, release = freezer()
    is_over = threading.Event()
    solver, its_pass = make_solver_with_turns(lambda: raise_if(is_over))
    before = system_threads()

    def goes_on(passes_more, seconds):
        """Return whether the solver makes more passes in this time."""
        end, enough = time.monotonic() + seconds, solver.num_passes + passes_more
        while solver.num_passes < enough and time.monotonic() < end:
            time.sleep(1e-3)
        return solver.num_passes >= enough

    leader = in_a_thread(advance_until_stopped, args=(solver,))
    wait_until(lambda: its_pass.num_helpers == 2 and goes_on(1, 1))
    helpers = system_threads() - before - {str(leader.native_id)}
    assert len(helpers) == 2

    # Only a helper that is stopped while it publishes sums is waited for: one in some 300.
    went_on = 0
    for _ in range(20):
        freeze(helpers)
        went_on += goes_on(100, SECONDS_UNTIL_GIVEN_UP / 6)
        release(helpers)
        goes_on(10, SECONDS_UNTIL_GIVEN_UP)
    assert went_on >= 15
    is_over.set()
    leader.join()
    assert found_by(solver) == after_steps("gd", num_steps=int(solver.last.step[0]))


# --- Forks ---


def assert_child_succeeds(pid):
    """Wait for a forked child, and check that its exit code is 0."""
    ended = []
    try:
        wait_until(lambda: ended.append(os.waitpid(pid, os.WNOHANG)) or ended[-1][0] == pid)
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise
    assert ended[-1][1] == 0, f"the child ended with status {ended[-1][1]}"


def assert_in_both(pid, is_right):
    """Check a condition in parent and child after a fork that returned `pid`."""
    if pid == 0:
        os._exit(0 if is_right else 1)
    assert is_right
    assert_child_succeeds(pid)


@needs_fork
@pytest.mark.no_tsan
@pytest.mark.parametrize("solver", SOLVERS)
@in_new_process
def test_both_processes_go_on_to_the_same_bits_after_a_fork_between_two_passes(solver):
    expected = after_steps(solver)
    pids, calls = [], iter(range(6))

    def fork():
        if next(calls, None) == 5:
            pids.append(os.fork())

    found, _ = make_solver(
        solver, 3, problem_of=lambda its_pass: joined(its_pass, (3, 1, 10), fork)
    )
    found.advance(NUM_STEPS[solver])
    assert_in_both(pids[0], found_by(found) == expected)


@needs_fork
@pytest.mark.no_tsan
@pytest.mark.slow
@in_new_process
def test_both_processes_go_on_to_the_same_bits_after_a_fork_within_a_pass():
    for _ in range(5):  # helpers may be anywhere in their work
        pids = []

        def fork(pids=pids):
            if not pids:
                pids.append(os.fork())

        solver, its_pass = make_solver_with_turns(fork)
        num_steps = advance_until(solver, lambda pids=pids: pids)
        assert its_pass.num_helpers == 2
        assert_in_both(pids[0], found_by(solver) == after_steps("gd", num_steps=num_steps))


@needs_fork
@pytest.mark.no_tsan
@in_new_process
def test_both_processes_go_on_to_the_same_bits_after_a_fork_within_a_prediction():
    X = np.broadcast_to(np.linspace(0.0, 1.0, 30), (4_000_000, 30))
    coef, intercept = np.linspace(-1.0, 1.0, 300).reshape(10, 30), np.zeros(10)
    pids = []

    def fork():
        if not pids:
            pids.append(os.fork())

    expected = predictions.class_codes(X[:1], coef, intercept)
    predictions.turn = fork
    while not pids:
        found = predictions.class_codes(X, coef, intercept, 2)
    assert_in_both(pids[0], (found == expected).all())


@needs_fork
@pytest.mark.no_tsan
@in_new_process
def test_a_child_that_was_forked_within_a_pass_may_exit_at_once():
    pids = []

    def fork():
        if not pids:
            pids.append(os.fork())
            if pids == [0]:
                os._exit(0)

    solver, _ = make_solver_with_turns(fork)
    num_steps = advance_until(solver, lambda: pids)
    assert found_by(solver) == after_steps("gd", num_steps=num_steps)
    assert_child_succeeds(pids[0])


@needs_fork
@pytest.mark.no_tsan
@in_new_process
def test_an_exception_ends_a_pass_in_a_child_that_was_forked_within_it():
    pids = []

    def fork():
        if not pids:
            pids.append(os.fork())
            if pids == [0]:
                raise StopHere

    solver, _ = make_solver_with_turns(fork)
    try:
        num_steps = advance_until(solver, lambda: pids)
    except StopHere:
        solver.advance(NUM_STEPS["gd"])
        num_steps = int(solver.last.step[0])
    assert_in_both(pids[0], found_by(solver) == after_steps("gd", num_steps=num_steps))


@needs_fork
@pytest.mark.no_tsan
@in_new_process
def test_a_child_fits_if_another_thread_forked_during_a_fit():
    solver, its_pass = make_solver(n_threads=3)
    expected = fitted(1, max_iter=10)
    leader = threading.Thread(target=solver.advance, args=(DAYS,), daemon=True)
    leader.start()
    wait_until(lambda: its_pass.num_helpers == 2)
    for _ in range(5):
        pid = os.fork()
        if pid == 0:
            os._exit(0 if fitted(2, max_iter=10) == expected else 1)
        assert_child_succeeds(pid)
    before = solver.num_passes
    wait_until(lambda: solver.num_passes > before)


@pytest.fixture
def has_callbacks():
    """Skip a test where scikit-learn has no callbacks."""
    pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")


class Callback:
    """A callback of scikit-learn that does something once, at the end of a stretch."""

    def __init__(self, act):
        self.act, self.results = act, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if not self.results and context.task_name == "steps":
            self.results.append(self.act())


def fitted_with(callback, solver):
    X, y = make_classes()
    classifier = oneneuron.NeuronClassifier(
        multi_class="ovr", solver=solver, n_threads=2, max_iter=200
    )
    return classifier.set_callbacks(callback).fit(X, y)


@needs_fork
@pytest.mark.no_tsan
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.usefixtures("has_callbacks")
@in_new_process
def test_both_processes_go_on_to_the_same_bits_if_a_callback_forks(solver):
    expected = fitted(1, solver=solver, max_iter=200)
    callback = Callback(os.fork)
    found = fitted_with(callback, solver)
    assert_in_both(callback.results[0], bits([found, found.loss_curve_]) == expected)


@needs_fork
@pytest.mark.no_tsan
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.usefixtures("has_callbacks")
@in_new_process
def test_a_child_that_a_callback_forked_may_exit_at_once(solver):
    def fork_and_exit():
        return os.fork() or os._exit(0)

    expected = fitted(1, solver=solver, max_iter=200)
    callback = Callback(fork_and_exit)
    found = fitted_with(callback, solver)
    assert bits([found, found.loss_curve_]) == expected
    assert_child_succeeds(callback.results[0])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.usefixtures("has_callbacks")
def test_all_threads_end_after_a_callback_has_raised(solver, error, no_thread_is_left):
    def act():
        raise error

    with pytest.raises(error):
        fitted_with(Callback(act), solver)


# --- Signals, exceptions from other threads, and the interpreter's exit ---


def train_for_days(n_threads=2):
    X, y, init = make_problem()
    oneneuron.train(X, y, eta=1e-9, num_steps=DAYS, init=init, n_threads=n_threads)


def send_when_helpers_work(number, made):
    """Send this process a signal as soon as a pass that was made has helpers."""

    def wait_and_send():
        wait_until(lambda: any(HelperCounts(made)))
        os.kill(os.getpid(), number)

    return in_a_thread(wait_and_send, daemon=True)


@needs_alarms
def test_a_signal_handler_may_fit_during_a_fit(no_thread_is_left):
    X, y, init = make_problem()
    train = partial(trained, X, y, eta=1e-4, num_steps=30, init=init)
    inner = []
    handler = signal.signal(signal.SIGALRM, lambda *_: inner.append(train(n_threads=2)))
    try:
        solver, its_pass = make_solver()
        sender = send_when_helpers_work(signal.SIGALRM, [its_pass])
        num_steps = advance_until(solver, lambda: inner)
        sender.join()
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert inner == [train(n_threads=1)]
    assert found_by(solver) == after_steps("gd", num_steps=num_steps)


@needs_alarms
@in_new_process
def test_a_signal_handler_may_exit_during_a_fit():
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))
    send_when_helpers_work(signal.SIGALRM, record_passes())
    train_for_days()
    os._exit(1)


@pytest.mark.no_tsan
@needs_alarms
@needs_fork
@in_new_process
def test_a_signal_handler_may_fork_during_a_fit():
    pids = []
    signal.signal(signal.SIGALRM, lambda *_: pids.append(os.fork()))
    solver, its_pass = make_solver()
    sender = send_when_helpers_work(signal.SIGALRM, [its_pass])
    num_steps = advance_until(solver, lambda: pids)
    assert_in_both(pids[0], found_by(solver) == after_steps("gd", num_steps=num_steps))
    sender.join()


def raise_in(thread, error):
    ident = ctypes.c_ulong(thread.ident)
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(error)) == 1


def test_an_exception_from_another_thread_ends_a_fit(no_thread_is_left, helper_counts):
    raised = []

    def work():
        try:
            train_for_days()
        except StopHere:
            raised.append(True)

    thread = in_a_thread(work, daemon=True)
    wait_until(lambda: list(helper_counts) == [1])
    raise_in(thread, StopHere)
    wait_until(lambda: not thread.is_alive())
    assert raised == [True]


def test_other_threads_run_during_a_fit():
    is_over = threading.Event()
    solver, _ = make_solver_with_turns(lambda: raise_if(is_over))
    leader = in_a_thread(advance_until_stopped, args=(solver,), daemon=True)
    before = solver.num_passes
    wait_until(lambda: solver.num_passes > before + 10)
    is_over.set()
    wait_until(lambda: not leader.is_alive())


def predict_for_days():
    X = np.broadcast_to(np.ones(30), (10**6, 30))
    while True:
        predictions.class_codes(X, np.ones((3, 30)), np.zeros(3), 2)


def lay_out_for_days():
    X, y = make_classes(300_000, 10)
    while True:
        lay_out(X, y, 3, n_threads=2)


@pytest.mark.no_tsan  # which takes the end of the process for a race with the thread
@needs_proc
@pytest.mark.parametrize("work", ["train_for_days", "predict_for_days", "lay_out_for_days"])
@in_new_process
def test_the_interpreter_may_exit_while_a_daemon_thread_has_helpers(work):
    before = system_threads()
    in_a_thread(globals()[work], daemon=True)
    wait_until(lambda: len(system_threads() - before) == 2)


@in_new_process
def test_a_function_that_runs_at_exit_may_fit():
    expected = fitted(1, max_iter=10)
    made = record_passes()

    def fit():
        if fitted(2, max_iter=10) != expected or list(HelperCounts(made)) != [1]:
            os._exit(1)

    atexit.register(fit)


# --- Libraries that replace threads ---

PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}

PATCHED = """
import faulthandler
faulthandler.dump_traceback_later(300, exit=True)
import threading
import numpy as np
from helpers import HelperCounts, bits, record_passes
from oneneuron import NeuronClassifier

rng = np.random.default_rng(0)
X = rng.standard_normal((20_000, 10))
y = rng.integers(0, 3, 20_000)
made = record_passes()


def fitted(n_threads):
    # A layer would have a pass more, for the draft by the log loss.
    classifier = NeuronClassifier(
        solver=solver, multi_class="ovr", n_threads=n_threads, max_iter=20
    ).fit(X, y)
    return bits([classifier, classifier.loss_curve_, classifier.predict_proba(X)])


for solver in ("gd", "lbfgs"):
    expected, found = fitted(1), [fitted(2)]
    threads = [threading.Thread(target=lambda: found.append(fitted(2))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
assert list(HelperCounts(made)) == 2 * [0, 1, 1, 1, 1]
print("fitted")
"""


@pytest.mark.no_tsan
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", PATCHES)
def test_fits_with_helpers_end_where_threads_are_replaced(library):
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    run = run_python(f"{PATCHES[library]}\n{PATCHED}", PYTHONWARNINGS="ignore")
    assert "Timeout (" not in run.stderr, f"hung:\n{run.stderr}"
    assert (run.returncode, run.stdout) == (0, "fitted\n"), run.stderr


# --- Several threads of the caller ---


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


def fits():
    """Yield fits with both solvers on the same samples, and predictions of a fitted classifier."""
    X, y = make_classes(400, 5)
    for alpha, solver in [(0.1, "gd"), (0.2, "gd"), (0.3, "lbfgs"), (0.4, "lbfgs")]:
        yield partial(fitted, None, X, y, alpha=alpha, solver=solver, tol=0.01)
    classifier = oneneuron.NeuronClassifier().fit(X, y)
    for ask in (classifier.predict, classifier.predict_proba):
        yield lambda ask=ask: ask(X).tobytes()


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
from importlib.machinery import ExtensionFileLoader
from pkgutil import walk_packages
import oneneuron

for module in walk_packages(oneneuron.__path__, "oneneuron."):
    if module.name.startswith(("oneneuron._engine.", "oneneuron.compare._")):
        if isinstance(importlib.util.find_spec(module.name).loader, ExtensionFileLoader):
            importlib.import_module(module.name)
print(sys._is_gil_enabled())
"""


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python always has the lock"
)
def test_no_module_enables_the_lock_again():
    # The variable would keep the lock disabled, whatever the modules declare.
    run = run_python(IMPORT_ALL, PYTHON_GIL=None)
    assert (run.stdout, run.stderr) == ("False\n", "")


# --- How threads share a pass: its memory, changed by hand ---

CLAIMED, WRITING, PUBLISHED = 1, 2, 3  # states in sharing.h

# The structs of kernel.pxd, sharing.pyx, problem.pxd and helpers.h, up to what is needed here.


class PassState(ctypes.Structure):
    """The struct `PassState` up to the first fields of the `Crew`; it begins with a `Data`."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("tiles", "weights", "runs", "own_classes")),
        ("loss", ctypes.c_int),
        *(
            (name, ctypes.c_ssize_t)
            for name in (
                "num_features", "num_neurons", "layer", "rounds", "group", "cached_tiles",
            )
        ),
        *((name, ctypes.c_void_p) for name in ("kernel", "blocks")),
        *(
            (name, ctypes.c_ssize_t)
            for name in (
                "num_blocks", "chunk_blocks", "num_chunks", "first_chunk", "num_lanes", "row",
                "num_threads",
            )
        ),
        *((name, ctypes.c_void_p) for name in ("parameters", "active")),
        ("chunks", ctypes.POINTER(ctypes.c_double)),
        ("current", ctypes.POINTER(ctypes.c_int64)),
        ("marks", ctypes.POINTER(ctypes.c_int64)),
        ("workers", ctypes.c_void_p),
        ("work", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
        ("process", ctypes.c_int64),
        ("started", ctypes.c_int64),
    )  # fmt: skip


class Problem(ctypes.Structure):
    _fields_ = (
        ("samples", ctypes.POINTER(PassState)),
        ("num_models", ctypes.c_int64),
        ("num_neurons", ctypes.c_int64),
        ("num_features", ctypes.c_int64),
        ("evaluate", ctypes.CFUNCTYPE(ctypes.c_int, *4 * [ctypes.c_void_p])),
        ("start_helpers", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)),
        ("stop_helpers", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    )


class ByHand:
    """A `Pass` of float64 and the memory that its threads share.

    Attributes
    ----------
    marks : ndarray of shape (num_chunks,)
    chunks : ndarray of shape (num_chunks, K, d + 3)
    shared : PassState
    """

    def __init__(self, n=10_000, d=30, num_neurons=1, chunk_blocks=1, n_threads=2):
        X, y, _ = make_problem(n, d)
        samples = lay_out(X, y, 2)
        self._pass = Pass(
            import_kernel("float64"), samples.values, None, samples.runs, samples.blocks,
            own_classes=np.ones(num_neurons, np.int64), loss=QUADRATIC.kernel_code,
            layer=1, chunk_blocks=chunk_blocks, first_block=0, num_threads=n_threads,
            turn=lambda: None,
        )  # fmt: skip
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.argtypes, pointer.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_void_p
        address = pointer(self._pass.problem, b"oneneuron.problem")
        self._problem = Problem.from_address(address)
        self.shared = shared = self._problem.samples.contents
        num_chunks = -(-len(samples.blocks) // chunk_blocks)
        shape = num_chunks, num_neurons, d + 3
        assert (shared.num_chunks, shared.num_neurons, shared.num_features + 3) == shape
        self.marks = np.ctypeslib.as_array(shared.marks, (num_chunks,))
        self.chunks = np.ctypeslib.as_array(shared.chunks, shape)
        self._parameters = np.linspace(-1.0, 1.0, num_neurons * (d + 1))
        self.sums = np.empty(shape[1:])

    def evaluate(self):
        """Make a pass and return its sums."""
        active = np.ones(self.shared.num_neurons, np.uint8)
        arrays = (array.ctypes.data for array in (self._parameters, active, self.sums))
        assert self._problem.evaluate(ctypes.addressof(self.shared), *arrays) == 0
        return self.sums

    def start_helpers(self):
        self._problem.start_helpers(ctypes.addressof(self.shared), 10**6)
        assert self._pass.num_helpers == self.shared.num_threads - 1

    def stop_helpers(self):
        self._problem.stop_helpers(ctypes.addressof(self.shared))

    def begin_pass(self, number):
        """Let helpers see that a pass has begun."""
        self.shared.current[0] = number


@pytest.fixture
def alone():
    """Return the sums of a pass with one thread, and those of its chunks."""
    by_hand = ByHand(n_threads=1)
    return SimpleNamespace(sums=by_hand.evaluate(), chunks=by_hand.chunks.copy(), owner=by_hand)


@pytest.fixture
def by_hand(alone):
    """Return a `ByHand` before its first pass."""
    return ByHand()


@pytest.mark.linetrace
@pytest.mark.no_tsan
def test_helpers_sum_all_chunks_that_nobody_has_claimed_to_the_same_bits(by_hand, alone):
    by_hand.evaluate()  # which sets the inputs of the pass
    by_hand.marks[:] = 0
    by_hand.chunks[:] = np.nan
    by_hand.start_helpers()
    by_hand.begin_pass(1)
    try:
        wait_until(lambda: (by_hand.marks == 4 * 1 + PUBLISHED).all())
    finally:
        by_hand.stop_helpers()
    assert bits(by_hand.chunks) == bits(alone.chunks)


@pytest.mark.parametrize(
    "claimed", [[0], pytest.param([9], marks=pytest.mark.linetrace), [0, 5, 9], range(10)]
)
def test_chunks_that_a_helper_claimed_and_never_finishes_are_summed_again(by_hand, alone, claimed):
    by_hand.marks[list(claimed)] = 4 * 1 + CLAIMED
    assert bits(by_hand.evaluate()) == bits(alone.sums)
    assert by_hand.marks.tolist() == [4 * 1 + PUBLISHED] * 10


def test_the_sums_that_a_helper_published_are_used(by_hand, alone):
    by_hand.marks[3] = 4 * 1 + PUBLISHED
    by_hand.chunks[3] = alone.chunks[3]
    by_hand.chunks[3, 0, -1] += 5  # wrong samples, which show whose sums were used
    assert by_hand.evaluate()[0, -1] == alone.sums[0, -1] + 5


@pytest.mark.no_tsan
def test_a_helper_that_is_writing_its_sums_is_waited_for(by_hand, alone):
    by_hand.shared.process, by_hand.shared.started = os.getpid() if os.name != "nt" else 0, 1
    by_hand.chunks[4] = np.nan
    by_hand.marks[4] = 4 * 1 + WRITING
    leader = in_a_thread(by_hand.evaluate, daemon=True)
    leader.join(0.02)  # a pass takes some 0.1 ms
    assert leader.is_alive()
    by_hand.chunks[4] = alone.chunks[4]
    by_hand.marks[4] = 4 * 1 + PUBLISHED
    wait_until(lambda: not leader.is_alive())
    by_hand.shared.started = 0
    assert bits(by_hand.sums) == bits(alone.sums)


@pytest.mark.linetrace
@pytest.mark.parametrize(("process", "started"), [(-1, 1), (-1, 0)])
def test_a_helper_that_a_fork_has_left_behind_is_not_waited_for(by_hand, alone, process, started):
    by_hand.shared.process, by_hand.shared.started = process, started
    by_hand.chunks[4] = np.nan
    by_hand.marks[4] = 4 * 1 + WRITING
    assert bits(by_hand.evaluate()) == bits(alone.sums)
    assert bits(by_hand.evaluate()) == bits(alone.sums)  # the next pass, which sums all again


def test_the_marks_of_a_pass_do_not_count_in_the_next(by_hand, alone):
    by_hand.evaluate()
    by_hand.chunks[:] = np.nan
    assert bits(by_hand.evaluate()) == bits(alone.sums)


def chunk_after_overtaking(published_pass):
    """Overtake a helper that sums a chunk; return the chunk's sums afterwards, None if too late."""
    by_hand = ByHand(2 * 16_384, 30, num_neurons=64, chunk_blocks=16)
    by_hand.evaluate()  # which sets the inputs of the pass
    by_hand.start_helpers()
    by_hand.begin_pass(2)
    mark = by_hand.marks[1:]  # the helper takes the second of the two chunks first
    wait_until(lambda: mark[0] > 4 * 2)
    overtaken = mark[0] == 4 * 2 + CLAIMED
    mark[0] = 4 * published_pass + PUBLISHED
    by_hand.chunks[1] = -1.0
    by_hand.stop_helpers()
    return by_hand.chunks[1].copy() if overtaken else None


@pytest.mark.no_tsan
@pytest.mark.parametrize("number", [2, 3])
def test_the_sums_of_a_helper_that_was_overtaken_are_discarded(number):
    for _ in range(50):  # the helper may finish before this thread runs again
        found = chunk_after_overtaking(number)
        if found is not None:
            break
    assert found is not None and (found == -1.0).all()


@pytest.mark.linetrace
def test_helpers_change_nothing_while_no_pass_is_made(by_hand):
    by_hand.evaluate()
    before = bits([by_hand.chunks, by_hand.marks])
    by_hand.start_helpers()
    by_hand.stop_helpers()
    assert bits([by_hand.chunks, by_hand.marks]) == before
