"""The scikit-learn classifier: one neuron, or one for each class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from os import PathLike
from typing import Any, Literal, Self, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from . import _checks, _diagnostics
from ._engine import predictions
from ._engine.team import ALONE, Team
from ._fit.callbacks import CallbackSupportMixin, SupportsCallbacks, Tasks, with_callbacks
from ._fit.classes import codes_among, dict_factors, encode, times_factors
from ._fit.logistic_names import RefusesLogisticNames
from ._fit.neurons import (
    Neurons,
    Reason,
    coefficients_of,
    total_cost,
    total_curve,
    worst_reason,
)
from ._fit.options import MultiClass, Options, Solver
from ._fit.seen import Seen
from ._fit.sources import ArraySource, Source, array_source, table_source
from ._fit.team_source import team_source
from ._fit.validation import validated_samples, validated_samples_and_labels
from ._losses import LossName
from ._results import History, as_history
from ._tables import is_on_disk
from ._typing import (
    AnyArray,
    ClassWeight,
    Float64Array,
    FloatArray,
    RandomState,
    SamplesLike,
    Which,
)

# Returns the source of a fit, given its options, X, y, sample_weight and the team.
MakeSource: TypeAlias = Callable[
    [Options, SamplesLike, ArrayLike, ArrayLike | None, Team], Source
]  # fmt: skip


class NeuronClassifier(RefusesLogisticNames, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """A classifier made of sigmoid neurons, trained on the quadratic (Brier) cost or the log cost.

    With two classes there is one neuron, f(x) = sigma(w.x + b), and f is the probability of the
    second class. With more classes there is one neuron for each class. By default they form a layer
    with a softmax; `multi_class` says how else they can work together.

    The cost of a neuron is ``sum_i u_i l_i + alpha/2 |w|^2``, where u_i is the weight of sample i.
    The loss l_i is ``1/2 (f(x_i) - y_i)^2``, or minus the logarithm of the probability of the true
    class.
    The quadratic loss is at most 1/2, which limits the pull of a mislabelled sample [3]_, but the
    cost may then have several minima [4]_. With the log loss it has only one.

    Parameters
    ----------
    loss : {"quadratic", "log"}, default "quadratic"
        "quadratic" is the lecture's cost: up to a factor, the Brier score [1]_. With "log" and two
        classes, the model is the same as that of LogisticRegression.
    multi_class : {"softmax", "ovr"}, default "softmax"
        How the neurons work together with three and more classes. "softmax" makes them a layer: the
        probabilities are the softmax of their outputs w.x + b, and they are trained together on a
        common cost. "ovr" trains each of them by itself, to tell its class from the rest. Two
        classes always have a single neuron.
    solver : {"lbfgs", "gd"}, default "lbfgs"
        "gd" is the lecture's gradient descent with step size `eta`. "lbfgs" is L-BFGS [2]_. It
        works in coordinates in which the curvature of the cost is similar in all directions, so the
        features seldom need scaling. With very many samples, its first step leads to where the cost
        of a sixteenth of them is lowest. "gd" needs scaled features: on the unscaled wine data,
        10,000 steps get only two thirds of the held-out samples right.
    eta : float or "auto", default "auto"
        The step size of "gd". "auto" means `oneneuron.safe_eta`, with which the cost never rises.
        A larger one is faster as long as `loss_curve_` keeps falling. A safe eta is smaller for
        more samples, since the cost is a sum over all of them.
    max_iter : int, default 10_000
        The largest number of steps from each start. "lbfgs" usually takes 5 to 100. With 0, the
        start is the result.
    tol : float, default 1e-5
        Training has converged when every derivative of the cost is small:
        ``|dC/dw_j| <= tol u s_j`` and ``|dC/db| <= tol u``. Here s_j is the standard deviation of
        feature j, and u is the total weight of the rarer side: of the neuron's own class, or of the
        rest if that weighs less. dC/dw_j is taken with feature j centred. So the rule depends
        neither on the units nor on the zeros of the features. Where the cost is below u/50 and has
        a penalty, these limits are smaller in proportion to it.
    alpha : float or "auto", default "auto"
        The strength of the L2 penalty ``alpha/2 |w|^2``; the bias is not penalised. It plays the
        role of 1/C in LogisticRegression. "auto" means 1 for the log loss, which is
        LogisticRegression's default. For the quadratic loss, whose curvature is 3.2 times smaller,
        it means 0.3, and 0.1 if the neurons form a layer with a softmax. It is multiplied by the
        mean of the sample weights if they sum to 1 or less, as AdaBoostClassifier's do. With
        alpha = 0, the weights grow without limit if all samples can be on the right side.
    fit_intercept : bool, default True
        Whether the neuron has a bias. Without one, the boundary goes through the origin.
    class_weight : dict, "balanced" or None, default None
        Factors by which the weights of the samples of each class are multiplied. "balanced" gives
        all classes the same total weight. By default every factor is 1.
    n_init : int, default 1
        The number of starts. The start that leads to the lowest cost wins. More than one start can
        help with the quadratic loss if some samples are far outliers.
    init : tuple of (coef, intercept) or None, default None
        The first start, with the shapes of `coef_` and `intercept_`. By default it is zero, where
        no neuron is saturated. Any further starts are drawn at random.
    warm_start : bool, default False
        Whether to use the result of the last fit as the first start.
    keep : {"last", "best", "lowest"}, default "last"
        Which model of the training to keep: the last one, the one with the highest training
        accuracy (the first such model, as in the lecture), or the one with the lowest cost.
    n_threads : int or None, default None
        The largest number of threads to use. By default, as many as speed up the work, but at most
        one for each core that the affinity mask, the container and ``OMP_NUM_THREADS`` allow. If
        more are asked for, at most two for each core are used. The result does not depend on the
        number of threads.
    record_every : int, default 0
        Record the start and every `record_every` steps in `history_`; 0 records nothing.
    random_state : int, RandomState instance or None, default None
        The source of random numbers for the starts after the first.
    verbose : int, default 0
        If positive, print the cost every 1000 steps and at the end of each training run.
    scratch : str, path-like or None, default None
        A folder for samples that do not fit into memory. `fit` writes them to a temporary file
        there, which takes as much space as X in its dtype, and reads it in each step. The result
        has the same bits as in memory. The file is gone after the fit, however it ends.
        `partial_fit` ignores it.
    checkpoint : str or path-like, default None
        A file to which `fit` saves its state: every half minute, at the end, and when SIGTERM,
        Ctrl-C or an error interrupts a pass. If the file exists, `fit` continues from there, and
        the result has the same bits as without an interruption. `max_iter` may be larger than
        before, and `keep`, `n_threads` and `verbose` may be any. Random starts without a seed are
        read from the file. A file belongs to a single fit, so cross-validation and grid search
        cannot use one. If a callback has stopped a fit, the next one continues; callbacks are not
        told about the steps made before. `partial_fit` ignores this parameter.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The weights of each neuron, with the dtype of X. After `sparsify`, a sparse matrix.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The bias of each neuron.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_iter_ : ndarray of shape (1,) or (n_classes,), int64
        The number of steps made: one number for a single neuron or a layer, and one for each neuron
        with ``multi_class="ovr"``.
    loss_ : float
        The cost of the model, summed over the neurons.
    loss_curve_ : ndarray of shape ``(max(n_iter_) + 1,)``
        The cost at the start and after each step, summed over the neurons. A neuron whose training
        has ended keeps its last cost. After `partial_fit`, the curve has one cost for each call,
        on the samples of that call.
    history_ : list of History
        The recorded models of each neuron.
    alpha_ : float
        The strength of the penalty that was used. After `partial_fit`, it is that for the piece.
    eta_ : float or None
        The step size used; None for "lbfgs".
    stop_reason_ : str
        Why training stopped; if the neurons differ, the worst of their reasons. These are, from
        best to worst, "converged", "precision" (the cost cannot be lowered further in this dtype),
        "callback", "max_iter", "saturated" (the gradient vanished, but a constant guess would cost
        less) and "diverged". After `partial_fit`, it is "partial_fit".
    n_features_in_ : int
        The number of features seen during fit.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the features, if X has names that are all strings.

    Raises
    ------
    TypeError
        If a parameter is unknown. For one of LogisticRegression's, the error says what to write
        instead.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : The same function, trained on the log cost.
    oneneuron.train : Gradient descent for one neuron, with the models along the way.

    References
    ----------
    .. [1] G. W. Brier, Verification of forecasts expressed in terms of probability, Monthly Weather
       Review 78, 1950.
    .. [2] D. C. Liu and J. Nocedal, On the limited memory BFGS method for large scale optimization,
       Mathematical Programming 45, 1989.
    .. [3] H. Masnadi-Shirazi and N. Vasconcelos, On the design of loss functions for
       classification: theory, robustness to outliers, and SavageBoost, Advances in Neural
       Information Processing Systems 21, 2008.
    .. [4] P. Auer, M. Herbster and M. K. Warmuth, Exponentially many local minima for single
       neurons, Advances in Neural Information Processing Systems 8, 1995.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from oneneuron import NeuronClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = NeuronClassifier().fit(X, y)
    >>> classifier.predict(X[:2])
    array([0, 0])
    >>> classifier.predict_proba(X[:1]).round(2)
    array([[0.97, 0.03, 0.  ]])
    >>> print(f"{classifier.score(X, y):.2f}")
    0.99
    """

    # A pickle stores the module's name. This is the public one, since the private one may change.
    __module__ = "oneneuron"

    coef_: FloatArray
    intercept_: FloatArray
    classes_: AnyArray
    n_iter_: NDArray[np.int64]
    loss_: float
    loss_curve_: Float64Array
    history_: list[History]
    alpha_: float
    eta_: float | None
    stop_reason_: Reason | Literal["partial_fit"]
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    _seen: tuple[Any, ...]  # the fields of a `Seen`, since pickles name no private class

    def __init__(
        self, *, loss: LossName = "quadratic", multi_class: MultiClass = "softmax",
        solver: Solver = "lbfgs", eta: float | Literal["auto"] = "auto", max_iter: int = 10_000,
        tol: float = 1e-5, alpha: float | Literal["auto"] = "auto", fit_intercept: bool = True,
        class_weight: ClassWeight = None, n_init: int = 1,
        init: tuple[ArrayLike, ArrayLike] | None = None, warm_start: bool = False,
        keep: Which = "last", n_threads: int | None = None, record_every: int = 0,
        random_state: RandomState = None, verbose: int = 0,
        scratch: str | PathLike[str] | None = None, checkpoint: str | PathLike[str] | None = None,
    ) -> None:  # fmt: skip
        self.loss = loss
        self.multi_class = multi_class
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
        self.scratch = scratch
        self.checkpoint = checkpoint

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn's tools ask of an estimator: this one takes sparse samples."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @with_callbacks
    def fit(self, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the neurons on samples and their labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, path} of shape (n_samples, n_features)
            The samples. The computation is in float32 for float32 samples, and otherwise in
            float64. With `scratch`, it may be the path of a ``.npy`` file, of a Parquet file or of
            a folder of Parquet files, or a memory map. These are read in pieces. Sparse matrices
            and arrays of any format stay sparse, and so do frames of pandas if all columns are
            sparse. CSR needs no conversion. Sparse samples are added up in float64.
        y : array-like of shape (n_samples,)
            Labels of any kind: numbers, strings, booleans. If X is a file, y may be one, too, or
            the name of a column of a Parquet file. The other columns are the features.
        sample_weight : array-like of shape (n_samples,), default None
            The weight of each sample, zero or more. A sample of weight 2 counts as two samples. By
            default every weight is 1. If X is a file, it may be given in the same ways as y.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        ValueError, TypeError
            If an argument or a parameter is invalid, or if the file `checkpoint` is damaged or
            belongs to another fit. The estimator then stays unchanged.
        OSError
            If a file cannot be read or written. The estimator then stays unchanged.

        Warns
        -----
        ConvergenceWarning
            If training stopped at `max_iter`, if a neuron is saturated, or if all samples are on
            the right side although alpha is 0.
        RuntimeWarning
            If training diverged, or if the cost rose because eta is far above the safe step size.
            Also if `checkpoint` cannot be written later on. Training then goes on.
        UserWarning
            If all samples of positive weight are of one class.
        DataConversionWarning
            If y is a column, of shape (n_samples, 1). It is flattened.
        """
        options = self._options()
        with all_or_nothing(self):
            return self._fit(options, X, y, sample_weight)

    def _fit(
        self, options: Options, given_X: SamplesLike, given_y: ArrayLike,
        given_weight: ArrayLike | None, team: Team = ALONE, source: MakeSource | None = None,
    ) -> Self:  # fmt: skip
        """Train the neurons on the samples of a source; the default is `_source`."""
        is_warm = options.warm_start and hasattr(self, "coef_")
        checkpoint = options.open_checkpoint(team)
        make = self._source if source is None else source
        made = make(options, given_X, given_y, given_weight, team)
        classes = made.classes
        first = self._first_start(classes, made.num_features, is_warm)
        samples = made.lay_out(first)
        with_samples = classes[samples.class_weights > 0.0]
        if len(with_samples) == 1:
            _diagnostics.warn_of_one_class(with_samples.tolist()[0])

        neurons = Neurons(options, samples, first)
        if not neurons.means_are_finite:
            made.refuse_infinite()
        tasks = self._tasks(neurons, classes, given_X, given_y, given_weight)
        trained = neurons.train(tasks, checkpoint)
        self.classes_ = classes
        self.coef_, self.intercept_ = neurons.coefficients()
        self.alpha_ = neurons.alpha
        self.eta_ = neurons.eta if options.solver == "gd" else None
        self.n_iter_ = np.array([neuron.ending.num_steps for neuron in trained], np.int64)
        self.loss_ = total_cost([neuron.model for neuron in trained])
        self.loss_curve_ = total_curve(trained)
        self.stop_reason_ = worst_reason(trained)
        self.history_ = [
            as_history(neuron.models, made.num_features, made.dtype) for neuron in trained
        ]
        self._seen = tuple(Seen(fitted=neurons.total_weight))
        neurons.diagnose(trained)
        return self

    def _source(
        self, options: Options, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None,
        team: Team,
    ) -> Source:  # fmt: skip
        """Return where the samples of a fit come from, checked."""
        if is_on_disk(X) and (options.scratch is not None or not isinstance(X, np.ndarray)):
            return table_source(self, options, X, y, sample_weight, team)
        if team.size > 1:
            return team_source(self, options, X, y, sample_weight, team)
        return array_source(self, options, X, y, sample_weight)

    def partial_fit(
        self, X: SamplesLike, y: ArrayLike, classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:  # fmt: skip
        """Make one step of gradient descent on a piece of the data.

        Call it for each piece in turn, and go through all pieces several times, in any order. The
        penalty is divided among the pieces, so that they come close to the minimum of `fit`. For
        this, hashes of some samples are kept, which tell how many rounds have been made. `solver`
        is ignored. With ``eta="auto"``, the step size is computed from the piece. It gets smaller
        from round to round, and sooner if the pieces are small. A piece whose weights are all zero
        changes nothing.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples of the piece, in memory.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : array-like of shape (n_classes,), default None
            All the labels that will occur. The first call needs them. Later calls may leave them
            out; if they are given, they must be the same.
        sample_weight : array-like of shape (n_samples,), default None
            The weight of each sample. By default every weight is 1.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        ValueError, TypeError
            If an argument or a parameter is invalid. The estimator then stays unchanged.

        Warns
        -----
        RuntimeWarning
            If the step would make the parameters infinite. In that case it is not made.
        DataConversionWarning
            If y is a column, of shape (n_samples, 1). It is flattened.
        """
        options = self._options()
        if options.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once, which partial_fit does not "
                "have: give a dict, for instance with scikit-learn's compute_class_weight of all "
                "labels."
            )
        with all_or_nothing(self):
            return self._partial_fit(options, X, y, classes, sample_weight)

    def _partial_fit(
        self, options: Options, given_X: SamplesLike, given_y: ArrayLike,
        given_classes: ArrayLike | None, given_weight: ArrayLike | None,
    ) -> Self:  # fmt: skip
        is_first = not hasattr(self, "coef_")
        X, labels, codes = validated_samples_and_labels(self, given_X, given_y, reset=is_first)
        classes = self._all_classes(given_classes, is_first)
        codes = codes_among(classes, labels, codes)
        sample_weight = _checks.as_sample_weight(
            given_weight, len(codes), X.dtype, may_all_be_zero=True
        )
        factors = dict_factors(options.class_weight, classes)
        sample_weight = times_factors(sample_weight, factors, codes, X.dtype, may_all_be_zero=True)
        starts = self._first_start(classes, X.shape[1], not is_first)
        if is_first:
            self._begin(classes, starts, X.dtype)
        self.stop_reason_ = "partial_fit"
        if sample_weight is None or sample_weight.any():
            self._step(options, starts, X, codes, sample_weight, given_X)
        return self

    def _begin(self, classes: AnyArray, starts: Float64Array, dtype: np.dtype[Any]) -> None:
        """Set the fitted attributes as before the first step of `partial_fit`."""
        self.classes_ = classes
        self.coef_ = starts[:, :-1].astype(dtype)
        self.intercept_ = starts[:, -1].astype(dtype)
        self.n_iter_ = np.zeros(1 if self._is_layer else len(starts), np.int64)
        self.loss_, self.loss_curve_ = 0.0, np.empty(0)

    def _step(
        self, options: Options, starts: Float64Array, X: FloatArray,
        codes: NDArray[np.integer[Any]], sample_weight: FloatArray | None, given_X: SamplesLike,
    ) -> None:  # fmt: skip
        """Make the step of `partial_fit`."""
        seen = Seen(*getattr(self, "_seen", ())).with_piece(X, codes, sample_weight)
        source = ArraySource(options, X, codes, self.classes_, sample_weight, given_X)
        neurons = Neurons(options, source.lay_out(starts), starts, seen.share)
        if not neurons.means_are_finite:
            source.refuse_infinite()
        models, self.eta_ = neurons.step(seen.rounds)
        self.coef_, self.intercept_ = coefficients_of(models, X.dtype)
        self.alpha_ = neurons.alpha
        self.n_iter_ = self.n_iter_ + 1  # a new array, since an error later restores the old one
        self.loss_ = total_cost(models)
        self.loss_curve_ = np.append(self.loss_curve_, self.loss_)
        self._seen = tuple(seen)

    def decision_function(self, X: SamplesLike) -> FloatArray:
        """Return w.x + b for each neuron.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples, with the features of the fit.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column for each class; the largest value is that of the likeliest class. With two
            classes, the result is one-dimensional, and above 0 if the second class is likelier.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted. It is a ValueError, too.
        ValueError, TypeError
            If X is not a table of finite numbers with the same features as in the fit, or if it is
            too large for w.x + b to be finite.
        """
        scores: FloatArray = self._predicted(predictions.margins, X)
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: SamplesLike) -> AnyArray:
        """Return the likeliest class of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples,), with the dtype of the labels
            One of `classes_` for each sample.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            For the same reasons as `decision_function`.
        """
        codes = self._predicted(predictions.class_codes, X)
        # A neuron that has seen one class has code 1 for it, the last.
        labels: AnyArray = self.classes_.take(codes, mode="clip")
        return labels

    def predict_proba(self, X: SamplesLike) -> FloatArray:
        """Return the probability of each class.

        With two classes, these are 1 - f and f. With more, they are the softmax of w.x + b. With
        ``multi_class="ovr"``, each f is divided by the sum of all f.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The columns are in the order of `classes_`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            For the same reasons as `decision_function`.
        """
        if self._num_classes == 1:
            return np.ones_like(self._predicted(predictions.margins, X))
        probabilities: FloatArray = self._predicted(
            predictions.softmax if self._is_layer else predictions.probabilities, X
        )
        return probabilities

    def predict_log_proba(self, X: SamplesLike) -> FloatArray:
        """Return the logarithm of the probability of each class.

        It is computed from w.x + b, and is exact where the probability itself is so small that it
        underflows to 0, or so large that it rounds to 1.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The columns are in the order of `classes_`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            For the same reasons as `decision_function`.
        """
        if self._num_classes == 1:
            return np.zeros_like(self._predicted(predictions.margins, X))
        logarithms: FloatArray = self._predicted(
            predictions.log_softmax if self._is_layer else predictions.log_probabilities, X
        )
        return logarithms

    def sparsify(self) -> Self:
        """Convert `coef_` to a sparse matrix in CSR format, which is smaller if most of it is zero.

        All methods work as before. `fit` and `partial_fit` make it dense again.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.
        """
        check_is_fitted(self)
        wants_array = get_config().get("sparse_interface") == "sparray"  # from scikit-learn 1.9 on
        as_csr: Any = sparse.csr_array if wants_array else sparse.csr_matrix
        self.coef_ = as_csr(self.coef_)
        return self

    def densify(self) -> Self:
        """Convert `coef_` back to an array, after `sparsify`.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.
        """
        check_is_fitted(self)
        self.coef_ = self._dense_coef
        return self

    @property
    def _dense_coef(self) -> FloatArray:
        coef: Any = self.coef_
        dense: FloatArray = coef if isinstance(coef, np.ndarray) else coef.toarray()
        return dense

    @property
    def _num_classes(self) -> int:
        """The number of classes; 0 before a fit."""
        return len(getattr(self, "classes_", ()))

    @property
    def _is_layer(self) -> bool:
        """Whether the probabilities are the softmax of w.x + b."""
        return self.multi_class == "softmax" and self._num_classes > 2

    def _predicted(self, prediction: Callable[..., AnyArray], X: SamplesLike) -> Any:
        """Return a prediction for samples, checked first."""
        check_is_fitted(self)
        n_threads = _checks.as_threads(self.n_threads)
        samples = validated_samples(self, X, reset=False)
        try:
            return prediction(samples, self._dense_coef, self.intercept_, n_threads)
        except predictions.InfiniteMarginError as error:
            raise _diagnostics.infinite_margins("X") from error

    def _options(self) -> Options:
        return Options.checked({f.name: getattr(self, f.name) for f in fields(Options)})

    def _all_classes(self, classes: ArrayLike | None, is_first: bool) -> AnyArray:
        """Return the classes of `partial_fit`, sorted."""
        if classes is None:
            if is_first:
                raise ValueError("classes must be given at the first call of partial_fit.")
            return self.classes_
        classes, _ = encode(_checks.as_array(classes, "classes").ravel(), "classes")
        if not is_first and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes must be the same as at the first call, {self.classes_.tolist()}, found "
                f"{classes.tolist()}: leave them out."
            )
        return classes

    def _first_start(self, classes: AnyArray, num_features: int, is_warm: bool) -> Float64Array:
        """Return the first start of each neuron, (num_neurons, d + 1), with the biases last."""
        shape = (1 if len(classes) == 2 else len(classes)), num_features + 1
        if is_warm and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start needs the classes of the last fit, {self.classes_.tolist()}, found "
                f"{classes.tolist()}: use warm_start=False."
            )
        given: tuple[ArrayLike, ArrayLike]
        if is_warm:
            name, given = "warm_start or partial_fit", (self._dense_coef, self.intercept_)
        elif self.init is not None:
            name, given = "init", self.init
        else:
            return np.zeros(shape)
        return _checks.as_coefficients(given, shape[0], num_features, name)

    def _tasks(
        self, neurons: Neurons, classes: AnyArray, X: SamplesLike, y: ArrayLike,
        sample_weight: ArrayLike | None,
    ) -> Tasks | None:  # fmt: skip
        """Return the tasks that callbacks follow; None if no callbacks are set."""
        if not getattr(self, "_skl_callbacks", None):
            return None

        def attributes() -> dict[str, AnyArray]:
            coef, intercept = neurons.coefficients()
            return {"classes_": classes, "coef_": coef, "intercept_": intercept}

        return Tasks(
            cast("SupportsCallbacks", self), X, y, sample_weight, neurons.num_stretches, attributes,
        )  # fmt: skip


@contextmanager
def all_or_nothing(estimator: NeuronClassifier) -> Iterator[None]:
    """Restore the fitted attributes if an error or Ctrl-C ends the block."""

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
