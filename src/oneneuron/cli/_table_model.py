"""The model of `oneneuron fit`: neurons with the columns of a table that they need, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from reprlib import repr as shortened
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .._atomic_write import write_whole
from .._formatting import counted
from .._losses import LOSSES
from .._typing import AnyArray, Float64Array

_FORMAT = "oneneuron-model"
_VERSION = 2


@dataclass(frozen=True)
class NumberFeature:
    """A column of numbers x, which the neurons see as (x - mean) / scale.

    Attributes
    ----------
    name : str
    mean : float
    scale : float
        Above 0.
    fill : float or None
        The number that stands for a missing one; None if there must be no missing ones.
    weights : list of float
        One for each neuron.
    """

    name: str
    mean: float
    scale: float
    fill: float | None
    weights: list[float]


@dataclass(frozen=True)
class CategoryFeature:
    """A column of texts, for each of which the neurons see a 1 in one place and 0 in the others.

    Attributes
    ----------
    name : str
    categories : list of str
        The texts that have a weight. Any other text counts as none of them.
    weights : list of list of float
        For each category, one weight for each neuron.
    """

    name: str
    categories: list[str]
    weights: list[list[float]]


class Weight(NamedTuple):
    """A weight of a model with the names of what it connects.

    Attributes
    ----------
    column : str
        The name of the feature, and the category if it has categories: "colour = red".
    neuron : int
        The class that the weight speaks for: that with this number, or the second of two.
    value : float
    """

    column: str
    neuron: int
    value: float


@dataclass(frozen=True)
class TableModel:
    """A neuron for a table with two classes, or one for each class with more.

    With the numbers x that the neurons see, each computes z = weights . x + bias. With two classes,
    sigma(z) is the probability of the second. With more, the softmax of all z gives that of each.

    Attributes
    ----------
    target : str
        The name of the column with the classes.
    classes : list of str
        The names of two or more classes.
    loss : {"quadratic", "log"}
        What the training minimised. Predictions do not depend on it.
    missing : {"refuse", "mean"}
        Whether there is no prediction for a row in which a cell is missing. With "mean", a missing
        number is replaced by `fill`, and a missing text counts as none of the categories.
    features : list of NumberFeature or CategoryFeature
    bias : list of float
        One for each neuron.
    """

    target: str
    classes: list[str]
    loss: str
    missing: Literal["refuse", "mean"]
    features: list[NumberFeature | CategoryFeature]
    bias: list[float]

    @property
    def link(self) -> Literal["sigmoid", "softmax"]:
        """The function that makes probabilities of the neurons' z."""
        return "sigmoid" if len(self.classes) == 2 else "softmax"

    def predict(self, columns: Mapping[str, AnyArray]) -> tuple[NDArray[np.intp], Float64Array]:
        """Return the class of each row and the probabilities of all classes.

        Parameters
        ----------
        columns : mapping of str to ndarray of shape (n,)
            The column of each feature by its name: floats for numbers, with NaN where they are
            missing, and objects for categories, with None where they are missing.

        Returns
        -------
        codes : ndarray of shape (n,)
            The number of the class, from 0; -1 if there is no prediction, as a cell is missing or
            the numbers are too large to compute z.
        probabilities : ndarray of shape (n, k), float64
            NaN where there is no prediction.
        """
        from scipy.special import expit, softmax

        z: Float64Array = np.array(self.bias)
        with np.errstate(over="ignore", invalid="ignore"):
            for feature in self.features:
                z = z + self._terms(feature, columns[feature.name])
            if self.link == "sigmoid":
                probabilities = np.column_stack([expit(-z), expit(z)])
                codes = (z[:, 0] > 0).astype(np.intp)
            else:
                probabilities = softmax(z, axis=1)
                codes = z.argmax(axis=1)
        codes[np.isnan(probabilities).any(axis=1)] = -1
        return codes, probabilities

    def _terms(self, feature: NumberFeature | CategoryFeature, column: AnyArray) -> Float64Array:
        """Return what a feature adds to the z of each neuron, of shape (n, num_neurons)."""
        if isinstance(feature, NumberFeature):
            x = column if feature.fill is None else np.where(np.isnan(column), feature.fill, column)
            return np.multiply.outer((x - feature.mean) / feature.scale, feature.weights)
        none = [0.0] * len(self.bias)
        terms = np.array([*feature.weights, none])[category_codes(column, feature.categories)]
        if self.missing == "refuse":
            terms[[text is None for text in column]] = np.nan
        return terms

    def largest_weights(self, count: int) -> list[Weight]:
        """Return the weights of largest absolute value, largest first."""
        weights = [
            Weight(column, neuron if len(self.bias) > 1 else 1, value)
            for column, values in self.columns()
            for neuron, value in enumerate(values)
        ]
        return sorted(weights, key=lambda weight: -abs(weight.value))[:count]

    def columns(self) -> Iterator[tuple[str, list[float]]]:
        """Yield the name of each number that the neurons see, and its weight for each neuron."""
        for feature in self.features:
            if isinstance(feature, NumberFeature):
                yield feature.name, feature.weights
            else:
                for category, weights in zip(feature.categories, feature.weights, strict=True):
                    yield f"{feature.name} = {category}", weights

    def save(self, path: str) -> None:
        """Write the model to a JSON file, whole or not at all.

        Parameters
        ----------
        path : str

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        found = {"format": _FORMAT, "version": _VERSION, "link": self.link, **asdict(self)}
        write_whole(path, (json.dumps(found, indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: str) -> Self:
        """Read a model that `save` wrote, also with format version 1.

        Parameters
        ----------
        path : str

        Returns
        -------
        TableModel

        Raises
        ------
        ValueError
            If the file is not such a model, or if its parts contradict each other.
        OSError
            If the file cannot be read.
        """
        found = _read_json(path)
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise ValueError(
                f"{path} is not a model of `oneneuron fit`: name a file that this command saved, "
                f"by default model.json."
            )
        version = _part(found, "version", path)
        # Not `in`: a list has no hash, and True equals 1.
        if type(version) is not int or version not in (1, _VERSION):
            raise ValueError(
                f"{path} must have format version 1 or {_VERSION}, found {shortened(version)}: "
                f"update oneneuron, or train the model again with `oneneuron fit`."
            )
        parts = _parts_of_version_1(found, path) if version == 1 else found
        return cls(**_checked_parts(parts, path))


def category_codes(column: Iterable[object], categories: Sequence[str]) -> NDArray[np.intp]:
    """Return the number of the category in each cell, from 0; -1 if it is none of them."""
    code_of: dict[object, int] = {category: code for code, category in enumerate(categories)}
    return np.array([code_of.get(text, -1) for text in column], np.intp)


# --- Reading ---


def _read_json(path: str) -> Any:
    """Return what is in a JSON file; None if it cannot be parsed."""
    with open(path, encoding="utf-8-sig") as file:
        try:
            return json.load(file)
        # Not UTF-8, not JSON, a number of too many digits, or brackets nested too deeply.
        except (ValueError, RecursionError):
            return None


def _part(found: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in found:
        raise ValueError(f"{what} lacks {name}: train the model again with `oneneuron fit`.")
    return found[name]


def _parts_of_version_1(found: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a model of format version 1, of numbers and two classes, in the present form."""
    names = ("features", "target", "classes", "mean", "scale", "weights", "bias")
    parts = {name: _part(found, name, path) for name in names}
    features = parts["features"]
    if not isinstance(features, list):
        raise _unexpected(f"{path}: features", "a list of names", features)
    columns = [_numbers(parts[name], len(features), f"{path}: {name}") for name in names[3:6]]
    return {
        "target": parts["target"], "classes": parts["classes"], "bias": [parts["bias"]],
        "link": "sigmoid", "loss": "quadratic", "missing": "refuse",
        "features": [
            {"name": name, "mean": mean, "scale": scale, "fill": None, "weights": [weight]}
            for name, mean, scale, weight in zip(features, *columns, strict=True)
        ],
    }  # fmt: skip


def _checked_parts(found: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the parts of a model; raise ValueError if they contradict each other."""
    target = _part(found, "target", path)
    if not isinstance(target, str):
        raise _unexpected(f"{path}: target", "a name", target)
    classes = _different_strings(_part(found, "classes", path), f"{path}: classes")
    if len(classes) < 2:
        raise _unexpected(f"{path}: classes", "two classes or more", classes)
    link = "sigmoid" if len(classes) == 2 else "softmax"
    for name, allowed in (
        ("link", (link,)), ("loss", tuple(LOSSES)), ("missing", ("refuse", "mean")),
    ):  # fmt: skip
        if (value := _part(found, name, path)) not in allowed:
            raise _unexpected(f"{path}: {name}", " or ".join(map(repr, allowed)), value)
    num_neurons = 1 if len(classes) == 2 else len(classes)
    features = _part(found, "features", path)
    if not isinstance(features, list) or not features:
        raise _unexpected(f"{path}: features", "a list of one feature or more", features)
    checked = [_feature(feature, num_neurons, found["missing"], path) for feature in features]
    _different_strings([feature.name for feature in checked], f"{path}: the names of features")
    return {
        "target": target, "classes": classes, "loss": found["loss"], "missing": found["missing"],
        "features": checked,
        "bias": _numbers(_part(found, "bias", path), num_neurons, f"{path}: bias"),
    }  # fmt: skip


def _feature(
    found: Any, num_neurons: int, missing: str, path: str
) -> NumberFeature | CategoryFeature:
    """Return a checked feature."""
    if not isinstance(found, dict):
        raise _unexpected(f"{path}: a feature", "an object with a name and weights", found)
    name = _part(found, "name", f"{path}: a feature")
    if not isinstance(name, str):
        raise _unexpected(f"{path}: the name of a feature", "a text", name)
    what = f"{path}: feature {shortened(name)}"
    weights = _part(found, "weights", what)
    if "categories" in found:
        categories = _different_strings(found["categories"], f"{what}: categories")
        if not _is_list(weights, len(categories)):
            raise _unexpected(f"{what}: weights", "a list for each category", weights)
        return CategoryFeature(
            name, categories, [_numbers(row, num_neurons, f"{what}: weights") for row in weights]
        )
    (mean,) = _numbers([_part(found, "mean", what)], 1, f"{what}: mean")
    (scale,) = _numbers([_part(found, "scale", what)], 1, f"{what}: scale")
    if scale <= 0:
        raise _unexpected(f"{what}: scale", "above 0", scale)
    fill = _part(found, "fill", what)
    if (fill is None) != (missing == "refuse"):
        raise _unexpected(f"{what}: fill", "a number if missing is 'mean', or else null", fill)
    if fill is not None:
        (fill,) = _numbers([fill], 1, f"{what}: fill")
    return NumberFeature(
        name, mean, scale, fill, _numbers(weights, num_neurons, f"{what}: weights")
    )


def _numbers(value: Any, count: int, what: str) -> list[float]:
    if not _is_list(value, count) or not all(map(_is_finite_number, value)):
        raise _unexpected(what, counted(count, "finite number"), value)
    return [float(number) for number in value]


def _is_list(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count


def _different_strings(value: Any, what: str) -> list[str]:
    are_strings = isinstance(value, list) and all(isinstance(text, str) for text in value)
    if not are_strings or len(set(value)) < len(value):
        raise _unexpected(what, "different names", value)
    names: list[str] = value
    return names


def _is_finite_number(value: Any) -> bool:
    # A whole number in JSON may be larger than any float.
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _unexpected(what: str, expected: str, found: object) -> ValueError:
    # An ordinary repr of a number or list from a file may be as long as the file.
    return ValueError(f"{what} must be {expected}, found {shortened(found)}.")
