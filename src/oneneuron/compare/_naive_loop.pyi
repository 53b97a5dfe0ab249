from .._typing import Float64Array

def descend(
    X: Float64Array, y: Float64Array, parameters: Float64Array, eta: float, num_steps: int
) -> None: ...
