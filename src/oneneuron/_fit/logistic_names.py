"""LogisticRegression's names that `NeuronClassifier` does not know, and what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, Self

from sklearn.base import BaseEstimator

from .._checks import ParameterError

_ALWAYS_L2 = "since the penalty is always L2"
_NO_L1 = "or keep LogisticRegression, since only that has an L1 penalty"


def _is_above_0(value: object) -> bool:
    return isinstance(value, Real) and float(value) > 0.0


def _instead_of_C(C: Any) -> str:
    alpha = f"{1.0 / float(C):.12g}, which is 1/C" if _is_above_0(C) else "1/C"
    return f"write alpha={alpha}, and loss='log' for the same model"


def _instead_of_penalty(penalty: object) -> str:
    if penalty is None:
        return "write alpha=0 instead of penalty=None"
    has_l1 = isinstance(penalty, str) and penalty in ("l1", "elasticnet")
    return f"leave out penalty, {_NO_L1 if has_l1 else _ALWAYS_L2}"


def _instead_of_l1_ratio(l1_ratio: object) -> str:
    return f"leave out l1_ratio, {_NO_L1 if _is_above_0(l1_ratio) else _ALWAYS_L2}"


def _instead_of_n_jobs(n_jobs: object) -> str:
    if isinstance(n_jobs, Integral) and _is_above_0(n_jobs):
        return f"write n_threads={n_jobs}"
    return "leave out n_jobs, since as many threads are used as speed up the work"


# What to write instead of each parameter, given its value.
_REMEDIES: dict[str, Callable[[object], str]] = {
    "C": _instead_of_C,
    "penalty": _instead_of_penalty,
    "l1_ratio": _instead_of_l1_ratio,
    "dual": lambda _: "leave out dual, since both forms have the same minimum",
    "intercept_scaling": lambda _: "leave out intercept_scaling, since the bias has no penalty",
    "n_jobs": _instead_of_n_jobs,
}

# What to write instead of the values that only LogisticRegression takes.
SOLVERS = dict.fromkeys(
    ("liblinear", "newton-cg", "newton-cholesky", "sag", "saga"),
    "write solver='lbfgs', the default",
)
MULTI_CLASS = {
    "multinomial": "write multi_class='softmax', the default",
    "auto": "write multi_class='softmax', the default",
}


class RefusesLogisticNames(BaseEstimator):
    """A base class that says what to write instead of LogisticRegression's parameters.

    It comes before the other base classes. `__new__` stands here, and not beside `__init__`, since
    Python shows the signature of whichever it finds first.
    """

    def __new__(cls, *args: Any, **parameters: Any) -> Self:
        """Make an estimator, unless a parameter is LogisticRegression's."""
        _refuse(parameters, cls, TypeError)  # as Python does for an unknown keyword
        estimator: Self = super().__new__(cls)
        return estimator

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **parameters : dict
            The new values by name.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        ValueError
            If there is no such parameter. For one of LogisticRegression's, it is a TypeError, too.
        """
        _refuse(parameters, type(self), ParameterError)
        super().set_params(**parameters)
        return self


def _refuse(
    parameters: Mapping[str, object], estimator: type, error: Callable[[str], Exception]
) -> None:
    """Raise an error if parameters are LogisticRegression's, unless a subclass has them, too."""
    names = [name for name in parameters if name in _REMEDIES]
    if not names:
        return
    own = inspect.signature(estimator.__init__).parameters  # type: ignore[misc]
    foreign = [name for name in names if name not in own]
    if foreign:
        noun = "parameter" if len(foreign) == 1 else "parameters"
        remedies = "; ".join(_REMEDIES[name](parameters[name]) for name in foreign)
        raise error(f"{estimator.__name__} has no {noun} {_listed(foreign)}: {remedies}.")


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
