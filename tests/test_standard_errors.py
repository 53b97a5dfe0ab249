"""The guide's standard errors, compared with those of statsmodels."""

from doctest import DocTestParser
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "classifier.md"


@pytest.fixture(scope="module")
def names():
    """Return what the guide's session has defined at the end of its section on standard errors."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("\n## Standard errors\n")
    code = (
        "from sklearn.datasets import load_breast_cancer\nfrom oneneuron import NeuronClassifier\n"
    )
    code += "".join(example.source for example in DocTestParser().get_examples(section))
    defined = {"np": np}
    exec(code, defined)
    return defined


@pytest.fixture(scope="module")
def expected(names):
    statsmodels = pytest.importorskip("statsmodels.api")
    return statsmodels.Logit(names["y"].to_numpy(), names["X_tilde"]).fit(disp=False, tol=1e-12)


# With the default tol, the weights are within about 2e-5 standard errors of the minimum, and each
# standard error is about a tenth of its weight.
def test_the_weights_of_the_guide_are_those_of_statsmodels(names, expected):
    found = np.append(names["model"].coef_, names["model"].intercept_)
    assert found == pytest.approx(expected.params, rel=1e-4)


def test_the_standard_errors_of_the_guide_are_those_of_statsmodels(names, expected):
    assert names["errors"] == pytest.approx(expected.bse, rel=1e-4)
