"""The plain loop in Cython."""

import re
from pathlib import Path

import numpy as np
import pytest

from oneneuron import reference
from oneneuron.compare import _naive_loop


@pytest.mark.linetrace
def test_the_naive_loop_reaches_the_parameters_of_the_reference():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 3)), rng.integers(0, 2, 30).astype(float)
    parameters = np.array([0.1, 0.2, 0.3, 0.4])
    *_, (weights, bias) = reference.gradient_descent(X, y, parameters[:3], 0.4, 0.05, num_steps=50)
    _naive_loop.make_steps(X, y, parameters, 0.05, 50)
    np.testing.assert_allclose(parameters, [*weights, bias], rtol=1e-12)


def test_the_naive_loop_needs_no_newer_glibc_than_manylinux_2_28():
    found = re.findall(rb"GLIBC_(\d+)\.(\d+)", Path(_naive_loop.__file__).read_bytes())
    assert all((int(major), int(minor)) <= (2, 28) for major, minor in found)
