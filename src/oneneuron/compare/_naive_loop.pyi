from .._typing import Float64Array

def make_steps(
    X: Float64Array, y: Float64Array, parameters: Float64Array, eta: float, num_steps: int
) -> None: ...
