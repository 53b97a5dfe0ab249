"""The ladder: the rungs, the check of their results, and their timing.

Every rung starts from the same parameters and makes the same steps. Before it is timed, it must
reach the same parameters as `oneneuron.reference`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from time import perf_counter
from types import ModuleType

import numpy as np
from threadpoolctl import threadpool_limits

from .. import reference
from .._checks import ParameterError, as_count
from .._engine import cores
from .._engine.dispatch import available
from .._results import Timing
from .._train import safe_eta
from .._typing import Float64Array
from ..lecture.example1 import get_data
from . import _contenders
from ._problem import Advance, Problem
from ._progress import OnProgress, progress_bar

# A hundred times the step size of the slides, whose descent is still under way after 10,000 steps.
DEFAULT_ETA = 5e-3

# A rung is timed in this many rounds, or in fewer if they would take longer than this in total.
_MAX_ROUNDS = 20
_SECONDS_PER_RUNG = 4.0

# A rung that would need longer than this for all steps is timed over fewer steps.
_MAX_SECONDS = 10.0
_SHORTENED_SECONDS = 2.0

# A round is timed in stretches of this length, and the fastest stretch counts. All rungs have
# stretches of the same length, since on a busy machine a short stretch may be undisturbed, while a
# long one never is. When whole rounds were timed, the kernel seemed 1.5 times as fast as it was.
_SECONDS_PER_STRETCH = 0.02

_LEVEL_NAMES = {"plain": "baseline", "v3": "AVX2", "v4": "AVX-512"}


def lecture_problem(n: int = 500, random_state: int = 0) -> Problem:
    """Return the lecture's data, step size and start, as a problem for `ladder`.

    The step size is `DEFAULT_ETA`, or `safe_eta` if that is smaller: with a larger step the cost
    could oscillate, and rounding errors would grow until contenders end in different places.

    Parameters
    ----------
    n : int, default 500
        The number of samples. A fifth of them is held out, as in the lecture, and not used.
    random_state : int, default 0
        The seed for the samples and for the start.

    Returns
    -------
    Problem
        The problem, with 4 n / 5 samples of two features.

    Raises
    ------
    ValueError, TypeError
        If `n` is not a whole number of 5 or more, or `random_state` not one from 0 to 2^32 - 1.

    Examples
    --------
    >>> from oneneuron import compare
    >>> compare.lecture_problem().X.shape
    (400, 2)
    """
    random = np.random.RandomState(as_count(random_state, "random_state", most=2**32 - 1))
    X, _, y, _ = get_data(n, random)
    eta = min(DEFAULT_ETA, safe_eta(X))
    return Problem(X, y.astype(np.float64), eta, start=random.random(X.shape[1] + 1))


def ladder(
    problem: Problem, num_steps: int = 10_000,
    on_progress: Callable[[float, str], object] | None = None,
) -> list[Timing]:  # fmt: skip
    """Time all rungs that run on this machine. This takes 15 to 20 seconds.

    Parameters
    ----------
    problem : Problem
        The descent that every rung makes.
    num_steps : int, default 10_000
        The number of steps for which times are given.
    on_progress : callable, default None
        Called as ``on_progress(fraction, name)`` several times a second, with the fraction of the
        work that is done, from 0 to 1, and the name of the rung that is being timed. None means a
        progress bar on stderr, in a terminal and in a notebook.

    Returns
    -------
    list of Timing
        One for each rung, in the order of the ladder.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or if a rung does not reach the parameters that the reference
        reaches.

    Warns
    -----
    RuntimeWarning
        If a library is installed but fails. Its rung is left out.

    Examples
    --------
    >>> from oneneuron import compare
    >>> rows = compare.ladder(compare.lecture_problem(n=50), num_steps=10)
    >>> rows[0].name, rows[1].speedup_over_lecture
    ('pure Python', 1.0)
    """
    if not isinstance(problem, Problem):
        raise ParameterError(
            f"problem must be a Problem, found {type(problem).__name__}: make one with "
            f"lecture_problem()."
        )
    as_count(num_steps, "num_steps", least=1)
    with threadpool_limits(1, "blas"), _progress_shown_by(on_progress) as on_progress:
        rungs = list(_prepare_rungs(problem, on_progress))
        expected = expected_parameters(problem)
        for rung in rungs:
            on_progress(0.0, rung.name)
            rung.plan(rung.check(problem, expected), num_steps)
        _time_in_rounds(rungs, on_progress)
    return as_timings(rungs, len(problem.y), num_steps)


def _progress_shown_by(on_progress: OnProgress | None) -> AbstractContextManager[OnProgress]:
    return progress_bar() if on_progress is None else nullcontext(on_progress)


def missing_libraries() -> list[str]:
    """Return the names of libraries that would add a rung, but are not installed.

    Returns
    -------
    list of str
        The names, such as "numba".
    """
    return [name for name in _contenders.REQUIRED_LIBRARIES.values() if find_spec(name) is None]


def expected_parameters(problem: Problem) -> Float64Array:
    """Return the reference's parameters after `problem.check_steps` steps, the bias last."""
    start = problem.start
    weights, bias = reference.gradient_descent(
        problem.X, problem.y, start[:-1], start[-1], problem.eta, problem.check_steps
    )[-1]
    return np.append(weights, bias)


def check_parameters(
    name: str, contender: ModuleType, found: Float64Array, expected: Float64Array
) -> None:
    """Raise ValueError, with the name, if the parameters found are not those expected."""
    tolerance = getattr(contender, "TOLERANCE", 1e-9)
    error = np.max(np.abs(found - expected)) / np.max(np.abs(expected))
    if not error <= tolerance:
        raise ValueError(
            f"{name} does not reach the parameters of the reference: the relative error is "
            f"{error:.1e}, and at most {tolerance:.0e} is allowed."
        )


def _prepare_rungs(problem: Problem, on_progress: OnProgress) -> Iterator[_Rung]:
    """Yield the rungs in order, each ready to make its first step."""
    for module in _contenders.ORDER:
        library = _contenders.REQUIRED_LIBRARIES.get(module)
        if library is None:
            contender = _contenders.load(module)
            for name, prepare in _configurations(contender):
                on_progress(0.0, name)
                yield _Rung(name, contender, prepare(problem))
        elif find_spec(library) is not None:
            on_progress(0.0, library)
            try:
                yield _prepare_with_library(module, problem)
            except Exception as error:  # an incompatible library can raise anything
                message = f"{library} is installed but fails, so its rung is left out: {error}"
                warnings.warn(message, RuntimeWarning, stacklevel=3)


def _configurations(
    contender: ModuleType,
) -> Iterator[tuple[str, Callable[[Problem], Advance]]]:
    """Yield the name and the `prepare` of each rung of a contender that needs no library.

    All rungs run on one core except the last two, the best kernel in float64 and in float32.
    """
    if contender.NAME == "oneneuron":
        for level in available:
            name = f"oneneuron, {_LEVEL_NAMES[level]}"
            yield name, partial(contender.prepare, threads=1, level=level)
        if cores.count() > 1:
            yield "oneneuron, all cores", partial(_prepare_best, contender)
    elif contender.NAME == "oneneuron, float32":
        yield contender.NAME, partial(_prepare_best, contender)
    else:
        yield contender.NAME, partial(contender.prepare, threads=1)


def _prepare_best(contender: ModuleType, problem: Problem) -> Advance:
    # Use the best level even if ONENEURON_ISA forces another, so that no later rung is slower.
    advance: Advance = contender.prepare(problem, threads=cores.count(), level=available[-1])
    return advance


def _prepare_with_library(module: str, problem: Problem) -> _Rung:
    """Return the rung of a contender that needs a library, with its first step timed."""
    contender = _contenders.load(module)
    start = perf_counter()
    contender.make(problem)(1)  # a single variant: `prepare` would compile all of them
    first_step_seconds = perf_counter() - start
    advance = contender.prepare(problem, threads=1)
    return _Rung(contender.NAME, contender, advance, first_step_seconds)


@dataclass
class _Rung:
    """A contender's descent in progress, and the time of a step in its fastest stretch so far."""

    name: str
    contender: ModuleType
    advance: Advance
    first_step_seconds: float | None = None
    step_seconds: float = math.inf

    def check(self, problem: Problem, expected: Float64Array) -> float:
        """Make and check the first steps; return the approximate time of a step in seconds."""
        start = perf_counter()
        found = self.advance(problem.check_steps)
        seconds = perf_counter() - start
        check_parameters(self.name, self.contender, found, expected)
        return seconds / problem.check_steps

    def plan(self, step_seconds: float, num_steps: int) -> None:
        """Choose the number of rounds and of stretches, given the approximate time of a step."""
        if num_steps * step_seconds > _MAX_SECONDS:
            num_steps = max(1, int(_SHORTENED_SECONDS / step_seconds))
        self.num_steps, self.round_seconds = num_steps, num_steps * step_seconds
        self.num_rounds = max(1, min(_MAX_ROUNDS, int(_SECONDS_PER_RUNG / self.round_seconds)))
        self.num_stretches = max(1, min(num_steps, int(self.round_seconds / _SECONDS_PER_STRETCH)))

    def time_round(self) -> Iterator[float]:
        """Time all steps once; before each stretch, yield the fraction of the round done so far."""
        self.advance(1)  # brings this rung's data back into the caches
        for stretch in range(self.num_stretches):
            yield stretch / self.num_stretches
            first, last = (self.num_steps * k // self.num_stretches for k in (stretch, stretch + 1))
            start = perf_counter()
            self.advance(last - first)
            seconds = (perf_counter() - start) / (last - first)
            self.step_seconds = min(self.step_seconds, seconds)


def _time_in_rounds(rungs: Sequence[_Rung], on_progress: OnProgress) -> None:
    """Time the rungs in turn, round after round, so that a busy machine slows all of them alike."""
    total = sum(rung.num_rounds * rung.round_seconds for rung in rungs)
    done = 0.0
    for number in range(_MAX_ROUNDS):
        for rung in rungs:
            if number < rung.num_rounds:
                for fraction in rung.time_round():
                    on_progress((done + fraction * rung.round_seconds) / total, rung.name)
                done += rung.round_seconds


def as_timings(rungs: Sequence[_Rung], num_samples: int, num_steps: int) -> list[Timing]:
    """Return the timing of each rung for `num_steps` steps."""
    lecture = _contenders.load("lecture_sum").NAME
    lecture_seconds = next(rung.step_seconds for rung in rungs if rung.name == lecture)
    timings, before = [], None
    for rung in rungs:
        mine = rung.step_seconds
        timings.append(
            Timing(
                rung.name,
                num_steps,
                seconds=num_steps * mine,
                nanoseconds_per_sample=1e9 * mine / num_samples,
                speedup_over_previous=None if before is None else before / mine,
                speedup_over_lecture=lecture_seconds / mine,
                timed_steps=rung.num_steps,
                first_step_seconds=rung.first_step_seconds,
            )
        )
        before = mine
    return timings
