"""What a model says of points, whichever way it says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from .._results import Descent, Model
from .._typing import AnyArray, Float64Array
from ._samples import classes_of


class Classifier(Protocol):
    """A fitted classifier; it may have other ways to be asked, too."""

    def predict(self, X: Any, /) -> Any:
        """The label of each row of X."""


@dataclass(frozen=True)
class Answers:
    """Scores (m, k) of m points for k classes: the highest wins, the first of equal ones."""

    labels: list[Any]
    scores: Float64Array
    are_probabilities: bool


def ask(model: Any, slabs: Iterable[Any], labels: list[Any]) -> Answers:
    """The answers of a classifier or a function to tables of points.

    `labels` are those of the samples: a function's classes, if its answers do not tell.
    """
    classes = np.asarray(model.classes_).tolist() if hasattr(model, "classes_") else None
    if hasattr(model, "predict_proba"):
        return _from_probabilities(
            _call(model.predict_proba, slabs), classes_of(labels) if classes is None else classes
        )
    if classes is not None and len(classes) == 2 and hasattr(model, "decision_function"):
        scores = _call(model.decision_function, slabs)
        return Answers(classes, _finite(np.column_stack([-scores, scores]), 2), False)
    said = _call(_predict_of(model), slabs)
    if said.ndim == 2 and said.shape[1] == 1:
        said = said[:, 0]
    if classes is not None:
        return _from_labels(said, classes)
    return _from_either(said, classes_of(labels))


def _predict_of(model: Any) -> Callable[[Any], ArrayLike]:
    if isinstance(model, Model):
        return partial(_output, model)
    if isinstance(model, Descent):
        raise TypeError("model must be one of the descent's models: descent.best or descent.last.")
    predict: Callable[[Any], ArrayLike] = getattr(model, "predict", model)
    if not callable(predict):
        raise TypeError(
            f"model must be a fitted classifier or a function, found {type(model).__name__}."
        )
    return predict


def _output(model: Model, points: ArrayLike) -> Float64Array:
    """The neuron's f, in float64."""
    f: Float64Array = expit(np.asarray(points, dtype=np.float64) @ model.weights + model.bias)
    return f


def _call(function: Callable[[Any], ArrayLike], slabs: Iterable[Any]) -> AnyArray:
    """The answers to all slabs, as one array."""
    return np.concatenate([_call_once(function, points) for points in slabs])


def _call_once(function: Callable[[Any], ArrayLike], points: Any) -> AnyArray:
    try:
        said = np.asarray(function(points))
    except Exception as error:
        raise ValueError(
            f"model must answer for points of shape {points.shape} in a table like X, it failed: "
            f"{type(error).__name__}: {error}"
        ) from error
    if said.ndim not in (1, 2) or len(said) != len(points):
        raise ValueError(
            f"model must return an answer for each of {len(points)} points, found shape "
            f"{said.shape}."
        )
    return said


def _from_either(said: AnyArray, classes: list[Any]) -> Answers:
    """What a function returned: probabilities if it can be, else labels."""
    if said.ndim == 2:
        return _from_probabilities(said, classes)
    if said.dtype.kind != "f" or _are_labels(said, classes):
        return _from_labels(said, classes)
    if len(classes) != 2:
        raise ValueError(
            "model must return a number for each class of each point, or labels, unless there are "
            f"two classes, found shape {said.shape} and the classes {classes}."
        )
    return _from_probabilities(np.column_stack([1 - said, said]), classes)


def _are_labels(floats: AnyArray, classes: list[Any]) -> bool:
    """Whether floats are labels: 1.0 may be a label or a certainty, which y's own type decides."""
    are_among = set(floats.tolist()) <= set(classes)
    return are_among and (isinstance(classes[0], float) or floats.min() < 0 or floats.max() > 1)


def _from_probabilities(said: AnyArray, classes: list[Any]) -> Answers:
    scores = _finite(said, len(classes))
    if scores.min() < -1e-6 or scores.max() > 1 + 1e-6:
        raise ValueError(
            f"model must return probabilities from 0 to 1, found {scores.min():.3g} to "
            f"{scores.max():.3g}."
        )
    return Answers(classes, scores, True)


def _finite(said: AnyArray, num_classes: int) -> Float64Array:
    if said.ndim != 2 or said.shape[1] != num_classes:
        raise ValueError(
            f"model must return a probability for each of {num_classes} classes, found shape "
            f"{said.shape}: the classes are classes_ of a classifier, else the labels in y."
        )
    try:
        scores = said.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"model must return numbers as probabilities: {error}.") from error
    if not np.isfinite(scores).all():
        raise ValueError("model must return finite numbers, found NaN or infinity.")
    return scores


def _from_labels(said: AnyArray, classes: list[Any]) -> Answers:
    """A score of 1 for the class that was named."""
    if said.ndim != 1:
        raise ValueError(f"model must return a label for each point, found shape {said.shape}.")
    named = said.tolist()
    classes = classes_of(classes, named)
    places = {label: place for place, label in enumerate(classes)}
    return Answers(classes, np.eye(len(classes))[[places[label] for label in named]], False)
