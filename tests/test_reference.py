"""The reference algorithm against the formulas of the lecture."""

import numpy as np
import pytest

from oneneuron import reference

X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 1])


def test_sigma_is_the_formula_of_the_lecture():
    z = np.linspace(-30, 30, 121)
    np.testing.assert_allclose(reference.sigma(z), 1 / (1 + np.exp(-z)), rtol=4e-16)


def test_sigma_does_not_overflow():
    with np.errstate(over="raise", invalid="raise"):
        assert reference.sigma(np.array([-1e308, 0.0, 1e308])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_the_gradient_is_the_slope_of_the_cost(loss):
    rng = np.random.default_rng(0)
    X, y, weights = rng.standard_normal((30, 1)), rng.integers(0, 2, 30), np.array([0.3])
    slope, _ = reference.gradient(X, y, weights, 0.1, loss)
    h = 1e-6
    above, below = (reference.cost(X, y, weights + step, 0.1, loss) for step in (h, -h))
    difference = above - below
    # The errors of a central difference, h^2 and eps / h, are both about 1e-10.
    assert slope[0] == pytest.approx(difference / (2 * h), abs=1e-8)


def test_gradient_descent_returns_the_start_and_the_parameters_after_each_step():
    weights, bias = np.array([0.5]), -0.5
    found = reference.gradient_descent(X, Y, weights, bias, eta=0.1, num_steps=2)
    for _ in range(2):
        dC_dw, dC_db = reference.gradient(X, Y, weights, bias)
        weights, bias = weights - 0.1 * dC_dw, bias - 0.1 * dC_db
    assert len(found) == 3 and found[0] == ([0.5], -0.5)
    assert found[2] == (weights, bias)


@pytest.mark.parametrize(
    "call",
    [
        lambda loss: reference.cost(X, Y, np.zeros(1), 0.0, loss),
        lambda loss: reference.gradient(X, Y, np.zeros(1), 0.0, loss),
        lambda loss: reference.gradient_descent(X, Y, np.zeros(1), 0.0, 0.1, 1, loss),
        lambda loss: reference.gradient_descent(X, Y, np.zeros(1), 0.0, 0.1, 0, loss),
    ],
    ids=["cost", "gradient", "gradient_descent", "gradient_descent of 0 steps"],
)
@pytest.mark.parametrize("loss", ["hinge", None])
def test_an_unknown_loss_raises(loss, call):
    with pytest.raises(ValueError, match=f"^loss must be 'quadratic' or 'log', found {loss!r}"):
        call(loss)
