"""The options of a fit: the classifier's parameters, checked and converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from .. import _checks
from .._checkpoint import Checkpoint
from .._engine.team import Team
from .._losses import Loss
from .._typing import ClassWeight, RandomDraws, Which
from .logistic_names import MULTI_CLASS, SOLVERS

Solver: TypeAlias = Literal["lbfgs", "gd"]
MultiClass: TypeAlias = Literal["softmax", "ovr"]

# The options on which the result of a fit depends, apart from those that change the samples, their
# weights or the starts. With a larger `max_iter`, a fit continues.
_SETTINGS = (
    "multi_class", "solver", "eta", "tol", "alpha", "fit_intercept", "n_init", "record_every",
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Checked parameters of a `NeuronClassifier`, which documents them.

    Attributes
    ----------
    loss : Loss
    multi_class : {"softmax", "ovr"}
    solver : {"lbfgs", "gd"}
    eta : float or "auto"
    max_iter : int
    tol : float
    alpha : float or "auto"
    fit_intercept : bool
    class_weight : dict, "balanced" or None
    n_init : int
    keep : {"last", "best", "lowest"}
    n_threads : int or None
    record_every : int
    random_state : RandomDraws
    verbose : int
    warm_start : bool
    scratch : Path or None
    checkpoint : str or None
    """

    loss: Loss
    multi_class: MultiClass
    solver: Solver
    eta: float | Literal["auto"]
    max_iter: int
    tol: float
    alpha: float | Literal["auto"]
    fit_intercept: bool
    class_weight: ClassWeight
    n_init: int
    keep: Which
    n_threads: int | None
    record_every: int
    random_state: RandomDraws
    verbose: int
    warm_start: bool
    scratch: Path | None
    checkpoint: str | None

    @classmethod
    def checked(cls, parameters: Mapping[str, Any]) -> Self:
        """Check a user's parameters, and return them as options.

        Parameters
        ----------
        parameters : mapping of str to object
            The classifier's parameters by name. ``init`` is left out: its shape depends on the
            samples.

        Raises
        ------
        ValueError, TypeError
            If a parameter is of the wrong type or out of its range.
        """
        verbose = parameters["verbose"]
        is_flag = isinstance(verbose, (bool, np.bool_))
        return cls(
            random_state=_checks.as_random_state(parameters["random_state"]),
            loss=_checks.as_loss(parameters["loss"]),
            multi_class=_checks.as_choice(
                parameters["multi_class"], "multi_class", ("softmax", "ovr"), MULTI_CLASS
            ),
            solver=_checks.as_choice(parameters["solver"], "solver", ("lbfgs", "gd"), SOLVERS),
            keep=_checks.as_choice(parameters["keep"], "keep", ("last", "best", "lowest")),
            eta=_checks.as_eta_or_auto(parameters["eta"]),
            max_iter=_checks.as_count(parameters["max_iter"], "max_iter"),
            n_init=_checks.as_count(parameters["n_init"], "n_init", least=1),
            record_every=_checks.as_count(parameters["record_every"], "record_every"),
            verbose=int(verbose) if is_flag else _checks.as_count(verbose, "verbose"),
            tol=_checks.as_size(parameters["tol"], "tol"),
            alpha=_checks.as_alpha_or_auto(parameters["alpha"]),
            fit_intercept=_checks.as_flag(parameters["fit_intercept"], "fit_intercept"),
            warm_start=_checks.as_flag(parameters["warm_start"], "warm_start"),
            n_threads=_checks.as_threads(parameters["n_threads"]),
            class_weight=_checks.as_class_weight(parameters["class_weight"]),
            scratch=_checks.as_folder(parameters["scratch"], "scratch"),
            checkpoint=_checks.as_path(parameters["checkpoint"], "checkpoint"),
        )

    def open_checkpoint(self, team: Team) -> Checkpoint | None:
        """Return the checkpoint of a fit of a team, if there is to be one.

        Raises
        ------
        ValueError
            If there is a file, but no checkpoint of a fit with these options.
        OSError
            If the file cannot be read or written.
        """
        if self.checkpoint is None:
            return None
        settings = {name: getattr(self, name) for name in _SETTINGS}
        return Checkpoint(
            self.checkpoint, {"function": "fit", "loss": self.loss.name, **settings},
            ("max_iter", self.max_iter), team,
        )  # fmt: skip
