"""The C that Cython makes of the kernel, and the agreement of its levels."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import printed_by

from oneneuron._engine.dispatch import available

SOURCE = Path(__file__).parents[2] / "src" / "oneneuron"
ENGINE = SOURCE / "_engine"

pytestmark = pytest.mark.machine_code

TRAIN = """
import numpy as np, oneneuron
rng = np.random.default_rng(0)
for n, d in ((400, 2), (1, 1), (5000, 3), (300, 65)):
    X = rng.standard_normal((n, d)); y = rng.integers(0, 2, n)
    last = oneneuron.train(X, y, eta=0.5 / n, num_steps=200, init=(np.zeros(d), 0.1)).last
    print(last.weights.tobytes().hex(), last.bias.hex(), last.cost.hex(), last.accuracy)
"""


def bits_on(level):
    return printed_by(TRAIN, ONENEURON_ISA=level)


@pytest.fixture(scope="module")
def directives():
    """Return the directives that the build gives to Cython, which would refuse an unknown one."""
    found = re.findall(r"'-X', '([^']+)'", (SOURCE / "meson.build").read_text())
    assert "boundscheck=False" in found
    return found


@pytest.fixture(scope="module")
def annotated_lines(directives, tmp_path_factory):
    """Return the score of each line that Cython annotates, by line number; 0 is pure C."""
    folder = tmp_path_factory.mktemp("annotate")
    for name in ("kernel.pyx", "lanes.h"):
        shutil.copy(ENGINE / name, folder)
    subprocess.run(
        [sys.executable, "-m", "cython", "-a", "kernel.pyx"]
        + [word for directive in directives for word in ("-X", directive)],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    page = html.unescape((folder / "kernel.html").read_text("utf-8"))
    found = re.findall(r'class="cython line score-(\d+)"[^>]*>.*?<span class="">(\d+)</span>', page)
    assert found
    return {int(line): int(score) for score, line in found}


def lines_of_functions(source, *starts):
    """Yield the line numbers of the functions whose first line begins with one of `starts`."""
    inside = False
    for number, text in enumerate(source, 1):
        if text and not text.startswith((" ", ")")):
            inside = text.startswith(starts) and "(" in text
        if inside:
            yield number


def lines_without_the_lock(source):
    """Yield the line numbers inside `with nogil` blocks."""
    depth = None
    for number, text in enumerate(source, 1):
        indent = len(text) - len(text.lstrip())
        if depth is not None and text.strip() and indent <= depth:
            depth = None
        if depth is not None:
            yield number
        if text.strip() == "with nogil:":
            depth = indent


@pytest.mark.slow
def test_no_line_of_the_kernels_loops_calls_python(annotated_lines):
    source = (ENGINE / "kernel.pyx").read_text().splitlines()
    loop = [*lines_of_functions(source, "cdef inline", "cdef void", "cdef bint", "cdef Py_ssize_t")]
    loop += lines_without_the_lock(source)
    assert len(loop) > 200
    yellow = {line: source[line - 1] for line in loop if annotated_lines.get(line, 0) > 0}
    assert yellow == {}


def test_the_build_declares_that_no_module_needs_the_interpreters_lock(directives):
    # test_threads.py tests on a free-threaded Python that the lock really stays off.
    assert "freethreading_compatible=True" in directives


def test_the_plain_kernel_and_the_best_one_agree_to_12_digits_after_200_steps():
    numbers = [
        [float.fromhex(line.split()[2]) for line in bits_on(name).splitlines()]
        for name in ("plain", available[-1])
    ]
    # The plain kernel rounds twice where the other one has a fused multiply-add.
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)
