"""Checks of the arguments that several pictures share, made before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .. import _checks
from .._formatting import counted
from .._results import Descent, History, Model


def check_axes(ax: Axes | None) -> None:
    """Raise TypeError unless a picture can be drawn on `ax`; None means the current Axes."""
    if ax is None or (isinstance(ax, Axes) and ax.name == "rectilinear" and ax.figure is not None):
        return
    found = type(ax).__name__
    if isinstance(ax, Axes):
        found = f"{ax.name} Axes" if ax.figure else "Axes without a figure"
    elif isinstance(ax, np.ndarray):
        found += ": pass one of its elements"
    raise TypeError(f"ax must be a single plain Axes, such as plt.subplots()[1], found {found}.")


def as_model(model: Any) -> Any:
    """Return the model; as a `Model` if it is the dict that the lecture's `build_model` returns."""
    if isinstance(model, Descent):
        raise TypeError(
            "model must be one of the descent's models, found the descent: pass descent.best or "
            "descent.last."
        )
    if not isinstance(model, Mapping):
        return model
    names = [f"w{j}" for j in range(1, max(2, len(model)))]
    if set(model) != {*names, "b"}:
        raise ValueError(f"model must have the keys {', '.join(names)} and b, found {list(model)}.")
    *weights, bias = (_checks.as_number(model[name], f"model[{name!r}]") for name in [*names, "b"])
    return Model(np.array(weights), bias, step=0, accuracy=np.nan, cost=np.nan)


def as_limits(limits: Any, name: str) -> tuple[float, float]:
    """Return the two ends of an axis, the lower one first; raise an error if they are not two."""
    if np.shape(limits) != (2,):
        raise ValueError(f"{name} must be two numbers, such as (-1, 1), found {limits!r}.")
    low, high = (_checks.as_number(limit, name) for limit in limits)
    # Beyond this, the length of the axis would overflow.
    if not low < high or max(abs(low), abs(high)) > 1e300:
        raise ValueError(
            f"{name} must be two numbers within 1e300 of 0, the lower one first, found {limits!r}."
        )
    return low, high


def as_names(labels: Iterable[str] | None, defaults: Sequence[str]) -> list[str]:
    """Return a name for each curve: those in `labels`, or the defaults, numbered if some are equal.

    A single text counts as a list of one.
    """
    if labels is None:
        if len(set(defaults)) == len(defaults):
            return [*defaults]
        return [f"{number}: {name}" for number, name in enumerate(defaults, 1)]
    if not np.iterable(labels):
        raise TypeError(f"labels must be a list of texts, found {labels!r}.")
    names = [labels] if isinstance(labels, str) else [str(label) for label in labels]
    if len(names) != len(defaults):
        raise ValueError(
            f"labels must have a text for each of {counted(len(defaults), 'curve')}, found "
            f"{len(names)}."
        )
    return names


def recorded_history(descent: Descent) -> History:
    """Return the history of a descent; raise an error if it recorded none."""
    if not isinstance(descent, Descent):
        raise TypeError(
            f"descent must be a Descent, the result of oneneuron.train, found "
            f"{type(descent).__name__}."
        )
    if len(descent.history.step) == 0:
        raise ValueError(
            "descent must have a history to draw, found none recorded: train with record_every=1 "
            "or more."
        )
    return descent.history
