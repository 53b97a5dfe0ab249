"""Somebody's own table: a CSV in, and the trained neuron as a JSON file that stands alone."""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from secrets import token_hex
from typing import Any, Self

import numpy as np

from ._typing import Float64Array
from .words import counted

_FORMAT = "oneneuron-model"
_VERSION = 1


@dataclass(frozen=True)
class Table:
    """The cells of a CSV with a header line.

    Attributes
    ----------
    path : path of the file, for messages
    columns : dict of column name to list of n strings
    lines : list of n int, the line of the file on which each row ends
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]

    @classmethod
    def read(cls, path: str) -> Self:
        """Read a CSV in UTF-8, with or without a byte order mark; empty lines are skipped.

        Raises
        ------
        ValueError
            For a file that is no CSV in UTF-8, no rows, a column named twice or not at all, or a
            row of another length.
        OSError
            If the file can't be read.
        """
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            try:
                header = _header(next(reader, []), path)
                numbered = [(reader.line_num, row) for row in reader if row]
            except (csv.Error, UnicodeDecodeError) as error:
                raise ValueError(f"{path} must be a CSV in UTF-8: {error}.") from error
        for line, row in numbered:
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {line}, must have {counted(len(header), 'cell')} as its "
                    f"header does, found {len(row)}: correct or drop the line."
                )
        if not numbered:
            raise ValueError(f"{path} must have rows below its header line, found none.")
        lines, rows = zip(*numbered, strict=True)
        cells = map(list, zip(*rows, strict=True))
        return cls(path, dict(zip(header, cells, strict=True)), list(lines))

    def features(self, names: Sequence[str]) -> Float64Array:
        """The named columns as a float64 array of shape (n, d).

        Raises
        ------
        ValueError
            For a column that is missing, or a cell that is empty, text, NaN or infinite.
        """
        X = np.empty((len(self.lines), len(names)))
        for j, name in enumerate(names):
            if name not in self.columns:
                raise ValueError(
                    f"{self.path} must have the column {name!r}; there are "
                    f"{', '.join(self.columns)}."
                )
            X[:, j] = [self._number(i, name) for i in range(len(X))]
        return X

    def _number(self, row: int, name: str) -> float:
        cell = self.columns[name][row]
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            found = repr(cell) if cell.strip() else "an empty cell"
            raise ValueError(
                f"{self.path}, line {self.lines[row]}, column {name!r}: a feature must be a finite "
                f"number, found {found}. Correct it, or drop the row or the column."
            )
        return value

    def labels(self, target: str) -> tuple[list[str], list[str]]:
        """The labels of the target column, a list of n strings, and its two classes in order.

        Raises
        ------
        ValueError
            If there is no such column, a cell is empty, or there are not two classes.
        """
        if target not in self.columns:
            raise ValueError(
                f"--target must be a column of {self.path}, found {target!r}; there are "
                f"{', '.join(self.columns)}."
            )
        labels = [cell.strip() for cell in self.columns[target]]
        if "" in labels:
            raise ValueError(
                f"{self.path}, line {self.lines[labels.index('')]}, column {target!r}: the class "
                f"is an empty cell. Fill it in or drop the row."
            )
        classes = sorted(set(labels))
        if len(classes) != 2:
            raise ValueError(
                f"{self.path}, column {target!r}, must have two classes, found {len(classes)}: "
                f"{', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}. Choose another "
                f"--target or other rows."
            )
        return labels, classes


def _header(cells: Iterable[str], path: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not names:
        raise ValueError(f"{path} must start with a header line of column names, found none.")
    if "" in names:
        raise ValueError(
            f"{path}, line 1: every column must have a name, found none for column "
            f"{names.index('') + 1}."
        )
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{path}, line 1: column names must differ, found {name!r} {count} times: rename or "
            f"drop all but one."
        )
    return names


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


def check_writable(path: str, option: str = "--output", others: Iterable[str] = ()) -> None:
    """Raise if a file can't be written there or is one of others; leave nothing behind.

    Raises
    ------
    ValueError
        If `path`, the value of `option`, is one of the files `others`, there or not.
    OSError
        If it is a folder or a device or read-only, or its folder does not let a file be made.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"{path} is a folder or a device: name a file to write to.")
    # To rename a file onto it would succeed.
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise OSError(f"{path} is read-only: name another file.")
    for other in others:
        if _are_the_same(path, other):
            raise ValueError(
                f"{option} must not be {other}, which is read or written too: name another file."
            )
    try:
        handle, name = _temporary_beside(path)
    except OSError as error:
        raise OSError(f"{path} can't be written: {error.strerror}.") from error
    os.close(handle)
    os.unlink(name)


def _are_the_same(path: str, other: str) -> bool:
    """Whether two paths lead to one file, which may be still to be made."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.realpath(path) == os.path.realpath(other)


def write_whole(path: str, content: bytes) -> None:
    """Write bytes to a file, whole or not at all: to a temporary one beside it, then renamed."""
    handle, name = _temporary_beside(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, os.path.realpath(path))
    except BaseException:
        os.unlink(name)
        raise


def _temporary_beside(path: str) -> tuple[int, str]:
    """A new file in the folder of `path`, links followed: an open handle and its name.

    Unlike mkstemp's, which the owner alone may read, it is like any other: os.umask, which would
    tell how to make it so, can be asked only by setting it, for all threads.
    """
    name = os.path.join(os.path.dirname(os.path.realpath(path)), f".{token_hex(8)}.tmp")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(name, flags, 0o666), name
