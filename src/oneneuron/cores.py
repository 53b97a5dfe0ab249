"""How many cores this process may use."""

import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def count() -> int:
    """Cores of the affinity mask, at most the container's limit and ``OMP_NUM_THREADS``.

    The variable speaks to OpenMP, which this package has no use for; but who sets it, as joblib
    does in its workers, means all that computes. Of a list the first number counts.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted.isdecimal() and int(wanted) > 0:  # OpenMP, too, does as if it were not set
        cores = min(cores, int(wanted))
    return min(cores, _container_limit() or cores)


@cache
def _container_limit() -> int | None:
    """Cores' worth of time that the control groups of this process allow, rounded up."""
    return min((max(1, math.ceil(cores)) for cores in _quotas()), default=None)


def _quotas() -> Iterator[float]:
    """The limits of this process's groups and those around them, of either version of cgroups."""
    for line in _text(_MEMBERSHIP).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root = _CGROUPS
        elif "cpu" in controllers.split(","):
            root = _CGROUPS / "cpu"
        else:
            continue
        group = root / path.strip("/")
        # What a container sees at the root may be the very group that has another path outside.
        for folder in [group, *group.parents][: len(group.parts) - len(root.parts) + 1]:
            quota, _, period = _text(folder / "cpu.max").partition(" ")
            if not quota:
                quota = _text(folder / "cpu.cfs_quota_us")
                period = _text(folder / "cpu.cfs_period_us")
            if quota not in ("", "max", "-1"):
                yield int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
