"""The losses that a neuron can be trained on, with one record for each.

With z = w.x + b and f = sigma(z), a sample with label y costs

- quadratic: 1/2 (f - y)^2, half the Brier score;
- log: -log f if y = 1, and -log(1 - f) if y = 0.

With a layer of neurons, p is the softmax of their z, and y is 1 for the sample's class and 0 for
the others. A sample of class c costs

- quadratic: 1/2 sum_k (p_k - y_k)^2, half the Brier score for several classes;
- log: -log p_c.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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
    alpha : float
        The default strength of the L2 penalty for a neuron.
    layer_alpha : float
        That for a layer (`docs/benchmarks.md` shows how they were chosen).
    layer_max_curvature : float
        An upper bound on the eigenvalues of the Hessian of a sample's cost with respect to the z of
        a layer.
    layer_guess_cost : callable
        ``layer_guess_cost(p)`` is the mean cost per sample of always predicting the shares p of the
        classes, with a layer. No other constant prediction costs less.
    """

    name: LossName
    kernel_code: int
    max_curvature: float
    guess_cost: Callable[[float], float]
    alpha: float
    layer_alpha: float
    layer_max_curvature: float
    layer_guess_cost: Callable[[Iterable[float]], float]

    def cost_of_guess(self, own_weight: float, total_weight: float) -> float:
        """Return the cost of the best constant prediction for samples of these weights.

        It is 0 if all samples are of one class.
        """
        share = own_weight / total_weight
        return 0.0 if share in (0.0, 1.0) else total_weight * self.guess_cost(share)


QUADRATIC = Loss(
    name="quadratic",
    kernel_code=0,
    # For y = 0 the second derivative is f^2 (1 - f) (2 - 3 f), largest at f = (15 - sqrt(33)) / 24.
    # The maximum is 0.07702928506067525..., rounded up here.
    max_curvature=0.0770292850607,
    guess_cost=lambda p: 0.5 * p * (1.0 - p),
    alpha=0.3,
    layer_alpha=0.1,
    # The largest eigenvalue is that of two classes, for any number of classes: with z = z_1 - z_0,
    # the cost is (1 - f)^2, and its Hessian is its second derivative times [[1, -1], [-1, 1]]. So
    # it is four times the maximum above (tests/test_losses.py searches for a larger one).
    layer_max_curvature=4 * 0.0770292850607,
    layer_guess_cost=lambda shares: 0.5 * (1.0 - math.fsum(p * p for p in shares)),
)

LOG = Loss(
    name="log",
    kernel_code=1,
    # The second derivative is f (1 - f), largest at f = 1/2.
    max_curvature=0.25,
    guess_cost=lambda p: -p * math.log(p) - (1.0 - p) * math.log1p(-p),
    alpha=1.0,
    layer_alpha=1.0,
    # The Hessian is diag(p) - p p^T. Its eigenvalues are at most 1/2 (D. Böhning, Multinomial
    # logistic regression algorithm, Annals of the Institute of Statistical Mathematics 44, 1992).
    layer_max_curvature=0.5,
    layer_guess_cost=lambda shares: -math.fsum(p * math.log(p) for p in shares if p > 0.0),
)

LOSSES: dict[LossName, Loss] = {loss.name: loss for loss in (QUADRATIC, LOG)}
