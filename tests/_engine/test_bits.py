"""The bits of a training: kept in bits.json, on any instruction set and any number of threads.

A change of the order of a sum changes them; ``python tests/test_bits.py > tests/bits.json`` keeps
the new ones, and belongs in the changelog.
"""

import json
import platform
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from oneneuron._engine import training
from oneneuron._engine.dispatch import available

KEPT = Path(__file__).parents[1] / "bits.json"

SEEDS = (0, 1, 2)
SHAPES = ((1, 1), (31, 2), (400, 2), (3000, 7), (9000, 30), (2500, 300), (1100, 4100))
LOSSES = ("quadratic", "log")
CASES = list(product(SEEDS, SHAPES, ("float64", "float32"), LOSSES))
NUM_STEPS = 12


def name(case):
    seed, (n, d), dtype, loss = case
    return f"seed {seed}, {n} x {d}, {dtype}, {loss}"


@cache
def drawn(seed, n, d):
    """Samples, labels, weights and a start. NumPy draws them, and only whole numbers."""
    rng = np.random.RandomState(seed)  # its stream is frozen, as a Generator's is not
    X = rng.randint(-4096, 4096, (n, d)) / 1024
    return X, rng.randint(0, 2, n), rng.randint(1, 5, n), rng.randint(-64, 64, d + 1) / (64 * d)


def trained(case, level, n_threads):
    """A digest of all models and costs of a training."""
    seed, (n, d), dtype, loss = case
    X, y, weights, start = drawn(seed, n, d)
    run = training.Training(
        X.astype(dtype), y, start, eta=0.5 / n, alpha=0.25 * seed, loss=loss,
        sample_weight=weights.astype(dtype) if seed == 1 else None,
        n_threads=n_threads, level=level,
    )  # fmt: skip
    run.advance(NUM_STEPS)
    found = [run.parameters, run.gradient, run.costs(0)]
    for which in ("last", "best", "lowest"):
        model = run.model(which)
        found += [model.weights, [model.bias, model.cost, model.accuracy, float(model.step)]]
    return sha256(b"".join(map(little_endian, found))).hexdigest()[:16]


def little_endian(values):
    array = np.asarray(values)
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def rounding(level):
    """Which of the kept bits a level has: those of fused multiply-adds, or of two roundings."""
    fused = level != "plain" or platform.machine() in ("arm64", "aarch64")
    return "fused" if fused else "rounded twice"


@pytest.fixture(scope="module")
def kept():
    return json.loads(KEPT.read_text())


@pytest.fixture
def always_shared(monkeypatch):
    """Helpers for any work, however small, as many as there are blocks."""
    monkeypatch.setattr(training, "_LEAST_SECONDS_FOR_A_HELPER", 1e-9)
    monkeypatch.setattr(training, "_LEAST_SECONDS_OF_A_STEP", 1e-12)


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
@pytest.mark.parametrize("level", available)
def test_they_are_those_that_are_kept(kept, always_shared, level, n_threads):
    found = {name(case): trained(case, level, n_threads) for case in CASES}
    assert found == kept[rounding(level)]


if __name__ == "__main__":
    levels = {rounding(level): level for level in available}
    bits = {
        key: {name(case): trained(case, level, 1) for case in CASES}
        for key, level in sorted(levels.items())
    }
    print(json.dumps(bits, indent=1))
