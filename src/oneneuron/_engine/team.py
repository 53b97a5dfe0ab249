"""Processes that train the same model together, each on samples of its own.

All members run the same code and make the same decisions. They only exchange what each has computed
from its own samples, in an order that does not depend on who is faster.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from .._typing import Float64Array, RandomDraws

_T = TypeVar("_T")


class Interruption(BaseException):
    """A pass of all members has been interrupted, as one of them asked for."""


class Team:
    """A team. This one has a single member, which exchanges nothing.

    Attributes
    ----------
    rank : int
        The number of this member, from 0 on. The samples are in the order of the ranks.
    size : int
        The number of members.
    """

    rank = 0
    size = 1
    _is_interrupted = False

    def gather(self, value: _T) -> list[_T]:
        """Return the values of all members. All must call it."""
        return [value]

    def together(self, work: Callable[[], _T]) -> list[_T]:
        """Have each member do its work, and return the results of all.

        Parameters
        ----------
        work : callable
            What this member does, without exchanging anything.

        Raises
        ------
        BaseException
            What a member has raised. All members raise it.
        """
        if self.size == 1:
            return [work()]
        result, own = attempt(work)
        outcomes = self.gather((result, sendable(own), self._is_interrupted))
        self._raise_first([error for _, error, _ in outcomes], own)
        if any(is_interrupted for _, _, is_interrupted in outcomes):
            self._is_interrupted = False
            raise Interruption
        return [result for result, _, _ in outcomes]

    def interrupt(self) -> None:
        """End the pass in which this is called, by a signal handler, with an `Interruption`.

        A team of several members ends it when all have done their work.
        """
        if self.size == 1:
            raise Interruption
        self._is_interrupted = True

    def agree_on(self, work: Callable[[], _T]) -> _T:
        """Have the first member do some work, and return its result to all.

        Parameters
        ----------
        work : callable
            What the first member does, without exchanging anything.

        Raises
        ------
        BaseException
            What the first member has raised.
        """
        result = self.agree(lambda: work() if self.rank == 0 else None)
        return cast("_T", self.gather(result)[0])

    def agree(self, work: Callable[[], _T]) -> _T:
        """Do work, and return its result if all members have succeeded in theirs.

        Parameters
        ----------
        work : callable
            What this member does, without exchanging anything.

        Raises
        ------
        BaseException
            What a member has raised. All members raise it.
        """
        if self.size == 1:
            return work()
        result, own = attempt(work)
        self._raise_first(self.gather(sendable(own)), own)
        return result

    def _raise_first(
        self, errors: Sequence[BaseException | None], own: BaseException | None
    ) -> None:
        """Raise the error of the first member that has one.

        On the other members, its attribute `came_from_rank` says where it happened.
        """
        for rank, error in enumerate(errors):
            if error is not None:
                raised = own if own is not None and rank == self.rank else error
                raised.add_note(f"This happened on rank {rank} of {self.size}.")
                if raised is not own:
                    raised.came_from_rank = rank  # type: ignore[attr-defined]
                raise raised

    def share(self, number: int) -> tuple[int, int]:
        """Return the range (first, end) of this member among a number of things."""
        return number * self.rank // self.size, number * (self.rank + 1) // self.size


ALONE = Team()


class SharedDraws:
    """Random numbers that the first member of a team draws for all.

    Parameters
    ----------
    team : Team
    draws : RandomDraws
    """

    def __init__(self, team: Team, draws: RandomDraws) -> None:
        self._team, self._draws = team, draws

    def random(self, size: int, /) -> Float64Array:
        """Return uniform draws from [0, 1)."""
        return self._team.gather(self._draws.random(size))[0]

    def standard_normal(self, size: tuple[int, ...], /) -> Float64Array:
        """Return draws from the standard normal distribution."""
        return self._team.gather(self._draws.standard_normal(size))[0]


def attempt(work: Callable[[], _T]) -> tuple[_T, BaseException | None]:
    """Return the result of some work and None, or nothing and the error that it raised."""
    try:
        return work(), None
    except BaseException as error:
        return cast("_T", None), error


def sendable(error: BaseException | None) -> BaseException | None:
    """Return an error, or one that says the same, if it cannot be sent to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
