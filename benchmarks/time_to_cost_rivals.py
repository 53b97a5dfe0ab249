"""The contenders of `time_to_cost.py`, and the cost that each of them reaches.

All minimise the sum of the log losses plus ALPHA/2 |w|^2, where the intercept is not penalised.
With several classes, one model for each class against the rest has the sum of the costs of these
models, and the multinomial model has its own cost. The two costs are never compared.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from oneneuron import NeuronClassifier

ALPHA = 1.0
REACH = 1e-5  # a cost counts as reached if it is above the lowest one by at most this, relatively
TOLERANCES = tuple(10.0**-k for k in range(13))  # from the loosest on
# The default of LogisticRegression is 100, which is too few for raw data.
MAX_ITER = 10_000
OURS = "oneneuron"  # with several classes, one neuron against the rest
OUR_LAYER = "oneneuron, multinomial"


@dataclass(frozen=True)
class Contender:
    """A solver with its settings.

    Attributes
    ----------
    name : str
    library : str
    variants : list of estimators
        The first one that reaches the lowest cost is timed, or the best one if none does.
    multinomial : bool
        Whether several classes have one multinomial model.
    """

    name: str
    library: str
    variants: list[Any]
    multinomial: bool = False


class SnapML:
    """Snap ML's primal solver, with an intercept.

    With ``fit_intercept=True``, this solver returns an intercept of zero (version 1.17), so it
    gets a constant feature instead. That feature is large, so its weight is small and the penalty
    on it is negligible. Snap ML computes with columns in float32, which are made here, directly.
    The dual solver has an intercept, but it took more than ten times as long to the same cost.
    """

    CONSTANT = 1000.0

    def __init__(self, tol, threads):
        snapml = import_module("snapml")
        self.tol = tol
        self._solver = snapml.LogisticRegression(
            regularizer=ALPHA, tol=tol, dual=False, n_jobs=threads, max_iter=MAX_ITER,
            random_state=0,
        )  # fmt: skip

    def fit(self, X, y):
        """Train the model; several classes have one model each, against the rest."""
        n, d = X.shape
        columns = np.empty((n, d + 1), np.float32, order="F")
        columns[:, :d] = X
        columns[:, d] = self.CONSTANT
        weights = np.atleast_2d(self._solver.fit(columns, y).coef_)
        self.coef_, self.intercept_ = weights[:, :d], self.CONSTANT * weights[:, d]
        self.n_iter_ = self._solver.n_iter_
        return self


def contenders(num_samples, num_classes, threads):
    """Return our classifier and all rivals that are installed."""
    binary = num_classes == 2
    found = [Contender(OURS, OURS, [NeuronClassifier(loss="log", alpha=ALPHA, multi_class="ovr")])]
    if not binary:
        layer = NeuronClassifier(loss="log", alpha=ALPHA)
        found.append(Contender(OUR_LAYER, OURS, [layer], multinomial=True))
    found += _scikit_learn(binary)
    if find_spec("sklearnex"):
        found += _intel(binary, threads)
    if find_spec("glum"):
        found += _glum(binary, num_samples)
    if find_spec("snapml"):
        name = "snapml" if binary else "snapml, one-vs-rest"
        found.append(Contender(name, "snapml", [SnapML(tol, threads) for tol in TOLERANCES]))
    return found


def _scikit_learn(binary):
    """Return LogisticRegression with its default tol and each solver for this penalty."""
    library = "scikit-learn"
    for solver in ("lbfgs", "newton-cg", "newton-cholesky"):
        model = LogisticRegression(C=1 / ALPHA, solver=solver, max_iter=MAX_ITER)
        yield from _both_models(f"LogisticRegression, {solver}", library, [model], binary)
    # liblinear penalises the intercept, too, and the less the larger its scaling is.
    models = [
        LogisticRegression(
            C=1 / ALPHA, solver="liblinear", max_iter=MAX_ITER, intercept_scaling=scaling
        )
        for scaling in (1, 10, 100, 1000)
    ]
    yield _against_the_rest("LogisticRegression, liblinear", library, models, binary)


def _intel(binary, threads):
    """Return Intel's LogisticRegression; it hands solvers other than L-BFGS to scikit-learn."""
    patched = import_module("sklearnex.linear_model").LogisticRegression
    models = [
        patched(C=1 / ALPHA, tol=tol, max_iter=MAX_ITER, n_jobs=threads) for tol in TOLERANCES
    ]
    return _both_models("scikit-learn-intelex", "scikit-learn-intelex", models, binary)


def _glum(binary, num_samples):
    """Return glum's iteratively reweighted least squares; its cost is divided by n."""
    make = import_module("glum").GeneralizedLinearRegressor
    models = [
        make(family="binomial", alpha=ALPHA / num_samples, gradient_tol=tol, max_iter=MAX_ITER)
        for tol in TOLERANCES
    ]
    yield _against_the_rest("glum", "glum", models, binary)


def _both_models(name, library, models, binary):
    yield _against_the_rest(name, library, models, binary)
    if not binary:
        yield Contender(f"{name}, multinomial", library, models, multinomial=True)


def _against_the_rest(name, library, models, binary):
    if binary:
        return Contender(name, library, models)
    return Contender(f"{name}, one-vs-rest", library, [OneVsRestClassifier(m) for m in models])


def cost(model, X, y, multinomial):
    """Return the log loss with its penalty, summed over the models if there are several."""
    parts = getattr(model, "estimators_", [model])
    coef = np.vstack([part.coef_ for part in parts])
    scores = X @ coef.T + np.hstack([part.intercept_ for part in parts])
    classes = np.unique(y)
    if multinomial:
        own = scores[np.arange(len(y)), np.searchsorted(classes, y)]
        loss = (logsumexp(scores, axis=1) - own).sum()
    else:
        of_models = classes if len(coef) > 1 else classes[1:]
        loss = np.logaddexp(0.0, np.where(y[:, None] == of_models, -scores, scores)).sum()
    return float(loss + 0.5 * ALPHA * np.sum(coef**2))


def lowest_costs(X, y):
    """Return {multinomial: cost}, as Newton's method with a tight tolerance finds it."""
    newton = LogisticRegression(C=1 / ALPHA, solver="newton-cholesky", tol=1e-10, max_iter=1000)
    if len(np.unique(y)) == 2:
        return {False: cost(newton.fit(X, y), X, y, False)}
    one_vs_rest = OneVsRestClassifier(newton).fit(X, y)
    return {
        False: cost(one_vs_rest, X, y, False),
        True: cost(newton.fit(X, y), X, y, True),
    }


@dataclass
class Entry:
    """A contender with the variant that is timed, its cost, and the seconds of its last trial."""

    contender: Contender
    model: Any
    cost: float
    seconds: float


def enter(contender, X, y, lowest):
    """Choose the first variant whose cost is within REACH of the lowest one, or else the best."""
    tried = []
    for model in contender.variants:
        start = perf_counter()
        model.fit(X, y)
        seconds = perf_counter() - start
        tried.append(Entry(contender, model, cost(model, X, y, contender.multinomial), seconds))
        if tried[-1].cost <= (1 + REACH) * lowest[contender.multinomial]:
            return tried[-1]
    return min(tried, key=lambda entry: entry.cost)


def settings(model):
    """Return the tolerance as text, with any scaling of the intercept."""
    model = getattr(model, "estimator", model)
    text = f"{getattr(model, 'gradient_tol', None) or model.tol:.0e}"
    scaling = getattr(model, "intercept_scaling", 1)
    return text if scaling == 1 else f"{text}, intercept x {scaling}"


def iterations(model):
    """Return the number of iterations; of several models, the largest number."""
    return max(int(np.max(part.n_iter_)) for part in getattr(model, "estimators_", [model]))
