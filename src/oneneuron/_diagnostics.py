"""Warnings and errors about what went wrong in training, each with its remedy."""

from __future__ import annotations

import sys
import warnings

from ._typing import Float64Array

# Features whose standard deviations differ by more than this factor visibly slow a descent down.
_UNLIKE_SCALES = 30.0

# If the cost exceeds that of a constant guess by more than this factor, the training did not merely
# stop a little early.
_WORSE_THAN_A_GUESS = 1.01


def _warn(message: str, category: type[Warning]) -> None:
    """Warn at the line that called this package, past any wrapper of scikit-learn around `fit`."""
    level, frame = 3, sys._getframe(2)
    while frame.f_back is not None and _is_inner(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_inner(module: str) -> bool:
    return module.startswith(("oneneuron.", "sklearn.callback."))


def infinite_start(name: str) -> ValueError:
    """Return the error for a start at which w.x + b is not finite.

    Parameters
    ----------
    name : str
        The name of the argument that holds the samples.
    """
    return ValueError(
        f"{name} is too large for w.x + b to be finite at the start: scale the features, or start "
        f"from an init with smaller weights."
    )


def infinite_margins(name: str) -> ValueError:
    """Return the error for samples for which w.x + b is not finite.

    Parameters
    ----------
    name : str
        The name of the argument that holds the samples.
    """
    return ValueError(
        f"{name} is too large for w.x + b to be finite: scale the features, in the same way as for "
        f"the training."
    )


def warn_of_divergence(step: int, eta: float) -> None:
    """Warn that a descent stopped because its next parameters would not have been finite.

    Parameters
    ----------
    step : int
        The number of steps made.
    eta : float
        The step size.
    """
    _warn(
        f"Training stopped at step {step:,}, since the next step would have made the parameters "
        f"infinite: eta = {eta:g} is too large for these features. Use a smaller eta, such as "
        f"oneneuron.safe_eta returns, or scale the features. The models found before are kept.",
        RuntimeWarning,
    )


def warn_of_unwritten_checkpoint(path: str, reason: str) -> None:
    """Warn that a run goes on although its checkpoint could not be written.

    Parameters
    ----------
    path : str
    reason : str
        What the system says.
    """
    _warn(
        f"The checkpoint {path} could not be written ({reason}). Training goes on, and so do the "
        f"attempts to write it, without further warnings. Until one succeeds, the last checkpoint "
        f"is kept. Check the disk.",
        RuntimeWarning,
    )


def warn_of_one_class(label: object) -> None:
    """Warn that all samples of positive weight have the same label."""
    _warn(
        f"All samples are of one class, {label!r}, so the neuron can only learn to predict it. "
        f"Add samples of the other classes, and check that no filter has dropped them.",
        UserWarning,
    )


def warn_of_max_iter(max_iter: int, scales: Float64Array | None) -> None:
    """Warn that the steps ran out before the cost was flat.

    Parameters
    ----------
    max_iter : int
    scales : ndarray of shape (d,), or None
        The standard deviations of the features; None if the solver does not depend on them.
    """
    from sklearn.exceptions import ConvergenceWarning

    if scales is not None and unlike_scales(scales):
        remedy = (
            f"The features are not scaled: their standard deviations range from {min(scales):.2g} "
            f"to {max(scales):.2g}, and a step that is safe for the largest hardly moves the "
            f"others. Put a StandardScaler before the neuron, or use solver='lbfgs'."
        )
    else:
        remedy = "Raise max_iter, or raise tol if the model is good enough as it is."
    _warn(
        f"Training stopped at max_iter={max_iter} before the cost was flat. {remedy}",
        ConvergenceWarning,
    )


def unlike_scales(scales: Float64Array) -> bool:
    """Return whether features with these standard deviations should be scaled before a descent."""
    scales = scales[scales > 0.0]
    return len(scales) > 0 and max(scales) > _UNLIKE_SCALES * min(scales)


def warn_of_saturation(tol: float | None) -> None:
    """Warn that the gradient has vanished although the model is worse than a constant guess.

    Parameters
    ----------
    tol : float or None
        The tolerance, if training started at zero, where no neuron is saturated; otherwise None.
    """
    from sklearn.exceptions import ConvergenceWarning

    if tol is not None:
        _warn(
            f"Training stopped while the cost was higher than that of a constant guess: "
            f"tol={tol:g} is too large, as at least one class is rare. Use a smaller tol, such as "
            f"{tol / 100:g}.",
            ConvergenceWarning,
        )
        return
    _warn(
        "The neuron is saturated: its outputs are so close to 0 or 1 that the gradient is nearly "
        "0, but the cost is higher than that of a constant guess. It has not converged. Scale the "
        "features (StandardScaler), start from smaller weights (init=None) or try several starts "
        "(n_init).",
        ConvergenceWarning,
    )


def warn_of_separation() -> None:
    """Warn that the cost has no minimum, since a neuron or layer has all samples right."""
    from sklearn.exceptions import ConvergenceWarning

    _warn(
        "At least one class can be told from the others without an error, and alpha = 0, so the "
        "cost has no minimum: larger weights always cost less, and their size only tells when "
        "training stopped. Use alpha > 0.",
        ConvergenceWarning,
    )


def is_saturated(cost: float, guess_cost: float) -> bool:
    """Return whether training that came to rest at `cost` is worse than a constant guess."""
    return guess_cost > 0.0 and cost > _WORSE_THAN_A_GUESS * guess_cost


def warn_of_large_eta(eta: float, safe_eta: float, num_rises: int, num_steps: int) -> None:
    """Warn that the cost rose because the step size is far above the safe one.

    Parameters
    ----------
    eta : float
    safe_eta : float
    num_rises : int
        The number of steps that raised the cost.
    num_steps : int
    """
    _warn(
        f"The cost rose in {num_rises:,} of {num_steps:,} steps: eta = {eta:g} is "
        f"{eta / safe_eta:.3g} times {safe_eta:.2g}, the largest step size that is guaranteed "
        f"never to raise it. Use eta='auto' or a smaller eta.",
        RuntimeWarning,
    )
