"""What went wrong in a training, in a student's words, each with its remedy."""

from __future__ import annotations

import sys
import warnings

from ._typing import Float64Array

# Features whose standard deviations differ by more than this slow a descent down visibly.
_UNLIKE_SCALES = 30.0

# A neuron this much worse than a constant guess has not merely stopped a little early.
_WORSE_THAN_A_GUESS = 1.01


def _warn(message: str, category: type[Warning]) -> None:
    """Warn as of the line that called this package, or scikit-learn's wrapper around `fit`."""
    level, frame = 3, sys._getframe(2)
    while frame.f_back is not None and _is_inner(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_inner(module: str) -> bool:
    return module.startswith(("oneneuron.", "sklearn.callback."))


def warn_of_divergence(step: int, eta: float) -> None:
    """Warn that the parameters left the finite numbers after `step` steps of size `eta`."""
    _warn(
        f"Training stopped at step {step}: the next step would have made the parameters infinite. "
        f"eta = {eta:g} is too large for these features. Use a smaller eta or eta='auto', or "
        f"scale the features. What was found before is kept.",
        RuntimeWarning,
    )


def warn_of_one_class(label: object) -> None:
    """Warn that all samples that count are of the class `label`."""
    _warn(
        f"All samples are of one class, {label!r}: the neuron can only learn to answer that. Give "
        f"it samples of the other classes too, and check that no filter has dropped them.",
        UserWarning,
    )


def warn_of_max_iter(max_iter: int, scales: Float64Array | None) -> None:
    """Warn that a descent was cut short.

    `scales` are the standard deviations of the features, None if they make no difference.
    """
    from sklearn.exceptions import ConvergenceWarning

    if scales is not None and unlike_scales(scales):
        remedy = (
            f"The features are not scaled: their standard deviations go from {min(scales):.2g} to "
            f"{max(scales):.2g}, and a step that is safe for the largest hardly moves the others. "
            f"Put a StandardScaler before the neuron, or use solver='lbfgs'."
        )
    else:
        remedy = "Raise max_iter, or raise tol if the model is good enough as it is."
    _warn(
        f"Training stopped at max_iter={max_iter} before the cost was flat. {remedy}",
        ConvergenceWarning,
    )


def unlike_scales(scales: Float64Array) -> bool:
    """Whether features of these standard deviations should be scaled before a descent."""
    scales = scales[scales > 0.0]
    return len(scales) > 0 and max(scales) > _UNLIKE_SCALES * min(scales)


def warn_of_saturation() -> None:
    """Warn that the gradient has vanished where the model is worse than a guess."""
    from sklearn.exceptions import ConvergenceWarning

    _warn(
        "The neuron is saturated: its answers are next to 0 or 1 and hardly move with the weights, "
        "so the gradient is next to 0, but the cost is higher than that of a constant guess. It "
        "has not converged. Scale the features (StandardScaler), start from smaller weights "
        "(init=None) or try several starts (n_init).",
        ConvergenceWarning,
    )


def is_saturated(cost: float, guess_cost: float) -> bool:
    """Whether a descent that has come to rest at `cost` is worse than a constant guess."""
    return guess_cost > 0.0 and cost > _WORSE_THAN_A_GUESS * guess_cost


def warn_of_large_eta(eta: float, safe_eta: float, num_rises: int, num_steps: int) -> None:
    """Warn that the cost rose because the step is far beyond the safe one."""
    _warn(
        f"The cost rose in {num_rises} of {num_steps} steps: eta = {eta:g} is "
        f"{eta / safe_eta:.3g} times {safe_eta:.2g}, the largest that is sure never to raise it. "
        f"Use eta='auto' or a smaller one.",
        RuntimeWarning,
    )
