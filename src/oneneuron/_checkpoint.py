"""Checkpoints: files from which a run continues after its process was killed.

What a checkpoint holds. The variables of the solver, what was recorded up to the last pause, and
what tells the run apart from others: its settings, the constants of its solver, its start, and the
score of that start. All of it is there at the start anyway. So other samples are noticed without
reading them again: the start would cost something else. As different samples may cost the same at
zero, the last iterate is scored as well when a run continues. This takes one pass.

When it is written. Half a minute after the last one, before SIGTERM ends the process, when an
exception leaves a pass, and at the end. Between two passes, the variables of a solver fit together,
and so they do after a pass that an exception has ended. The record fits them at any time within a
call of the solver: it is as it was before this call. That is why nothing is written after an
exception from elsewhere, such as a callback, which may have left the record half done.

SIGTERM. While the solver runs, the handler raises an exception, which ends the pass within a
twentieth of a second. Batch queues leave too little time to wait for the end of a long pass.
Elsewhere, the handler only makes a note, which is read before the next pass. When the checkpoint is
written, the signal takes the way it would have taken without one. By default it ends the process.
If the caller has a handler and that returns, the lost pass is repeated.

The file. A line with the number of the format, a line of JSON, the bytes of the arrays that it
lists, and the SHA-256 digest of all these. It holds no code, unlike a pickle.

A team. If several processes run the same solver, each on samples of its own, the first one reads
and writes the file. The others get its content. They may all pause at different passes, since a
pause changes no bits. SIGTERM must end the same pass in all of them, so the signal to one is told
to all with the sums of the pass.
"""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from hashlib import sha256
from importlib.metadata import version
from types import FrameType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ._atomic_write import check_writable, write_whole
from ._diagnostics import warn_of_unwritten_checkpoint
from ._engine.solvers import Solver
from ._engine.team import ALONE, Interruption, Team
from ._typing import AnyArray, Float64Array

Arrays: TypeAlias = Mapping[str, AnyArray]
Setting: TypeAlias = str | float | bool | None
AdvanceTo: TypeAlias = Callable[[int], object]  # makes steps up to the step of this number

_SECONDS = 30.0  # between two checkpoints

_NAME = b"oneneuron checkpoint "
_FORMAT = 1
_DIGEST_SIZE = 32

# The arrays of a file belong to the solver or to the record; one is the start.
_START = "start"
_SOLVER = "solver."
_RECORD = "record."


class Checkpoint:
    """A file from which a run continues, if it is there, and to which the run is saved.

    The methods are called in this order: `drawn_start`, if the start is random; `begin`; and
    `running`, as the context of the run.

    Parameters
    ----------
    path : str
    settings : mapping of str to str, float, bool or None
        The options on which the result depends, by the names that an error should use. The first
        one says what is run.
    most_steps : tuple of (str, int)
        The name and the value of the option that limits the number of steps. It may be raised to
        make a run longer.
    team : Team
        The processes that run the solver together.

    Attributes
    ----------
    record : mapping of str to ndarray, or None
        What had been recorded of the run that continues; None if it begins.

    Raises
    ------
    ValueError
        If there is a file, but no checkpoint of such a run.
    OSError
        If the file cannot be read, or if it will not be possible to write it.
    """

    def __init__(
        self, path: str, settings: Mapping[str, Setting], most_steps: tuple[str, int],
        team: Team = ALONE,
    ) -> None:  # fmt: skip
        self.path, self._team = path, team
        self.record: Arrays | None = None
        self._identity = _Identity(version("oneneuron"), dict(settings))
        self._saved: _Saved | None = None
        if (content := team.agree_on(self._read)) is not None:
            self._saved = _decoded(content, path)
            self._refuse_other_settings(*most_steps)

    def _read(self) -> bytes | None:
        """Return the content of the file, if it exists, once it is clear that it can be written."""
        check_writable(self.path)
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def _refuse_other_settings(self, most_name: str, most_steps: int) -> None:
        assert self._saved is not None
        theirs, ours = self._saved.identity, self._identity
        if theirs.version != ours.version:
            raise ValueError(
                f"{self.path} was written by oneneuron {theirs.version}, and this is "
                f"{ours.version}: install that version, or name another file."
            )
        for name, value in ours.settings.items():
            if theirs.settings.get(name) != value:
                raise ValueError(
                    f"{self.path} is the checkpoint of a run with {name}="
                    f"{theirs.settings.get(name)!r}, found {name}={value!r}: use the same value, "
                    f"or name another file."
                )
        num_steps = int(self._saved.array(_SOLVER + "last.step").max())
        if num_steps > most_steps:
            raise ValueError(
                f"{self.path} is the checkpoint of a run after {num_steps} steps, found "
                f"{most_name}={most_steps}: raise {most_name}, or name another file."
            )

    def drawn_start(self, drawn: Float64Array) -> Float64Array:
        """Return the start of the run that continues, in place of one drawn without a seed.

        Parameters
        ----------
        drawn : ndarray
            The parameters of all models, in any shape. It is returned if there is no such run, or
            if its start has another size.
        """
        if self._saved is not None:
            saved = self._saved.array(_START)
            if saved.size == drawn.size:
                return saved.astype(np.float64).reshape(drawn.shape)
        return drawn

    def begin(self, solver: Solver) -> bool:
        """Bring a solver from its start to where the run was saved.

        Parameters
        ----------
        solver : Solver
            The solver of the run. It has just been started.

        Returns
        -------
        bool
            Whether the run continues. If not, the solver stays at its start.

        Raises
        ------
        ValueError
            If the checkpoint is that of another run.
        """
        self._solver = solver
        self._start = solver.last.parameters.copy()
        self._identity = self._identity._replace(
            constants=_digest(solver.constants), score=_digest(_score(solver.variables))
        )
        if self._saved is None:
            return False
        self._refuse_other_run(self._saved)
        self._restore(self._saved.part(_SOLVER))
        record = self._saved.part(_RECORD)
        self.record = {name: array.copy() for name, array in record.items()}
        self._saved = None  # all its arrays share the memory of the whole file
        return True

    def _refuse_other_run(self, saved: _Saved) -> None:
        start = saved.array(_START)
        if start.shape != self._start.shape:
            raise self._other_samples()
        if start.tobytes() != self._start.tobytes():
            raise ValueError(
                f"{self.path} is the checkpoint of a run from another start: use the same init, "
                f"random_state and samples, or name another file."
            )
        if saved.identity != self._identity:
            raise self._other_samples()

    def _restore(self, variables: Arrays) -> None:
        """Restore the solver, after scoring the last iterate on the samples that it has now."""
        solver = self._solver
        try:
            solver.start(np.array(variables["last.parameters"]))
            is_same = _digest(_score(solver.variables)) == _digest(_score(variables))
            solver.restore(variables)
        except (ValueError, KeyError) as error:
            raise _damaged(self.path) from error
        if not is_same:
            raise self._other_samples()

    def _other_samples(self) -> ValueError:
        return ValueError(
            f"{self.path} is the checkpoint of a run on other samples, labels or weights: continue "
            f"with those, or name another file (and a file for each fit in a cross-validation)."
        )

    def running(self, record: Callable[[], Arrays]) -> AbstractContextManager[AdvanceTo]:
        """Return the context of the run, which saves it.

        Parameters
        ----------
        record : callable
            A function that returns what has been recorded.

        Returns
        -------
        context manager
            It yields the function with which to advance the solver.
        """
        return _Run(lambda: self._write(record()), self._solver, self.path, self._team)

    def _write(self, record: Arrays) -> None:
        if self._team.rank > 0:
            return
        arrays = {_START: self._start}
        arrays |= {_SOLVER + name: array for name, array in self._solver.variables.items()}
        arrays |= {_RECORD + name: array for name, array in record.items()}
        self.write(_encoded(self._identity, arrays))

    def write(self, parts: list[bytes | memoryview]) -> None:
        """Replace the content of the file."""
        write_whole(self.path, *parts)


def running(
    checkpoint: Checkpoint | None, solver: Solver, record: Callable[[], Arrays]
) -> AbstractContextManager[AdvanceTo]:
    """Return the context of a run with or without a checkpoint, as `Checkpoint.running` does.

    Parameters
    ----------
    checkpoint : Checkpoint or None
    solver : Solver
    record : callable
    """
    if checkpoint is None:
        return nullcontext(solver.advance_to)
    return checkpoint.running(record)


class _Run:
    """The context of a run that is saved.

    Parameters
    ----------
    write : callable
        A function that writes the checkpoint.
    solver : Solver
    path : str
        The path of the checkpoint, for a warning.
    team : Team
    """

    def __init__(self, write: Callable[[], None], solver: Solver, path: str, team: Team) -> None:
        self._write, self._solver, self._path, self._team = write, solver, path, team
        self._termination = _Termination(team)
        self._has_warned = False

    def __enter__(self) -> AdvanceTo:
        self._next = time.monotonic() + _SECONDS
        self._termination.watch()
        return self._advance_to

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._save()
        finally:
            self._termination.leave()

    def _advance_to(self, step: int) -> None:
        """Advance the solver as `Solver.advance_to` does, and save the run when it is time.

        It is saved before a call of the solver and not after one, since what the call reached has
        yet to be recorded.
        """
        is_done = False
        while not is_done:
            if time.monotonic() >= self._next:
                self._save()
            try:
                is_done = self._advance_a_while(step)
            except Interruption:  # the pass is lost, and repeated if the process goes on
                self._save()
                self._team.gather(None)  # all wait for the first one, which writes
                self._termination.deliver()
            except BaseException:
                self._save()
                raise

    def _advance_a_while(self, step: int) -> bool:
        seconds = max(0.0, self._next - time.monotonic())
        with self._termination.interrupting():
            return self._solver.advance_to(step, math.ceil(1000.0 * seconds))

    def _save(self) -> None:
        """Write the checkpoint; if that fails, training is worth more than its checkpoint."""
        try:
            self._write()
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                warn_of_unwritten_checkpoint(self._path, error.strerror or str(error))
        self._next = time.monotonic() + _SECONDS


class _Termination:
    """SIGTERM during a run.

    Parameters
    ----------
    team : Team
    """

    def __init__(self, team: Team) -> None:
        self._team = team
        self._is_due = self._interrupts = False
        self._frame: FrameType | None = None

    def watch(self) -> None:
        """Receive the signal, unless the process ignores it."""
        self._previous = signal.getsignal(signal.SIGTERM)
        if self._previous not in (signal.SIG_IGN, None):  # None: a handler that is not Python's
            with suppress(ValueError):  # only the main thread may receive signals
                signal.signal(signal.SIGTERM, self._receive)

    def leave(self) -> None:
        """Let the signal take its usual way again, also if it has come already."""
        self._restore()
        if self._is_due:
            self._pass_on()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Return the context of a call of the solver, which the signal interrupts.

        A signal that has come before is due now.
        """
        try:
            self._interrupts = True
            if self._is_due:
                self._interrupt()
            yield
        finally:
            self._interrupts = False

    def deliver(self) -> None:
        """Let the signal, if it has come, take its usual way, which may end the process.

        Then watch again.
        """
        if not self._is_due:
            return  # another member of the team got it
        self._restore()
        self._pass_on()
        if signal.getsignal(signal.SIGTERM) == self._previous:
            self.watch()

    def _receive(self, _signum: int, frame: FrameType | None) -> None:
        self._is_due, self._frame = True, frame
        if self._interrupts:
            self._interrupt()

    def _interrupt(self) -> None:
        self._interrupts = False
        self._team.interrupt()

    def _restore(self) -> None:
        if signal.getsignal(signal.SIGTERM) == self._receive:
            signal.signal(signal.SIGTERM, self._previous)

    def _pass_on(self) -> None:
        self._is_due = False
        if callable(self._previous):
            self._previous(signal.SIGTERM, self._frame)
        else:
            signal.raise_signal(signal.SIGTERM)


# --- What tells runs apart ---


class _Identity(NamedTuple):
    """The identity of a run, apart from its start.

    Attributes
    ----------
    version : str
        The version of the package, since another one may make other bits.
    settings : dict of str to str, float, bool or None
    constants : str
        The digest of the solver's constants.
    score : str
        The digest of the score of the start, which depends on the samples.
    """

    version: str
    settings: dict[str, Setting]
    constants: str = ""
    score: str = ""


def _score(variables: Arrays) -> Arrays:
    """Return the variables that show on which samples the last iterate was scored."""
    return {name: variables[name] for name in ("gradient", "last.cost", "last.wrong")}


def _digest(arrays: Arrays) -> str:
    """Return a digest of arrays with their names."""
    digest = sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


# --- The file ---


class _Saved(NamedTuple):
    """The content of a file."""

    path: str
    identity: _Identity
    arrays: Arrays

    def array(self, name: str) -> AnyArray:
        """Return an array."""
        if name not in self.arrays:
            raise _damaged(self.path)
        return self.arrays[name]

    def part(self, prefix: str) -> Arrays:
        """Return the arrays whose names begin with a prefix, by the rest of their names."""
        return {
            name.removeprefix(prefix): array
            for name, array in self.arrays.items()
            if name.startswith(prefix)
        }


def _encoded(identity: _Identity, arrays: Arrays) -> list[bytes | memoryview]:
    """Return the content of a file, in parts that share the memory of the arrays."""
    kinds = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
    header = json.dumps({"identity": identity._asdict(), "arrays": kinds}).encode()
    parts: list[bytes | memoryview] = [
        b"%b%d\n%b\n" % (_NAME, _FORMAT, header),
        *(np.ascontiguousarray(array).data for array in arrays.values()),
    ]
    digest = sha256()
    for part in parts:
        digest.update(part)
    return [*parts, digest.digest()]


def _decoded(content: bytes, path: str) -> _Saved:
    """Return what a file holds, unless a bit of it has changed or it is no checkpoint."""
    first = content.find(b"\n")
    number = content[len(_NAME) : max(0, first)]
    if not (content.startswith(_NAME) and number.isdigit()):
        raise ValueError(f"{path} is not a checkpoint of oneneuron: name another file.")
    if int(number) > _FORMAT:
        raise ValueError(
            f"{path} was written by a newer oneneuron: install that, or name another file."
        )
    view = memoryview(content)
    if sha256(view[:-_DIGEST_SIZE]).digest() != view[-_DIGEST_SIZE:]:
        raise _damaged(path)
    try:
        second = content.index(b"\n", first + 1)
        header = json.loads(content[first + 1 : second])
        arrays = _decoded_arrays(view, second + 1, header["arrays"])
        return _Saved(path, _Identity(**header["identity"]), arrays)
    except (ValueError, TypeError, LookupError) as error:
        raise _damaged(path) from error


def _decoded_arrays(view: memoryview, offset: int, kinds: list[tuple[str, str, Any]]) -> Arrays:
    """Return arrays that share the memory of a file's content, from an offset on."""
    arrays = {}
    for name, dtype, shape in kinds:
        if np.dtype(dtype).hasobject:
            raise ValueError("objects are not saved")
        array: AnyArray = np.ndarray(shape, dtype, view, offset)
        arrays[name] = array
        offset += array.nbytes
    if offset != len(view) - _DIGEST_SIZE:
        raise ValueError("the file has more or fewer bytes than its arrays")
    return arrays


def _damaged(path: str) -> ValueError:
    return ValueError(
        f"{path} is a damaged checkpoint: delete it to begin again, or name another file."
    )
