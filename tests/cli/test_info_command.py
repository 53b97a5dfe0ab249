"""`oneneuron info`."""

import numpy as np

from oneneuron._engine import cores, dispatch
from oneneuron.cli import main


def test_info_prints_the_kernel_the_threads_and_the_versions(capsys):
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["oneneuron", "kernel", "threads", "Python"]
    assert f"kernel {dispatch.level} (available: {', '.join(dispatch.available)})" in lines
    assert f"threads {cores.count()} (fewer for little work)" in lines
    assert f"numpy {np.__version__}" in lines[-1]
