"""A model of `oneneuron fit` as one HTML page that needs no other file and no network."""

from __future__ import annotations

import math
import os
import shlex
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from .. import plots
from .._formatting import counted
from .._results import Descent, as_models
from .._typing import AnyArray, Float64Array
from ._html_page import html_page, percent, picture_address, table_row
from ._table_columns import Feature, numbers, texts
from ._table_model import category_codes
from ._table_pictures import (
    draw_calibration,
    draw_class_counts,
    draw_confusion,
    draw_weights,
    num_groups,
)
from ._table_reading import Table
from ._table_training import COMMONEST_CLASS, LOGISTIC_REGRESSION, NEURON, Training

# The sizes of lists that would otherwise be as long as a table.
_MAX_FEATURES, _MAX_CATEGORIES, _MAX_LETTERS = 50, 5, 60
_NUM_WRONG, _NUM_CELLS = 10, 5
# More dots in the plane of two features would hide each other; more classes would look the same.
_MAX_SAMPLES, _MAX_CLASSES = 2000, 10


def table_page(
    table: Table, features: Sequence[Feature], labels: Sequence[str] | AnyArray,
    training: Training, notes: Sequence[str], arguments: Namespace,
) -> str:  # fmt: skip
    """Return the HTML page of a model.

    Parameters
    ----------
    table : Table
    features : list of Feature
    labels : list of n str
    training : Training
        What `train_on_table` returned for these, with a recorded history.
    notes : list of str
        What the user should know.
    arguments : Namespace
        The options of the command, and ``get_default``, which returns the default of each.
    """
    page = _Page(table, features, labels, training, arguments)
    markup = {
        "notes": "\n".join(f"<p>{escape(note[:1].upper() + note[1:])}</p>" for note in notes),
        "dots": page.dots(),
        "features": "\n".join(map(page.feature_row, features[:_MAX_FEATURES])),
        "scores": "\n".join(
            table_row(name, percent(s.accuracy), f"{s.log_loss:.4f}", f"{s.brier:.4f}")
            for name, s in training.scores.items()
        ),
        "wrong_header": "".join(
            f'<th scope="col">{escape(_cut(feature.name))}</th>' for feature in page.main_features
        ),
        "wrong_rows": page.wrong_rows(),
    }
    return html_page("table_page.html", page.texts(), page.pictures(), markup)


class _Page:
    """The parts of the page."""

    def __init__(
        self, table: Table, features: Sequence[Feature], labels: Sequence[str] | AnyArray,
        training: Training, arguments: Namespace,
    ) -> None:  # fmt: skip
        self.table, self.features, self.labels = table, features, labels
        self.training, self.arguments = training, arguments
        self.model, self.classes = training.model, training.model.classes
        self.codes = category_codes(labels, self.classes)
        # Of the rows that were held out:
        self.own_codes = self.codes[training.held_out]
        self.predicted = training.probabilities.argmax(axis=1)
        own = training.probabilities[np.arange(len(self.own_codes)), self.own_codes]
        self.worst = np.argsort(own, kind="stable")[:_NUM_WRONG]
        self.worst_probabilities = own[self.worst]

    def texts(self) -> dict[str, str]:
        """Return the text of each placeholder in the template."""
        scores, num_features = self.training.scores, len(self.features)
        num_unseen = len(self.own_codes)
        num_wrong = int((self.predicted != self.own_codes).sum())
        is_binary = len(self.classes) == 2
        return {
            "title": f"A model of {self.model.target} in {os.path.basename(self.table.path)}",
            "accuracy": percent(scores[NEURON].accuracy),
            "others": self._others(),
            "path": self.table.path,
            "rows": counted(len(self.codes), "row"),
            "target": self.model.target,
            "num_features": counted(num_features, "feature"),
            "more_features": (
                f"{num_features - _MAX_FEATURES:,} more features are not listed."
                if num_features > _MAX_FEATURES
                else ""
            ),
            "method": self._method(),
            "train_rows": counted(self.training.num_rows, "row"),
            "circumstances": self.training.circumstances,
            "brier": (
                f"probability of {self.classes[1]}"
                if is_binary
                else "probabilities, summed over the classes"
            ),
            "calibration_caption": (
                f"How often the class is {self.classes[1]}, against the predicted probability."
                if is_binary
                else "How often the predicted class is right, against its predicted probability."
            ),
            "group_size": counted(max(1, num_unseen // num_groups(num_unseen)), "row"),
            "wrong": (
                f"{num_wrong:,} of {counted(num_unseen, 'row')} are predicted wrongly."
                if num_wrong
                else f"All {counted(num_unseen, 'row')} are predicted right."
            ),
            "command": self._command(),
        }

    def _others(self) -> str:
        """Return what the other methods get right."""
        scores = self.training.scores
        commonest = self.classes[np.bincount(self.codes).argmax()]
        accuracy = percent(scores[COMMONEST_CLASS].accuracy)
        guess = f"The commonest class alone, {commonest}, gets {accuracy} right."
        if LOGISTIC_REGRESSION not in scores:
            return guess
        regression = percent(scores[LOGISTIC_REGRESSION].accuracy)
        return f"LogisticRegression gets {regression} right. {guess}"

    def _method(self) -> str:
        neuron, num_classes = self.training.neuron, len(self.classes)
        kind = "one neuron" if num_classes == 2 else f"a layer of {num_classes} neurons"
        loss = {"quadratic": "Brier score", "log": "log loss"}[self.model.loss]
        solver = {"lbfgs": "L-BFGS", "gd": "gradient descent"}[neuron.solver]
        return (
            f"The model is {kind}. {counted(int(neuron.n_iter_[0]), 'step')} of {solver} minimised "
            f"the {loss} on the rows of the training, with a penalty of {neuron.alpha_:g} on the "
            f"squares of the weights."
        )

    def _command(self) -> str:
        """Return the command that makes the page again."""
        given = ["oneneuron", "fit", self.arguments.data]
        for name, value in vars(self.arguments).items():
            if name in ("command", "get_default", "data"):
                continue
            if value != self.arguments.get_default(name):
                given.append(f"--{name.replace('_', '-')}")
                values = value if isinstance(value, list) else [value]
                given += [] if value is True else map(str, values)
        return shlex.join(given)

    def pictures(self) -> dict[str, Callable[[Axes], object]]:
        """Return the function that draws each picture in the template."""
        probabilities = self.training.probabilities
        if len(self.classes) == 2:
            probability, is_so = probabilities[:, 1], self.own_codes == 1
            name = f"of {self.classes[1]}"
        else:
            probability, is_so = probabilities.max(axis=1), self.predicted == self.own_codes
            name = "of the predicted class"
        confusion = np.zeros((len(self.classes), len(self.classes)), np.intp)
        np.add.at(confusion, (self.own_codes, self.predicted), 1)
        counts = np.bincount(self.codes).tolist()
        return {
            "counts": lambda ax: draw_class_counts(ax, counts, self.classes),
            "curve": lambda ax: plots.plot_learning_curve(self._descent(), ax=ax),
            "weights": lambda ax: draw_weights(ax, self.model),
            "confusion": lambda ax: draw_confusion(ax, confusion, self.classes),
            "calibration": lambda ax: draw_calibration(ax, probability, is_so, name),
        }

    def _descent(self) -> Descent:
        """Return the training in the form that its picture needs."""
        neuron = self.training.neuron
        (history,) = neuron.history_
        models = as_models(history)
        return Descent(
            last=models[-1], best=max(models, key=lambda model: model.accuracy),
            lowest=min(models, key=lambda model: model.cost), history=history,
            num_steps=int(neuron.n_iter_[0]), eta=neuron.eta_ or math.nan, stop_reason="num_steps",
        )  # fmt: skip

    @cached_property
    def main_features(self) -> list[Feature]:
        """The features with the largest weights, the largest first."""
        sizes = [np.abs(feature.weights).max(initial=0.0) for feature in self.model.features]
        order = np.argsort(-np.array(sizes), kind="stable")
        return [self.features[j] for j in order[:_NUM_CELLS]]

    def dots(self) -> str:
        """Return a figure with the rows in the plane of two features, if there are two numbers."""
        numeric = [feature.name for feature in self.main_features if feature.categories is None]
        if len(numeric) < 2 or len(self.classes) > _MAX_CLASSES:
            return ""
        pair = np.column_stack([numbers(self.table, name) for name in numeric[:2]])
        rows = np.flatnonzero(np.isfinite(pair).all(axis=1))
        if len(rows) == 0:
            return ""
        is_sample = len(rows) > _MAX_SAMPLES
        if is_sample:
            rows = np.random.default_rng(0).choice(rows, _MAX_SAMPLES, replace=False)
        address = picture_address(
            lambda ax: plots.plot_dots(
                _frame(pair[rows], numeric[:2]), np.asarray(self.labels)[rows],
                classes=self.classes, ax=ax,
            )
        )  # fmt: skip
        caption = (
            f"{f'{_MAX_SAMPLES:,} of the rows' if is_sample else 'The rows'} in the plane of the "
            f"two numeric features with the largest weights."
        )
        return (
            f'<figure><img src="{address}" alt="Dots in the plane of two features, with one marker '
            f'for each class."><figcaption>{caption}</figcaption></figure>'
        )

    def feature_row(self, feature: Feature) -> str:
        """Return a row of the table of features."""
        num_missing = int(self.table.frame[feature.name].isna().sum())
        if feature.categories is not None:
            kind = f"{len(feature.categories):,} categories"
            values = _cut(", ".join(feature.categories[:_MAX_CATEGORIES]))
            values += ", …" if feature.categories[_MAX_CATEGORIES:] else ""
        else:
            kind, x = "number", numbers(self.table, feature.name)
            low, high, mean = np.nanmin(x), np.nanmax(x), np.nanmean(x)
            values = f"{low:.4g} to {high:.4g}, mean {mean:.4g}"
        return table_row(_cut(feature.name), kind, values, f"{num_missing:,}")

    def wrong_rows(self) -> str:
        """Return the rows of the table of what the model is most wrong about."""
        rows = self.training.held_out[self.worst]
        columns = [self._cells(feature, rows) for feature in self.main_features]
        return "\n".join(
            table_row(
                self.table.place(int(row)).removeprefix(f"{self.table.path}, "),
                _cut(self.classes[self.codes[row]]), _cut(self.classes[self.predicted[i]]),
                f"{p:.3g}", *cells,
            )
            for row, i, p, *cells in zip(
                rows, self.worst, self.worst_probabilities, *columns, strict=True
            )
        )  # fmt: skip

    def _cells(self, feature: Feature, rows: NDArray[np.intp]) -> list[str]:
        """Return the cells of a feature in some rows."""
        if feature.categories is None:
            found = numbers(self.table, feature.name)[rows].tolist()
            return ["missing" if x != x else f"{x:.6g}" for x in found]
        cells = texts(self.table, feature.name)[rows]
        return ["missing" if cell is None else _cut(cell) for cell in cells]


def _frame(values: Float64Array, names: Sequence[str]) -> Any:
    import pandas

    return pandas.DataFrame(values, columns=names)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_LETTERS else f"{text[: _MAX_LETTERS - 1]}…"
