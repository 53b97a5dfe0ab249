"""The ranks of MPI that run a command together, as in ``mpiexec -n 4 oneneuron fit ...``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .._engine.team import ALONE, Team
from ._printing import note

# What MPICH and its relatives set, what Open MPI sets, and what both do under PMIx.
_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK")


def ranks() -> Team:
    """Return the ranks that `mpiexec` has started, or this process alone.

    Raises
    ------
    ImportError
        If the extra `mpi` is not installed.
    """
    if not any(name in os.environ for name in _VARIABLES):
        return ALONE
    from .. import mpi

    return mpi.world()


@contextmanager
def failing_together(team: Team) -> Iterator[None]:
    """Have the first rank tell of an error that all ranks have, and end all if one fails alone."""
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError):
        # Ranks do nothing that can raise these without telling the others.
        if team.rank > 0:
            raise SystemExit(2) from None
        raise
    except BaseException as error:
        if team.size == 1:
            raise
        from mpi4py import MPI

        note(f"oneneuron: error: rank {team.rank} ends all: {type(error).__name__}: {error}")
        MPI.COMM_WORLD.Abort(2)
