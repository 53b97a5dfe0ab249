"""Training on the ranks of MPI, with ``mpiexec -n 4 python script.py``.

Every rank runs the same script. It passes rows of its own to `train` or to `NeuronClassifier.fit`,
or all ranks pass the same files, of which each reads its share. Each pass over the samples ends
with one gather of partial sums, and all ranks get the same result.

It needs the extra ``oneneuron[mpi]``.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import Any, Literal, Self, TypeVar

from numpy.typing import ArrayLike

from . import _checks, _classifier, _train
from ._engine import cores
from ._engine.team import SharedDraws, Team
from ._fit.options import Options
from ._results import Descent
from ._typing import RandomState, SamplesLike

try:
    from mpi4py import MPI
except ImportError as error:
    raise ImportError("oneneuron.mpi needs mpi4py: pip install 'oneneuron[mpi]'") from error

_T = TypeVar("_T")

# Other ranks wait this long for the first one to end all, if it fails, too.
_SECONDS_FOR_FIRST = 0.2

# When a rank ends all, mpiexec may lose what it has not yet read of the rank's output.
_SECONDS_FOR_OUTPUT = 0.5

__all__ = ["NeuronClassifier", "train"]


class _Ranks(Team):
    """The ranks of a communicator."""

    def __init__(self, comm: MPI.Intracomm | None) -> None:
        self._comm = MPI.COMM_WORLD if comm is None else comm
        if not isinstance(self._comm, MPI.Intracomm):
            raise TypeError(f"comm must be an intracommunicator of mpi4py, found {comm!r}.")
        if self._comm == MPI.COMM_NULL:
            raise ValueError("comm has been freed: call Free() after the training.")
        self.rank, self.size = self._comm.rank, self._comm.size

    def gather(self, value: _T) -> list[_T]:
        """Return the values of all ranks. All must call it."""
        return self._comm.allgather(value)

    def num_threads(self, n_threads: int | None) -> int:
        """Return a number of threads; by default, the ranks of a node share its cores.

        All ranks must call it.
        """
        node = self._comm.Split_type(MPI.COMM_TYPE_SHARED)
        share = max(1, cores.count() // node.size)
        node.Free()
        return share if n_threads is None else n_threads

    def refuse_differences(self, arguments: dict[str, Any]) -> None:
        """Raise ValueError unless some arguments are the same on all ranks."""
        own = {name: repr(value) for name, value in arguments.items()}
        of_ranks = self.gather(own)
        for name in own:
            found = sorted({others[name] for others in of_ranks})
            if len(found) > 1:
                raise ValueError(
                    f"{name} must be the same on all ranks, found {' and '.join(found[:2])}."
                )


def world() -> Team:
    """Return all ranks."""
    return _Ranks(None)


class NeuronClassifier(_classifier.NeuronClassifier):
    """A `oneneuron.NeuronClassifier` whose `fit` trains on the samples of all MPI ranks.

    All ranks must create it with the same parameters, and get the same model. Predictions and
    `score` are made by each rank for itself. The parameters and attributes are those of
    `oneneuron.NeuronClassifier`; callbacks of scikit-learn and `partial_fit` are not available. By
    default, the ranks of a node share its cores.

    See Also
    --------
    oneneuron.NeuronClassifier : The same for a single process.
    """

    __module__ = "oneneuron.mpi"

    def fit(
        self, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *,
        comm: MPI.Intracomm | None = None,
    ) -> Self:  # fmt: skip
        """Train the neurons on the samples of all ranks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or path
            The samples of this rank, of which there may be none. They follow those of the ranks
            before. If it is a path, all ranks pass the same, and each reads its share of the rows:
            into memory, or to a scratch file of its own if `scratch` is set.
        y : array-like of shape (n_samples,), path or str
            The labels, as for `oneneuron.NeuronClassifier`. Some of them may be missing on a rank.
        sample_weight : array-like of shape (n_samples,), default None
            The sample weights: on all ranks, or on none.
        comm : mpi4py.MPI.Intracomm, default None
            The communicator of the ranks. By default MPI.COMM_WORLD.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        Exception
            What `oneneuron.NeuronClassifier` raises. If one rank fails, all of them raise its
            error, and the estimator stays unchanged.

        Warns
        -----
        Warning
            For the same reasons as `oneneuron.NeuronClassifier.fit`, on the first rank alone.

        Notes
        -----
        From files, the result has the same bits for any number of ranks, and those of a single
        process. Arrays have these bits, too, if each rank but the last has a multiple of 16,384
        rows (or of the power of two that is at least 320 times the number of classes, if that is
        more). Otherwise each rank's last band is incomplete, and sums are added in another order.
        Gradient descent then differs by rounding errors, and L-BFGS ends elsewhere within `tol`.
        """
        team = _Ranks(comm)
        if getattr(self, "_skl_callbacks", None) and team.size > 1:
            raise ValueError("callbacks cannot be used on MPI ranks: remove them.")
        options = _shared(team, team.agree(self._options), self.get_params(deep=False))
        with _classifier.all_or_nothing(self), _warnings_of_first(team):
            return self._fit(options, X, y, sample_weight, team)

    def partial_fit(self, *_args: Any, **_named: Any) -> Self:
        """Raise an error: there is no `partial_fit` on MPI ranks.

        Parameters
        ----------
        *_args, **_named : object
            Ignored.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("partial_fit is not available on MPI ranks: use fit.")


def train(
    X: SamplesLike, y: ArrayLike, *, eta: float | Literal["auto"], num_steps: int = 10_000,
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, record_every: int = 0, n_threads: int | None = None,
    random_state: RandomState = None, scratch: str | PathLike[str] | None = None,
    checkpoint: str | PathLike[str] | None = None, comm: MPI.Intracomm | None = None,
) -> Descent:  # fmt: skip
    """Train one sigmoid neuron by gradient descent on the samples of all MPI ranks.

    All ranks must pass the same arguments, but X, y and sample_weight of their own, and all return
    the same result.

    Parameters
    ----------
    X : array-like of shape (n, d), or path
        The samples of this rank, of which there may be none. They follow those of the ranks before.
        If it is a path, all ranks pass the same, and each reads its share of the rows.
    y : array-like of shape (n,), path or str
        The labels, 0 and 1.
    eta, num_steps, init, sample_weight, alpha, record_every : as for `oneneuron.train`
        They must be the same on all ranks, apart from the sample weights.
    n_threads : int, default None
        The largest number of threads of this rank. By default, the ranks of a node share its cores.
    random_state, scratch, checkpoint : as for `oneneuron.train`
        The start is drawn on the first rank, which also reads and writes the checkpoint.
    comm : mpi4py.MPI.Intracomm, default None
        The communicator of the ranks. By default MPI.COMM_WORLD.

    Returns
    -------
    Descent
        The same result on all ranks.

    Raises
    ------
    Exception
        What `oneneuron.train` raises. If one rank fails, all of them raise its error.

    Warns
    -----
    Warning
        For the same reasons as `oneneuron.train`, on the first rank alone.

    See Also
    --------
    oneneuron.train : The same for a single process.
    """
    team = _Ranks(comm)
    team.refuse_differences(
        {"eta": eta, "num_steps": num_steps, "init": init, "alpha": alpha,
         "record_every": record_every, "checkpoint": checkpoint}
    )  # fmt: skip
    num_steps = _checks.as_count(num_steps, "num_steps")
    record_every = _checks.as_count(record_every, "record_every")
    n_threads = team.num_threads(team.agree(lambda: _checks.as_threads(n_threads)))
    with _warnings_of_first(team):
        saved = _train.open_checkpoint(checkpoint, eta, num_steps, alpha, record_every, team)
        training = _train.start_training(
            X, y, eta=eta, init=init, sample_weight=sample_weight, alpha=alpha,
            n_threads=n_threads, random_state=random_state, scratch=scratch, checkpoint=saved,
            team=team,
        )  # fmt: skip
        return _train.run(training, num_steps, record_every, saved)


def _shared(team: _Ranks, options: Options, parameters: dict[str, Any]) -> Options:
    """Return the options of this rank, after a look at those of the others."""
    own = {"n_threads", "random_state", "scratch", "verbose"}
    team.refuse_differences({name: parameters[name] for name in parameters if name not in own})
    return replace(
        options,
        n_threads=team.num_threads(options.n_threads),
        random_state=SharedDraws(team, options.random_state),
        verbose=options.verbose if team.rank == 0 else 0,
    )


@contextmanager
def _warnings_of_first(team: Team) -> Iterator[None]:
    """Ignore warnings on all ranks but the first, which gives the same ones."""
    with warnings.catch_warnings():
        if team.rank > 0:
            warnings.simplefilter("ignore")
        yield


def _end_all_ranks_on_errors() -> None:
    """Have an exception that leaves the script on one rank end all ranks.

    Otherwise, the other ranks would wait forever in their next exchange, and this one for them when
    it ends. If all ranks raise the error of one of them, only that one prints it. If they fail in
    the same way, the first one does.
    """
    previous = sys.excepthook

    def end_all(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        if hasattr(error, "came_from_rank"):  # it came from another rank, which ends this one
            return
        if MPI.COMM_WORLD.rank > 0:
            time.sleep(_SECONDS_FOR_FIRST)
        try:
            previous(kind, error, traceback)
            sys.stdout.flush()
            sys.stderr.flush()
            time.sleep(_SECONDS_FOR_OUTPUT)
        finally:
            if not MPI.Is_finalized():
                MPI.COMM_WORLD.Abort(1)

    sys.excepthook = end_all


if MPI.COMM_WORLD.size > 1:
    _end_all_ranks_on_errors()
