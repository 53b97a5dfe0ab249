"""One descent as many ways compute it, from the lecture's code to the processor's limit: a ladder.

Every rung begins at the same start, makes the same steps and, before it is timed, must have been
where `reference` is after as many.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from time import perf_counter
from types import ModuleType
from typing import TypeAlias

import numpy as np

from .. import reference
from .._engine import cores
from .._engine.blas import one_thread
from .._engine.dispatch import available
from .._results import Timing
from .._train import safe_eta
from .._typing import Float64Array
from ..lecture.example1 import get_data
from . import _contenders
from ._problem import Advance, Problem

# A rung makes its steps so many times, fewer if it would be at work for longer.
_TURNS = 20
_SECONDS_OF_A_RUNG = 4.0

# A descent that would take longer is not made to its end.
_LONGEST_SECONDS = 10.0
_SHORTENED_SECONDS = 2.0

# The fastest call counts. They are as short for all: on a busy machine a rung of milliseconds
# finds a quiet moment, one of seconds none: by whole turns the kernel looked half as fast again.
_SECONDS_OF_A_CALL = 0.02

LECTURE_ETA = 5e-3
_LEVELS = {"plain": "baseline", "v3": "AVX2", "v4": "AVX-512"}

# Called with the share of the work that is done and the rung at work.
_Watch: TypeAlias = Callable[[float, str], object]


def lecture_problem(n: int = 500, seed: int = 0) -> Problem:
    """The lecture's data, step size and start, for `ladder`.

    Parameters
    ----------
    n : int, default 500
        Samples; a fifth is held out, as in the lecture.
    seed : int, default 0
        Draws the samples, and then the start.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError, TypeError
        If `n` is no whole number of 5 or more.
    """
    random = np.random.RandomState(seed)
    X, _, y, _ = get_data(n, random)
    # Where the step is too large for so many samples a descent swings, and swings differ.
    eta = min(LECTURE_ETA, safe_eta(X))
    return Problem(X, y.astype(np.float64), eta, start=random.random(X.shape[1] + 1))


def ladder(
    problem: Problem, num_steps: int = 10_000, watch: Callable[[float, str], object] | None = None
) -> list[Timing]:
    """Time all rungs that this machine has, in turns; it takes some 15 seconds.

    Parameters
    ----------
    problem : Problem
    num_steps : int, default 10_000
    watch : callable, default None
        Called as ``watch(share, name)`` every now and then, with the share of the work that is
        done and the rung at work.

    Returns
    -------
    list of Timing

    Raises
    ------
    ValueError
        If a rung doesn't end where it must.

    Warns
    -----
    RuntimeWarning
        If a library is installed and doesn't work; its rung is left out.

    Examples
    --------
    >>> from oneneuron import compare
    >>> rows = compare.ladder(compare.lecture_problem(n=50), num_steps=10)
    >>> rows[0].name, rows[1].than_lecture
    ('pure Python', 1.0)
    """
    watch = watch or (lambda share, name: None)
    with one_thread():
        rungs = list(_prepared(problem, watch))
        expected = expected_end(problem)
        for rung in rungs:
            watch(0.0, rung.name)
            rung.plan(rung.check(problem, expected), num_steps)
        _take_turns(rungs, watch)
    return as_rows(rungs, len(problem.y), num_steps)


def missing_libraries() -> list[str]:
    """Those with a rung of their own that aren't installed."""
    return [library for library in _contenders.NEEDS.values() if find_spec(library) is None]


def expected_end(problem: Problem) -> Float64Array:
    """The parameters after `problem.check_steps` steps, the bias last."""
    start = problem.start
    weights, bias = reference.gradient_descent(
        problem.X, problem.y, start[:-1], start[-1], problem.eta, problem.check_steps
    )[-1]
    return np.append(weights, bias)


def check_end(
    name: str, contender: ModuleType, found: Float64Array, expected: Float64Array
) -> None:
    """Raise ValueError, with the name, if parameters are not those expected."""
    tolerance = getattr(contender, "TOLERANCE", 1e-9)
    distance = np.max(np.abs(found - expected)) / np.max(np.abs(expected))
    if not distance <= tolerance:
        raise ValueError(
            f"{name} ends elsewhere: {distance:.1e} off, at most {tolerance:.0e} is right."
        )


def _prepared(problem: Problem, watch: _Watch) -> Iterator[_Rung]:
    """The rungs, each ready to make its first step."""
    for module, library in ((name, _contenders.NEEDS.get(name)) for name in _contenders.ORDER):
        if library is None:
            contender = _contenders.load(module)
            for name, prepare in _forms(contender):
                watch(0.0, name)
                yield _Rung(name, contender, prepare(problem))
        elif find_spec(library) is not None:
            watch(0.0, library)
            try:
                yield _prepared_with_library(module, problem)
            except Exception as error:  # whatever it raises on a machine that it doesn't fit
                message = f"{library} is installed, but doesn't work and is left out: {error}"
                warnings.warn(message, RuntimeWarning, stacklevel=3)


def _forms(contender: ModuleType) -> Iterator[tuple[str, Callable[[Problem], Advance]]]:
    """(name, prepare) of each rung of a contender that needs no library.

    One core for each, but all for the last two: the best kernel, and the same in float32.
    """
    if contender.NAME == "oneneuron":
        for level in available:
            name = f"oneneuron, {_LEVELS[level]}"
            yield name, partial(contender.prepare, threads=1, level=level)
        if cores.count() > 1:
            yield "oneneuron, all cores", partial(_prepare_best, contender)
    elif contender.NAME == "oneneuron, float32":
        yield contender.NAME, partial(_prepare_best, contender)
    else:
        yield contender.NAME, partial(contender.prepare, threads=1)


def _prepare_best(contender: ModuleType, problem: Problem) -> Advance:
    # The last of those available, also where ONENEURON_ISA forces another: it is the last rung.
    advance: Advance = contender.prepare(problem, threads=cores.count(), level=available[-1])
    return advance


def _prepared_with_library(module: str, problem: Problem) -> _Rung:
    """The rung of a contender that needs one; its first step is timed in one form alone."""
    contender = _contenders.load(module)
    start = perf_counter()
    contender.make(problem)(1)
    first_step_seconds = perf_counter() - start
    advance = contender.prepare(problem, threads=1)
    return _Rung(contender.NAME, contender, advance, first_step_seconds)


@dataclass
class _Rung:
    """A descent under way in a contender's way, and the seconds of a step at its fastest so far."""

    name: str
    contender: ModuleType
    advance: Advance
    first_step_seconds: float | None = None
    step_seconds: float = math.inf

    def check(self, problem: Problem, expected: Float64Array) -> float:
        """Make the first steps and see where they end; returns the seconds of one."""
        start = perf_counter()
        found = self.advance(problem.check_steps)
        seconds = perf_counter() - start
        check_end(self.name, self.contender, found, expected)
        return seconds / problem.check_steps

    def plan(self, step_seconds: float, num_steps: int) -> None:
        """Divide the work into turns, and a turn into calls, by what a step takes or so."""
        if num_steps * step_seconds > _LONGEST_SECONDS:
            num_steps = max(1, int(_SHORTENED_SECONDS / step_seconds))
        self.num_steps, self.turn_seconds = num_steps, num_steps * step_seconds
        self.num_turns = max(1, min(_TURNS, int(_SECONDS_OF_A_RUNG / self.turn_seconds)))
        self.num_calls = max(1, min(num_steps, int(self.turn_seconds / _SECONDS_OF_A_CALL)))

    def turn(self) -> Iterator[float]:
        """Make all steps of a turn; yields, before each call, the share of it that is done."""
        self.advance(1)  # brings this rung's data back to the caches
        for call in range(self.num_calls):
            yield call / self.num_calls
            first, last = (self.num_steps * k // self.num_calls for k in (call, call + 1))
            start = perf_counter()
            self.advance(last - first)
            seconds = (perf_counter() - start) / (last - first)
            self.step_seconds = min(self.step_seconds, seconds)


def _take_turns(rungs: Sequence[_Rung], watch: _Watch) -> None:
    """All rungs once, and once more those with turns left, so that a busy machine slows all."""
    whole = sum(rung.num_turns * rung.turn_seconds for rung in rungs)
    done = 0.0
    for turn in range(_TURNS):
        for rung in rungs:
            if turn < rung.num_turns:
                for share in rung.turn():
                    watch((done + share * rung.turn_seconds) / whole, rung.name)
                done += rung.turn_seconds


def as_rows(rungs: Sequence[_Rung], num_samples: int, num_steps: int) -> list[Timing]:
    """The rows of rungs, from the seconds of their steps."""
    lecture = _contenders.load("lecture").NAME
    lecture_seconds = next(rung.step_seconds for rung in rungs if rung.name == lecture)
    rows, before = [], None
    for rung in rungs:
        mine = rung.step_seconds
        rows.append(
            Timing(
                rung.name,
                num_steps,
                seconds=num_steps * mine,
                nanoseconds=1e9 * mine / num_samples,
                than_before=None if before is None else before / mine,
                than_lecture=lecture_seconds / mine,
                timed_steps=rung.num_steps,
                first_step_seconds=rung.first_step_seconds,
            )
        )
        before = mine
    return rows
