"""Training on a Dask cluster: of neurons, on the arrays and frames of Dask.

Each worker lays out its share of the rows once, and keeps it. A pass over the samples is one call
for each worker: parameters go out, and sums come back.

It needs the extra ``oneneuron[dask]``.
"""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

try:
    import dask.array
    import distributed
except ImportError as error:
    raise ImportError("oneneuron.dask needs Dask: pip install 'oneneuron[dask]'") from error

from .. import _classifier
from .._fit.callbacks import with_callbacks
from .._typing import SamplesLike
from ._arrays import is_array, is_frame
from ._predictions import accuracy, lazy
from ._source import dask_source
from ._workers import Workers

__all__ = ["NeuronClassifier"]


class NeuronClassifier(_classifier.NeuronClassifier):
    """A `oneneuron.NeuronClassifier` for arrays and frames of Dask.

    `fit` trains on the workers of a cluster, and the result has the same bits as in memory. The
    chunks and the number of workers do not matter, as long as all workers have processors with
    fused multiply-adds. Predictions are lazy: they are arrays of Dask. For arrays and frames in
    memory, all methods do the same as those of `oneneuron.NeuronClassifier`, in this process.

    The parameters and attributes are those of `oneneuron.NeuronClassifier`. By default, `n_threads`
    is the number of threads of each worker, and predictions take one thread for each block.
    `scratch` is not available for collections of Dask, and neither is `partial_fit`. `checkpoint`
    is a file of the process that calls `fit`, in which callbacks run, too.

    See Also
    --------
    oneneuron.NeuronClassifier : The same for a single process.

    Notes
    -----
    X is read once, and once more if sizes of chunks are unknown; y is read once more than X. The
    samples must fit into the memory of the workers twice while they are laid out, and once
    afterwards.

    If a worker is lost, its rows are read and laid out again on another one, and the result has the
    same bits. So the blocks must be the same whenever they are computed. Workers that join the
    cluster during a fit only serve as replacements.

    A pickle of this classifier needs Dask. One of `estimator_` does not.
    """

    __module__ = "oneneuron.dask"

    @property
    def estimator_(self) -> _classifier.NeuronClassifier:
        """The fitted model as a `oneneuron.NeuronClassifier`, which needs no Dask."""
        check_is_fitted(self)
        ordinary = _classifier.NeuronClassifier(**self.get_params(deep=False))
        names = [name for name in vars(self) if name.endswith("_") or name == "_seen"]
        ordinary.__dict__.update({name: getattr(self, name) for name in names})
        return ordinary

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *,
        client: distributed.Client | None = None,
    ) -> Self:  # fmt: skip
        """Train the neurons on the workers of a Dask cluster.

        Parameters
        ----------
        X : dask.array.Array or dask.dataframe.DataFrame of shape (n_samples, n_features)
            The samples, with chunks or partitions of any sizes, which may be unknown. Arrays and
            frames in memory are fitted in this process and need no client: a copy on a cluster
            would take longer, and have the same result.
        y : dask.array.Array, dask.dataframe.Series or array-like of shape (n_samples,)
            Labels of any kind.
        sample_weight : dask.array.Array, dask.dataframe.Series or array-like, default None
            The weight of each sample, of shape (n_samples,). By default every weight is 1.
        client : distributed.Client, default None
            The client of the cluster. By default the current one.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        ValueError, TypeError
            If an argument or a parameter is invalid. The estimator then stays unchanged.
        TimeoutError
            If there are no workers within the timeout of the client, also during the fit.
        RuntimeError
            If workers are lost again and again.
        OSError
            If the connection to the scheduler is lost.
        Exception
            What a task of X, y or sample_weight raises.

        Warns
        -----
        Warning
            For the same reasons as `oneneuron.NeuronClassifier.fit`.

        Notes
        -----
        Nothing is left on the cluster after the fit, however it ends.
        """
        if not _is_collection(X):
            for name, value in (("y", y), ("sample_weight", sample_weight)):
                if dask.is_dask_collection(value):
                    raise TypeError(
                        f"{name} is a collection of Dask, and X is in memory: compute {name}, or "
                        f"make X a collection, too."
                    )
            return super().fit(X, y, sample_weight)
        return self._fit_on_workers(X, y, sample_weight, _usable(client))

    @with_callbacks
    def _fit_on_workers(
        self, X: Any, y: Any, sample_weight: Any, client: distributed.Client
    ) -> Self:
        options = self._options()
        if options.scratch is not None:
            raise ValueError(
                "scratch is not available for collections of Dask: use scratch=None, and more "
                "workers if the samples do not fit into memory."
            )
        with Workers(client) as workers, _classifier.all_or_nothing(self):
            return self._fit(
                options, X, y, sample_weight,
                source=lambda *_: dask_source(self, options, X, y, sample_weight, workers),
            )  # fmt: skip

    def partial_fit(
        self, X: SamplesLike, y: ArrayLike, classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:  # fmt: skip
        """Make one step of gradient descent on a piece of the data, which must be in memory.

        Parameters
        ----------
        X, y, classes, sample_weight : as for `oneneuron.NeuronClassifier.partial_fit`
            The piece of the data.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        TypeError
            If X is a collection of Dask. Other errors are those of
            `oneneuron.NeuronClassifier.partial_fit`.
        """
        if dask.is_dask_collection(X):
            raise TypeError(
                "partial_fit is not available for collections of Dask: use fit, or pass one block "
                "at a time, computed."
            )
        return super().partial_fit(X, y, classes, sample_weight)

    def decision_function(self, X: Any) -> Any:
        """Return w.x + b for each neuron.

        Parameters
        ----------
        X : array-like, dask.array.Array or dask.dataframe.DataFrame
            The samples.

        Returns
        -------
        ndarray or dask.array.Array of shape (n_samples,) or (n_samples, n_classes)
            An array of Dask if X is a collection of Dask. It is computed when it is needed.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As for `oneneuron.NeuronClassifier.decision_function`. Values that are not finite in a
            collection of Dask are found when it is computed.
        """
        return self._lazily("decision_function", X)

    def predict(self, X: Any) -> Any:
        """Return the likeliest class of each sample.

        Parameters
        ----------
        X : array-like, dask.array.Array or dask.dataframe.DataFrame
            The samples.

        Returns
        -------
        ndarray or dask.array.Array of shape (n_samples,)
            An array of Dask if X is a collection of Dask.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            For the same reasons as `decision_function`.
        """
        return self._lazily("predict", X)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like, dask.array.Array or dask.dataframe.DataFrame
            The samples.

        Returns
        -------
        ndarray or dask.array.Array of shape (n_samples, n_classes)
            An array of Dask if X is a collection of Dask.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            For the same reasons as `decision_function`.
        """
        return self._lazily("predict_proba", X)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like, dask.array.Array or dask.dataframe.DataFrame
            The samples.

        Returns
        -------
        ndarray or dask.array.Array of shape (n_samples, n_classes)
            An array of Dask if X is a collection of Dask.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            For the same reasons as `decision_function`.
        """
        return self._lazily("predict_log_proba", X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, which is computed at once.

        Parameters
        ----------
        X : array-like, dask.array.Array or dask.dataframe.DataFrame
            The samples.
        y : array-like, dask.array.Array or dask.dataframe.Series of shape (n_samples,)
            The labels.
        sample_weight : of the same kinds, default None
            The weight of each sample. By default every weight is 1.

        Returns
        -------
        float
            The accuracy, from 0 to 1.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            For the same reasons as `decision_function`, or if y or sample_weight is invalid.
        """
        if not _is_collection(X):
            return float(self.estimator_.score(X, y, sample_weight))
        return accuracy(self.predict(X), y, sample_weight)

    def _lazily(self, method: str, X: Any) -> Any:
        """Return a prediction: a lazy one for collections of Dask."""
        if not _is_collection(X):
            return getattr(super(), method)(X)
        estimator = self.estimator_
        if estimator.n_threads is None:
            estimator.n_threads = 1  # Dask predicts blocks in parallel
        return lazy(estimator, method, X)


def _is_collection(X: Any) -> bool:
    """Return whether samples are a collection of Dask; raise TypeError for one of other kinds."""
    if is_array(X) or is_frame(X):
        return True
    if dask.is_dask_collection(X):
        raise TypeError(
            f"X must be an array or a frame of Dask, found {type(X).__name__}: convert it, for "
            f"instance with to_dataframe()."
        )
    return False


def _usable(client: distributed.Client | None) -> distributed.Client:
    """Return a client that can be waited for; the current one by default."""
    if client is None:
        try:
            distributed.get_worker()
        except ValueError:
            pass
        else:
            # The tasks of the fit might wait for this one to end.
            raise ValueError("client must be given inside a task: use distributed.worker_client().")
        try:
            client = distributed.default_client()
        except ValueError as error:
            raise ValueError(
                "fit needs a client for collections of Dask: create a distributed.Client() first, "
                "or compute X and y."
            ) from error
    if not isinstance(client, distributed.Client):
        raise TypeError(f"client must be a distributed.Client, found {client!r}.")
    if client.asynchronous or client.status != "running":
        raise ValueError(
            f"client must be synchronous and connected, found {client!r}: create one with "
            f"distributed.Client()."
        )
    return client
