"""The model of `oneneuron fit`: a neuron with the names and scales of its columns, as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from .._atomic_write import write_whole
from .._typing import Float64Array

_FORMAT = "oneneuron-model"
_VERSION = 1


@dataclass(frozen=True)
class TableModel:
    """A neuron for the columns of a table: f = sigma(weights . (x - mean) / scale + bias).

    Attributes
    ----------
    features : list of d str
        The names of the columns.
    target : str
        The name of the column with the classes.
    classes : list of two str
        The names of the classes; f is the probability of the second.
    mean : list of d floats
    scale : list of d floats, above 0
    weights : list of d floats
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
        """Return the probability of the second class for each sample.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            The samples, not scaled.

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        ValueError
            If w.x + b of a sample cannot be computed because its numbers are too large.
        """
        from scipy.special import expit

        with np.errstate(over="ignore", invalid="ignore"):
            z = (X - np.array(self.mean)) / self.scale @ np.array(self.weights) + self.bias
        if np.isnan(z).any():
            raise ValueError(
                f"row {int(np.isnan(z).argmax()) + 1} has numbers too large to compute w.x + b: "
                f"correct or drop it."
            )
        f: Float64Array = expit(z)
        return f

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
        found = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        write_whole(path, (json.dumps(found, indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: str) -> Self:
        """Read a model that `save` wrote.

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
        with open(path, encoding="utf-8") as file:
            try:
                found = json.load(file)
            except ValueError:
                found = None  # refused below, like any other file
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise ValueError(
                f"{path} is not a model of `oneneuron fit`: name a file that this command saved, "
                f"by default model.json."
            )
        names = list(cls.__dataclass_fields__)
        missing = [name for name in ("version", *names) if name not in found]
        if missing:
            raise ValueError(
                f"{path} lacks {', '.join(missing)}: train the model again with `oneneuron fit`."
            )
        if found["version"] != _VERSION:
            raise ValueError(
                f"{path} must have format version {_VERSION}, found {found['version']!r}: update "
                f"oneneuron, or train the model again with `oneneuron fit`."
            )
        model = cls(**{name: found[name] for name in names})
        model._check(path)
        return model

    def _check(self, path: str) -> None:
        """Raise ValueError if the parts of the model have wrong types or contradict each other."""
        for name, names in (("features", self.features), ("classes", self.classes)):
            if not _are_different_strings(names):
                raise ValueError(f"{path}: {name} must be different names, found {names!r}.")
        if not self.features or len(self.classes) != 2 or not isinstance(self.target, str):
            raise ValueError(f"{path} must have a feature, the name of the target and two classes.")
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
