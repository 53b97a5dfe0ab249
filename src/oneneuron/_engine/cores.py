"""The number of cores that this process may use."""

import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def count() -> int:
    """Return the cores of the affinity mask, limited by the container and ``OMP_NUM_THREADS``.

    This package does not use OpenMP, but the variable is also set to limit everything that
    computes, for instance by joblib in its workers. If it is a list, its first number counts.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted.isdecimal() and int(wanted) > 0:  # OpenMP ignores other values, too
        cores = min(cores, int(wanted))
    return min(cores, _container_limit() or cores)


@cache
def _container_limit() -> int | None:
    """Return the cores that the control groups of this process allow, rounded up."""
    return min((max(1, math.ceil(cores)) for cores in _quotas()), default=None)


def _quotas() -> Iterator[float]:
    """Yield the CPU limits of this process's control groups and of the groups around them."""
    for line in _text(_MEMBERSHIP).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2 of control groups
            root = _CGROUPS
        elif "cpu" in controllers.split(","):  # version 1
            root = _CGROUPS / "cpu"
        else:
            continue
        group = root / path.strip("/")
        # The path is the host's. Inside a container the same group is mounted at the root, so all
        # the folders on the way up count.
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
