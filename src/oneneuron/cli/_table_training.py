"""The training of `oneneuron fit`, and its scores on rows that it has not seen."""

from __future__ import annotations

import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._engine.team import ALONE, Team
from .._formatting import counted
from .._losses import LOSSES
from .._typing import AnyArray, Float64Array
from . import _argument_types
from ._held_out_rows import held_out_folds, held_out_fraction
from ._table_columns import Feature, listed, numbers, texts
from ._table_model import CategoryFeature, NumberFeature, TableModel, category_codes
from ._table_scores import Scores

if TYPE_CHECKING:
    from .._classifier import NeuronClassifier
    from ._progress import ShowProgress
    from ._table_reading import Table

# The names of the methods in tables of scores.
NEURON = "oneneuron"
LOGISTIC_REGRESSION = "LogisticRegression"
COMMONEST_CLASS = "commonest class alone"

# Sums of squares of such numbers are finite.
_LARGEST_NUMBER = 1e150


@dataclass(frozen=True)
class Training:
    """A trained model and what is known about it.

    Attributes
    ----------
    model : TableModel
    neuron : NeuronClassifier
        The classifier whose weights the model has.
    num_rows : int
        The number of rows that it was trained on.
    accuracy : float
        Its accuracy on them.
    num_folds : int or None
        The number of folds; None if rows were held out only once.
    held_out : ndarray of shape (m,)
        The numbers of the rows that were held out, in the order of the folds.
    probabilities : ndarray of shape (m, k)
        The probabilities of all classes for these rows, by models that were not trained on them.
    scores : dict of str to Scores
        The scores of each method on the rows that were held out: with several folds, the means of
        their scores.
    notes : list of str
        What the user should know about the training.
    """

    model: TableModel
    neuron: NeuronClassifier
    num_rows: int
    accuracy: float
    num_folds: int | None
    held_out: NDArray[np.intp]
    probabilities: Float64Array
    scores: dict[str, Scores]
    notes: list[str]

    @property
    def circumstances(self) -> str:
        """Which rows the scores are of, and which rows the model was trained on."""
        held_out, right = counted(len(self.held_out), "row"), f"{100 * self.accuracy:.1f} %"
        if self.num_folds is not None:
            return (
                f"The scores are means over {self.num_folds} folds: {held_out} were each held out "
                f"once. The model was trained on all rows, and gets {right} of them right."
            )
        return (
            f"The scores are those on {held_out} held out. The model was trained on the other "
            f"{self.num_rows:,}, and gets {right} of them right."
        )


def add_training_options(parser: ArgumentParser) -> None:
    """Add the options of the classifier and of the held-out rows to a command."""
    parser.add_argument(
        "--loss", choices=tuple(LOSSES), default="quadratic",
        help="what training minimises: the Brier score (quadratic), which mislabelled rows disturb "
        "less, or the log loss (default: quadratic)",
    )  # fmt: skip
    parser.add_argument(
        "--alpha", type=_argument_types.alpha, default="auto",
        help="strength of the penalty on large weights, as 1/C of LogisticRegression (default: "
        "auto, which depends on the loss)",
    )  # fmt: skip
    parser.add_argument(
        "--solver", choices=("lbfgs", "gd"), default="lbfgs",
        help="L-BFGS, or the lecture's gradient descent (default: lbfgs)",
    )  # fmt: skip
    parser.add_argument(
        "--eta", type=_argument_types.eta, default="auto",
        help="step size of gradient descent, or 'auto' for one that never raises the cost "
        "(default: auto)",
    )  # fmt: skip
    parser.add_argument(
        "--max-iter", type=_argument_types.num_steps, default=10_000, metavar="STEPS",
        help="largest number of steps (default: 10000)",
    )  # fmt: skip
    held_out = parser.add_mutually_exclusive_group()
    held_out.add_argument(
        "--test-size", type=_argument_types.fraction, default=0.2, metavar="FRACTION",
        help="fraction of the rows that is held out for testing; the model is trained on the "
        "others (default: 0.2)",
    )  # fmt: skip
    held_out.add_argument(
        "--cv", type=_argument_types.num_folds, metavar="FOLDS",
        help="cross-validate: hold out each of this many parts of the rows in turn, and print mean "
        "scores; the saved model is trained on all rows",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_argument_types.seed, default=0,
        help="seed for choosing the held-out rows (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--scratch", type=_argument_types.path, metavar="FOLDER",
        help="folder for a temporary file with the numbers that training reads in each step, if "
        "they do not fit into memory",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=_argument_types.num_threads,
        help="largest number of threads (default: one per core, fewer for little work)",
    )  # fmt: skip


def train_on_table(
    table: Table, features: Sequence[Feature], labels: Sequence[str] | AnyArray,
    classes: Sequence[str], arguments: Namespace, *, record_every: int = 0,
    show: ShowProgress = lambda fraction, label="": None, team: Team = ALONE,
) -> Training:  # fmt: skip
    """Train a model on a table, and score it on rows that it has not seen.

    Parameters
    ----------
    table : Table
    features : list of Feature
    labels : list of n str
        The class of each row.
    classes : list of k str
        Two or more, each the label of at least one row.
    arguments : Namespace
        The options of `add_training_options`, and those called ``target`` and ``missing``.
    record_every : int, default 0
        The same as for NeuronClassifier.
    show : ShowProgress, optional
        Called before each part of the work.
    team : Team, optional
        The ranks that have the rows of the table. LogisticRegression is then left out, since it
        needs all rows in one process.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        If a number cannot be read or is too large to standardise, or if there are too few rows.
    OSError
        If the scratch file cannot be written.
    """
    codes = category_codes(labels, classes)
    rows = _Rows(team.agree(lambda: as_matrix(table.own, features)), codes, team)
    folds = _folds(codes, arguments)
    fit = partial(_fit, rows, features, arguments, record_every)
    num_parts, found = 2 * len(folds) + (len(folds) > 1), []
    for fold, held_out in enumerate(folds):
        show(2 * fold / num_parts, "training")
        fitted = fit(held_out)
        show((2 * fold + 1) / num_parts, "comparing")
        found.append(_probabilities(fitted, rows, held_out, len(classes)))
    if len(folds) > 1:
        show(2 * len(folds) / num_parts, "training")
        fitted = fit(np.empty(0, np.intp))
    scores = {
        name: Scores.mean(
            Scores.of(probabilities[name], codes[held_out])
            for probabilities, held_out in zip(found, folds, strict=True)
        )
        for name in found[0]
    }
    all_held_out = np.concatenate(folds)
    return Training(
        model=_as_table_model(fitted, features, classes, arguments), neuron=fitted.neuron,
        num_rows=int(fitted.class_counts.sum()), accuracy=_accuracy(fitted, team),
        num_folds=arguments.cv, held_out=all_held_out, scores=scores,
        probabilities=np.concatenate([probabilities[NEURON] for probabilities in found]),
        notes=[*fitted.warnings, *_notes(scores, codes[all_held_out], classes)],
    )  # fmt: skip


class _Rows:
    """The rows of the table.

    Parameters
    ----------
    X : ndarray of shape (m, d)
        The features of the rows of this rank.
    codes : ndarray of shape (n,)
        The classes of all rows.
    team : Team
    """

    def __init__(self, X: Float64Array, codes: NDArray[np.intp], team: Team) -> None:
        self.X, self.codes, self.team = X, codes, team
        self._first = sum(team.gather(len(X))[: team.rank])

    def own(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return which of some sorted rows are on this rank, as indices of its own rows."""
        first, end = np.searchsorted(rows, [self._first, self._first + len(self.X)])
        return rows[first:end] - self._first

    def own_others(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the indices of all rows of this rank but some."""
        return np.delete(np.arange(len(self.X)), self.own(rows))

    def own_codes(self, own: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the classes of rows of this rank."""
        return self.codes[self._first + own]


def _folds(codes: NDArray[np.intp], arguments: Namespace) -> list[NDArray[np.intp]]:
    """Return the rows to hold out, of all folds or at once."""
    if arguments.cv is None:
        return [held_out_fraction(codes, arguments.test_size, arguments.seed)]
    return held_out_folds(codes, arguments.cv, arguments.seed)


def as_matrix(table: Table, features: Sequence[Feature]) -> Float64Array:
    """Return the features as numbers, of shape (n, d).

    NaN is a missing number. Categories are numbered from 0; -1 is a missing one.
    """
    X = np.empty((len(table.frame), len(features)), order="F")
    for j, feature in enumerate(features):
        if feature.categories is not None:
            X[:, j] = category_codes(texts(table, feature.name), feature.categories)
            continue
        X[:, j] = numbers(table, feature.name)
        if (np.abs(X[:, j]) > _LARGEST_NUMBER).any():
            raise ValueError(
                f"{table.path}, column {feature.name!r}, has numbers too large to standardise: "
                f"divide it by a constant."
            )
    return X


def preparation(features: Sequence[Feature], missing: str, *, dense: bool = False) -> Any:
    """Return the transformer that makes the numbers that the neurons see.

    Parameters
    ----------
    features : list of Feature
        The meaning of the columns of the matrix that it transforms (`as_matrix`).
    missing : str
        With "mean", missing numbers are replaced by the mean.
    dense : bool, default False
        Whether to return an array even if it consists mostly of zeros.

    Returns
    -------
    ColumnTransformer
        Its columns are those of the numbers, and then those of the categories.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    steps = [StandardScaler()]
    if missing == "mean":
        # A column may have numbers in the rows that are held out alone. It is filled with zeros.
        steps.insert(0, SimpleImputer(keep_empty_features=True))
    categories = [np.arange(float(len(f.categories))) for f in features if f.categories is not None]
    parts = [
        ("numbers", make_pipeline(*steps), _indices(features, False)),
        ("categories", OneHotEncoder(categories=categories, handle_unknown="ignore"),
         _indices(features, True)),
    ]  # fmt: skip
    return ColumnTransformer(
        [part for part in parts if part[2]], sparse_threshold=0.0 if dense else 0.3
    )


def _indices(features: Sequence[Feature], are_categories: bool) -> list[int]:
    return [j for j, f in enumerate(features) if (f.categories is not None) == are_categories]


class _Fitted(NamedTuple):
    """A pipeline of two parts, and what it was fitted on: its samples are between the parts.

    The samples and their codes belong to this rank. `class_counts` counts the rows of all ranks.
    """

    preparation: Any
    Z: Any
    codes: NDArray[np.intp]
    class_counts: NDArray[np.intp]
    neuron: NeuronClassifier
    warnings: list[str]


def _fit(
    rows: _Rows, features: Sequence[Feature], arguments: Namespace, record_every: int,
    held_out: NDArray[np.intp],
) -> _Fitted:  # fmt: skip
    """Fit the pipeline on all rows but those that are held out."""
    team, own = rows.team, rows.own_others(held_out)
    is_dense = arguments.scratch is not None or team.size > 1
    prepare = preparation(features, arguments.missing, dense=is_dense)
    if team.size == 1:
        Z = prepare.fit_transform(rows.X[own])
    else:
        _fit_together(prepare, rows.X[own], _indices(features, False), team)
        Z = _prepared(prepare, rows.X[own])
    own_codes = rows.own_codes(own)
    neuron = _classifier_class(team)(
        loss=arguments.loss, alpha=arguments.alpha, solver=arguments.solver, eta=arguments.eta,
        max_iter=arguments.max_iter, n_threads=arguments.threads, scratch=arguments.scratch,
        record_every=record_every,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        neuron.fit(Z, own_codes)
    counts = np.bincount(np.delete(rows.codes, held_out))
    messages = [str(warning.message) for warning in caught]
    return _Fitted(prepare, Z, own_codes, counts, neuron, messages)


def _classifier_class(team: Team) -> type[NeuronClassifier]:
    if team.size > 1:
        from .. import mpi

        return mpi.NeuronClassifier
    from .._classifier import NeuronClassifier

    return NeuronClassifier


def _fit_together(preparation: Any, X: Float64Array, indices: Sequence[int], team: Team) -> None:
    """Fit a preparation to the rows of all ranks; `indices` says where the numbers are.

    The columns are gathered one at a time. Their categories are known.
    """
    from sklearn.base import clone

    # This row of zeros is as good as any other: what is found in numbers is replaced.
    preparation.fit(np.zeros((1, X.shape[1])))
    if not indices:
        return
    pipeline = preparation.named_transformers_["numbers"]
    columns = [
        clone(pipeline).fit(np.concatenate(team.gather(X[:, j]))[:, np.newaxis]) for j in indices
    ]
    found = {"simpleimputer": ["statistics_"], "standardscaler": ["mean_", "var_", "scale_"]}
    for name, step in pipeline.named_steps.items():
        for attribute in found[name]:
            parts = [getattr(column.named_steps[name], attribute) for column in columns]
            setattr(step, attribute, np.concatenate(parts))


def _prepared(preparation: Any, X: Float64Array) -> Any:
    """Return the numbers that the neurons see. scikit-learn refuses to prepare no rows."""
    if len(X):
        return preparation.transform(X)
    return preparation.transform(np.zeros((1, X.shape[1])))[:0]


def _accuracy(fitted: _Fitted, team: Team) -> float:
    """Return the share of the rows of the training that the neurons get right."""
    right = 0
    if len(fitted.codes):
        right = int((fitted.neuron.predict(fitted.Z) == fitted.codes).sum())
    return sum(team.gather(right)) / int(fitted.class_counts.sum())


def _probabilities(
    fitted: _Fitted, rows: _Rows, held_out: NDArray[np.intp], num_classes: int
) -> dict[str, Float64Array]:
    """Return the probabilities of all classes by each method, for rows that were held out."""
    Z = _prepared(fitted.preparation, rows.X[rows.own(held_out)])
    shares = fitted.class_counts / fitted.class_counts.sum()
    found = {NEURON: _predicted(fitted.neuron, Z, num_classes)}
    if rows.team.size == 1:
        found[LOGISTIC_REGRESSION] = _logistic_regression(fitted).predict_proba(Z)
    found = {name: np.concatenate(rows.team.gather(own)) for name, own in found.items()}
    return {**found, COMMONEST_CLASS: np.tile(shares, (len(held_out), 1))}


def _predicted(neuron: NeuronClassifier, Z: Any, num_classes: int) -> AnyArray:
    return neuron.predict_proba(Z) if Z.shape[0] else np.empty((0, num_classes))


def _logistic_regression(fitted: _Fitted) -> Any:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether its steps ran out does not matter here
        return LogisticRegression(max_iter=1000).fit(fitted.Z, fitted.codes)


def _as_table_model(
    fitted: _Fitted, features: Sequence[Feature], classes: Sequence[str], arguments: Namespace
) -> TableModel:
    """Return the fitted pipeline as a model that can be saved."""
    # With the columns of Z as rows: the numbers, then the categories of one feature after another.
    weights = fitted.neuron.coef_.T.tolist()
    made: dict[int, NumberFeature | CategoryFeature] = {}
    indices = _indices(features, False)
    if indices:
        *imputers, scaler = fitted.preparation.named_transformers_["numbers"]
        fills = imputers[0].statistics_.tolist() if imputers else [None] * len(indices)
        for j, mean, scale, fill in zip(
            indices, scaler.mean_.tolist(), scaler.scale_.tolist(), fills, strict=True
        ):
            made[j] = NumberFeature(features[j].name, mean, scale, fill, weights.pop(0))
    for j in _indices(features, True):
        categories = list(features[j].categories or ())
        made[j] = CategoryFeature(features[j].name, categories, weights[: len(categories)])
        del weights[: len(categories)]
    return TableModel(
        target=arguments.target, classes=list(classes), loss=arguments.loss,
        missing="mean" if arguments.missing == "mean" else "refuse",
        features=[made[j] for j in range(len(features))],
        bias=fitted.neuron.intercept_.tolist(),
    )  # fmt: skip


def _notes(
    scores: dict[str, Scores], held_out_codes: NDArray[np.intp], classes: Sequence[str]
) -> list[str]:
    """Return what the user should know about the scores."""
    notes = []
    counts = np.bincount(held_out_codes, minlength=len(classes))
    unseen = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if unseen:
        notes.append(
            f"No row of {listed(unseen)} is held out, since there are so few: the scores say "
            f"nothing about {'this class' if len(unseen) == 1 else 'these classes'}."
        )
    own, guess = scores[NEURON].brier, scores[COMMONEST_CLASS].brier
    if not own < guess:
        notes.append(
            f"The model is no better than a guess: on rows that it has not seen, its Brier score "
            f"is {own:.4f}, and that of the commonest class alone is {guess:.4f}. Add rows, or "
            f"features that tell the classes apart."
        )
    return notes
