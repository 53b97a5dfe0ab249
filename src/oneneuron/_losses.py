"""The losses that a neuron can be trained on, with one record for each.

With z = w.x + b and f = sigma(z), a sample with label y costs

- quadratic: 1/2 (f - y)^2, half the Brier score;
- log: -log f if y = 1, and -log(1 - f) if y = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

LossName: TypeAlias = Literal["quadratic", "log"]


@dataclass(frozen=True)
class Loss:
    """Everything that the package knows about a loss outside the kernel.

    Attributes
    ----------
    name : str
        The name under which users choose it.
    kernel_code : int
        Its number in the kernel's ``enum Loss``.
    max_curvature : float
        An upper bound on the second derivative of a sample's cost with respect to z.
    guess_cost : callable
        ``guess_cost(p)`` is the mean cost per sample of always predicting p when a share p of the
        samples has label 1, with 0 < p < 1. No other constant prediction costs less.
    """

    name: LossName
    kernel_code: int
    max_curvature: float
    guess_cost: Callable[[float], float]


QUADRATIC = Loss(
    name="quadratic",
    kernel_code=0,
    # For y = 0 the second derivative is f^2 (1 - f) (2 - 3 f), largest at f = (15 - sqrt(33)) / 24.
    # The maximum is 0.07702928506067525..., rounded up here.
    max_curvature=0.0770292850607,
    guess_cost=lambda p: 0.5 * p * (1.0 - p),
)

LOG = Loss(
    name="log",
    kernel_code=1,
    # The second derivative is f (1 - f), largest at f = 1/2.
    max_curvature=0.25,
    guess_cost=lambda p: -p * math.log(p) - (1.0 - p) * math.log1p(-p),
)

LOSSES: dict[LossName, Loss] = {loss.name: loss for loss in (QUADRATIC, LOG)}
