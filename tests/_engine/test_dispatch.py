"""The choice of the kernel: the best one built that this processor has, or the forced one."""

import pytest
from helpers import run_python

from oneneuron._engine import dispatch
from oneneuron.cli import main

LEVELS = ("plain", "v3", "v4")

# The import of a kernel fails, as if the wheel had lost the file.
BLOCKED = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("oneneuron._engine.kernel_{kernel}"):
            raise ImportError("blocked: " + name)


sys.meta_path.insert(0, Blocker())
from oneneuron._engine import dispatch
print("imported", dispatch.level)
"""

TRAIN = """
import sys
import numpy as np, oneneuron
X = np.linspace(-1, 1, 400).reshape(100, 4)
for dtype in (np.float32, np.float64):
    oneneuron.train(X.astype(dtype), np.arange(100) % 2, eta=0.01, num_steps=1)
print(sorted(name for name in sys.modules if name.startswith("oneneuron._engine.kernel_")))
"""


def run(code, **environment):
    return run_python(code, **{"ONENEURON_ISA": None, **environment})


def test_the_available_levels_are_sorted_and_begin_with_plain():
    assert dispatch.available == tuple(n for n in LEVELS if n in dispatch.available)
    assert dispatch.available[0] == "plain"


def test_the_best_level_available_runs_unless_one_is_forced():
    found = run("from oneneuron._engine import dispatch; print(dispatch.level)")
    assert found.stdout.split() == [dispatch.available[-1]], found.stderr


@pytest.mark.parametrize("level", dispatch.available)
def test_a_forced_level_is_the_one_that_trains_in_both_precisions(level):
    found = run(TRAIN, ONENEURON_ISA=level)
    names = [f"oneneuron._engine.kernel_{level}_{dtype}" for dtype in ("float32", "float64")]
    assert found.stdout.strip() == str(names), found.stderr


@pytest.mark.parametrize("level", dispatch.available)
def test_info_prints_the_forced_level_and_the_available_ones(level):
    found = run("from oneneuron.cli import main; main(['info'])", ONENEURON_ISA=level)
    assert f"kernel {level} (available: {', '.join(dispatch.available)})" in found.stdout


def test_info_prints_the_level_of_this_process(capsys):
    assert main(["info"]) == 0
    assert f"kernel {dispatch.level} (" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["v9", "V3", "plain "])
def test_an_unknown_level_is_refused_with_the_list_of_the_available_ones(name):
    found = run("from oneneuron import train", ONENEURON_ISA=name)
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1] == (
        f"ImportError: ONENEURON_ISA is {name!r}, but this build on this processor has "
        f"{', '.join(dispatch.available)}: set it to one of these, or unset it."
    )


def test_an_empty_variable_forces_no_level(monkeypatch):
    monkeypatch.setenv("ONENEURON_ISA", "")
    assert dispatch._chosen_level(("plain", "v3")) == "v3"


@pytest.mark.parametrize("name", [level for level in LEVELS if level not in dispatch.available])
def test_a_level_that_this_processor_lacks_is_refused(name):
    found = run("from oneneuron import train", ONENEURON_ISA=name)
    assert f"ONENEURON_ISA is {name!r}, but this build on this processor has" in found.stderr


def test_the_best_level_is_refused_if_the_processor_lacks_it(monkeypatch):
    monkeypatch.setenv("ONENEURON_ISA", "v4")
    with pytest.raises(ImportError, match=r"is 'v4', but .* has plain, v3: set it to one"):
        dispatch._chosen_level(("plain", "v3"))


@pytest.mark.parametrize("level", dispatch.available)
def test_a_kernel_that_cannot_be_imported_is_an_error_and_no_slower_one_replaces_it(level):
    found = run(BLOCKED.format(kernel=level), ONENEURON_ISA=level)
    assert (found.returncode, found.stdout) == (1, "")
    assert f"ImportError: blocked: oneneuron._engine.kernel_{level}_float64" in found.stderr


def test_the_best_kernel_is_not_replaced_either_if_it_cannot_be_imported():
    found = run(BLOCKED.format(kernel=dispatch.available[-1]))
    assert (found.returncode, found.stdout) == (1, "")
    assert "ImportError: blocked" in found.stderr


def test_a_float32_kernel_that_cannot_be_imported_is_an_error_once_it_is_needed():
    found = run(BLOCKED.format(kernel=f"{dispatch.available[-1]}_float32") + TRAIN)
    assert found.returncode == 1
    assert f"ImportError: blocked: oneneuron._engine.kernel_{dispatch.available[-1]}_float32" in (
        found.stderr
    )


def test_kernels_of_other_levels_are_not_imported():
    other = next((n for n in dispatch.available[::-1] if n != dispatch.level), "none")
    found = run(BLOCKED.format(kernel=other), ONENEURON_ISA=dispatch.level)
    assert found.stdout == f"imported {dispatch.level}\n", found.stderr


def test_importing_a_kernel_imports_neither_scikit_learn_nor_matplotlib_nor_scipy():
    found = run(
        "import sys; from oneneuron._engine import dispatch; "
        "print([m for m in ('sklearn', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    assert found.stdout.strip() == "[]", found.stderr
