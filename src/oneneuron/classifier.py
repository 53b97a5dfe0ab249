"""NeuronClassifier: the neuron as a scikit-learn classifier, one neuron for each class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from . import checks, diagnostics
from ._typing import AnyArray, ClassWeight, Float64Array, FloatArray, Loss, RandomState, Which
from .blas import one_thread
from .callbacks import CallbackSupportMixin, Tasks, with_callbacks
from .neurons import Neurons, Reason, coefficients_of, total_cost, total_curve, worst_reason
from .results import History, as_history


class NeuronClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """One sigmoid neuron, or one for each class, on the quadratic (Brier) or the log cost.

    With two classes there is one neuron, f(x) = sigma(w.x + b), for the probability of the second.
    With more, there is one for each class against the rest, and their f are divided by their sum.

    The cost of a neuron is the sum over samples of u_i l_i, plus alpha/2 |w|^2, with u_i the
    weight of the sample and l_i = 1/2 (f(x_i) - y_i)^2 or -log of the probability of its class.
    The first is bounded: a mislabelled sample costs at most 1/2 however far off it is, and pulls
    less the further. It may have several minima; the second has one.

    Parameters
    ----------
    loss : {"quadratic", "log"}, default="quadratic"
        Quadratic is the lecture's, and what no other linear classifier of scikit-learn offers.
        With "log" and one neuron the model is LogisticRegression's.
    solver : {"lbfgs", "gd"}, default="lbfgs"
        "gd" is the lecture's gradient descent with the step size `eta`. "lbfgs" is SciPy's L-BFGS
        over the same compiled kernel, in coordinates in which the cost curves alike in all
        directions. It is the default because it needs no scaling of the features: with 10 000
        steps of "gd" on the raw wine data, two thirds of the held-out samples are right.
    eta : float or "auto", default="auto"
        Step size of "gd". "auto" is 1/L, with L a bound on the curvature of the cost, so that the
        cost never rises; see `oneneuron.curvature.safe_eta`.
    max_iter : int, default=10_000
        The most steps of a descent: the lecture's number. L-BFGS takes some 10 to 100.
    tol : float, default=1e-4
        Where to stop: |dC/dw_j| <= tol times the sum of the weights of the samples, times the
        standard deviation of feature j (1 for the bias). For a centred feature the left side is
        at most what a tol of 1 would allow with the log loss, of 4/27 with the quadratic, whatever
        its unit. Below 1e-4 the cross-validated accuracy on iris, wine, breast cancer and digits
        moves by 0.2 % at most.
    alpha : float, default=0.3
        Strength of the L2 penalty alpha/2 |w|^2, the bias left out: LogisticRegression's 1/C. The
        quadratic cost curves 3.2 times less than the log cost, so that 0.3 weighs on it as
        LogisticRegression's default of 1 does on the log cost. Without any, a line that separates
        the classes drives the weights towards infinity.
    fit_intercept : bool, default=True
        Whether there is a bias; without one, w.x = 0 is on the boundary.
    class_weight : dict, "balanced" or None, default=None
        Factors on the weights of the samples of each class, all 1 by default. "balanced" makes
        the classes' sums of weights equal and leaves their total.
    n_init : int, default=1
        Starts, of which the one that ends at the lowest cost wins. More than one is of use for
        the quadratic loss where some samples lie far off. One is enough otherwise.
    init : (coef, intercept) or None, default=None
        The first start, of the shapes of `coef_` and `intercept_`. By default all zeros, where
        every sample pulls alike and no neuron is saturated. Further starts are drawn.
    warm_start : bool, default=False
        Whether the first start is where the last fit ended.
    keep : {"last", "best", "lowest"}, default="last"
        Which parameters of a descent to keep: the last, the first of the highest accuracy in
        training, as in the lecture, or those of the lowest cost. They are the same to a small
        tolerance where the cost never rises, and the last are where it is flat.
    n_threads : int or None, default=None
        The most threads to use. By default as many as the work is worth, at most one for each
        core of its affinity mask, of its container's limit, and of ``OMP_NUM_THREADS``. The result
        doesn't depend on it. NumPy's linear algebra has one thread, in the whole process, for as
        long as a fit runs.
    record_every : int, default=0
        Record the model at the start and every so many steps in `history_`; 0 records nothing.
    random_state : int, RandomState instance or None, default=None
        Where the starts after the first are drawn from.
    verbose : int, default=0
        1 prints how each descent ends, and where it is every 1000 steps.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights of each neuron, of the dtype of X.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Their biases.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_iter_ : int
        Steps made, by the neuron that took the most.
    loss_ : float
        The cost of the model, summed over the neurons.
    loss_curve_ : ndarray of shape (n_iter_ + 1,)
        The cost at the start and after each step, summed over the neurons; one that has come to
        its end keeps its last. After `partial_fit` the cost after each call, on its samples.
    history_ : list of History
        For each neuron the models that `record_every` asked for.
    eta_ : float or None
        The step size used; None with "lbfgs", which searches for one at each step.
    stop_reason_ : str
        Why the descents stopped, the worst of all neurons: "converged", "precision" (the cost
        can't be lowered further in this dtype), "callback", "max_iter", "saturated" (at rest
        although a constant guess would cost less) or "diverged". After `partial_fit` its name.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where X has names that are strings.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from oneneuron import NeuronClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = NeuronClassifier().fit(X, y)
    >>> classifier.predict(X[:2])
    array([0, 0])
    """

    coef_: FloatArray
    intercept_: FloatArray
    classes_: AnyArray
    n_iter_: int
    loss_: float
    loss_curve_: Float64Array
    history_: list[History]
    eta_: float | None
    stop_reason_: Reason | Literal["partial_fit"]
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self, *, loss: Loss = "quadratic", solver: Literal["lbfgs", "gd"] = "lbfgs",
        eta: float | Literal["auto"] = "auto", max_iter: int = 10_000, tol: float = 1e-4,
        alpha: float = 0.3, fit_intercept: bool = True, class_weight: ClassWeight = None,
        n_init: int = 1, init: tuple[ArrayLike, ArrayLike] | None = None,
        warm_start: bool = False, keep: Which = "last", n_threads: int | None = None,
        record_every: int = 0, random_state: RandomState = None, verbose: int = 0,
    ) -> None:  # fmt: skip
        self.loss = loss
        self.solver = solver
        self.eta = eta
        self.max_iter = max_iter
        self.tol = tol
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.n_init = n_init
        self.init = init
        self.warm_start = warm_start
        self.keep = keep
        self.n_threads = n_threads
        self.record_every = record_every
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on samples X and their labels y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            float32 is computed in float32, all else in float64.
        y : array-like of shape (n_samples,)
            Labels of any kind: numbers, strings, booleans.
        sample_weight : array-like of shape (n_samples,), default=None
            Zero or more: 2 counts as the same sample twice. All 1 by default.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For input that can't be trained on; nothing has been computed then.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` ended a descent, or a neuron is saturated.
        RuntimeWarning
            If a descent diverged, or the cost rose because eta is far beyond the safe step.
        UserWarning
            If all samples that count are of one class.
        DataConversionWarning
            If y is a column, of shape (n_samples, 1); it is taken for the labels.
        """
        options = self._checked()
        with _all_or_nothing(self), one_thread():
            return self._fit(options, X, y, sample_weight)

    def _fit(
        self, options: NeuronClassifier, given_X: ArrayLike, given_y: ArrayLike,
        given_weight: ArrayLike | None,
    ) -> Self:  # fmt: skip
        is_warm = self.warm_start and hasattr(self, "coef_")
        X, y = self._validated(given_X, given_y)
        sample_weight = checks.as_weights(given_weight, len(X), X.dtype)
        classes, codes = checks.distinct(y, "y")
        weights = options._weights(codes, classes, sample_weight, X.dtype)
        first = self._first_start(classes, X.shape[1], is_warm)
        with_samples = classes[np.bincount(codes, sample_weight) > 0]
        if len(with_samples) == 1:
            diagnostics.warn_of_one_class(with_samples.tolist()[0])

        neurons = Neurons(options, X, codes, len(classes), weights)
        starts = neurons.starts(first, checks.as_random_state(self.random_state))
        tasks = self._tasks(neurons, classes, given_X, given_y, given_weight)
        trained = neurons.train(starts, tasks)
        self.classes_ = classes
        self.coef_, self.intercept_ = neurons.coefficients()
        self.eta_ = neurons.eta if self.solver == "gd" else None
        self.n_iter_ = max(neuron.num_steps for neuron in trained)
        self.loss_ = total_cost([neuron.model for neuron in trained])
        self.loss_curve_ = total_curve(trained)
        self.stop_reason_ = worst_reason(trained)
        self.history_ = [as_history(neuron.models, X.shape[1], X.dtype) for neuron in trained]
        neurons.diagnose(trained)
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:  # fmt: skip
        """Make one step of gradient descent on samples that are a piece of the data.

        `solver` is that of `fit`: here it is always the descent, and with ``eta="auto"`` the step
        is 1/L of the piece. Call it for every piece in turn, several times round.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All labels there will be: needed at the first call, to be left out or the same later.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For input that can't be trained on; the model is as it was then.

        Warns
        -----
        RuntimeWarning
            If the step would leave the finite numbers; it is not made then.
        DataConversionWarning
            If y is a column, of shape (n_samples, 1); it is taken for the labels.
        """
        options = self._checked()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once, found it in partial_fit: give "
                "a dict, for instance what compute_class_weight says of all labels."
            )
        with _all_or_nothing(self), one_thread():
            return self._partial_fit(options, X, y, classes, sample_weight)

    def _partial_fit(
        self, options: NeuronClassifier, given_X: ArrayLike, given_y: ArrayLike,
        given_classes: ArrayLike | None, given_weight: ArrayLike | None,
    ) -> Self:  # fmt: skip
        is_first = not hasattr(self, "coef_")
        X, y = self._validated(given_X, given_y, reset=is_first)
        classes = self._all_classes(given_classes, is_first)
        codes = _codes(y, classes)
        sample_weight = checks.as_weights(given_weight, len(X), X.dtype)
        weights = options._weights(codes, classes, sample_weight, X.dtype)
        starts = self._first_start(classes, X.shape[1], not is_first)

        neurons = Neurons(options, X, codes, len(classes), weights)
        models = neurons.step(starts)
        self.classes_ = classes
        self.coef_, self.intercept_ = coefficients_of(models, X.dtype)
        self.eta_ = neurons.eta
        self.n_iter_ = getattr(self, "n_iter_", 0) + 1
        self.loss_ = total_cost(models)
        self.loss_curve_ = np.append(getattr(self, "loss_curve_", []), self.loss_)
        self.stop_reason_ = "partial_fit"
        return self

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """w.x + b of each neuron: above 0 where the second class, or its own, is the likelier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) unless there are two classes

        Raises
        ------
        ValueError, TypeError
            If X is not of finite numbers, as many for each sample as in the fit, or too large for
            w.x + b to be finite.
        """
        check_is_fitted(self)
        samples: FloatArray = self._validated(X, reset=False)
        scores = checks.finite_margins(samples, self.coef_.T, self.intercept_, "X")
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> AnyArray:
        """The likeliest class of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), of the dtype of the labels

        Raises
        ------
        ValueError, TypeError
            As `decision_function`.
        """
        scores = self.decision_function(X)
        codes = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
        labels: AnyArray = self.classes_[codes]
        return labels

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """The probability of each class: f and 1 - f, or each neuron's f divided by their sum.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        ValueError, TypeError
            As `decision_function`.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        # Through logarithms, as f of every neuron may be too small for a number.
        shares: FloatArray = softmax(log_expit(scores), axis=1)
        return shares

    def _validated(self, X: ArrayLike, *y: ArrayLike, **options: Any) -> Any:
        """X, and y if it is given, as scikit-learn validates them, and the checks that it lacks."""
        raw = checks.as_array(X, "X")
        # scikit-learn has words of its own for complex numbers.
        dtype = np.float64 if raw.dtype.kind == "c" else checks.float_type(raw, "X")
        for labels in y:
            checks.refuse_masked(labels, "y")
        try:
            # What is too large becomes infinite, and is refused.
            with np.errstate(over="ignore", invalid="ignore"):
                validated = validate_data(self, X, *y, dtype=dtype, **options)
                if y:
                    check_classification_targets(validated[1])
            return validated
        except OverflowError as error:
            raise TypeError(f"X must hold numbers: {error}.") from error

    def _checked(self) -> NeuronClassifier:
        """The parameters in the form that the rest uses; those out of their range are refused."""
        checks.as_random_state(self.random_state)
        is_flag = isinstance(self.verbose, (bool, np.bool_))
        return NeuronClassifier(
            loss=checks.as_choice(self.loss, "loss", ("quadratic", "log")),
            solver=checks.as_choice(self.solver, "solver", ("lbfgs", "gd")),
            keep=checks.as_choice(self.keep, "keep", ("last", "best", "lowest")),
            eta=checks.as_eta_or_auto(self.eta),
            max_iter=checks.as_count(self.max_iter, "max_iter", least=1),
            n_init=checks.as_count(self.n_init, "n_init", least=1),
            record_every=checks.as_count(self.record_every, "record_every"),
            verbose=int(self.verbose) if is_flag else checks.as_count(self.verbose, "verbose"),
            tol=checks.as_size(self.tol, "tol"),
            alpha=checks.as_size(self.alpha, "alpha"),
            fit_intercept=checks.as_flag(self.fit_intercept, "fit_intercept"),
            warm_start=checks.as_flag(self.warm_start, "warm_start"),
            n_threads=checks.as_threads(self.n_threads),
            class_weight=checks.as_class_weight(self.class_weight),
        )

    def _weights(
        self, codes: NDArray[np.intp], classes: AnyArray, sample_weight: FloatArray | None,
        dtype: np.dtype[Any],
    ) -> FloatArray | None:  # fmt: skip
        """Weights of the samples times those of their classes; None if all are 1."""
        if self.class_weight is None:
            return sample_weight
        if isinstance(self.class_weight, dict):
            factors = compute_class_weight(self.class_weight, classes=classes, y=classes)
        else:
            sums = np.bincount(codes, sample_weight, len(classes))
            factors = sums.sum() / (len(classes) * np.where(sums > 0, sums, 1.0))
        with np.errstate(over="ignore"):
            weights = factors[codes] * (1.0 if sample_weight is None else sample_weight)
        return checks.as_weights(weights, len(codes), dtype, "class_weight times sample_weight")

    def _all_classes(self, classes: ArrayLike | None, is_first: bool) -> AnyArray:
        """The classes of `partial_fit`, sorted."""
        if classes is None:
            if is_first:
                raise ValueError("classes must be given at the first call of partial_fit.")
            return self.classes_
        classes, _ = checks.distinct(classes, "classes")
        if not is_first and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_.tolist()}, found "
                f"{classes.tolist()}: leave them out."
            )
        return classes

    def _first_start(self, classes: AnyArray, num_features: int, is_warm: bool) -> Float64Array:
        """The first start of each neuron, (num_neurons, d + 1), the biases last."""
        shape = (1 if len(classes) == 2 else len(classes)), num_features + 1
        if is_warm and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start needs the classes of the last fit, {self.classes_.tolist()}, found "
                f"{classes.tolist()}: use warm_start=False."
            )
        given: tuple[ArrayLike, ArrayLike]
        if is_warm:
            name, given = "warm_start or partial_fit", (self.coef_, self.intercept_)
        elif self.init is not None:
            name, given = "init", self.init
        else:
            return np.zeros(shape)
        return checks.as_coefficients(given, shape[0], num_features, name)

    def _tasks(
        self, neurons: Neurons, classes: AnyArray, X: ArrayLike, y: ArrayLike,
        sample_weight: ArrayLike | None,
    ) -> Tasks | None:  # fmt: skip
        """What to tell callbacks through; None if none are set."""
        if not getattr(self, "_skl_callbacks", None):
            return None

        def attributes() -> dict[str, AnyArray]:
            coef, intercept = neurons.coefficients()
            return {"classes_": classes, "coef_": coef, "intercept_": intercept}

        num_neurons = 1 if len(classes) == 2 else len(classes)
        num_stretches = -(-self.max_iter // neurons.task_stride)
        num_trainings = num_neurons * self.n_init
        return Tasks(self, X, y, sample_weight, num_trainings, num_stretches, attributes)


@contextmanager
def _all_or_nothing(estimator: NeuronClassifier) -> Iterator[None]:
    """Leave the fitted attributes as they were if an error or Ctrl-C ends the block."""

    def fitted() -> dict[str, Any]:
        return {name: value for name, value in vars(estimator).items() if name.endswith("_")}

    before = fitted()
    try:
        yield
    except BaseException:
        for name in fitted():
            delattr(estimator, name)
        estimator.__dict__.update(before)
        raise


def _codes(y: AnyArray, classes: AnyArray) -> NDArray[np.intp]:
    """The place of each label among the classes."""
    known = set(classes.tolist())
    unknown = [label for label in checks.distinct(y, "y")[0].tolist() if label not in known]
    if unknown:
        raise ValueError(
            f"y must hold labels that were given as classes, {classes.tolist()}, found "
            f"{unknown[:4]}."
        )
    return np.searchsorted(classes, y)
