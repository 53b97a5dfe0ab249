"""Samples on the workers of a Dask cluster, where one actor of each worker holds a range of rows.

A call of an actor takes a tenth of the time of a task. But Dask does not make an actor again when
its worker is lost. So the tasks that laid out its samples are kept: they run again on another
worker, and a new actor answers what the lost one has left open. What an actor computes depends on
its rows alone, so a loss changes no bits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any, Self

import dask
from dask.delayed import Delayed
from dask.utils import parse_timedelta
from distributed import Client, Future, get_worker, wait

from .._engine.samples import Samples, as_aligned
from .._engine.shards import Form, InMemory, Shards
from .._engine.sums import Subtree, join
from .._engine.team import attempt, sendable

# How often to look whether a worker was lost, in seconds. This delays nothing else.
_POLL = 0.25

# A pass that has lost this number of workers in a row is given up: they probably lack memory.
_MOST_LOSSES = 3

# How a future ends, if not by a result.
_UNFINISHED = (TimeoutError, asyncio.TimeoutError, CancelledError, asyncio.CancelledError)


class WorkerShards:
    """An actor: the samples of one worker.

    Parameters
    ----------
    form : Form
    n_threads : int or None
        None means the number of the worker's threads.
    *pieces : Samples
        The samples, in order.
    """

    def __init__(self, form: Form, n_threads: int | None, *pieces: Samples) -> None:
        if n_threads is None:
            n_threads = get_worker().state.nthreads
        self._parts: dict[tuple[int, ...], Shards] = {
            (): InMemory([_aligned(piece) for piece in pieces], n_threads, form=form)
        }

    def answer(
        self, taken: tuple[int, ...], method: str, arguments: Sequence[Any], are_subtrees: bool
    ) -> tuple[Any, BaseException | None]:
        """Return the results of `Shards.ask` or `Shards.subtrees`, and the error, if there is one.

        Dask would wait forever for an answer that it cannot send.

        Parameters
        ----------
        taken : tuple of int
            The arguments of `take_part` that lead from all samples to those that are asked.
        method : str
        arguments : sequence
        are_subtrees : bool
            Whether the results are subtrees, which are joined before they are sent.
        """

        def work() -> list[Any]:
            shards = self._part(taken)
            if are_subtrees:
                return join(shards.subtrees(method, *arguments))
            return list(shards.ask(method, *arguments))

        result, error = attempt(work)
        return result, sendable(error)

    def _part(self, taken: tuple[int, ...]) -> Shards:
        """Return a part of the samples. An actor that replaces a lost one has yet to take it."""
        if taken not in self._parts:
            self._parts[taken] = self._part(taken[:-1]).take_part(taken[-1])
        return self._parts[taken]


class _Range:
    """A range of rows, and the actor that holds them.

    Parameters
    ----------
    pieces : sequence of Delayed
        The tasks that lay out the rows.
    """

    def __init__(self, pieces: Sequence[Delayed]) -> None:
        self.pieces = pieces
        self.future: Any = None
        self.actor: Any = None

    @property
    def is_held(self) -> bool:
        """Whether the actor is there, as far as the scheduler knows."""
        return self.actor is not None and self.future.status == "finished"


class Workers:
    """The workers of a client, during a fit. They hold nothing of it at the end of the context.

    Parameters
    ----------
    client : Client
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        # A client has no public attribute for its timeout.
        default = dask.config.get("distributed.comm.timeouts.connect")
        self._timeout = parse_timedelta(getattr(client, "_timeout", default), "s")
        self._ranges: list[_Range] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client.status == "running":
            self._forget(self._ranges)

    def threads(self) -> dict[str, int]:
        """Return the number of threads of each worker, by its address, once there is a worker.

        Raises
        ------
        TimeoutError
            If there is none within the client's timeout.
        """
        end = time.monotonic() + self._timeout
        while not (threads := self._client.nthreads()):
            if time.monotonic() > end:
                raise TimeoutError(
                    f"The Dask cluster has had no workers for {self._timeout:g} s: start some, or "
                    f"give the client a longer timeout."
                )
            time.sleep(_POLL)
        return dict(sorted(threads.items()))

    def compute(self, tasks: Sequence[Delayed]) -> list[Any]:
        """Return the results of some tasks, or raise the error of one."""
        futures = self._client.compute(list(tasks))
        try:
            while any(future.status == "pending" for future in futures):
                self.threads()
                with suppress(*_UNFINISHED):
                    wait(futures, timeout=_POLL)
            results: list[Any] = self._client.gather(futures)
            return results
        finally:
            self._client.cancel(futures)

    # --- Actors ---

    def hold(
        self, pieces: Mapping[str, Sequence[Delayed]], form: Form, n_threads: int | None
    ) -> None:
        """Have workers hold samples.

        Parameters
        ----------
        pieces : mapping of str to sequence of Delayed
            The tasks that lay out the samples, by the address of the worker. They are in the order
            of the samples.
        form : Form
        n_threads : int or None
            The largest number of threads of each worker.
        """
        self._options = form, n_threads
        self._ranges = [_Range(own) for own in pieces.values()]
        self._place(dict(zip(self._ranges, pieces, strict=True)))

    def _place(self, where: Mapping[_Range, str]) -> None:
        """Lay out ranges on workers, given their addresses; a range is not held if its is lost."""
        tiles: dict[_Range, list[Future]] = {}
        try:
            for part, address in where.items():
                # This holds for all tasks that these depend on: blocks are read where they are laid
                # out. Another worker may help where two ranges share a block.
                tiles[part] = self._client.compute(
                    list(part.pieces), workers=[address], allow_other_workers=True
                )
            laid_out = self._finished(tiles, where)
            for part in laid_out:
                part.future = self._client.submit(
                    WorkerShards, *self._options, *tiles[part], workers=[where[part]], actor=True,
                    pure=False,
                )  # fmt: skip
            for part in self._finished({part: [part.future] for part in laid_out}, where):
                with suppress(OSError, RuntimeError):  # it has just been lost
                    part.actor = part.future.result(timeout=self._timeout)
        except BaseException:
            self._client.cancel(list(chain.from_iterable(tiles.values())))
            raise
        for future in chain.from_iterable(tiles.values()):
            future.release()  # the actors have them; to cancel them would cancel the actors, too

    def _finished(
        self, futures: Mapping[_Range, list[Future]], where: Mapping[_Range, str]
    ) -> list[_Range]:
        """Wait for the futures of ranges, and return the ranges that lost no worker.

        Raises
        ------
        Exception
            The error of the first task that has one.
        """
        waiting, finished = set(futures), set()
        while waiting:
            with suppress(*_UNFINISHED):
                wait([f for part in waiting for f in futures[part]], timeout=_POLL)
            alive = self._client.nthreads()
            for part in list(waiting):
                if where[part] not in alive:
                    # A task that has met no worker at all would never run, even if others come.
                    self._client.cancel(futures[part])
                    waiting.remove(part)
                elif all(future.status != "pending" for future in futures[part]):
                    waiting.remove(part)
                    finished.add(part)
        in_order = [part for part in futures if part in finished]
        for future in chain.from_iterable(futures[part] for part in in_order):
            if future.status == "error":
                error = future.exception(timeout=self._timeout)
                if "Actor was lost" not in str(error):
                    raise error
        return [p for p in in_order if all(f.status == "finished" for f in futures[p])]

    def _replace(self, lost: Sequence[_Range]) -> None:
        """Lay out ranges again, on the workers with the fewest ranges for each thread."""
        self._forget(lost)
        threads = self.threads()
        futures = [part.future for part in self._ranges if part.future is not None]
        holders = list(chain.from_iterable(self._client.who_has(futures).values()))
        addresses = sorted(threads, key=lambda address: holders.count(address) / threads[address])
        self._place({part: addresses[i % len(addresses)] for i, part in enumerate(lost)})

    def _forget(self, parts: Iterable[_Range]) -> None:
        futures = [part.future for part in parts if part.future is not None]
        for part in parts:
            part.future = part.actor = None
        # Released futures of lost actors would stay on the scheduler.
        self._client.cancel(futures)

    # --- Calls ---

    def call(self, *arguments: Any) -> Iterable[Any]:
        """Call `WorkerShards.answer` of all actors, and return the results in order.

        Raises
        ------
        TimeoutError
            If there are no workers.
        RuntimeError
            If workers are lost again and again.
        """
        answers: dict[_Range, Any] = {}
        for _ in range(1 + _MOST_LOSSES):
            missing = [part for part in self._ranges if part not in answers]
            lost = [part for part in missing if not part.is_held]
            if lost:
                self._replace(lost)
            answers |= self._client.sync(self._answers, missing, arguments)
            if len(answers) == len(self._ranges):
                return _results(answers[part] for part in self._ranges)
        raise RuntimeError(
            f"The Dask cluster has lost workers {1 + _MOST_LOSSES} times in a row, perhaps for "
            f"lack of memory: use more workers, or workers with more memory."
        )

    async def _answers(
        self, parts: Sequence[_Range], arguments: Sequence[Any]
    ) -> dict[_Range, Any]:
        """Return the answers of the actors that are not lost."""
        calls: dict[_Range, asyncio.Future[Any]] = {}
        for part in parts:
            if part.is_held:
                with suppress(RuntimeError):  # it has just been lost
                    calls[part] = asyncio.ensure_future(_awaited(part.actor.answer(*arguments)))
        pending = set(calls.values())
        try:
            while pending:
                _, pending = await asyncio.wait(pending, timeout=_POLL)
                # The scheduler tells of a loss, whatever becomes of the call.
                pending -= {call for part, call in calls.items() if not part.is_held}
        finally:
            for call in calls.values():
                call.cancel()
        answers = {}
        for part, call in calls.items():
            if call.done() and not call.cancelled() and call.exception() is None:
                answers[part] = call.result()
            else:
                part.actor = None  # an actor raises no errors, so it is lost
        return answers


class OnWorkers(Shards):
    """Shards that the workers of a Dask cluster hold.

    Parameters
    ----------
    workers : Workers
    form : Form
    taken : tuple of int, default ()
        The arguments of `take_part` that lead here from all samples.
    """

    def __init__(self, workers: Workers, form: Form, taken: tuple[int, ...] = ()) -> None:
        self._workers, self._taken = workers, taken
        super().__init__(form)

    def ask(self, method: str, *arguments: Any) -> Iterable[Any]:
        """Call a method of each shard, and return the results in the order of the samples."""
        return chain.from_iterable(self._workers.call(self._taken, method, arguments, False))

    def subtrees(self, method: str, *arguments: Any) -> Iterable[Subtree]:
        """Call a method that returns subtrees, and return those of all shards, in order."""
        return chain.from_iterable(self._workers.call(self._taken, method, arguments, True))

    def take_part(self, every: int) -> OnWorkers:
        """Return a part of the samples that stands for all of them; see `samples.take_part`."""
        return OnWorkers(self._workers, self.form_of_part, (*self._taken, every))


async def _awaited(call: Any) -> Any:
    return await call


def _results(answers: Iterable[tuple[Any, BaseException | None]]) -> list[Any]:
    """Return the results of actors, or raise the first error."""
    results = []
    for result, error in answers:
        if error is not None:
            raise error
        results.append(result)
    return results


def _aligned(samples: Samples) -> Samples:
    """Return samples whose arrays begin at cache lines, which they may not do after a journey."""
    weights = None if samples.weights is None else as_aligned(samples.weights)
    return replace(samples, values=as_aligned(samples.values), weights=weights)
