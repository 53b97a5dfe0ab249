"""The number of cores that this process may use."""

import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def count() -> int:
    """Return the number of cores that affinity, container and ``OMP_NUM_THREADS`` allow.

    This package does not use OpenMP, but the variable is often set to limit all computation; joblib
    sets it in its workers, for instance. If it is a list, the first number counts.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted.isdecimal() and int(wanted) > 0:  # OpenMP also ignores other values
        cores = min(cores, int(wanted))
    return min(cores, _container_limit() or cores)


@cache
def _container_limit() -> int | None:
    """Return the number of cores that the control groups of this process allow, rounded up."""
    return min((max(1, math.ceil(cores)) for cores in _quotas()), default=None)


def _quotas() -> Iterator[float]:
    """Yield the CPU limits of this process's control groups and of their parent groups."""
    for line in _text(_MEMBERSHIP).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2 of control groups
            root = _CGROUPS
        elif "cpu" in controllers.split(","):  # version 1
            root = _CGROUPS / "cpu"
        else:
            continue
        group = root / path.strip("/")
        # The path is the one on the host. Inside a container, the same group is mounted at the
        # root, so every folder on the way up may have a limit.
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
