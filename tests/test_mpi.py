"""Training on the ranks of MPI, which ``mpiexec`` starts: the same bits, and no hang."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import SECONDS_UNTIL_GIVEN_UP, bits
from mpi_data import BAND, data, fitted

import oneneuron
from oneneuron import NeuronClassifier

MPIEXEC = shutil.which("mpiexec", path=os.path.dirname(sys.executable))
SCRIPT = Path(__file__).with_name("mpi_script.py")

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(MPIEXEC is None, reason="needs mpiexec, as the package mpich brings it"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

every_size = pytest.mark.parametrize("num_ranks", [2, 3])


class Ranks:
    """Starts the functions of `mpi_script.py` on several ranks, in a folder with files."""

    def __init__(self, folder):
        self.folder = folder
        for name, array in zip(("X", "y", "weights"), data(), strict=True):
            np.save(folder / f"{name}.npy", array)

    def start(self, num_ranks, function):
        """Return the finished process of mpiexec."""
        environment = os.environ | {"PYTHONWARNINGS": "default"}
        return subprocess.run(
            [MPIEXEC, "-n", str(num_ranks), sys.executable, SCRIPT, function, self.folder],
            capture_output=True, text=True, timeout=SECONDS_UNTIL_GIVEN_UP, env=environment,
        )  # fmt: skip

    def results(self, num_ranks, function):
        """Return the results of all ranks."""
        done = self.start(num_ranks, function)
        assert done.returncode == 0, done.stdout + done.stderr
        return pickle.loads((self.folder / "results").read_bytes())

    def file(self, name):
        return self.folder / name

    def files(self, *names):
        return [self.folder / f"{name}.npy" for name in names]


@pytest.fixture
def ranks(tmp_path):
    return Ranks(tmp_path)


# --- The same bits ---


@every_size
def test_fits_on_files_have_the_bits_of_one_process(ranks, num_ranks):
    X, y, weights = data()
    expected = [
        fitted(NeuronClassifier(**options).fit(X, y, given))
        for given in (None, weights)
        for options in (
            {}, {"loss": "log", "class_weight": "balanced"}, {},
            {"solver": "gd", "tol": 1e-2}, {"n_init": 2, "random_state": 0},
        )
    ]  # fmt: skip
    assert bits(ranks.results(num_ranks, "fit_files")) == bits([expected] * num_ranks)


@every_size
def test_arrays_of_whole_bands_have_the_bits_of_one_process(ranks, num_ranks):
    arrays = data(num_classes=3)
    expected = [
        fitted(NeuronClassifier(**options).fit(*arrays))
        for options in ({}, {"multi_class": "ovr"}, {})
    ]
    assert bits(ranks.results(num_ranks, "fit_whole_bands")) == bits([expected] * num_ranks)


def test_arrays_that_end_within_a_band_have_the_same_bits_on_all_ranks(ranks):
    first, *others = ranks.results(3, "fit_uneven")
    assert bits(others) == bits([first] * 2)


def test_arrays_that_end_within_a_band_differ_by_the_tolerance(ranks):
    expected = NeuronClassifier(tol=1e-9).fit(*data())
    found = ranks.results(2, "fit_uneven")[0]
    # Both are within tol of the minimum, on features of scale 1.
    np.testing.assert_allclose(found["coef_"], expected.coef_, rtol=1e-7)
    # The costs are sums in another order.
    assert found["loss_"] == pytest.approx(expected.loss_, rel=1e-13)


def test_float32_and_float64_are_computed_in_float64(ranks):
    X, y, _ = data(dtype=np.float32)
    expected = NeuronClassifier().fit(X.astype(np.float64), y)
    assert bits(ranks.results(2, "fit_mixed_types")) == bits([fitted(expected)] * 2)


def test_labels_that_some_ranks_do_not_have_are_classes_on_all(ranks):
    X, y, _ = data()
    labels = np.where(np.arange(len(y)) < BAND, "a", np.where(y == 1, "b", "c"))
    expected = NeuronClassifier().fit(X, labels)
    assert bits(ranks.results(2, "fit_text_labels")) == bits([fitted(expected)] * 2)


@every_size
def test_trainings_have_the_bits_of_one_process(ranks, num_ranks):
    X, y, weights = data()
    init = [0.0] * 3, 0.0
    expected = oneneuron.train(X, y, sample_weight=weights, eta=1e-4, num_steps=5, init=init)
    found = ranks.results(num_ranks, "train_arrays")
    assert bits(found) == bits([(expected.last.weights, expected.last.cost)] * num_ranks)


def test_the_start_is_drawn_once_for_all_ranks(ranks):
    first, *others = ranks.results(3, "train_files")
    assert bits(others) == bits([first] * 2)


def test_a_communicator_may_hold_a_part_of_the_ranks(ranks):
    X, y, _ = data()
    expected = oneneuron.train(X, y, eta=1e-4, num_steps=5, init=([0.0] * 3, 0.0))
    found = ranks.results(3, "train_on_a_part_of_the_ranks")
    assert bits(found) == bits([(expected.last.weights, expected.last.cost)] * 3)


def test_only_the_first_rank_warns(ranks):
    first, second = ranks.results(2, "warnings_and_lines")
    assert (len(first), second) == (1, [])


# --- Checkpoints ---


@every_size
@pytest.mark.parametrize("function", ["train", "fit"])
def test_a_run_that_was_killed_continues_to_the_same_bits(ranks, function, num_ranks):
    expected = ranks.results(num_ranks, f"{function}_to_the_end")
    ranks.file(f"{function}.checkpoint").unlink()
    assert ranks.start(num_ranks, f"{function}_until_killed").returncode != 0
    assert ranks.file(f"{function}.checkpoint").exists()
    assert bits(ranks.results(num_ranks, f"{function}_to_the_end")) == bits(expected)


def test_sigterm_to_one_rank_makes_the_first_one_write_a_checkpoint(ranks):
    expected = ranks.results(3, "train_to_the_end")
    ranks.file("train.checkpoint").unlink()
    assert ranks.start(3, "train_until_terminated").returncode != 0
    assert ranks.file("train.checkpoint").exists()
    assert bits(ranks.results(3, "train_to_the_end")) == bits(expected)


def test_a_run_of_ranks_continues_in_one_process(ranks):
    ranks.start(2, "train_until_killed")
    X, y = ranks.files("X", "y")
    expected = ranks.results(2, "train_to_the_end")
    found = oneneuron.train(
        X, y, eta=1e-5, num_steps=40, random_state=0, checkpoint=ranks.file("train.checkpoint"),
        scratch=ranks.folder,
    )  # fmt: skip
    assert bits([found.last.weights, found.last.cost]) == bits(expected[0])


def test_the_checkpoint_of_other_samples_is_refused_on_all_ranks(ranks):
    ranks.results(2, "train_to_the_end")
    for kind, message in ranks.results(2, "checkpoint_of_other_files"):
        assert kind == "ValueError" and "is the checkpoint of a run" in message


# --- Faults ---

REFUSALS = {
    "nan": ("ValueError", "X contains NaN at row"),
    "nan_in_training": ("ValueError", "X must be finite, found nan in sample"),
    "features": ("ValueError", "X must have the same features on all ranks, found 3 and 2"),
    "some_weights": ("ValueError", "sample_weight must be given on all ranks, or on none."),
    "no_rows": ("ValueError", "X must have at least one sample on one of the ranks, found none."),
    "options": ("ValueError", "alpha must be the same on all ranks, found 1.0 and 2.0."),
    "options_of_train": ("ValueError", "eta must be the same on all ranks, found 0.1 and 1.1."),
    "invalid_option": ("ValueError", "tol must be finite and 0 or more, found -1.0"),
    "no_file": ("FileNotFoundError", "missing.npy"),
    "labels_of_two_kinds": ("TypeError", "y must hold labels of one kind"),
    "freed": ("ValueError", "comm has been freed"),
    "no_communicator": ("TypeError", "comm must be an intracommunicator of mpi4py, found 'world'"),
    "zero_weights": ("ValueError", "sample_weight must be above 0 for at least one sample"),
    "partial_fit": ("NotImplementedError", "partial_fit is not available on MPI ranks: use fit."),
}


def test_what_is_refused_on_one_rank_is_refused_on_all_with_its_error(ranks):
    for found in ranks.results(2, "refusals"):
        assert found.keys() == REFUSALS.keys()
        for name, (kind, message) in REFUSALS.items():
            assert found[name][0] == kind and message in found[name][1], (name, found[name])


def test_a_refusal_leaves_the_classifier_as_it_was_and_no_file(ranks):
    for error, before, after, files in ranks.results(2, "nothing_is_left_after_a_refusal"):
        assert error[0] == "ValueError"
        assert bits(after) == bits(before)
        assert set(files) == {"X.npy", "y.npy", "weights.npy"}


@every_size
def test_an_exception_on_one_rank_ends_all_with_its_traceback(ranks, num_ranks):
    done = ranks.start(num_ranks, "raise_on_one_rank")
    assert done.returncode != 0
    assert done.stderr.count("LookupError: no such column") == 1


@every_size
def test_an_error_that_all_ranks_raise_is_printed_once(ranks, num_ranks):
    done = ranks.start(num_ranks, "raise_on_all_ranks")
    assert done.returncode != 0
    assert done.stderr.count("X must be finite, found nan in sample 0, feature 0") == 1
    assert f"This happened on rank 1 of {num_ranks}." in done.stderr


@every_size
def test_a_rank_that_is_killed_ends_all(ranks, num_ranks):
    assert ranks.start(num_ranks, "train_forever").returncode != 0


NO_MPI = """
import sys
sys.modules["mpi4py"] = None
try:
    import oneneuron.mpi
except ImportError as error:
    print(error)
"""


def test_without_mpi4py_the_error_names_the_extra():
    found = subprocess.run([sys.executable, "-c", NO_MPI], capture_output=True, text=True)
    assert found.stdout == "oneneuron.mpi needs mpi4py: pip install 'oneneuron[mpi]'\n"
