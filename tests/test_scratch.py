"""Fits and trainings from a scratch file: on tables on the disk, and on arrays in memory."""

import gc
import os
import signal
import subprocess
import sys
import tracemalloc
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from helpers import bits, wait_until
from scipy.sparse import csr_array

from oneneuron import NeuronClassifier, _classifier, train
from oneneuron._engine import scratch
from oneneuron._engine.samples import band_rows
from oneneuron._fit import sources

BAND = band_rows(2)
N = 2 * BAND + 500


@pytest.fixture(autouse=True)
def one_band_in_a_piece(monkeypatch):
    monkeypatch.setattr(scratch, "_PIECE_BYTES", 1)
    monkeypatch.setattr(sources, "_SURVEYED_ROWS", BAND)


class Table:
    """Samples, labels and weights, in memory and in .npy files."""

    def __init__(self, folder, n=N, d=3, num_classes=2, dtype=np.float64):
        rng = np.random.default_rng(n)
        self.folder = folder / "scratch"
        self.folder.mkdir()
        self.X = rng.standard_normal((n, d)).astype(dtype)
        scores = self.X @ rng.standard_normal((d, num_classes))
        self.y = (scores + rng.standard_normal((n, num_classes))).argmax(axis=1)
        self.weights = rng.random(n)
        self.files = [folder / "X.npy", folder / "y.npy", folder / "weights.npy"]
        self.save()

    def save(self):
        for path, array in zip(self.files, self.arrays, strict=True):
            np.save(path, array)

    @property
    def arrays(self):
        return [self.X, self.y, self.weights]

    def classifier(self, **options):
        return NeuronClassifier(scratch=self.folder, **options)


def fitted(classifier):
    """Return the bits of everything that a fit has found."""
    names = "coef_", "intercept_", "n_iter_", "loss_", "loss_curve_", "alpha_"
    arrays = bits([getattr(classifier, name) for name in names])
    return arrays, classifier.classes_.tolist(), classifier.stop_reason_


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path)


# --- The same bits as in memory ---


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {}, {"loss": "log", "class_weight": "balanced"}, {"solver": "gd", "max_iter": 5},
        {"class_weight": {0: 2.0, 1: 0.5}}, {"n_init": 2, "random_state": 0, "max_iter": 5},
    ],
    ids=["default", "log", "gd", "class_weight", "n_init"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fit_on_files_has_the_bits_of_one_in_memory(table, options, weighted):
    expected = NeuronClassifier(**options).fit(*table.arrays[: 2 + weighted])
    found = table.classifier(**options).fit(*table.files[: 2 + weighted])
    assert fitted(found) == fitted(expected)


@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
def test_a_fit_of_several_classes_in_float32_has_the_bits_of_one_in_memory(tmp_path, multi_class):
    table = Table(tmp_path, num_classes=4, dtype=np.float32)
    expected = NeuronClassifier(multi_class=multi_class).fit(table.X, table.y)
    found = table.classifier(multi_class=multi_class).fit(*table.files[:2])
    assert fitted(found) == fitted(expected)


@pytest.mark.slow
def test_a_fit_with_a_draft_has_the_bits_of_one_in_memory(tmp_path):
    table = Table(tmp_path, n=5 * BAND + 17)  # the part of the last band has no samples
    expected = NeuronClassifier().fit(*table.arrays)
    assert fitted(table.classifier().fit(*table.files)) == fitted(expected)


def test_arrays_in_memory_may_go_through_a_scratch_file_too(table):
    expected = NeuronClassifier().fit(*table.arrays)
    assert fitted(table.classifier().fit(*table.arrays)) == fitted(expected)


def test_a_memory_map_is_read_from_its_file(table):
    expected = NeuronClassifier().fit(table.X[:, :2], table.y)
    mapped = np.load(table.files[0], mmap_mode="r")
    assert fitted(table.classifier().fit(mapped[:, :2], table.y)) == fitted(expected)


def test_columns_of_parquet_are_features_labels_and_weights(table, tmp_path):
    frame = pd.DataFrame(table.X, columns=["a", "b", "c"])
    frame["label"] = np.where(table.y == 1, "yes", "no")
    frame["weight"] = table.weights
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=20_000)
    expected = NeuronClassifier().fit(frame[["a", "b", "c"]], frame["label"], frame["weight"])
    found = table.classifier().fit(tmp_path / "table.parquet", "label", "weight")
    assert fitted(found) == fitted(expected)
    assert found.feature_names_in_.tolist() == ["a", "b", "c"]
    assert (found.predict(frame[["a", "b", "c"]]) == expected.predict(frame[["a", "b", "c"]])).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("eta", [1e-4, "auto"])
def test_a_training_on_files_has_the_bits_of_one_in_memory(table, eta, weighted):
    def trained(X, y, weights, **options):
        return train(
            X, y, sample_weight=weights if weighted else None, eta=eta, num_steps=5,
            record_every=2, random_state=0, **options,
        )  # fmt: skip

    expected, found = trained(*table.arrays), trained(*table.files, scratch=table.folder)
    assert bits(found.last) == bits(expected.last)
    assert bits(found.history) == bits(expected.history)


def test_a_label_that_only_the_last_rows_have_is_a_class(table):
    table.y[-3:] = 7
    table.save()
    expected = NeuronClassifier().fit(table.X, table.y)
    assert fitted(table.classifier().fit(*table.files[:2])) == fitted(expected)


def test_the_warning_for_a_single_class_is_that_of_a_fit_in_memory(table):
    table.y[:] = 1
    table.save()
    with pytest.warns(UserWarning, match="All samples are of one class, 1"):
        table.classifier().fit(*table.files[:2])


# --- Bounded memory ---


def test_a_fit_of_four_times_the_rows_needs_no_more_memory(tmp_path):
    peaks = []
    for i, num_bands in enumerate((3, 12)):
        folder = tmp_path / str(i)
        folder.mkdir()
        table = Table(folder, n=num_bands * BAND, d=8)
        files, classifier = table.files[:2], table.classifier(solver="gd", max_iter=2)
        del table
        tracemalloc.start()
        with pytest.warns(match="max_iter"):
            classifier.fit(*files)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Only what is known of each shard is kept: about a kilobyte.
    assert peaks[1] < 1.1 * peaks[0]


# --- Faults ---


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda t: t.X.__setitem__((-2, 1), np.nan), rf"X must be finite, .* in sample {N-2}"),
        (lambda t: t.X.__setitem__((-2, 1), -np.inf), rf"found -inf in sample {N-2}, feature 1"),
        (lambda t: t.weights.__setitem__(-2, -1.0), rf"found -1.0 for sample {N-2}\."),
        (lambda t: t.weights.__setitem__(slice(None), 0.0), "above 0 for at least one sample"),
        (lambda t: t.weights.__setitem__(slice(None), 1e305), "must have a finite sum"),
    ],
    ids=["nan", "infinity", "negative_weight", "zero_weights", "large_weights"],
)  # fmt: skip
@pytest.mark.parametrize("which", ["fit", "train"])
def test_a_bad_value_in_a_late_row_is_refused_and_leaves_nothing(table, which, break_it, message):
    break_it(table)
    table.save()
    X, y, weights = table.files
    classifier = table.classifier()
    with pytest.raises(ValueError, match=message):
        if which == "fit":
            classifier.fit(X, y, weights)
        else:
            train(X, y, sample_weight=weights, eta=0.1, num_steps=1, scratch=table.folder)
    gc.collect()
    assert os.listdir(table.folder) == []
    assert not hasattr(classifier, "coef_")


def test_a_missing_label_in_a_late_row_is_named(table):
    table.y = table.y.astype(float)
    table.y[-5] = np.nan
    table.save()
    with pytest.raises(ValueError, match=f"y contains NaN at row {N - 5}: drop or fill"):
        table.classifier().fit(*table.files[:2])


def test_a_file_that_becomes_shorter_during_the_fit_gives_an_error(table, monkeypatch):
    starts = _classifier.NeuronClassifier._first_start

    def shorten(*args):
        os.truncate(table.files[0], os.path.getsize(table.files[0]) // 2)
        return starts(*args)

    monkeypatch.setattr(_classifier.NeuronClassifier, "_first_start", shorten)
    with pytest.raises((OSError, ValueError), match=r"X\.npy"):
        table.classifier().fit(*table.files[:2])
    gc.collect()
    assert os.listdir(table.folder) == []


TOO_LARGE = """
import resource, sys
from oneneuron import NeuronClassifier
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    NeuronClassifier(scratch=sys.argv[1]).fit(sys.argv[2], sys.argv[3])
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of a file")
def test_a_scratch_file_that_cannot_grow_gives_one_clear_error(table):
    found = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, table.folder, *table.files[:2]],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "scratch cannot be written, File too large: choose another folder" in found.stdout
    assert os.listdir(table.folder) == []


FOREVER = """
import sys
from oneneuron import train
train(sys.argv[2], sys.argv[3], eta=1e-9, num_steps=10**9, scratch=sys.argv[1])
"""


def open_files(pid):
    """Yield the names of the files that a process has open."""
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):  # it has been closed in between
            yield os.readlink(f"{folder}/{name}")


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="lists the files of a process")
def test_a_process_that_is_killed_leaves_no_file_behind(table):
    command = [sys.executable, "-c", FOREVER, table.folder, *table.files[:2]]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: any(str(table.folder) in name for name in open_files(process.pid)))
        finally:
            process.send_signal(signal.SIGKILL)
    assert os.listdir(table.folder) == []


UNTIL_KILLED = """
import os, signal, sys
from oneneuron import NeuronClassifier, _checkpoint, train
_checkpoint._SECONDS = 0.0
write, count = _checkpoint.Checkpoint.write, 0
def write_and_die(self, parts):
    global count
    write(self, parts)
    count += 1
    if count == 3:
        os.kill(os.getpid(), signal.SIGKILL)
_checkpoint.Checkpoint.write = write_and_die
function, folder, checkpoint, X, y = sys.argv[1:]
if function == "train":
    train(X, y, eta=1e-5, num_steps=20, random_state=0, scratch=folder, checkpoint=checkpoint)
else:
    NeuronClassifier(tol=1e-9, scratch=folder, checkpoint=checkpoint).fit(X, y)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("function", ["train", "fit"])
@pytest.mark.parametrize("continued", ["from a scratch file", "in memory"])
def test_a_run_that_was_killed_continues_to_the_same_bits(table, tmp_path, function, continued):
    checkpoint = tmp_path / "checkpoint"
    command = [sys.executable, "-c", UNTIL_KILLED, function, table.folder, checkpoint]
    killed = subprocess.run([*command, *table.files[:2]])
    assert killed.returncode == -signal.SIGKILL and checkpoint.exists()
    in_memory = {"X": table.X, "y": table.y}, {}
    on_disk = dict(zip("Xy", table.files, strict=False)), {"scratch": table.folder}
    given, options = in_memory if continued == "in memory" else on_disk
    if function == "train":
        settings = {"eta": 1e-5, "num_steps": 20, "random_state": 0}
        expected = train(table.X, table.y, **settings)
        found = train(**given, **settings, **options, checkpoint=checkpoint)
        assert bits(found.last) == bits(expected.last)
    else:
        expected = NeuronClassifier(tol=1e-9).fit(table.X, table.y)
        found = NeuronClassifier(tol=1e-9, checkpoint=checkpoint, **options).fit(**given)
        assert fitted(found) == fitted(expected)


# --- Arguments ---


@pytest.mark.parametrize("given", ["missing", 3, "a_file"])
def test_a_scratch_that_is_no_folder_is_refused_before_any_work(table, given):
    given = table.files[0] if given == "a_file" else given
    with pytest.raises((ValueError, TypeError), match=r"^scratch must be"):
        NeuronClassifier(scratch=given).fit(*table.files[:2])
    with pytest.raises((ValueError, TypeError), match=r"^scratch must be"):
        train(*table.files[:2], eta=0.1, scratch=given)


def test_a_file_without_scratch_is_refused_with_the_remedy(table):
    with pytest.raises(ValueError, match="X is a file, which is read in pieces: set scratch"):
        NeuronClassifier().fit(*table.files[:2])
    with pytest.raises(ValueError, match="X is a file, which is read in pieces: set scratch"):
        train(*table.files[:2], eta=0.1)


def test_a_memory_map_without_scratch_is_an_array(table):
    expected = NeuronClassifier().fit(table.X, table.y)
    found = NeuronClassifier().fit(np.load(table.files[0], mmap_mode="r"), table.y)
    assert fitted(found) == fitted(expected)


def test_sparse_samples_are_refused_with_a_scratch_folder(table):
    with pytest.raises(ValueError, match="scratch is for dense samples, and X is sparse"):
        table.classifier().fit(csr_array(np.eye(4)), [0, 1, 0, 1])


def test_labels_other_than_0_and_1_are_refused_by_train(table):
    table.y[-1] = 2
    table.save()
    with pytest.raises(ValueError, match="y must hold the labels 0 and 1"):
        train(*table.files[:2], eta=0.1, scratch=table.folder)


def test_labels_of_a_regression_are_refused(table):
    np.save(table.files[1], table.weights)
    with pytest.raises(ValueError, match="continuous"):
        table.classifier().fit(*table.files[:2])
