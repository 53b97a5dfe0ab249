"""Every block of code on the pages runs. Sessions with ``>>>`` are doctests, which pytest finds.

A block is in a fence with its language. ``python`` is a session or a script, ``shell`` holds
commands, and ``text`` is something to look at. In the README, commands are indented. Everything
runs in a new folder, against the installed package.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("myst_nb", reason="needs the extra docs")

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *(path for path in (ROOT / "docs").rglob("*.md") if "generated" not in path.parts),
]

FENCE = re.compile(r"(?ms)^```([^\n]*)\n(.*?)^```$")
COMMAND = re.compile(r"(python3?|pip|oneneuron|jupyter|mpiexec|\.) ")

# What does not run here, by its beginning, and why.
LEFT_OUT = {
    "pip install": "CI installs the package and its extras",
    "python3 -m venv": "a section of CI runs the README's commands",
    ". .venv/bin/activate": "the environment of the tests is active already",
    "jupyter lab": "it waits for its user; the site runs the notebooks",
    "mpiexec": "it needs MPI; tests/test_mpi.py starts ranks",
    "python benchmarks/": "it measures for minutes",
    "python -m sphinx": "a section of CI builds the site",
    "python docs/hand_out.py": "tests/docs/test_notebooks.py runs it",
    "import numpy as np\nfrom mpi4py": "it needs MPI; tests/test_mpi.py starts ranks",
    "import dask.dataframe": "it needs a cluster and a table; tests/test_dask.py starts workers",
}

pytestmark = [pytest.mark.site, pytest.mark.slow]


def each(pages):
    """Run a test on each of some pages."""
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


def fences_of(page):
    """Return the language and the content of each fence of a page."""
    return FENCE.findall(page.read_text(encoding="utf-8"))


def indented_blocks_of(page):
    """Return the indented blocks of a page, without their indents."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    blocks = re.findall(r"(?m)(?:^    \S.*\n(?:^    .*\n|^\n(?=    ))*)", text)
    return [re.sub(r"(?m)^    ", "", block) for block in blocks]


def commands_of(page):
    """Return the commands of a page, in their order, except those that do not run here."""
    blocks = [content for language, content in fences_of(page) if language == "shell"]
    blocks += [block for block in indented_blocks_of(page) if COMMAND.match(block)]
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if not line.startswith(tuple(LEFT_OUT))]


def scripts_of(page):
    """Return the scripts of a page, except those that do not run here."""
    blocks = [content for language, content in fences_of(page) if language == "python"]
    return [b for b in blocks if not b.startswith((">>> ", *LEFT_OUT))]


def run(arguments, folder):
    """Run a program in a folder, and fail with its output if it fails."""
    # The commands of the environment come first, as if it were active.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        arguments, cwd=folder, env={**os.environ, "PATH": path, "MPLBACKEND": "agg"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@each(PAGES)
def test_every_fence_says_what_it_is(page):
    languages = {language for language, _ in fences_of(page)}
    directives = {language for language in languages if language.startswith("{")}
    assert languages - directives <= {"python", "shell", "text"}


@each(PAGES[1:])
def test_no_page_of_the_site_has_an_indented_block(page):
    assert indented_blocks_of(page) == []


@pytest.mark.parametrize("beginning", LEFT_OUT)
def test_what_is_left_out_is_on_a_page(beginning):
    assert any(
        re.search("^ *" + re.escape(beginning), page.read_text(encoding="utf-8"), re.MULTILINE)
        for page in PAGES
    )


@each([p for p in PAGES if commands_of(p)])
def test_the_commands_of_a_page_succeed(page, tmp_path):
    run(["bash", "-ec", "\n".join(commands_of(page))], tmp_path)


@each([p for p in PAGES if scripts_of(p)])
def test_the_scripts_of_a_page_succeed(page, tmp_path):
    for script in scripts_of(page):
        run([sys.executable, "-c", script], tmp_path)
