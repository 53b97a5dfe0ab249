"""Somebody's own table: a CSV in, and the trained neuron as a JSON file that stands alone."""

import csv
import json
import math
import os
import tempfile
from dataclasses import asdict, dataclass

import numpy as np

_FORMAT = "oneneuron-model-1"


def read_columns(path):
    """The cells of a CSV with a header line: a dict of column name to list of strings.

    Raises
    ------
    ValueError
        For no rows, a column named twice or not at all, or a row of another length.
    OSError
        If the file can't be read.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        if not header or "" in header or len(set(header)) < len(header):
            raise ValueError(
                f"{path} must start with a header line of different column names, found {header}."
            )
        rows = []
        for row in reader:
            if row and len(row) != len(header):
                raise ValueError(
                    f"{path}, line {reader.line_num}, must have {len(header)} cells as its header "
                    f"does, found {len(row)}."
                )
            rows += [row] if row else []
    if not rows:
        raise ValueError(f"{path} must have rows below its header line, found none.")
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def features_of(columns, names, path):
    """The named columns as a float64 array (n, d).

    Raises
    ------
    ValueError
        For a column that is missing, or a cell that is empty, text, NaN or infinite.
    """
    for name in names:
        if name not in columns:
            raise ValueError(f"{path} must have the column {name!r}, found {', '.join(columns)}.")
    return np.array([[_number(cell, i, name, path) for i, cell in enumerate(columns[name])]
                     for name in names]).T  # fmt: skip


def _number(cell, row, name, path):
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        found = repr(cell) if cell.strip() else "an empty cell"
        raise ValueError(
            f"{path}, row {row + 1} below the header, column {name!r}: a feature must be a finite "
            f"number, found {found}. Fill it in, or drop the row or the column."
        )
    return value


def labels_of(columns, target, path):
    """The target column as booleans, true for the second of its two classes, and their names.

    Raises
    ------
    ValueError
        If there is no such column, a cell is empty, or there are not two classes.
    """
    if target not in columns:
        raise ValueError(f"--target must be a column of {path}, found {target!r}; "
                         f"there are {', '.join(columns)}.")  # fmt: skip
    cells = [cell.strip() for cell in columns[target]]
    if "" in cells:
        raise ValueError(
            f"{path}, row {cells.index('') + 1} below the header, column {target!r}: the class is "
            f"an empty cell. Fill it in or drop the row."
        )
    classes = sorted(set(cells))
    if len(classes) != 2:
        raise ValueError(
            f"{path}, column {target!r}, must have two classes, found {len(classes)}: "
            f"{', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}."
        )
    return np.array(cells) == classes[1], classes


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

    features: list
    target: str
    classes: list
    mean: list
    scale: list
    weights: list
    bias: float

    def probabilities(self, X):
        """Probability of the second class, shape (n,), for unscaled X of shape (n, d)."""
        from scipy.special import expit

        return expit((X - self.mean) / self.scale @ np.array(self.weights) + self.bias)

    def save(self, path):
        """Write the model as JSON, whole or not at all."""
        write_whole(path, json.dumps({"format": _FORMAT, **asdict(self)}, indent=2) + "\n")

    @classmethod
    def load(cls, path):
        """Read a model that `save` wrote.

        Raises
        ------
        ValueError
            If the file is something else, or its parts do not fit each other.
        """
        with open(path, encoding="utf-8") as file:
            try:
                found = json.load(file)
            except ValueError as error:
                raise ValueError(f"{path} must be a model that fit wrote: {error}.") from error
        if not isinstance(found, dict) or found.pop("format", None) != _FORMAT:
            raise ValueError(f"{path} must be a model that fit wrote: its format is unknown.")
        names = list(cls.__dataclass_fields__)
        missing = [name for name in names if name not in found]
        if missing:
            raise ValueError(
                f"{path} must have {', '.join(names)}, but lacks {', '.join(missing)}."
            )
        model = cls(**{name: found[name] for name in names})
        model._check(path)
        return model

    def _check(self, path):
        d = len(self.features)
        for name in ("mean", "scale", "weights"):
            values = getattr(self, name)
            if not isinstance(values, list) or len(values) != d:
                raise ValueError(
                    f"{path}: {name} must be {d} numbers, one for each feature, found {values!r}."
                )
        numbers = [*self.mean, *self.scale, *self.weights, self.bias]
        if not all(isinstance(v, (int, float)) and math.isfinite(v) for v in numbers):
            raise ValueError(f"{path}: mean, scale, weights and bias must be finite numbers.")
        if 0 in self.scale or len(self.classes) != 2:
            raise ValueError(f"{path}: scale must have no zero, and classes two names.")


def check_writable(path):
    """Raise OSError if a file can't be written there, and leave nothing behind."""
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder: name a file in it.")
    handle, name = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))
    os.close(handle)
    os.unlink(name)


def write_whole(path, text):
    """Write a file whole or not at all: to a temporary one beside it, then renamed."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        # mkstemp makes files that the owner alone may read; this one is like any other.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
