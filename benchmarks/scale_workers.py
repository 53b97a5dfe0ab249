"""The time of a pass over samples on workers of Dask, each a process with one thread."""

from time import perf_counter

import numpy as np
from dask import delayed
from distributed import Client, LocalCluster
from scale_data import NUM_FEATURES, ROWS, piece

from oneneuron._engine.samples import lay_out
from oneneuron._formatting import counted
from oneneuron._training import Training
from oneneuron.dask._workers import OnWorkers, Workers

ROUNDS, SECONDS = 7, 0.3


def laid_out(row, num_rows):
    """Return a piece of the samples, laid out."""
    X, y = piece(row // ROWS, num_rows)
    return lay_out(X, y, 2, first_band=row // 2**14)


def quickest(act):
    """Return the shortest time of a call."""
    act()
    times, end = [], perf_counter() + SECONDS
    while len(times) < ROUNDS or perf_counter() < end:
        start = perf_counter()
        act()
        times.append(perf_counter() - start)
    return min(times)


def seconds_of_pass(client, n, form):
    """Return the time of the quickest pass over n samples."""
    with Workers(client) as workers:
        rows, addresses = range(0, n, ROWS), list(workers.threads())
        tasks = [delayed(laid_out)(row, min(ROWS, n - row)) for row in rows]
        share = -(-len(tasks) // len(addresses))
        pieces = {address: tasks[share * i :][:share] for i, address in enumerate(addresses)}
        workers.hold({address: own for address, own in pieces.items() if own}, form, 1)
        samples = OnWorkers(workers, form)
        training = Training(samples, np.zeros(NUM_FEATURES + 1), eta=1e-9 / n)
        return quickest(lambda: training.advance(1))


def worker_passes(sizes, form):
    """Return the times on 1 and 2 workers, by the number of samples and the name of the place."""
    found = {n: {} for n in sizes}
    for num_workers in (1, 2):
        with (
            LocalCluster(
                n_workers=num_workers, threads_per_worker=1, processes=True, dashboard_address=":0"
            ) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            for n in sizes:
                found[n][counted(num_workers, "worker")] = seconds_of_pass(client, n, form)
    return found
