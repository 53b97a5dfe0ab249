"""Measure how a pass grows with the number of samples, and what more processes add to it.

    pip install '.[mpi,dask]' mpich
    python benchmarks/scale.py --folder /a/fast/disk            # 10 features, up to 10^8 samples
    python benchmarks/scale.py --folder . --most 1000000        # a quick look

It needs 9 GB of disk for 10^8 samples, and as much free memory to cache them. The first table has
the time of a pass over samples in memory, in a scratch file, on ranks of MPI and on workers of
Dask, beside one read of the scratch file. The second has the time to the same cost on at most 10
million samples, beside scikit-learn's SGDClassifier, and dask-ml's LogisticRegression if it is
installed. The third is a model of a pass on many machines.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from scale_data import NUM_FEATURES, ROWS, pieces
from scale_model import print_model
from scale_picture import draw
from scale_workers import worker_passes
from sklearn.linear_model import SGDClassifier

from oneneuron import NeuronClassifier
from oneneuron._engine.samples import lay_out
from oneneuron._engine.scratch import Scratch
from oneneuron._engine.shards import Form, InMemory
from oneneuron._formatting import counted
from oneneuron._training import Training

ROUNDS = 7
SECONDS = 0.3  # of a round, at least, so that short passes are measured many at a time
MOST_IN_MEMORY = 10_000_000
THREADS = (1, 2)
FORM = Form(NUM_FEATURES, 2, np.dtype(np.float64), False)
COST_TOLERANCES = (1e-2, 1e-4, 1e-6)  # above the minimum, relative to it
EPOCHS = 5
# Of seven settings tried on 300,000 of these samples, the second was the best.
SGD_OPTIONS = {
    "defaults": {},
    "averaged": {"learning_rate": "constant", "eta0": 0.01, "average": True},
}


# --- The time of a pass ---


def whole(n):
    """Return all samples and labels."""
    _, X, y = zip(*pieces(n), strict=True)
    return np.concatenate(X), np.concatenate(y)


def laid_out(n):
    """Yield the samples of each piece."""
    for row, X, y in pieces(n):
        yield lay_out(X, y, 2, n_threads=2, first_band=row // 2**14)


def pass_of(samples):
    """Return a function that makes some passes, and returns the seconds of one."""
    training = Training(samples, np.zeros(NUM_FEATURES + 1), eta=1e-9 / samples.num_samples)

    def make(num_passes):
        start = perf_counter()
        training.advance(num_passes)
        return (perf_counter() - start) / num_passes

    return make


def read_of(scratch):
    """Return a function that reads the scratch file, and returns the seconds of that."""
    size, buffer = sum(record.num_bytes for record in scratch._records), bytearray(2**20)

    def read(num_reads):
        start = perf_counter()
        for _ in range(num_reads):
            scratch._file.seek(0)
            left = size
            while left > 0:
                left -= scratch._file.readinto(buffer)
        return (perf_counter() - start) / num_reads

    return read


def memory_passes(n):
    """Return passes over samples in memory, by name."""
    samples = [lay_out(*whole(n), 2, n_threads=2)]  # one shard, as a fit has it
    return {
        f"memory, {counted(threads, 'thread')}": pass_of(InMemory(samples, threads))
        for threads in THREADS
    }


def scratch_passes(n, folder, threads):
    """Return passes over a scratch file, and reads of it, by name."""
    scratch = Scratch(folder, laid_out(n), FORM, threads)
    return {
        f"scratch, {counted(threads, 'thread')}": pass_of(scratch),
        "one read of the scratch file": read_of(scratch),
    }


def minima(timed):
    """Time all of them in turn, and return the shortest times."""
    repeats = {name: max(1, int(SECONDS / max(make(1), 1e-9))) for name, make in timed.items()}
    found = {name: [] for name in timed}
    for _ in range(ROUNDS):
        for name, make in timed.items():
            found[name].append(make(repeats[name]))
    return {name: min(times) for name, times in found.items()}


def local_passes(n, folder):
    """Return the times in this process. The system caches one scratch file at a time."""
    found = minima(memory_passes(n)) if n <= MOST_IN_MEMORY else {}
    for threads in THREADS:
        found |= minima(scratch_passes(n, folder, threads))
    return found


def rank_passes(sizes):
    """Return the times on 1 and 2 ranks, by size and name, and those of a gather."""
    mpiexec = shutil.which("mpiexec", path=os.path.dirname(sys.executable)) or "mpiexec"
    script = Path(__file__).with_name("scale_ranks.py")
    found = {n: {} for n in sizes}
    for num_ranks in (1, 2):
        command = [mpiexec, "-n", str(num_ranks), sys.executable, script, *map(str, sizes)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for line in map(json.loads, lines.splitlines()):
            found[line["n"]][counted(num_ranks, "rank")] = line["pass"]
            if num_ranks == 2:
                found[line["n"]]["one gather of 2 ranks"] = line["gather"]
    return found


def time_passes(most, folder):
    """Return the times of a pass, by the number of samples and the name of the place."""
    sizes = [10**k for k in range(4, 9) if 10**k <= most]
    in_memory = [n for n in sizes if n <= MOST_IN_MEMORY]
    on_ranks, on_workers = rank_passes(in_memory), worker_passes(in_memory, FORM)
    found = {}
    for n in sizes:
        found[n] = local_passes(n, folder) | on_ranks.get(n, {}) | on_workers.get(n, {})
        print(
            f"{n:>11,} samples: " + ", ".join(f"{k} {1e3 * v:.3g} ms" for k, v in found[n].items())
        )
    return found


def print_passes(found):
    """Print a Markdown table of nanoseconds per sample."""
    names = list(dict.fromkeys(name for times in found.values() for name in times))
    print("\n| ns per sample | " + " | ".join(f"{n:,}" for n in found) + " |")
    print("|---|" + "---|" * len(found))
    for name in names:
        cells = [f"{1e9 * t[name] / n:.3g}" if name in t else "" for n, t in found.items()]
        print(f"| {name} | " + " | ".join(cells) + " |")


# --- The time to the same cost ---


def cost(X, y, weights, bias):
    """Return the log cost of a model, without a penalty."""
    margins = (X @ weights + bias) * np.where(y == 1, 1.0, -1.0)
    return float(np.logaddexp(0.0, -margins).sum())


def sgd_times(X, y, targets, **options):
    """Return the seconds of partial_fit until each target; None for those not reached.

    Costs are computed off the clock, after every piece of the samples.
    """
    sgd = SGDClassifier(loss="log_loss", alpha=1.0 / len(X), random_state=0, **options)
    order, seconds, found = np.random.default_rng(0), 0.0, {}
    for _ in range(EPOCHS):
        for first in order.permutation(range(0, len(X), ROWS)):
            start = perf_counter()
            sgd.partial_fit(X[first : first + ROWS], y[first : first + ROWS], classes=[0, 1])
            seconds += perf_counter() - start
            reached = cost(X, y, sgd.coef_[0], sgd.intercept_[0])
            found |= {t: seconds for t in targets if reached <= t and t not in found}
            if len(found) == len(targets):
                return [found[target] for target in targets]
    return [found.get(target) for target in targets]


def dask_ml_seconds(X, y):
    """Return the seconds of dask-ml's LogisticRegression and the model; None without dask-ml."""
    try:
        import dask.array as da
        from dask_ml.linear_model import LogisticRegression
    except ImportError:
        return None
    X, y = da.from_array(X, (ROWS, NUM_FEATURES)), da.from_array(y, ROWS)
    start = perf_counter()
    model = LogisticRegression(solver="lbfgs", C=1.0).fit(X, y)
    return perf_counter() - start, model


def time_to_cost(most, folder):
    """Print the time of each classifier, and how far its cost is above the minimum."""
    n = min(most, MOST_IN_MEMORY)
    X, y = whole(n)
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    best = NeuronClassifier(loss="log", alpha=1.0, tol=1e-9).fit(X, y)
    least = cost(X, y, best.coef_[0], best.intercept_[0])
    rows = []
    for name, given, options in (
        ("NeuronClassifier, 1 thread", (X, y), {"n_threads": 1}),
        ("NeuronClassifier, 2 threads", (X, y), {"n_threads": 2}),
        ("from X.npy with scratch, 1 thread", (folder / "X.npy", folder / "y.npy"),
         {"n_threads": 1, "scratch": folder}),
    ):  # fmt: skip
        seconds = []
        for _ in range(3):
            start = perf_counter()
            fit = NeuronClassifier(loss="log", alpha=1.0, **options).fit(*given)
            seconds.append(perf_counter() - start)
        rows.append((name, min(seconds), cost(X, y, fit.coef_[0], fit.intercept_[0])))
    targets = [(1 + tolerance) * least for tolerance in COST_TOLERANCES]
    for kind, options in SGD_OPTIONS.items():
        times = sgd_times(X, y, targets, **options)
        for tolerance, seconds in zip(COST_TOLERANCES, times, strict=True):
            rows.append((f"SGDClassifier.partial_fit, {kind}, to {tolerance:g}", seconds, None))
    found = dask_ml_seconds(X, y)
    if found is not None:
        seconds, model = found
        rows.append(
            ("dask-ml's LogisticRegression", seconds, cost(X, y, model.coef_, model.intercept_))
        )
    print(f"\n| {n:,} x {NUM_FEATURES} | seconds | cost above the minimum |")
    print("|---|---|---|")
    for name, seconds, reached in rows:
        above = "" if reached is None else f"{reached / least - 1:.1e}"
        took = f"not in {EPOCHS} epochs" if seconds is None else f"{seconds:.2f}"
        print(f"| {name} | {took} | {above} |")
    for name in "X.npy", "y.npy":
        (folder / name).unlink()


def main():
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(), help="where scratch files are")
    parser.add_argument("--most", type=int, default=10**8, help="samples, at most")
    parser.add_argument("--json", type=Path, help="where to save the times of a pass")
    parser.add_argument("--picture", type=Path, help="where to save a picture of them")
    arguments = parser.parse_args()
    found = time_passes(arguments.most, arguments.folder)
    print_passes(found)
    time_to_cost(arguments.most, arguments.folder)
    print_model(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))
    if arguments.picture:
        draw(found).savefig(arguments.picture)


if __name__ == "__main__":
    main()
