"""Times cold processes: from the start to an import, and to a trained model of the lecture's size.

    python benchmarks/startup.py [--rounds 10]

Each round starts every process once. 400 samples, 2 features, 10,000 steps, on made data. The
rivals run as in `run.py`, in the one form that suits so little data: no time goes into a choice.
"""

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

from oneneuron.compare import _contenders

# Without numpy.random, whose import is not what is to be timed.
DATA = """
from types import SimpleNamespace
import numpy as np
y = np.arange(400) % 2.0
angle = np.arange(400) * 2.4
X = np.sqrt(np.arange(400) / 200)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
X += 0.7 * (2 * y - 1)[:, None]
problem = SimpleNamespace(X=X, y=y, eta=5 / 400, start=np.array([0.2, 0.5, 0.8]))
"""
ROWS = """
rows = np.ones((400, 3))
rows[:, :2] = X
rows *= np.where(y == 1, 1.0, -1.0)[:, None]
problem.signed_rows = lambda: rows
"""
# The rivals' modules without the package around them: its import is no part of theirs.
RIVALS = f"""
import sys, types
sys.modules["contenders"] = types.ModuleType("contenders")
sys.modules["contenders"].__path__ = [{str(Path(_contenders.__file__).parent)!r}]
"""
PROCESSES = {
    "import numpy": "import numpy",
    "import oneneuron": "import oneneuron",
    "oneneuron": DATA
    + "import oneneuron\n"
    + "oneneuron.train(X, y, eta=problem.eta, num_steps=10_000, init=([0.2, 0.5], 0.8))",
    "NumPy at its best": DATA
    + ROWS
    + RIVALS
    + "from contenders import numpy_best\n"
    + "numpy_best.make(problem)(10_000)",
    "Numba": DATA
    + RIVALS
    + "from contenders import numba_loop\n"
    + "numba_loop.make(problem)(10_000)",
    "JAX": DATA + RIVALS + "from contenders import jax_loop\njax_loop.make(problem)(10_000)",
    "PyTorch eager": DATA
    + ROWS
    + RIVALS
    + "from contenders import torch_eager\ntorch_eager.make(problem)(10_000)",
}
NEEDS = {"Numba": "numba", "JAX": "jax", "PyTorch eager": "torch"}


def milliseconds(code):
    """One process from its start to its end."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
    return 1e3 * (perf_counter() - start)


def main():
    """Start the processes in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    os.environ["OPENBLAS_NUM_THREADS"] = "1"

    present = {name: code for name, code in PROCESSES.items() if find_spec(NEEDS.get(name, "sys"))}
    times = {name: [] for name in present}
    for turn in range(rounds + 1):
        for name, code in present.items():
            time = milliseconds(code)
            if turn > 0:  # the first one writes byte code and fills the caches of the disk
                times[name].append(time)

    least = {name: min(values) for name, values in times.items()}
    print(f"{'ms, one process':20}{'minimum':>10}{'median':>10}{'over import numpy':>20}")
    for name, values in times.items():
        over = least[name] - least["import numpy"]
        print(f"{name:20}{least[name]:10.1f}{median(values):10.1f}{over:20.1f}")


if __name__ == "__main__":
    main()
