"""A fit that `test_dask.py` kills: ``python dask_script.py <scheduler> <checkpoint> <solver>``."""

import sys
import threading

import dask.array as da
from distributed import Client
from mpi_data import data

from oneneuron import _checkpoint
from oneneuron.dask import NeuronClassifier, _workers

scheduler, path, solver = sys.argv[1:]
original, calls = _workers.Workers.call, []


def call(*arguments):
    """Wait forever after ten passes."""
    calls.extend(["sums"] * ("sums" in arguments))
    if len(calls) > 10:
        print("ten calls", flush=True)
        threading.Event().wait()
    return original(*arguments)


_workers.Workers.call = call
_checkpoint._SECONDS = 0.0  # it is written before each pass
X, y, _ = data()
with Client(scheduler) as client:
    NeuronClassifier(solver=solver, max_iter=20, tol=0.0, checkpoint=path).fit(
        da.from_array(X, chunks=(10_000, 3)), da.from_array(y, chunks=10_000), client=client
    )
