"""The reference against the formulas of the lecture, written out."""

import numpy as np
import pytest

from oneneuron import reference


def test_sigma_is_the_formula_of_the_lecture():
    z = np.linspace(-30, 30, 121)
    np.testing.assert_allclose(reference.sigma(z), 1 / (1 + np.exp(-z)), rtol=4e-16)


def test_sigma_overflows_nowhere():
    with np.errstate(over="raise", invalid="raise"):
        assert reference.sigma(np.array([-1e308, 0.0, 1e308])).tolist() == [0.0, 0.5, 1.0]


def test_gradient_is_the_slope_of_the_cost():
    rng = np.random.default_rng(0)
    X, y, weights = rng.standard_normal((30, 1)), rng.integers(0, 2, 30), np.array([0.3])
    slope, _ = reference.gradient(X, y, weights, 0.1)
    h = 1e-6
    difference = reference.cost(X, y, weights + h, 0.1) - reference.cost(X, y, weights - h, 0.1)
    # h^2 and eps / h, both about 1e-10
    assert slope[0] == pytest.approx(difference / (2 * h), abs=1e-8)
