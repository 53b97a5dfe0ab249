"""JAX: all steps in one compiled loop, in float64, with the data stored feature by feature."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._typing import Float64Array
from .._problem import Advance, Problem

NAME = "JAX"

jax.config.update("jax_enable_x64", True)


@jax.jit
def make_steps(rows: Any, y: Any, parameters: Any, eta: float, num_steps: int) -> Any:
    """Return the parameters after more steps; rows has shape (d + 1, n), and its last row is 1."""

    def step(_: Any, parameters: Any) -> Any:
        f = 1 / (1 + jnp.exp(-(parameters @ rows)))
        return parameters - eta * (rows @ ((f - y) * f * (1 - f)))

    return jax.lax.fori_loop(0, num_steps, step, parameters)


def prepare(problem: Problem, threads: int) -> Advance:
    """Prepare the only variant; XLA uses all the cores that the process may use."""
    return make(problem)


def make(problem: Problem) -> Advance:
    """Compile the descent."""
    rows = jnp.asarray(np.vstack([problem.X.T, np.ones(len(problem.y))]))
    y, parameters = jnp.asarray(problem.y), jnp.asarray(problem.start)

    def advance(num_steps: int) -> Float64Array:
        nonlocal parameters
        parameters = make_steps(rows, y, parameters, problem.eta, num_steps)
        return np.array(parameters)  # waits for the result

    advance(0)
    return advance
