"""The time of a pass over samples on MPI ranks; `scale.py` starts it.

    mpiexec -n 2 python benchmarks/scale_ranks.py 100000 1000000

Each rank has one thread and a share of the samples in memory. The first rank prints a line of JSON
for each number of samples: the seconds of the quickest pass, and of the quickest gather of its
sums.
"""

import json
import sys
from time import perf_counter

import numpy as np
from mpi4py import MPI
from scale_data import NUM_FEATURES, ROWS, pieces

from oneneuron import mpi
from oneneuron._engine.samples import lay_out
from oneneuron._engine.shards import Form, InMemory, OnTeam
from oneneuron._training import Training

ROUNDS, SECONDS = 7, 0.3


def quickest(act, seconds):
    """Return the shortest time of a call; all ranks make the same number of calls."""
    start = perf_counter()
    act()
    once = MPI.COMM_WORLD.bcast(perf_counter() - start)
    times = []
    for _ in range(max(ROUNDS, int(seconds / once))):
        start = perf_counter()
        act()
        times.append(perf_counter() - start)
    return min(times)


def time_passes(n):
    """Return the times of a pass over n samples and of a gather."""
    team = mpi._Ranks(None)
    first, end = (min(ROWS * share, n) for share in team.share(-(-n // ROWS)))
    own = [lay_out(X, y, 2, first_band=row // 2**14) for row, X, y in pieces(end, first)]
    local = InMemory(own, 1, form=Form(NUM_FEATURES, 2, np.dtype(np.float64), False))
    samples = OnTeam(team, local) if team.size > 1 else local
    training = Training(samples, np.zeros(NUM_FEATURES + 1), eta=1e-9 / n)
    sums = [(0, 1, np.zeros((1, NUM_FEATURES + 3)))]
    return {
        "n": n,
        "pass": quickest(lambda: training.advance(1), SECONDS),
        "gather": quickest(lambda: team.gather((sums, None, False)), 0.05),
    }


def main():
    """Time the passes."""
    for n in map(int, sys.argv[1:]):
        found = time_passes(n)
        if MPI.COMM_WORLD.rank == 0:
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
