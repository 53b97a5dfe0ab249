"""The bits of a training, recorded in bits.json for every instruction set and number of threads.

They change if the order of a sum changes. If that is wanted, record the new bits with ``python
tests/_engine/test_bits.py > tests/bits.json``, and say so in the changelog.
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
from oneneuron._losses import LOSSES

RECORDED = Path(__file__).parents[1] / "bits.json"

SEEDS = (0, 1, 2)
SHAPES = ((1, 1), (31, 2), (400, 2), (3000, 7), (9000, 30), (2500, 300), (1100, 4100))
CASES = list(product(SEEDS, SHAPES, ("float64", "float32"), LOSSES))
NUM_STEPS = 12


def name(case):
    seed, (n, d), dtype, loss = case
    return f"seed {seed}, {n} x {d}, {dtype}, {loss}"


@cache
def problem(seed, n, d):
    """Return samples, labels, sample weights and a start, all made of random integers."""
    rng = np.random.RandomState(seed)  # its stream is frozen, unlike that of a Generator
    X = rng.randint(-4096, 4096, (n, d)) / 1024
    return X, rng.randint(0, 2, n), rng.randint(1, 5, n), rng.randint(-64, 64, d + 1) / (64 * d)


def digest_of_training(case, level, n_threads):
    """Return a digest of all models and costs of a training."""
    seed, (n, d), dtype, loss = case
    X, y, sample_weight, start = problem(seed, n, d)
    run = training.Training(
        X.astype(dtype), y, start, eta=0.5 / n, alpha=0.25 * seed, loss=LOSSES[loss],
        sample_weight=sample_weight.astype(dtype) if seed == 1 else None,
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
    """Return the key in bits.json: whether a multiply-add is fused or rounded twice."""
    fused = level != "plain" or platform.machine() in ("arm64", "aarch64")
    return "fused" if fused else "rounded twice"


@pytest.fixture(scope="module")
def recorded():
    return json.loads(RECORDED.read_text())


@pytest.fixture
def always_shared(monkeypatch):
    """Start helpers for any work, however small, at most one for each further block."""
    monkeypatch.setattr(training, "_LEAST_SECONDS_FOR_A_HELPER", 1e-9)
    monkeypatch.setattr(training, "_LEAST_SECONDS_OF_A_STEP", 1e-12)


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
@pytest.mark.parametrize("level", available)
def test_trainings_have_the_recorded_bits_on_every_level_and_number_of_threads(
    recorded, always_shared, level, n_threads
):
    found = {name(case): digest_of_training(case, level, n_threads) for case in CASES}
    assert found == recorded[rounding(level)]


if __name__ == "__main__":
    levels = {rounding(level): level for level in available}
    bits = {
        key: {name(case): digest_of_training(case, level, 1) for case in CASES}
        for key, level in sorted(levels.items())
    }
    print(json.dumps(bits, indent=1))
