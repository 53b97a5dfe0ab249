"""NeuronClassifier with the constructor of scikit-learn's LogisticRegression."""

import dataclasses
import warnings

import numpy as np
from sklearn.linear_model._base import LinearClassifierMixin

from oneneuron import NeuronClassifier
from oneneuron._fit.options import Options


class LogisticRegression(NeuronClassifier):
    """A `NeuronClassifier` with the log loss, which takes the parameters of LogisticRegression.

    Every solver is L-BFGS here. All solvers lead to the same minimum, so only their names differ.
    `tol` is divided by ten, so that the default of one class becomes the default of the other.
    `dual`, `intercept_scaling`, `n_jobs` and `random_state` change nothing.
    """

    # A pickle must find the class in this module, whatever NeuronClassifier says about its own.
    __module__ = __name__

    # The parameters of NeuronClassifier that LogisticRegression does not have.
    loss = "log"
    multi_class = "softmax"
    eta = "auto"
    n_init = 1
    init = None
    keep = "last"
    n_threads = None
    record_every = 0
    scratch = None
    checkpoint = None

    # A private method of scikit-learn's linear classifiers, with which a test compares.
    _predict_proba_lr = LinearClassifierMixin._predict_proba_lr

    def __init__(
        self, penalty="deprecated", *, C=1.0, l1_ratio=0.0, dual=False, tol=1e-4,
        fit_intercept=True, intercept_scaling=1, class_weight=None, random_state=None,
        solver="lbfgs", max_iter=100, verbose=0, warm_start=False, n_jobs=None,
    ):  # fmt: skip
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    @property
    def alpha(self):
        return 0.0 if self.penalty is None or self.C == np.inf else 1.0 / self.C

    def _options(self):
        if self.l1_ratio or self.penalty in ("l1", "elasticnet"):
            raise NotImplementedError("NeuronClassifier has no l1 penalty.")
        if self.penalty is None and self.C != 1.0:
            warnings.warn("Setting penalty=None will ignore the C", UserWarning, stacklevel=4)
        names = [field.name for field in dataclasses.fields(Options)]
        changed = {"solver": "lbfgs", "tol": self.tol / 10.0}
        return Options.checked({name: getattr(self, name) for name in names} | changed)
