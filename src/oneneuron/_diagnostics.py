"""Warnings and errors about what went wrong in training, each with its remedy.

`train`, `build_model`, the classifier and the command line share these rules. Each looks at an
`Ending`, and has a remedy for each caller.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ._formatting import counted, rounded
from ._typing import Float64Array

# Features whose standard deviations differ by more than this factor visibly slow a descent down.
_UNLIKE_SCALES = 30.0

# So does a feature whose mean is more than this multiple of its standard deviation.
_FAR_FROM_ZERO = 30.0

# If the cost exceeds that of a constant guess by more than this factor, the training did not merely
# stop a little early.
_WORSE_THAN_A_GUESS = 1.01

# If the cost rises, there is a warning only for step sizes above this multiple of 1/L. Smaller ones
# may be fine, since the bound L is cautious.
_FAR_ABOVE_SAFE = 4.0

# Steps below this multiple of 1/L hardly move a neuron. The lecture's are a hundredth.
_FAR_BELOW_SAFE = 1e-3

# After fewer steps, there are warnings only of divergence and of a rising cost.
ENOUGH_STEPS = 100


class Advice(NamedTuple):
    """The remedies that a caller's arguments offer, as sentences.

    Attributes
    ----------
    scale : str
        How to scale the features.
    restart : str
        How to start elsewhere.
    go_on : str
        How to make more steps.
    """

    scale: str
    restart: str
    go_on: str


OF_TRAIN = Advice(
    scale="Scale the features, for example with scikit-learn's StandardScaler.",
    restart="Scale the features, for example with scikit-learn's StandardScaler, or start from "
    "smaller weights (init).",
    go_on="Make more steps (num_steps), or larger ones: eta='auto' makes safe ones.",
)
OF_BUILD_MODEL = OF_TRAIN._replace(restart=OF_TRAIN.scale)
OF_CLASSIFIER = Advice(
    scale="Put a StandardScaler before the neuron, or use solver='lbfgs'.",
    restart="Scale the features (StandardScaler), start from smaller weights (init=None) or try "
    "several starts (n_init).",
    go_on="Raise max_iter, or raise tol if the model is good enough as it is.",
)


@dataclass(frozen=True)
class Ending:
    """How the training of a model ended.

    Values that take passes over the samples are functions, called only if a rule needs them.

    Attributes
    ----------
    num_steps : int
    cost : float
        The cost after the last step.
    guess_cost : float
        The cost of the best constant prediction; 0 if all samples are of one class.
    num_rises : int
        The number of steps that raised the cost.
    eta : float or None
        The step size of gradient descent; None for L-BFGS.
    is_flat : callable
        ``is_flat()`` says whether all derivatives of the cost are nearly 0 after the last step.
    means : callable
        ``means()`` returns the mean of each feature, of shape (d,).
    scales : callable
        ``scales()`` returns the standard deviation of each feature, of shape (d,).
    safe_eta : callable
        ``safe_eta()`` returns 1/L, a step size that is guaranteed never to raise the cost.
    """

    num_steps: int
    cost: float
    guess_cost: float
    num_rises: int
    eta: float | None
    is_flat: Callable[[], bool]
    means: Callable[[], Float64Array]
    scales: Callable[[], Float64Array]
    safe_eta: Callable[[], float]

    @property
    def is_worse_than_a_guess(self) -> bool:
        """Whether a constant prediction would have cost clearly less."""
        return self.guess_cost > 0.0 and self.cost > _WORSE_THAN_A_GUESS * self.guess_cost

    @property
    def has_too_large_steps(self) -> bool:
        """Whether the cost rose because the step size is far above the safe one."""
        return (
            self.eta is not None
            and self.num_rises > 0
            and self.eta > _FAR_ABOVE_SAFE * self.safe_eta()
        )


def warn_of_descent(ending: Ending, advice: Advice) -> None:
    """Warn if a descent that made all its steps failed, and say why.

    Parameters
    ----------
    ending : Ending
    advice : Advice
        The remedies that the caller offers.
    """
    if ending.has_too_large_steps:
        warn_of_large_eta(ending)
    elif ending.num_steps < ENOUGH_STEPS:
        return
    elif ending.is_flat():
        if ending.is_worse_than_a_guess:
            _warn(_saturation(ending, advice), RuntimeWarning)
    else:
        reason = reason_for_slowness(ending, advice)
        steps = counted(ending.num_steps, "step")
        if ending.is_worse_than_a_guess:
            _warn(
                f"The neuron has learned nothing: after {steps}, {_cost_above_guess(ending)}. "
                f"{reason or advice.go_on}",
                RuntimeWarning,
            )
        elif reason is not None:
            _warn(
                f"The neuron has learned little: after {steps}, the cost is still falling. "
                f"{reason}",
                RuntimeWarning,
            )


def reason_for_slowness(ending: Ending, advice: Advice) -> str | None:
    """Return why a descent is slow, with the remedy, if there is a reason apart from few steps."""
    if ending.eta is None:
        return None
    fault, effect = _fault_of_features(ending)
    if fault:
        return f"{fault}{effect}{advice.scale}"
    if ending.eta < _FAR_BELOW_SAFE * ending.safe_eta():
        return (
            f"Its steps are too small: {_eta_and_safe_eta(ending.eta, ending.safe_eta())}. "
            f"Use eta='auto' or a larger eta."
        )
    return None


def _fault_of_features(ending: Ending) -> tuple[str, str]:
    """Return what is wrong with the features, and how that slows a descent down, as sentences.

    Both are empty if nothing is wrong.
    """
    means, scales = ending.means(), ending.scales()
    if unlike_scales(scales):
        return (
            f"The features are not scaled: their standard deviations range from "
            f"{min(scales[scales > 0.0]):.2g} to {max(scales):.2g}. ",
            "A step that is safe for the largest hardly moves the others. ",
        )
    distances = [abs(mean) / scale for mean, scale in zip(means, scales, strict=True) if scale > 0]
    if distances and max(distances) > _FAR_FROM_ZERO:
        return (
            f"A feature is far from zero: its mean is {max(distances):.3g} times its standard "
            f"deviation. ",
            "A step that is safe for the mean hardly moves anything else. ",
        )
    return "", ""


def _eta_and_safe_eta(eta: float, safe_eta: float) -> str:
    ratio = eta / safe_eta
    size = f"{rounded(ratio)} times" if math.isfinite(ratio) else "far above"
    return (
        f"eta = {eta:g} is {size} {safe_eta:.2g}, a step size that is guaranteed never to "
        f"raise the cost (1/L)"
    )


def _cost_above_guess(ending: Ending) -> str:
    return (
        f"the cost is {rounded(ending.cost)}, and the same answer to every sample would cost only "
        f"{rounded(ending.guess_cost)}"
    )


def _saturation(ending: Ending, advice: Advice) -> str:
    fault, _ = _fault_of_features(ending)
    return (
        f"The neuron is saturated and has learned nothing: its outputs are so close to 0 or 1 that "
        f"the gradient is nearly 0, but {_cost_above_guess(ending)}. {fault}{advice.restart}"
    )


def _warn(message: str, category: type[Warning]) -> None:
    """Warn at the line that called this package, past any wrapper of scikit-learn around `fit`."""
    frame = sys._getframe(2)
    while frame.f_back is not None and _is_inner(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    # Unlike warnings.warn, this does not suppress a warning that the same line has given before:
    # in a terminal, every line is line 1.
    warnings.warn_explicit(
        message, category, frame.f_code.co_filename, frame.f_lineno,
        module=frame.f_globals.get("__name__"),
    )  # fmt: skip


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


def warn_of_divergence(step: int, eta: float, safe_eta: Callable[[], float]) -> None:
    """Warn that a descent stopped because its next parameters would not have been finite.

    Parameters
    ----------
    step : int
        The number of steps made.
    eta : float
        The step size.
    safe_eta : callable
        As in `Ending`. It may raise ValueError if the features are too large.
    """
    try:
        reason = _eta_and_safe_eta(eta, safe_eta())
    except ValueError:
        reason = f"eta = {eta:g} is too large for these features"
    _warn(
        f"Training stopped at step {step:,}, since the next step would have made the parameters "
        f"infinite: {reason}. Use eta='auto' or a smaller eta, or scale the features. The models "
        f"found before are kept.",
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


def warn_of_max_iter(ending: Ending) -> None:
    """Warn that the steps of a classifier ran out before the cost was flat."""
    from sklearn.exceptions import ConvergenceWarning

    remedy = reason_for_slowness(ending, OF_CLASSIFIER) or OF_CLASSIFIER.go_on
    _warn(
        f"Training stopped at max_iter={ending.num_steps} before the cost was flat. {remedy}",
        ConvergenceWarning,
    )


def unlike_scales(scales: Float64Array) -> bool:
    """Return whether features with these standard deviations should be scaled before a descent."""
    scales = scales[scales > 0.0]
    return len(scales) > 0 and max(scales) > _UNLIKE_SCALES * min(scales)


def warn_of_saturation(ending: Ending, tol: float | None) -> None:
    """Warn that the gradient of a classifier has vanished although it is worse than a guess.

    Parameters
    ----------
    ending : Ending
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
    _warn(_saturation(ending, OF_CLASSIFIER), ConvergenceWarning)


def warn_of_separation() -> None:
    """Warn that the cost has no minimum, since a neuron or layer has all samples right."""
    from sklearn.exceptions import ConvergenceWarning

    _warn(
        "At least one class can be told from the others without an error, and alpha = 0, so the "
        "cost has no minimum: larger weights always cost less, and their size only tells when "
        "training stopped. Use alpha > 0.",
        ConvergenceWarning,
    )


def warn_of_large_eta(ending: Ending) -> None:
    """Warn that the cost rose because the step size is far above the safe one."""
    assert ending.eta is not None
    fault, _ = _fault_of_features(ending)
    use = "Scale the features first, then use" if fault else "Use"
    _warn(
        f"The cost rose in {ending.num_rises:,} of {ending.num_steps:,} steps: "
        f"{_eta_and_safe_eta(ending.eta, ending.safe_eta())}. {fault}{use} "
        f"eta='auto' or a smaller eta.",
        RuntimeWarning,
    )
