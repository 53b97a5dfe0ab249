"""What a pass of the kernel adds up, in which order, and the C that Cython makes of its loops."""

import html
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import TOLERANCE, cost_and_gradient, make_start, printed_by
from hypothesis import given, settings
from hypothesis import strategies as st

from oneneuron import reference
from oneneuron._engine.dispatch import available, import_kernel
from oneneuron._engine.passes import make_pass
from oneneuron._engine.samples import lay_out
from oneneuron._engine.sharing import Pass
from oneneuron._engine.solvers import GradientDescent
from oneneuron._engine.turns import turn
from oneneuron._losses import LOG, LOSSES, QUADRATIC

SOURCE = Path(__file__).parents[2] / "src" / "oneneuron"
ENGINE = SOURCE / "_engine"

DTYPES = [np.float64, np.float32]
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def make_problem(seed, n, d, num_classes, dtype=np.float64, weighted=False):
    """Return samples and their class codes, sample weights or None, and the generator."""
    rng = np.random.default_rng([seed, n, d, num_classes])
    X = rng.standard_normal((n, d)).astype(dtype)
    u = (3 * rng.random(n)).astype(dtype) if weighted else None
    return X, rng.integers(0, num_classes, n), u, rng


def make_starts(rng, num_neurons, d):
    return np.array([make_start(rng, d) for _ in range(num_neurons)])


def scored(passes, parameters):
    """Return the sums of a pass, of shape (K, d + 3), as a solver reads them."""
    solver = GradientDescent(
        passes, eta=0.0, alpha=0.0, intercept=True, limits=-1.0, means=0.0, single=False
    )
    solver.start(parameters)
    return np.column_stack([-solver.gradient, 2 * solver.last.cost, solver.last.wrong])


def sums(samples, labels, parameters, loss=QUADRATIC, **options):
    return scored(make_pass(samples, labels, loss, n_threads=1, **options), parameters)


def sums_by_formula(X, y, u, parameters, loss):
    """Return the sums of one neuron in float64, and the sums of their absolute terms."""
    X, u = X.astype(np.float64), np.ones(len(X)) if u is None else u.astype(np.float64)
    cost, gradient = cost_and_gradient(parameters, X, y, u, loss=loss.name)
    wrong = u @ (np.round(reference.sigma(X @ parameters[:-1] + parameters[-1])) != y)
    rows = np.abs(np.column_stack([X, np.ones(len(X))]))
    # No slope of either loss is larger than 1. That is enough for data of order 1.
    return np.append(-gradient, [2 * cost, wrong]), np.append(u @ rows, [2 * cost, u.sum()])


# --- Several neurons and several classes ---


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 400), d=st.integers(1, 40),
    num_classes=st.integers(1, 7), num_neurons=st.integers(1, 9), weighted=st.booleans(),
    loss=st.sampled_from([*LOSSES.values()]),
)  # fmt: skip
def test_each_neuron_tells_its_class_from_all_others(
    seed, n, d, num_classes, num_neurons, weighted, loss
):
    X, codes, u, rng = make_problem(seed, n, d, num_classes, weighted=weighted)
    labels = rng.integers(0, num_classes, num_neurons)  # some may be equal
    starts = make_starts(rng, num_neurons, d)
    found = sums(lay_out(X, codes, num_classes, u), labels, starts, loss)
    for row, label, start in zip(found, labels, starts, strict=True):
        expected, sizes = sums_by_formula(X, codes == label, u, start, loss)
        assert np.all(np.abs(row - expected) <= TOLERANCE * sizes)


@every_loss
@every_dtype
@pytest.mark.parametrize("d", [1, 2, 3, 65, 4096])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_pass_of_several_neurons_gives_each_the_bits_of_a_pass_of_its_own(
    weighted, d, dtype, loss
):
    X, codes, u, rng = make_problem(1, 3000 if d < 4096 else 40, d, 5, dtype, weighted)
    samples, labels = lay_out(X, codes, 6, u), np.array([3, 0, 5, 3, 1])
    starts = make_starts(rng, 5, d)
    together = sums(samples, labels, starts, loss)
    for k in range(5):
        alone = sums(samples, labels[k : k + 1], starts[k : k + 1], loss)
        assert alone.tobytes() == together[k].tobytes()
    several = make_pass(samples, labels, loss, n_threads=3)
    assert scored(several, starts).tobytes() == together.tobytes()


@every_dtype
def test_a_neuron_that_has_ended_leaves_the_others_their_bits(dtype):
    X, codes, _, rng = make_problem(2, 5000, 3, 3, dtype)
    samples, starts = lay_out(X, codes, 3), make_starts(rng, 3, 3)

    def descended(labels, starts, limits):
        solver = GradientDescent(
            make_pass(samples, labels, QUADRATIC, n_threads=1), eta=1e-4, alpha=0.0,
            intercept=True, limits=limits, means=0.0, single=dtype == np.float32,
        )  # fmt: skip
        solver.start(starts)
        solver.advance(20)
        return solver.last

    # The neuron in the middle is flat from the start.
    found = descended([0, 1, 2], starts, np.array([[-1.0], [np.inf], [-1.0]]))
    assert found.step.tolist() == [20, 0, 20]
    for k in (0, 2):
        alone = descended([k], starts[k : k + 1], -1.0)
        assert alone.parameters.tobytes() == found.parameters[k].tobytes()
        assert (alone.cost[0], alone.wrong[0]) == (found.cost[k], found.wrong[k])


@every_loss
@every_dtype
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d", [2, 7, 4096])
def test_lanes_without_a_sample_never_count(d, weighted, dtype, loss):
    X, codes, u, rng = make_problem(3, 300, d, 5, dtype, weighted)
    samples, starts = lay_out(X, codes, 5, u), make_starts(rng, 2, d)
    expected = sums(samples, [1, 4], starts, loss)
    values, num_spare = samples.values.copy(), 0
    for _, _, end, filled in samples.runs:
        num_spare += samples.tile - filled
        values[end - 1, :, filled:] = 1e3 * rng.standard_normal((d, samples.tile - filled))
    assert num_spare > 0
    found = sums(replace(samples, values=values), [1, 4], starts, loss)
    assert found.tobytes() == expected.tobytes()


# --- The order of the sums ---


def add_as_tree(rows, first):
    """Add rows number `first`, `first` + 1, ... as a binary tree over all numbers."""
    nodes = {(0, first + i): row for i, row in enumerate(rows)}  # by height and position
    height = 0
    while len(nodes) > 1:
        at = sorted(position for h, position in nodes if h == height)
        for position in at:
            node = nodes.pop((height, position))
            parent = height + 1, position // 2
            nodes[parent] = nodes[parent] + node if parent in nodes else node
        height += 1
    return next(iter(nodes.values()))


def in_blocks_of_a_tile(num_blocks, dtype=np.float64, first_block=0, d=3):
    """Return samples of three classes, each of whose blocks is one tile, and two starts."""
    tile = 256 // np.dtype(dtype).itemsize
    X, codes, _, rng = make_problem(4, tile * (num_blocks - 1), d, 3, dtype)
    codes[: tile // 2], codes[-tile // 2 :] = 0, 2
    samples = lay_out(X, codes, 3)
    first = np.arange(len(samples.values))
    runs = np.searchsorted(samples.runs[:, 2], first, side="right")
    blocks = np.column_stack([first, first + 1, runs])
    return replace(samples, blocks=blocks, first_block=first_block), make_starts(rng, 2, d)


@every_dtype
@pytest.mark.parametrize("first_block", [0, 16, 48])
@pytest.mark.parametrize("num_blocks", [2, 3, 5, 16, 17, 43])
def test_sums_of_blocks_are_added_as_a_binary_tree_over_their_numbers(
    num_blocks, first_block, dtype
):
    samples, starts = in_blocks_of_a_tile(num_blocks, dtype, first_block)
    rows = [sums(replace(samples, blocks=block[None]), [0, 2], starts) for block in samples.blocks]
    expected = add_as_tree(rows, first_block)
    assert sums(samples, [0, 2], starts).tobytes() == expected.tobytes()


@pytest.mark.parametrize(("first_block", "d"), [(0, 2), (32, 3)])
@pytest.mark.linetrace
def test_the_number_of_blocks_in_a_chunk_changes_no_bit(first_block, d):
    samples, starts = in_blocks_of_a_tile(43, first_block=first_block, d=d)
    expected = sums(samples, [0, 2], starts)
    for chunk_blocks in (1, 2, 4, 8, 16):
        passes = Pass(
            import_kernel("float64"), samples.values, samples.weights, samples.runs, samples.blocks,
            own_classes=np.array([0, 2]), loss=QUADRATIC.kernel_code, layer=1,
            chunk_blocks=chunk_blocks,
            first_block=first_block, num_threads=3, turn=turn,
        )  # fmt: skip
        assert scored(passes, starts).tobytes() == expected.tobytes()
        subtrees = passes.sums(starts, np.ones(2, np.uint8))
        ends = [first + size for first, size, _ in subtrees]
        assert [first for first, _, _ in subtrees] == [first_block, *ends[:-1]]
        assert ends[-1] >= first_block + len(samples.blocks)


def test_the_order_of_rows_within_a_class_only_changes_roundings():
    X, codes, _, rng = make_problem(7, 20_000, 3, 4)
    starts = make_starts(rng, 4, 3)
    order = rng.permutation(len(X))
    found = sums(lay_out(X[order], codes[order], 4), range(4), starts, LOG)
    expected = sums(lay_out(X, codes, 4), range(4), starts, LOG)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * len(X))


# --- The levels ---


@every_loss
@every_dtype
def test_levels_with_fused_multiply_adds_have_the_same_bits(dtype, loss):
    fused = [level for level in available if level != "plain"]
    X, codes, u, rng = make_problem(10, 3000, 30, 3, dtype, weighted=True)
    samples, starts = lay_out(X, codes, 3, u), make_starts(rng, 3, 30)
    assert len({sums(samples, range(3), starts, loss, level=name).tobytes() for name in fused}) <= 1


TRAIN = """
import numpy as np, oneneuron
rng = np.random.default_rng(0)
for n, d in ((400, 2), (1, 1), (5000, 3), (300, 65)):
    X = rng.standard_normal((n, d)); y = rng.integers(0, 2, n)
    last = oneneuron.train(X, y, eta=0.5 / n, num_steps=200, init=(np.zeros(d), 0.1)).last
    print(last.cost.hex())
"""


@pytest.mark.machine_code
def test_the_plain_kernel_and_the_best_one_agree_to_12_digits_after_200_steps():
    costs = [
        [float.fromhex(line) for line in printed_by(TRAIN, ONENEURON_ISA=name).split()]
        for name in ("plain", available[-1])
    ]
    # The plain kernel rounds twice where the other one has a fused multiply-add.
    assert costs[0] == pytest.approx(costs[1], rel=1e-12)


# --- The C that Cython makes ---


@pytest.fixture(scope="module")
def directives():
    """Return the directives that the build gives to Cython, which would refuse an unknown one."""
    found = re.findall(r"'-X', '([^']+)'", (SOURCE / "meson.build").read_text())
    assert "boundscheck=False" in found
    return found


def annotated_lines(name, directives, folder):
    """Return the score of each line that Cython annotates, by line number; 0 is pure C."""
    # With __init__.py, the folder is a package, whose modules can cimport each other.
    needed = [ENGINE / name, ENGINE / "__init__.py", *ENGINE.glob("*.h"), *ENGINE.glob("*.pxd")]
    for source in needed:
        shutil.copy(source, folder)
    subprocess.run(
        [sys.executable, "-m", "cython", "-a", name]
        + [word for directive in directives for word in ("-X", directive)],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    page = html.unescape((folder / name).with_suffix(".html").read_text("utf-8"))
    found = re.findall(r'class="cython line score-(\d+)"[^>]*>.*?<span class="">(\d+)</span>', page)
    assert found
    return {int(line): int(score) for score, line in found}


FUNCTION = re.compile(r" *cdef (inline )?[\w *?]+\(")
LOOP = re.compile(r" +(for|while)\b")
WITHOUT_THE_LOCK = re.compile(r" +with nogil:")
WITH_THE_LOCK_OR_AT_THE_END = re.compile(r" +(with gil|finally):")


def blocks(source, header):
    """Yield the numbers of a block's first line, of its body's first line, and of the next line."""
    for i, text in enumerate(source):
        if header.match(text):
            indent = len(text) - len(text.lstrip())
            body = next(j for j in range(i, len(source)) if source[j].endswith(":")) + 1
            end = body
            while end < len(source) and (not source[end] or source[end][: indent + 1].isspace()):
                end += 1
            yield i + 1, body + 1, end + 1


def lines_that_must_not_call_python(source):
    """Return the numbers of the lines that run without the GIL, and of other loops of C."""
    found, loops = set(), set()
    for first, _, end in blocks(source, LOOP):
        loops |= set(range(first, end))
    for first, body, end in blocks(source, FUNCTION):
        signature = " ".join(source[first - 1 : body - 1])
        if signature.endswith(" nogil:"):
            # A function that may raise adds itself to a traceback, which counts in its first line.
            found |= set(range(body if " except" in signature else first, end))
        found |= loops & set(range(body, end))
    for _, body, end in blocks(source, WITHOUT_THE_LOCK):
        found |= set(range(body, end))
    for first, _, end in blocks(source, WITH_THE_LOCK_OR_AT_THE_END):
        found -= set(range(first, end))
    return found


@pytest.mark.machine_code
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("kernel.pyx", 350),
        ("sharing.pyx", 150),
        ("predict.pyx", 40),
        ("solvers.pyx", 350),
        ("pack.pyx", 300),
        ("moments.pyx", 500),
    ],
)
def test_no_line_of_compiled_loops_calls_python(name, least, directives, tmp_path):
    source = [line.rstrip() for line in (ENGINE / name).read_text("utf-8").splitlines()]
    lines = lines_that_must_not_call_python(source)
    assert len(lines) > least
    scores = annotated_lines(name, directives, tmp_path)
    assert {n: source[n - 1] for n in sorted(lines) if scores.get(n, 0) > 0} == {}


@pytest.mark.machine_code
def test_the_build_declares_that_no_module_needs_the_interpreters_lock(directives):
    # test_threads.py tests on a free-threaded Python that the lock really stays off.
    assert "freethreading_compatible=True" in directives
