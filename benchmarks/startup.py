"""Time new processes: from their start to an import, and to a trained model.

    python benchmarks/startup.py [--rounds 10]

Each round starts every process once. The problem has the lecture's size: 400 samples, 2 features,
10,000 steps. The other contenders run as in `run.py`, but only in the variant that suits so little
data, so no time is spent on choosing one.
"""

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import oneneuron

# Made without numpy.random, since the time of its import must not be measured.
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
# Empty packages take the place of the real ones. The contenders' modules can be imported from them
# without an import of oneneuron itself, whose time must not count as theirs.
PACKAGES = f"""
import sys, types
path = {str(Path(oneneuron.__file__).parents[1])!r}
for name in ("oneneuron", "oneneuron.compare", "oneneuron.compare._contenders"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path + "/" + name.replace(".", "/")]
"""


def contender(module, data):
    """Return the code that trains with another contender."""
    return (
        f"{data}{PACKAGES}"
        f"from oneneuron.compare._contenders import {module}\n"
        f"{module}.make(problem)(10_000)"
    )


PROCESSES = {
    "import numpy": "import numpy",
    "import of train": "from oneneuron import train",
    "oneneuron": DATA
    + "import oneneuron\n"
    + "oneneuron.train(X, y, eta=problem.eta, num_steps=10_000, init=([0.2, 0.5], 0.8))",
    "NumPy at its best": contender("numpy_best", DATA + ROWS),
    "Numba": contender("numba_loop", DATA),
    "JAX": contender("jax_loop", DATA),
    "PyTorch eager": contender("torch_eager", DATA + ROWS),
}
LIBRARIES = {"Numba": "numba", "JAX": "jax", "PyTorch eager": "torch"}


def milliseconds(code):
    """Return the time of one process from its start to its end."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
    return 1e3 * (perf_counter() - start)


def main():
    """Start the processes in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="rounds (default: 10)")
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    os.environ["OPENBLAS_NUM_THREADS"] = "1"

    present = {
        name: code
        for name, code in PROCESSES.items()
        if name not in LIBRARIES or find_spec(LIBRARIES[name])
    }
    times = {name: [] for name in present}
    for turn in range(rounds + 1):
        for name, code in present.items():
            time = milliseconds(code)
            if turn > 0:  # the first round writes bytecode and fills the file system's cache
                times[name].append(time)

    least = {name: min(values) for name, values in times.items()}
    print(f"{'ms, one process':20}{'minimum':>10}{'median':>10}{'over import numpy':>20}")
    for name, values in times.items():
        over = least[name] - least["import numpy"]
        print(f"{name:20}{least[name]:10.1f}{median(values):10.1f}{over:20.1f}")


if __name__ == "__main__":
    main()
