"""The model of `oneneuron fit`: a neuron with the names and scales of its columns, as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from .._typing import Float64Array
from ._files import write_whole

_FORMAT = "oneneuron-model"
_VERSION = 1


@dataclass(frozen=True)
class TableModel:
    """A neuron for a table: x is scaled as (x - mean) / scale, then f = sigma(weights.x + bias).

    Attributes
    ----------
    features : list of str, d column names
    target : str
    classes : list of the two class names; f is the probability of the second
    mean, scale, weights : lists of d floats
    bias : float
    """

    features: list[str]
    target: str
    classes: list[str]
    mean: list[float]
    scale: list[float]
    weights: list[float]
    bias: float

    def predict_proba(self, X: Float64Array) -> Float64Array:
        """Probability of the second class, shape (n,), for unscaled X of shape (n, d).

        Raises
        ------
        ValueError
            If a row is so large that it has no probability.
        """
        from scipy.special import expit

        with np.errstate(over="ignore", invalid="ignore"):
            z = (X - np.array(self.mean)) / self.scale @ np.array(self.weights) + self.bias
        if np.isnan(z).any():
            raise ValueError(
                f"row {int(np.isnan(z).argmax()) + 1} is too large for w.x + b to be a number: "
                f"correct it or drop it."
            )
        f: Float64Array = expit(z)
        return f

    def save(self, path: str) -> None:
        """Write the model as JSON, whole or not at all."""
        found = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        write_whole(path, (json.dumps(found, indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: str) -> Self:
        """Read a model that `save` wrote.

        Raises
        ------
        ValueError
            If the file is something else, or its parts do not fit each other.
        OSError
            If the file can't be read.
        """
        with open(path, encoding="utf-8") as file:
            try:
                found = json.load(file)
            except ValueError:
                found = None  # no JSON is as good as another file's
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise ValueError(
                f"{path} is no model of `oneneuron fit`: name the file that it wrote, model.json "
                f"unless told otherwise."
            )
        names = list(cls.__dataclass_fields__)
        missing = [name for name in ("version", *names) if name not in found]
        if missing:
            raise ValueError(f"{path} lacks {', '.join(missing)}: write it again with fit.")
        if found["version"] != _VERSION:
            raise ValueError(
                f"{path} must be of version {_VERSION}, found {found['version']!r}: update "
                f"oneneuron or write it again with fit."
            )
        model = cls(**{name: found[name] for name in names})
        model._check(path)
        return model

    def _check(self, path: str) -> None:
        for name, names in (("features", self.features), ("classes", self.classes)):
            if not _are_different_strings(names):
                raise ValueError(f"{path}: {name} must be different names, found {names!r}.")
        if not self.features or len(self.classes) != 2 or not isinstance(self.target, str):
            raise ValueError(f"{path} must have a feature, the target's name and two classes.")
        d = len(self.features)
        for name in ("mean", "scale", "weights"):
            values = getattr(self, name)
            if not isinstance(values, list) or len(values) != d:
                raise ValueError(
                    f"{path}: {name} must be {d} numbers, one for each feature, found {values!r}."
                )
        numbers = [*self.mean, *self.scale, *self.weights, self.bias]
        if not all(map(_is_finite_number, numbers)):
            raise ValueError(f"{path}: mean, scale, weights and bias must be finite numbers.")
        if min(self.scale) <= 0:
            raise ValueError(f"{path}: scale must be above 0, found {min(self.scale)}.")


def _are_different_strings(names: object) -> bool:
    return (
        isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and len(set(names)) == len(names)
    )


def _is_finite_number(value: Any) -> bool:
    # A whole number in JSON may be larger than any float.
    return type(value) in (int, float) and abs(value) <= sys.float_info.max
