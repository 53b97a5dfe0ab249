"""The predictions of any kind of model at given points, in one common form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from .._typing import AnyArray, Float64Array
from ._samples import classes_of


class Classifier(Protocol):
    """A fitted classifier; `predict_proba` and `decision_function` are used if it has them."""

    def predict(self, X: Any, /) -> Any:
        """Return the label of each row of X."""


@dataclass(frozen=True)
class Predictions:
    """The predictions of a model at m points.

    Attributes
    ----------
    classes : list of k labels
    scores : ndarray of shape (m, k), float64
        The class with the highest score wins; in a tie, the first of them.
    are_probabilities : bool
        Whether the scores are probabilities.
    """

    classes: list[Any]
    scores: Float64Array
    are_probabilities: bool


def predict_in_chunks(model: Any, chunks: Iterable[Any], labels: list[Any]) -> Predictions:
    """Return the predictions of a classifier or a function for all chunks of points together.

    Each chunk is a table like X. `labels` are the labels of the samples: they give the classes of a
    model that has no `classes_`.
    """
    classes = np.asarray(model.classes_).tolist() if hasattr(model, "classes_") else None
    if hasattr(model, "predict_proba"):
        return _from_probabilities(
            _call_on_chunks(model.predict_proba, chunks),
            classes_of(labels) if classes is None else classes,
        )
    if classes is not None and len(classes) == 2 and hasattr(model, "decision_function"):
        scores = _call_on_chunks(model.decision_function, chunks)
        return Predictions(classes, _as_scores(np.column_stack([-scores, scores]), 2), False)
    output = _call_on_chunks(_predict_function(model), chunks)
    if output.ndim == 2 and output.shape[1] == 1:
        output = output[:, 0]
    if classes is not None:
        return _from_labels(output, classes)
    return _from_labels_or_probabilities(output, classes_of(labels))


def _predict_function(model: Any) -> Callable[[Any], ArrayLike]:
    """Return the function that predicts labels or probabilities from a table of points."""
    predict: Callable[[Any], ArrayLike] = getattr(model, "predict", model)
    if not callable(predict):
        raise TypeError(
            f"model must be a fitted classifier, a neuron or a function, found "
            f"{type(model).__name__}."
        )
    return predict


def _call_on_chunks(function: Callable[[Any], ArrayLike], chunks: Iterable[Any]) -> AnyArray:
    """Return the output of a model's function for all chunks, as one array."""
    return np.concatenate([_call(function, points) for points in chunks])


def _call(function: Callable[[Any], ArrayLike], points: Any) -> AnyArray:
    """Return the output of a model's function for one chunk, as an array of checked length."""
    try:
        output = np.asarray(function(points))
    except Exception as error:
        raise ValueError(
            f"model failed on points of shape {points.shape}, in a table like X: "
            f"{type(error).__name__}: {error}"
        ) from error
    if output.ndim not in (1, 2) or len(output) != len(points):
        raise ValueError(
            f"model must return one prediction for each of {len(points):,} points, found shape "
            f"{output.shape}."
        )
    return output


def _from_labels_or_probabilities(output: AnyArray, classes: list[Any]) -> Predictions:
    """Return the predictions of a model that may return labels or probabilities."""
    if output.ndim == 2:
        return _from_probabilities(output, classes)
    if output.dtype.kind != "f" or _are_labels(output, classes):
        return _from_labels(output, classes)
    if len(classes) != 2:
        raise ValueError(
            "model must return labels, or a probability for each class, unless there are two "
            f"classes, found shape {output.shape} and the classes {classes}."
        )
    return _from_probabilities(np.column_stack([1 - output, output]), classes)


def _are_labels(floats: AnyArray, classes: list[Any]) -> bool:
    """Return whether floats are labels; for 0.0 and 1.0 alone, this depends on the type of y."""
    are_among = set(floats.tolist()) <= set(classes)
    return are_among and (isinstance(classes[0], float) or floats.min() < 0 or floats.max() > 1)


def _from_probabilities(output: AnyArray, classes: list[Any]) -> Predictions:
    scores = _as_scores(output, len(classes))
    if scores.min() < -1e-6 or scores.max() > 1 + 1e-6:
        raise ValueError(
            f"model must return probabilities from 0 to 1, found {scores.min():.3g} to "
            f"{scores.max():.3g}."
        )
    return Predictions(classes, scores, True)


def _as_scores(output: AnyArray, num_classes: int) -> Float64Array:
    """Return one finite number for each point and class."""
    if output.ndim != 2 or output.shape[1] != num_classes:
        raise ValueError(
            f"model must return a probability for each of {num_classes} classes, found shape "
            f"{output.shape}: the classes are those in classes_ of a classifier, or else in y."
        )
    try:
        scores = output.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"model must return numbers as probabilities: {error}.") from error
    if not np.isfinite(scores).all():
        raise ValueError("model must return finite numbers, found NaN or infinity.")
    return scores


def _from_labels(output: AnyArray, classes: list[Any]) -> Predictions:
    """Return predictions with a score of 1 for the class of each label."""
    if output.ndim != 1:
        raise ValueError(f"model must return one label for each point, found shape {output.shape}.")
    labels = output.tolist()
    classes = classes_of(classes, labels)
    index = {label: i for i, label in enumerate(classes)}
    return Predictions(classes, np.eye(len(classes))[[index[label] for label in labels]], False)
