"""Checkpoints: the bits of a run that was killed and continued, and the files that are refused."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from helpers import bits, joined, make_classes, make_samples
from scipy import sparse
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import cross_val_score

import oneneuron
from oneneuron import NeuronClassifier, _checkpoint, _train
from oneneuron._checkpoint import Checkpoint, _decoded
from oneneuron._engine.shards import InMemory

pytestmark = pytest.mark.filterwarnings("ignore:Training stopped at max_iter")

X, Y, _ = make_samples(0, n=60)
X3, Y3, _ = make_classes(1, n=90, num_classes=3)
START = ([0.3, -0.2, 0.1], 0.2)
U = np.linspace(0.5, 2.0, 60)

needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


class Killed(Exception):
    """Stands for SIGKILL, where a test would take long with processes."""


def trained(path, X=X, y=Y, **options):
    """Return all bits of a descent."""
    options = dict(eta=0.05, num_steps=25, init=START) | options
    return bits(tuple(oneneuron.train(X, y, checkpoint=path, **options)[:-1]))


def fitted(path, X=X, y=Y, sample_weight=None, **options):
    """Return all bits of a fit."""
    found = NeuronClassifier(checkpoint=path, **options).fit(X, y, sample_weight)
    names = "n_iter_", "loss_", "loss_curve_", "history_", "stop_reason_"
    return bits((found, [getattr(found, name) for name in names]))


GD = dict(solver="gd", max_iter=25, record_every=4)
THREE = dict(X=X3, y=Y3)

# Each run makes 20 to 60 passes.
CASES = {
    "train": (trained, {}),
    "train, recorded": (trained, dict(record_every=3, alpha=0.1, sample_weight=U)),
    "train, float32": (trained, dict(X=X.astype(np.float32), record_every=1)),
    "train, diverged": (trained, dict(X=1e3 * X, eta=1e306, record_every=1)),
    "gd": (fitted, GD),
    "gd, ovr": (fitted, THREE | GD | dict(multi_class="ovr", loss="log")),
    "gd, layer": (fitted, THREE | GD),
    "quadratic": (fitted, dict(tol=0.0, record_every=2)),
    "log": (fitted, dict(loss="log", tol=0.0, keep="lowest", class_weight="balanced")),
    "float32": (fitted, dict(X=X.astype(np.float32), tol=1e-7)),
    "layer": (fitted, THREE | dict(tol=1e-9, record_every=1)),
    "ovr": (fitted, THREE | dict(multi_class="ovr", tol=1e-9, record_every=1)),
    "starts": (fitted, dict(n_init=3, random_state=0, record_every=5, sample_weight=U)),
    "sparse": (fitted, THREE | dict(X=sparse.csr_array(X3 * (X3 > 0)), loss="log", tol=1e-9)),
    "no intercept": (fitted, dict(fit_intercept=False, tol=0.0, alpha=0.01)),
}  # fmt: skip

every_case = pytest.mark.parametrize("case", CASES)
ignore_divergence = pytest.mark.filterwarnings("ignore:Training stopped at step")


def run(case, path=None):
    function, options = CASES[case]
    return function(path, **options)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "run.checkpoint")


@pytest.fixture
def always(monkeypatch):
    """Let a checkpoint be written before every pass."""
    monkeypatch.setattr(_checkpoint, "_SECONDS", 0.0)


def kill_after(num_writes, monkeypatch):
    """Let the process be killed, so to speak, after some writes; return a function that counts."""
    write, count = Checkpoint.write, 0

    def write_and_die(self, parts):
        nonlocal count
        write(self, parts)
        count += 1
        if count == num_writes:
            raise Killed

    monkeypatch.setattr(Checkpoint, "write", write_and_die)
    return lambda: count


def in_pass(number, act, monkeypatch):
    """Let a function be called at the end of a pass; the start is pass 1, drafts do not count."""
    make, count, is_draft = InMemory.make_pass, 0, False

    def action():
        nonlocal count
        count += 1
        if count == number:
            act()

    def make_pass(self, neurons):
        nonlocal is_draft
        found = make(self, neurons)
        if is_draft:
            return found
        is_draft = True
        layer = self.num_classes if neurons.softmax else 1
        sizes = len(neurons.own_classes) // layer, layer, self.num_features
        return joined(found, sizes, action)

    monkeypatch.setattr(InMemory, "make_pass", make_pass)


# --- The same bits ---


@every_case
@ignore_divergence
def test_a_checkpoint_changes_no_bits(case, path, always):
    assert run(case, path) == run(case)


@every_case
@ignore_divergence
def test_a_finished_run_returns_its_result_again_without_a_step(case, path, monkeypatch):
    expected = run(case, path)
    monkeypatch.setattr(_checkpoint._Run, "_advance_to", None)
    assert run(case, path) == expected


@every_case
@ignore_divergence
def test_a_run_killed_after_any_pass_continues_to_the_same_bits(case, path, always, monkeypatch):
    expected = run(case)
    with monkeypatch.context() as patch:
        count = kill_after(-1, patch)
        run(case, path)
    assert count() > 10
    for num_writes in range(1, count() + 1, 3):
        os.unlink(path)
        with monkeypatch.context() as patch:
            kill_after(num_writes, patch)
            with pytest.raises(Killed):
                run(case, path)
        assert run(case, path) == expected


@every_case
@ignore_divergence
def test_a_run_killed_after_every_pass_ends_with_the_same_bits(case, path, always, monkeypatch):
    expected, found, num_kills = run(case), None, 0
    while found is None:
        with monkeypatch.context() as patch:
            kill_after(2, patch)  # the first one is written before any pass
            try:
                found = run(case, path)
            except Killed:
                num_kills += 1
    assert found == expected
    assert num_kills > 5


@pytest.mark.parametrize("number", [2, 3, 6, 9])
@pytest.mark.parametrize("case", [case for case in CASES if case != "sparse"])
@ignore_divergence
def test_ctrl_c_in_a_pass_leaves_a_checkpoint(case, number, path, monkeypatch):
    def press_ctrl_c():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        in_pass(number, press_ctrl_c, patch)
        with pytest.raises(KeyboardInterrupt):
            run(case, path)
    saved = _decoded(Path(path).read_bytes(), path)
    assert number == 2 or saved.array("solver.last.step").max() > 0
    assert run(case, path) == run(case)


def test_an_exception_outside_of_a_pass_leaves_the_last_checkpoint(path, monkeypatch):
    def fail(self):
        if len(self.models) == 4:
            raise KeyError
        record(self)

    record = _train._Recording.record
    expected = trained(None, record_every=2)
    with monkeypatch.context() as patch:
        patch.setattr(_train._Recording, "record", fail)
        with pytest.raises(KeyError):
            trained(path, record_every=2)
    assert not os.path.exists(path)
    assert trained(path, record_every=2) == expected


# It writes its checkpoint so many times, and then waits to be killed.
CHILD = """
import sys, time
import test_checkpoint
from oneneuron import _checkpoint

case, path, num_writes = sys.argv[1], sys.argv[2], int(sys.argv[3])
write = _checkpoint.Checkpoint.write

def write_and_wait(self, parts):
    global num_writes
    write(self, parts)
    num_writes -= 1
    if num_writes == 0:
        print("written", flush=True)
        time.sleep(3600)

_checkpoint._SECONDS = 0.0
_checkpoint.Checkpoint.write = write_and_wait
test_checkpoint.run(case, path)
"""


@needs_signals
@pytest.mark.slow
@pytest.mark.parametrize("case", ["train, recorded", "quadratic", "log", "layer", "float32"])
def test_a_process_ended_by_sigkill_is_continued_by_another(case, path):
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent / "_engine")])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, case, path, "9"], stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    assert child.stdout.readline() == b"written\n"
    child.kill()
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert run(case, path) == run(case)


def test_a_longer_run_continues_a_finished_one(path):
    trained(path, num_steps=10, record_every=3)
    assert trained(path, num_steps=25, record_every=3) == trained(None, record_every=3)
    os.unlink(path)
    options = dict(tol=0.0, record_every=1)
    fitted(path, max_iter=4, **options)
    assert fitted(path, max_iter=11, **options) == fitted(None, max_iter=11, **options)


def test_another_number_of_threads_continues_the_run(path, always, monkeypatch):
    with monkeypatch.context() as patch:
        kill_after(9, patch)
        with pytest.raises(Killed):
            trained(path, n_threads=1)
    assert trained(path, n_threads=2) == trained(None)


def test_a_fit_that_continues_makes_no_draft(path, always, monkeypatch):
    big, labels, _ = make_samples(2, n=70_000, d=2)
    expected = fitted(None, big, labels)
    with monkeypatch.context() as patch:
        kill_after(2, patch)
        with pytest.raises(Killed):
            fitted(path, big, labels)
    monkeypatch.setattr(InMemory, "take_part", None)
    assert fitted(path, big, labels) == expected


@pytest.mark.parametrize("seed", [None, 0])
def test_a_start_without_a_seed_is_read_from_the_file(seed, path, always, monkeypatch):
    np.random.seed(3)
    expected, after = trained(None, init=None), np.random.random()
    np.random.seed(3)
    with monkeypatch.context() as patch:
        kill_after(9, patch)
        with pytest.raises(Killed):
            trained(path, init=None)
    np.random.seed(3 if seed is None else seed)
    assert trained(path, init=None) == expected
    if seed is None:
        assert np.random.random() == after


def test_random_starts_without_a_seed_are_read_from_the_file(path):
    options = dict(n_init=3, max_iter=20)
    expected = fitted(path, **options)
    assert fitted(path, **options) == expected
    with pytest.raises(ValueError, match="of a run from another start: use the same init"):
        fitted(path, init=([START[0]], [START[1]]), **options)


@pytest.mark.parametrize("number", [3, 8])
def test_callbacks_follow_a_fit_that_continues(number, path, monkeypatch):
    pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
    stretches = []

    class Counter:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context):
            stretches.append(context.task_id)
            return context.task_name == "steps" and len(stretches) == number

    def fit(path):
        return NeuronClassifier(tol=0.0, checkpoint=path).set_callbacks(Counter()).fit(X, Y)

    whole = NeuronClassifier(tol=0.0).fit(X, Y)
    assert fit(path).stop_reason_ == "callback"
    found = fit(path)  # the callback does not stop it again
    assert bits([found, found.loss_curve_]) == bits([whole, whole.loss_curve_])


def test_a_fit_that_continues_says_so_in_a_line(path, capsys):
    fitted(path, max_iter=3, verbose=1)
    fitted(path, max_iter=3, verbose=1)
    lines = [line.rpartition(" (")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["max_iter)", "continued)", "max_iter)"]


def test_partial_fit_ignores_the_checkpoint(path):
    NeuronClassifier(checkpoint=path).partial_fit(X, Y, [0, 1])
    assert not os.path.exists(path)


@pytest.mark.parametrize("convert", [Path, os.fsencode, str])
def test_a_path_may_be_of_several_types(convert, path):
    if convert is os.fsencode:
        with pytest.raises(TypeError, match=r"checkpoint must be the path of a file, or None"):
            trained(convert(path))
    else:
        trained(convert(path))
        assert os.path.exists(path)


# --- SIGTERM ---


@pytest.fixture
def sigterm():
    """Return a list that receives the signals; the test may set another handler."""
    received = []
    before = signal.signal(signal.SIGTERM, lambda *args: received.append(args))
    yield received
    signal.signal(signal.SIGTERM, before)


def terminate():
    signal.raise_signal(signal.SIGTERM)


TERMINATED = """
import signal, sys
import pytest
import test_checkpoint

with pytest.MonkeyPatch.context() as patch:
    test_checkpoint.in_pass(8, test_checkpoint.terminate, patch)
    test_checkpoint.run(sys.argv[1], sys.argv[2])
print("not terminated")
"""


@needs_signals
@pytest.mark.slow
@pytest.mark.parametrize("case", ["train", "layer"])
def test_sigterm_ends_the_process_as_ever_but_leaves_a_checkpoint(case, path):
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent / "_engine")])
    child = subprocess.run(
        [sys.executable, "-c", TERMINATED, case, path], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": paths}, check=False,
    )  # fmt: skip
    assert (child.returncode, child.stdout) == (-signal.SIGTERM, ""), child.stderr
    assert _decoded(Path(path).read_bytes(), path).array("solver.last.step").max() > 0
    assert run(case, path) == run(case)


@pytest.mark.parametrize("case", ["train, recorded", "quadratic", "ovr"])
def test_a_handler_of_ones_own_runs_after_the_checkpoint_and_training_goes_on(
    case, path, sigterm, monkeypatch
):
    expected, found = run(case), []
    handler = signal.signal(signal.SIGTERM, lambda *_: found.append(os.path.exists(path)))
    with monkeypatch.context() as patch:
        in_pass(5, terminate, patch)
        assert run(case, path) == expected
    assert found == [True]
    assert signal.signal(signal.SIGTERM, handler) is not handler
    terminate()
    assert len(sigterm) == 1  # the fixture's handler is in place again


def test_a_handler_may_end_the_fit(path, sigterm, monkeypatch):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    with monkeypatch.context() as patch:
        in_pass(5, terminate, patch)
        with pytest.raises(SystemExit, match="7"):
            trained(path)
    assert trained(path) == trained(None)


def test_a_handler_may_set_another_one(path, sigterm, monkeypatch):
    def replace(*_):
        signal.signal(signal.SIGTERM, other)

    def other(*_):
        pass

    signal.signal(signal.SIGTERM, replace)
    in_pass(5, terminate, monkeypatch)
    trained(path)
    assert signal.getsignal(signal.SIGTERM) is other


def test_sigterm_in_a_write_waits_until_the_file_is_whole(path, sigterm, always, monkeypatch):
    def write_with_sigterm(self, parts):
        terminate()
        assert sigterm == []
        write(self, parts)

    write = Checkpoint.write
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "write", write_with_sigterm)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(_decoded(Path(path).read_bytes(), path)))
        with pytest.raises(SystemExit):
            trained(path)
    assert trained(path) == trained(None)


def test_sigterm_in_the_last_write_is_not_lost(path, sigterm, monkeypatch):
    def write_with_sigterm(self, parts):
        terminate()
        write(self, parts)

    write = Checkpoint.write
    monkeypatch.setattr(Checkpoint, "write", write_with_sigterm)
    trained(path)
    assert len(sigterm) == 1


def test_sigterm_stays_ignored(path, sigterm, monkeypatch):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    in_pass(5, terminate, monkeypatch)
    trained(path)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_another_thread_leaves_signals_alone(path, sigterm):
    before, found = signal.getsignal(signal.SIGTERM), []

    def train():
        found.append(trained(path))
        found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [trained(None), before]


def test_without_a_checkpoint_signals_are_left_alone(sigterm, monkeypatch):
    monkeypatch.setattr(signal, "signal", None)
    trained(None)


# --- Time ---


def test_it_is_written_when_the_time_is_up_and_at_the_end(path, monkeypatch):
    count = kill_after(-1, monkeypatch)
    trained(path, num_steps=25)
    assert count() == 1
    now = [0.0]
    monkeypatch.setattr(_checkpoint.time, "monotonic", lambda: now[0])

    def record(self):
        now[0] += 11.0

    monkeypatch.setattr(_train._Recording, "record", record)
    oneneuron.train(X, Y, eta=0.05, init=START, num_steps=12, record_every=1, checkpoint=path + "2")
    assert count() == 1 + 3 + 1  # after 33, 66 and 99 of 132 seconds, and at the end


# --- What is refused ---


@pytest.fixture
def finished(path):
    """Return the path of a short run's checkpoint, and of the same run."""
    trained(path, num_steps=3)
    return path


def test_every_changed_byte_is_noticed(finished):
    content = bytearray(Path(finished).read_bytes())
    for i in range(len(content)):
        content[i] ^= 1 + i % 255
        with pytest.raises(ValueError, match=r"damaged checkpoint|not a checkpoint|a newer"):
            _decoded(bytes(content), finished)
        content[i] ^= 1 + i % 255
    _decoded(bytes(content), finished)


def test_every_missing_or_added_end_is_noticed(finished):
    content = Path(finished).read_bytes()
    for end in range(len(content)):
        with pytest.raises(ValueError, match=r"damaged checkpoint|not a checkpoint"):
            _decoded(content[:end], finished)
    with pytest.raises(ValueError, match="damaged checkpoint: delete it to begin again, or name"):
        _decoded(content + b"\0", finished)


def test_a_damaged_checkpoint_is_refused_before_any_work(finished, monkeypatch):
    Path(finished).write_bytes(Path(finished).read_bytes()[:-1])
    monkeypatch.setattr(_train, "start_training", lambda *_, **__: pytest.fail("work"))
    with pytest.raises(ValueError, match=r"run\.checkpoint is a damaged checkpoint: delete it"):
        trained(finished)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"oneneuron checkpoint x\n", b"PK\3\4"])
def test_a_file_of_another_kind_is_refused_and_stays(content, path):
    Path(path).write_bytes(content)
    for run_it in (trained, fitted):
        with pytest.raises(ValueError, match="is not a checkpoint of oneneuron: name another"):
            run_it(path)
    assert Path(path).read_bytes() == content


def test_a_newer_format_is_refused(path):
    Path(path).write_bytes(b"oneneuron checkpoint 2\n?")
    with pytest.raises(ValueError, match="written by a newer oneneuron: install that, or name"):
        trained(path)


def with_digest(header, rest=b""):
    content = b"oneneuron checkpoint 1\n" + header + b"\n" + rest
    return content + sha256(content).digest()


IDENTITY = {"version": "1", "settings": {}, "constants": "", "score": ""}


@pytest.mark.parametrize(
    "header",
    [
        b"", b"{", b"[]", b"{}", b'{"identity": {}, "arrays": []}',
        json.dumps({"identity": IDENTITY | {"other": 1}, "arrays": []}).encode(),
        *(
            json.dumps({"identity": IDENTITY, "arrays": arrays}).encode()
            for arrays in (1, [1], [["a", "<f8", [9]]], [["a", "O", [1]]], [["a", "?", [-1]]],
                           [["a", "x", [1]]], [["a", "<f8", [2**62, 2**62]]])
        ),
    ],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_refused(header, path):
    with pytest.raises(ValueError, match="damaged checkpoint"):
        _decoded(with_digest(header), path)


@pytest.mark.parametrize("name", ["start", "solver.last.step", "solver.gradient"])
def test_a_checkpoint_without_one_of_its_arrays_is_refused(name, finished):
    saved = _decoded(Path(finished).read_bytes(), finished)
    arrays = {key: array for key, array in saved.arrays.items() if key != name}
    Path(finished).write_bytes(b"".join(_checkpoint._encoded(saved.identity, arrays)))
    with pytest.raises(ValueError, match="damaged checkpoint"):
        trained(finished)


def test_another_version_is_refused(finished, monkeypatch):
    monkeypatch.setattr(_checkpoint, "version", lambda _: "9.9")
    message = rf"by oneneuron {oneneuron.__version__}, and this is 9\.9: install that version, or"
    with pytest.raises(ValueError, match=message):
        trained(finished)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(eta=0.04), r"of a run with eta=0\.05, found eta=0\.04: use the same value"),
        (dict(eta="auto"), "found eta='auto'"),
        (dict(alpha=1), r"with alpha=0\.0, found alpha=1\.0"),
        (dict(record_every=1), "with record_every=0, found record_every=1"),
        (dict(num_steps=2), "after 3 steps, found num_steps=2: raise num_steps, or name"),
        (dict(init=([0.3, -0.2, 0.1], 0.3)), "from another start: use the same init"),
        (dict(X=X[:, :2], init=([0.3, -0.2], 0.2)), "on other samples, labels or weights: cont"),
        (dict(X=X + 1e-15), "on other samples"),
        (dict(X=X.astype(np.float32)), "on other samples"),
        (dict(y=1 - Y), "on other samples"),
        (dict(sample_weight=U), "on other samples"),
    ],
)
def test_the_checkpoint_of_another_descent_is_refused(options, message, finished):
    before = Path(finished).read_bytes()
    with pytest.raises(ValueError, match=message):
        trained(finished, **dict(num_steps=3) | options)
    assert Path(finished).read_bytes() == before
    trained(finished, num_steps=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(loss="log"), "with loss='quadratic', found loss='log'"),
        (dict(solver="gd"), "with solver='lbfgs', found solver='gd'"),
        (dict(multi_class="ovr"), "found multi_class='ovr'"),
        (dict(tol=1e-4), "with tol=1e-05, found tol=0.0001"),
        (dict(alpha=0.1), "with alpha='auto', found alpha=0.1"),
        (dict(fit_intercept=False), "with fit_intercept=True, found fit_intercept=False"),
        (dict(n_init=2), "with n_init=1, found n_init=2"),
        (dict(max_iter=1), "steps, found max_iter=1: raise max_iter"),
        (dict(class_weight={0: 2.0}), "on other samples, labels or weights"),
        (dict(init=(np.ones((3, 3)), np.ones(3))), "from another start"),
        (dict(y=np.minimum(Y3, 1)), "on other samples, labels or weights"),
    ],
)
def test_the_checkpoint_of_another_fit_is_refused(options, message, path):
    fitted(path, **THREE)
    with pytest.raises(ValueError, match=message):
        fitted(path, **THREE | options)


def test_train_and_fit_refuse_each_others_checkpoints(path):
    trained(path)
    with pytest.raises(ValueError, match="with function='train', found function='fit'"):
        fitted(path, solver="gd", eta=0.05)


def test_samples_that_cost_the_same_at_the_start_are_told_apart(path):
    options = dict(eta=0.5, init=([0.0], 0.0), y=[0, 0, 1, 1])
    trained(path, X=[[0.0], [1.0], [2.0], [3.0]], num_steps=5, **options)
    with pytest.raises(ValueError, match="on other samples"):
        trained(path, X=[[0.0], [1.0], [1.0], [4.0]], num_steps=9, **options)


def test_a_refused_fit_leaves_the_estimator_as_it_was(path):
    model = NeuronClassifier(checkpoint=path).fit(X, Y)
    before = bits(model)
    with pytest.raises(ValueError, match="on other samples"):
        model.fit(X, 1 - Y)
    assert bits(model) == before


def test_a_cross_validation_is_told_why_it_cannot_share_a_file(path):
    with pytest.warns(FitFailedWarning, match="a file for each fit in a cross-validation"):
        scores = cross_val_score(NeuronClassifier(checkpoint=path), X, Y, cv=3)
    assert np.isnan(scores).tolist() == [False, True, True]


def test_a_warm_start_is_another_start(path):
    model = NeuronClassifier(checkpoint=path, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="from another start"):
        model.fit(X, Y)


# --- Paths that cannot be written ---


@pytest.mark.parametrize("value", [3, "", True, ["a"]])
def test_what_is_no_path_is_refused(value):
    message = "checkpoint must be the path of a file, or None, found"
    with pytest.raises(TypeError, match=message):
        trained(value)
    with pytest.raises(TypeError, match=message):
        fitted(value)


def test_a_folder_and_a_missing_folder_are_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(_train, "start_training", lambda *_, **__: pytest.fail("work"))
    with pytest.raises(OSError, match="is a folder or a device: name a file"):
        trained(tmp_path)
    with pytest.raises(OSError, match=r"cannot be written \(.*\): name a file in an existing"):
        trained(tmp_path / "none" / "run.checkpoint")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other permissions")
def test_a_read_only_folder_is_refused_before_any_work(path, tmp_path, monkeypatch):
    monkeypatch.setattr(_train, "start_training", lambda *_, **__: pytest.fail("work"))
    if os.geteuid() == 0:  # may write everywhere
        error = PermissionError(errno.EACCES, "Permission denied")
        fail = (_ for _ in ()).throw
        monkeypatch.setattr("oneneuron._atomic_write._create", lambda *_: fail(error))
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(OSError, match=r"cannot be written \(Permission denied\): name a file"):
        trained(path)


def test_a_full_disk_ends_neither_the_training_nor_the_last_checkpoint(
    path, always, monkeypatch, tmp_path
):
    trained(path, num_steps=3)
    before = Path(path).read_bytes()
    with monkeypatch.context() as patch:
        full = OSError(errno.ENOSPC, "No space left on device")
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(full))
        with pytest.warns(RuntimeWarning) as warned:
            found = trained(path)
    (warning,) = warned  # one for all attempts
    assert "could not be written (No space left on device). Training goes on" in str(
        warning.message
    )
    assert found == trained(None)
    assert Path(path).read_bytes() == before
    assert list(tmp_path.iterdir()) == [Path(path)]


def test_no_temporary_files_are_left(path, always, tmp_path):
    trained(path)
    assert list(tmp_path.iterdir()) == [Path(path)]
