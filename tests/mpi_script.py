"""What the ranks of `test_mpi.py` run: ``mpiexec -n 3 python mpi_script.py <function> <folder>``.

A function returns what its rank has found. Rank 0 saves the results of all ranks.
"""

import os
import pickle
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
from mpi4py import MPI
from mpi_data import BAND, data, fitted

from oneneuron import _checkpoint, mpi

COMM = MPI.COMM_WORLD
FOLDER = Path(sys.argv[2])


def own(arrays, *cuts):
    """Return the rows of this rank, between two of the cuts; those after the last have none."""
    ends = [0, *cuts, len(arrays[0])]
    ends += ends[-1:] * COMM.size
    rows = slice(ends[COMM.rank], ends[COMM.rank + 1])
    return [array[rows] for array in arrays]


# --- Fits ---


def fit_files():
    return [
        fitted(mpi.NeuronClassifier(**options).fit(*files))
        for files in (["X.npy", "y.npy"], ["X.npy", "y.npy", "weights.npy"])
        for options in (
            {}, {"loss": "log", "class_weight": "balanced"}, {"scratch": "."},
            {"solver": "gd", "tol": 1e-2}, {"n_init": 2, "random_state": 0},
        )
    ]  # fmt: skip


def fit_whole_bands():
    # With three ranks, the last one has no rows.
    return [
        fitted(mpi.NeuronClassifier(**options).fit(*own(data(num_classes=3), 2 * BAND)))
        for options in ({}, {"multi_class": "ovr"}, {"scratch": "."})
    ]


def fit_uneven():
    return fitted(mpi.NeuronClassifier(tol=1e-9).fit(*own(data(), 1000)))


def fit_mixed_types():
    X, y, _ = data(dtype=np.float32)
    X, y = own([X, y], BAND)
    return fitted(mpi.NeuronClassifier().fit(X.astype(np.float32 if COMM.rank else float), y))


def fit_text_labels():
    # Only the last rank with rows has all labels.
    X, y, _ = data()
    labels = np.where(np.arange(len(y)) < BAND, "a", np.where(y == 1, "b", "c"))
    X, labels = own([X, labels], BAND)
    return fitted(mpi.NeuronClassifier().fit(X, labels))


def train_files():
    found = mpi.train("X.npy", "y.npy", eta="auto", num_steps=5, record_every=2)
    return found.last.weights, found.last.cost, found.history.cost


def train_arrays():
    X, y, weights = own(data(), BAND)
    found = mpi.train(X, y, sample_weight=weights, eta=1e-4, num_steps=5, init=([0.0] * 3, 0.0))
    return found.last.weights, found.last.cost


def train_on_a_part_of_the_ranks():
    part = COMM.Split(COMM.rank // 2)
    n, rank = part.size, part.rank
    X, y, _ = data()
    rows = slice(BAND * rank, BAND * (rank + 1) if rank < n - 1 else None)
    found = mpi.train(X[rows], y[rows], eta=1e-4, num_steps=5, init=([0.0] * 3, 0.0), comm=part)
    part.Free()
    return found.last.weights, found.last.cost


def warnings_and_lines():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mpi.NeuronClassifier(max_iter=1, verbose=1).fit(*own(data(), BAND)[:2])
    return [str(warning.message) for warning in caught]


# --- Checkpoints ---

OPTIONS = {"eta": 1e-5, "num_steps": 40, "random_state": 0}


def train_to_the_end():
    found = mpi.train("X.npy", "y.npy", checkpoint="train.checkpoint", **OPTIONS)
    return found.last.weights, found.last.cost


def fit_to_the_end():
    return fitted(mpi.NeuronClassifier(tol=1e-9, checkpoint="fit.checkpoint").fit("X.npy", "y.npy"))


def after_the_third_write(signal_number):
    """Have a checkpoint written before each pass, and a signal sent to a rank after the third."""
    _checkpoint._SECONDS = 0.0
    write, count = _checkpoint.Checkpoint._write, 0

    def write_and_send(self, record):
        nonlocal count
        write(self, record)
        count += 1
        if count == 3 and COMM.rank == COMM.size - 1:
            os.kill(os.getpid(), signal_number)

    _checkpoint.Checkpoint._write = write_and_send


def train_until_killed():
    after_the_third_write(signal.SIGKILL)
    train_to_the_end()


def fit_until_killed():
    after_the_third_write(signal.SIGKILL)
    fit_to_the_end()


def train_until_terminated():
    after_the_third_write(signal.SIGTERM)
    _checkpoint._SECONDS = 3600.0 if COMM.rank == 0 else 0.0  # only the signal makes it write
    train_to_the_end()


def checkpoint_of_other_files():
    np.save("other.npy", -np.load("y.npy") + 1)
    COMM.Barrier()
    return refused(
        lambda: mpi.train("X.npy", "other.npy", checkpoint="train.checkpoint", **OPTIONS)
    )


# --- Faults that all ranks hear of ---


def refused(work):
    """Return the error of some work."""
    try:
        work()
    except Exception as error:
        return type(error).__name__, str(error)
    return "no error"


def refusals():
    """Return the errors of several calls, each of which goes wrong on some of the ranks."""
    X, y, weights = own(data(), BAND)
    first = COMM.rank == 0

    def nan():
        late = X.copy()
        if not first:
            late[-1:, 1] = np.nan
        mpi.NeuronClassifier().fit(late, y)

    def nan_in_training():
        late = X.copy()
        if not first:
            late[-1:, 1] = np.nan
        mpi.train(late, y, eta=0.1, num_steps=1)

    def features():
        mpi.NeuronClassifier().fit(X[:, : 2 + first], y)

    def some_weights():
        mpi.NeuronClassifier().fit(X, y, weights if first else None)

    def no_rows():
        mpi.NeuronClassifier().fit(X[:0], y[:0])

    def options():
        mpi.NeuronClassifier(alpha=1.0 + first).fit(X, y)

    def options_of_train():
        mpi.train(X, y, eta=0.1 + first)

    def invalid_option():
        mpi.NeuronClassifier(tol=-1.0 if first else 1.0).fit(X, y)

    def no_file():
        mpi.NeuronClassifier().fit("X.npy" if first else "missing.npy", "y.npy")

    def labels_of_two_kinds():
        mpi.NeuronClassifier().fit(X, y if first else y.astype(str))

    def freed():
        comm = COMM.Dup()
        comm.Free()
        mpi.NeuronClassifier().fit(X, y, comm=comm)

    def no_communicator():
        mpi.train(X, y, eta=0.1, comm="world")

    def zero_weights():
        mpi.NeuronClassifier().fit(X, y, 0.0 * weights)

    def partial_fit():
        mpi.NeuronClassifier().partial_fit(X, y, classes=[0, 1])

    calls = [
        nan, nan_in_training, features, some_weights, no_rows, options, options_of_train,
        invalid_option, no_file, labels_of_two_kinds, freed, no_communicator, zero_weights,
        partial_fit,
    ]  # fmt: skip
    return {call.__name__: refused(call) for call in calls}


def nothing_is_left_after_a_refusal():
    X, y, _ = own(data(), BAND)
    classifier = mpi.NeuronClassifier().fit(X, y)
    before = fitted(classifier)
    bad = X.copy()
    bad[:1] = np.inf
    error = refused(lambda: classifier.fit(bad, y))
    return error, before, fitted(classifier), os.listdir(".")


# --- Faults that end all ranks ---


def raise_on_one_rank():
    if COMM.rank == 1:
        raise LookupError("no such column")
    mpi.NeuronClassifier().fit(*own(data(), BAND)[:2])


def raise_on_all_ranks():
    X, y, _ = own(data(), BAND)
    if COMM.rank == 1:
        X[0, 0] = np.nan
    mpi.train(X, y, eta=0.1)


def train_forever():
    """Train until rank 1 is killed, by its pid, in the middle of it."""
    if COMM.rank == 1:
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGKILL)).start()
    mpi.train("X.npy", "y.npy", eta=1e-9, num_steps=10**9)


if __name__ == "__main__":
    os.chdir(FOLDER)
    results = COMM.gather(globals()[sys.argv[1]]())
    if COMM.rank == 0:
        (FOLDER / "results").write_bytes(pickle.dumps(results))
