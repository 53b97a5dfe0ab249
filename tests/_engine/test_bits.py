"""The bits of fits and predictions, recorded for every instruction set and number of threads.

They change if the order of a sum changes. If that is wanted, record the new bits with ``python
tests/_engine/test_bits.py > tests/bits.json``, and say so in the changelog.
"""

import json
import platform
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy import sparse

from oneneuron._engine import passes
from oneneuron._engine.dispatch import available, import_kernel
from oneneuron._engine.predict import predict
from oneneuron._engine.samples import lay_out
from oneneuron._engine.solvers import LBFGS, GradientDescent
from oneneuron._engine.sparse_samples import lay_out_sparse
from oneneuron._engine.turns import turn
from oneneuron._fit.sparse_validation import as_canonical_rows
from oneneuron._losses import LOSSES

RECORDED = Path(__file__).parents[1] / "bits.json"

# The number of classes, whether there are sample weights, and alpha.
SETTINGS = ((2, False, 0.0), (2, True, 0.25), (4, False, 0.5))
SPARSE_SHAPES = ((31, 2), (3000, 7), (1500, 300))
SHAPES = ((1, 1), (31, 2), (400, 2), (3000, 7), (9000, 30), (40_000, 3), (1500, 300), (300, 4100))
DTYPES = ("float64", "float32")
NUM_STEPS = 12
MOST_THREADS = 8


class Problem(NamedTuple):
    """Numbers that need no rounding, made of random integers."""

    X: np.ndarray
    codes: np.ndarray
    sample_weight: np.ndarray
    starts: np.ndarray
    preconditioner: np.ndarray


@cache
def problem(n, d, num_classes):
    rng = np.random.RandomState(num_classes)  # its stream is frozen, unlike that of a Generator
    X = rng.randint(-4096, 4096, (n, d)) / 1024
    codes, sample_weight = rng.randint(0, num_classes, n), rng.randint(1, 5, n)
    num_neurons = 1 if num_classes == 2 else num_classes
    starts = rng.randint(-64, 64, (num_neurons, d + 1)) / (64 * d)
    scale = 0.5 ** (n.bit_length() // 2)  # about the inverse root of the curvature
    if d > 1000:  # as in a fit, a diagonal matrix for many features
        preconditioner = scale * rng.randint(32, 64, d + 1) / 64
    else:
        preconditioner = scale * (np.eye(d + 1) + rng.randint(-8, 8, (d + 1, d + 1)) / (64 * d))
    return Problem(X, codes, sample_weight, starts, preconditioner)


def digest_of_fit(solver, shape, dtype, loss, setting, level, n_threads):
    """Return a digest of all models, gradients and costs of a solver after some steps."""
    num_classes, weighted, alpha = setting
    given = problem(*shape, num_classes)
    sample_weight = given.sample_weight.astype(dtype) if weighted else None
    run = passes.make_pass(
        lay_out(given.X.astype(dtype), given.codes, num_classes, sample_weight),
        [1] if num_classes == 2 else range(num_classes), LOSSES[loss],
        n_threads=n_threads, level=level,
    )  # fmt: skip
    options = dict(alpha=alpha, intercept=True, limits=-1.0, means=0.0, single=dtype == "float32")
    if solver == "gd":
        fit = GradientDescent(run, eta=0.5 / shape[0], **options)
    else:
        fit = LBFGS(run, preconditioner=given.preconditioner, **options)
    fit.start(given.starts)
    fit.advance(NUM_STEPS)
    found = [*fit.last, *fit.best, *fit.lowest, fit.gradient, fit.costs, fit.state]
    return digest(*found, fit.num_passes)


def digest_of_sparse_fit(shape, dtype, loss, setting, level, n_threads):
    """Return a digest as `digest_of_fit` does, with a quarter of the values and L-BFGS."""
    num_classes, weighted, alpha = setting
    given = problem(*shape, num_classes)
    X = np.where((np.arange(shape[0])[:, None] + np.arange(shape[1])) & 3, 0.0, given.X)
    run = passes.make_pass(
        lay_out_sparse(
            as_canonical_rows(sparse.csr_array(X), dtype), given.codes, num_classes,
            given.sample_weight if weighted else None, n_threads=n_threads,
        ),
        [1] if num_classes == 2 else range(num_classes), LOSSES[loss],
        n_threads=n_threads, level=level,
    )  # fmt: skip
    fit = LBFGS(
        run, alpha=alpha, intercept=True, limits=-1.0, means=0.0, single=False,
        preconditioner=np.diagonal(given.preconditioner).copy(),
    )  # fmt: skip
    fit.start(given.starts)
    fit.advance(NUM_STEPS)
    found = [*fit.last, *fit.best, *fit.lowest, fit.gradient, fit.costs, fit.state]
    return digest(*found, fit.num_passes)


def digest_of_predictions(shape, dtype, setting, level, n_threads):
    """Return a digest of margins, class codes and probabilities."""
    num_classes, _, _ = setting
    given = problem(*shape, num_classes)
    kernel = import_kernel(dtype, level)
    n, num_neurons = len(given.X), len(given.starts)
    margins = np.empty((n, num_neurons), dtype)
    codes = np.empty(n, np.int64)
    probabilities = np.empty((n, num_classes), dtype)
    for output, outs in enumerate([(margins, None), (None, codes), (probabilities, None)]):
        predict(
            kernel, given.X.astype(dtype), given.starts.astype(dtype), output, *outs, n_threads,
            turn,
        )  # fmt: skip
    return digest(margins, codes, probabilities)


def digest(*values):
    arrays = map(np.asarray, values)
    parts = [array.astype(array.dtype.newbyteorder("<")).tobytes() for array in arrays]
    return sha256(b"".join(parts)).hexdigest()[:16]


def title(shape, dtype, setting):
    num_classes, weighted, alpha = setting
    kind = " weighted" * weighted
    return f"{shape[0]} x {shape[1]}{kind} {dtype}, {num_classes} classes, alpha {alpha}"


def digests_of_fits(solver, level, n_threads):
    """Return the digests of a solver on all problems, by name."""
    return {
        f"{solver}, {loss}, {title(*case)}": digest_of_fit(
            solver, case[0], case[1], loss, case[2], level, n_threads
        )
        for loss, *case in product(LOSSES, SHAPES, DTYPES, SETTINGS)
    }


def digests_of_sparse_fits(level, n_threads):
    """Return the digests of L-BFGS on sparse problems, by name."""
    return {
        f"sparse, {loss}, {title(*case)}": digest_of_sparse_fit(
            case[0], case[1], loss, case[2], level, n_threads
        )
        for loss, *case in product(LOSSES, SPARSE_SHAPES, DTYPES, SETTINGS)
    }


def digests_of_all_predictions(level, n_threads):
    """Return the digests of the predictions on all problems, by name."""
    settings = [setting for setting in SETTINGS if not setting[1]]
    return {
        f"predictions, {title(*case)}": digest_of_predictions(*case, level, n_threads)
        for case in product(SHAPES, DTYPES, settings)
    }


def rounding(level):
    """Return the key in bits.json: whether a multiply-add is fused or rounded twice."""
    fused = level != "plain" or platform.machine() in ("arm64", "aarch64")
    return "fused" if fused else "rounded twice"


def recorded(kind, level):
    """Return the recorded digests of this kind, by name."""
    digests = json.loads(RECORDED.read_text())[rounding(level)]
    return {name: found for name, found in digests.items() if name.startswith(f"{kind}, ")}


every_level = pytest.mark.parametrize("level", available)
every_number_of_threads = pytest.mark.parametrize("n_threads", [1, 2, 3, MOST_THREADS])


@every_number_of_threads
@every_level
@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_fits_have_the_recorded_bits_on_every_level_and_number_of_threads(
    solver, level, n_threads, monkeypatch
):
    monkeypatch.setattr(passes, "_MOST_THREADS_PER_CORE", MOST_THREADS)
    assert digests_of_fits(solver, level, n_threads) == recorded(solver, level)


@every_number_of_threads
@every_level
def test_sparse_fits_have_the_recorded_bits_on_every_level_and_number_of_threads(
    level, n_threads, monkeypatch
):
    monkeypatch.setattr(passes, "_MOST_THREADS_PER_CORE", MOST_THREADS)
    assert digests_of_sparse_fits(level, n_threads) == recorded("sparse", level)


@every_number_of_threads
@every_level
def test_predictions_have_the_recorded_bits_on_every_level_and_number_of_threads(level, n_threads):
    assert digests_of_all_predictions(level, n_threads) == recorded("predictions", level)


if __name__ == "__main__":
    levels = {rounding(level): level for level in available}
    bits = {
        key: digests_of_fits("gd", level, 1)
        | digests_of_fits("lbfgs", level, 1)
        | digests_of_sparse_fits(level, 1)
        | digests_of_all_predictions(level, 1)
        for key, level in sorted(levels.items())
    }
    print(json.dumps(bits, indent=1))
