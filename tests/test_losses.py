"""The records of the losses, against the formulas of the reference."""

import dataclasses
from typing import get_args

import numpy as np
import pytest
from helpers import LOSSES

from oneneuron import reference
from oneneuron._losses import LOG, QUADRATIC, LossName
from oneneuron._losses import LOSSES as RECORDS


def second_derivative(loss, y, z):
    """Return the second derivative in z of the cost of a sample, by its formula."""
    f = 1.0 / (1.0 + np.exp(-z))
    if loss == "log":
        return f * (1.0 - f)
    p = f if y == 0 else 1.0 - f
    return p**2 * (1.0 - p) * (2.0 - 3.0 * p)


def test_every_loss_name_has_a_record():
    assert list(RECORDS) == [record.name for record in RECORDS.values()]
    assert set(RECORDS) == set(get_args(LossName)) == set(LOSSES)
    assert (RECORDS["quadratic"], RECORDS["log"]) == (QUADRATIC, LOG)


def test_kernel_codes_differ():
    codes = [record.kernel_code for record in RECORDS.values()]
    assert len(set(codes)) == len(codes)


def test_a_record_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        QUADRATIC.max_curvature = 1.0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("y", [0, 1])
def test_the_second_derivative_formula_is_the_slope_of_the_gradient(y, loss):
    z, h = np.linspace(-6, 6, 25), 1e-5
    ones = np.ones((1, 1))

    def slope(z):
        return reference.gradient(ones, np.array([y]), np.array([z]), 0.0, loss)[0][0]

    differences = [(slope(x + h) - slope(x - h)) / (2 * h) for x in z]
    np.testing.assert_allclose(second_derivative(loss, y, z), differences, rtol=0, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("y", [0, 1])
def test_max_curvature_bounds_the_second_derivative_closely(y, loss):
    largest = second_derivative(loss, y, np.linspace(-10, 10, 2_000_001)).max()
    assert largest <= RECORDS[loss].max_curvature <= largest * (1 + 1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("fraction", [0.001, 0.25, 0.5, 0.9])
def test_guess_cost_is_the_lowest_mean_cost_of_a_constant_answer(fraction, loss):
    n = 1000
    y = np.arange(n) < fraction * n

    def mean_cost(guess):
        bias = np.log(guess / (1.0 - guess))
        return reference.cost(np.zeros((n, 1)), y, np.zeros(1), bias, loss) / n

    expected = RECORDS[loss].guess_cost(fraction)
    assert mean_cost(fraction) == pytest.approx(expected, rel=1e-12)
    for other in (0.9 * fraction, fraction + 0.1 * (1.0 - fraction)):
        assert mean_cost(other) > expected
