"""The constants in precision.h and _losses.py agree with tools/precision_constants.py."""

import importlib.util
import re
from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest

from oneneuron._losses import QUADRATIC

ROOT = Path(__file__).parents[2]
HEADER = ROOT / "src" / "oneneuron" / "_engine" / "precision.h"
SCRIPT = ROOT / "tools" / "precision_constants.py"

TYPES = {"float": np.float32, "double": np.float64}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("precision_constants", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parsed(text):
    """Return the arrays, the degrees and the errors in comments of some C code, by precision."""
    single, double = re.search(
        r"#if defined\(SINGLE\)\n(.*?)#else\n(.*?)#endif", text, re.S
    ).groups()
    return {"float": declared(single, np.float32), "double": declared(double, np.float64)}


def declared(text, dtype):
    arrays = {
        name: [float(dtype(literal.rstrip("f"))) for literal in re.findall(r"[^\s,]+", body)]
        for name, body in re.findall(r"real (\w+)\[[^]]*\] = \{([^}]*)\}", text)
    }
    enums = dict(re.findall(r"(FRACTION_BITS|\w*DEGREE) = (\d+)", text))
    errors = re.findall(r"\b(\w*DEGREE) = \d+ \}; /\* (\S+) \*/", text)
    return {"arrays": arrays, "enums": enums, "errors": dict(errors)}


@pytest.fixture(scope="module")
def header():
    return parsed(HEADER.read_text(encoding="utf-8"))


# --- The header ---


@pytest.mark.parametrize("precision", TYPES)
def test_the_header_holds_the_minimax_coefficients_of_the_exponential(script, header, precision):
    odd, even = script.scaled_exponential(precision)
    arrays = header[precision]["arrays"]
    assert (arrays["ODD"], arrays["EVEN"]) == (odd, even)


@pytest.mark.parametrize("precision", TYPES)
def test_the_header_holds_the_minimax_coefficients_of_the_logarithm(script, header, precision):
    found = script.rounded(script.logarithm(script.LOG_DEGREES[precision]), precision)
    assert header[precision]["arrays"]["LOG"] == found


@pytest.mark.parametrize("precision", TYPES)
def test_the_header_quotes_the_error_of_the_rounded_exponential(script, header, precision):
    arrays, quoted = header[precision]["arrays"], header[precision]["errors"]["DEGREE"]
    found = script.exponential_error(arrays["ODD"], arrays["EVEN"])
    assert f"{float(found):.1e}" == f"{float(quoted):.1e}"


@pytest.mark.parametrize("precision", TYPES)
def test_the_header_quotes_the_error_of_the_logarithm_before_rounding(script, header, precision):
    found = script.logarithm_error(script.logarithm(script.LOG_DEGREES[precision]))
    assert f"{float(found):.1e}" == f"{float(header[precision]['errors']['LOG_DEGREE']):.1e}"


def test_the_script_prints_what_the_header_holds(script, header, capsys):
    script.main()
    assert parsed(capsys.readouterr().out) == header


# --- The minimax property ---

# If the error alternates in sign at one point more than there are free coefficients, no other
# coefficients make it smaller at all of these points. So the smallest of these errors is a lower
# bound of the optimum.
NEAR = 1.001


def assert_near_the_optimum(script, errors, num_coefficients):
    peaks = script.largest(errors, errors)
    assert len(peaks) == num_coefficients + 1
    assert all(a * b < 0 for a, b in pairwise(peaks))
    sizes = [abs(peak) for peak in peaks]
    assert max(sizes) < NEAR * min(sizes)


@pytest.mark.parametrize("degree", [1, 2])
def test_no_quotient_of_these_degrees_has_a_markedly_smaller_error(script, degree):
    odd, even = script.exponential(degree)
    grid = [script.END * k / 1000 for k in range(1, 1001)]
    errors = [script.quotient_error(odd, even, r) for r in grid]
    assert_near_the_optimum(script, errors, num_coefficients=2 * degree + 1)


@pytest.mark.parametrize("degree", [3, 7])
def test_no_polynomial_of_this_degree_has_a_markedly_smaller_error(script, degree):
    log = script.logarithm(degree)
    # Even steps in s: in s^2 the points would be too sparse near 0.
    grid = [script.LARGEST_S * k / 1000 for k in range(1001)]
    errors = [script.polynomial(log, s * s) / script.artanh_ratio(s) - 1 for s in grid]
    assert_near_the_optimum(script, errors, num_coefficients=degree + 1)


def test_importing_the_script_leaves_the_precision_of_mpmath(script):
    assert script.mp.dps == 40
    assert mpmath.mp.dps == 15


# --- The curvature ---


def test_no_second_derivative_of_the_quadratic_loss_is_larger(script):
    p = np.linspace(0.0, 1.0, 100_001)
    derivatives = p**2 * (1 - p) * (2 - 3 * p)
    assert derivatives.max() == pytest.approx(float(script.max_curvature()), rel=1e-9)
    assert derivatives.max() <= float(script.max_curvature())


def test_the_largest_curvature_of_the_quadratic_loss_is_rounded_up_in_the_twelfth_digit(script):
    exact = script.max_curvature()
    assert exact <= QUADRATIC.max_curvature <= exact * (1 + 1e-12)
