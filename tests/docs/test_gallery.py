"""The gallery: every picture of the package is in it."""

from pathlib import Path

import pytest

from oneneuron import plots

SCRIPTS = list((Path(__file__).parents[2] / "docs" / "gallery").glob("plot_*.py"))


@pytest.mark.parametrize("name", plots.__all__)
def test_a_script_of_the_gallery_calls_each_function(name):
    assert any(f"plots.{name}(" in path.read_text(encoding="utf-8") for path in SCRIPTS)
