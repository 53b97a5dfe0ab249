"""Picks the kernel once, for the instruction set this processor has.

``ONENEURON_ISA`` (``plain``, ``v3``, ``v4``) forces one. A level is chosen by detection alone: a
kernel that was built and can't be imported is an error, never a silent step down.
"""

import os
from importlib import import_module
from importlib.util import find_spec

from ._cpu import supported_levels

_MODULES = {
    "plain": "oneneuron._kernel",
    "v3": "oneneuron._kernel_v3",
    "v4": "oneneuron._kernel_v4",
}


def _available_levels() -> tuple[str, ...]:
    runnable = ["plain", *supported_levels()]
    return tuple(level for level in runnable if find_spec(_MODULES[level]) is not None)


def _chosen_level(available: tuple[str, ...]) -> str:
    forced = os.environ.get("ONENEURON_ISA")
    if forced is None:
        return available[-1]
    if forced not in available:
        raise ImportError(
            f"ONENEURON_ISA is {forced!r}, but this build on this processor has "
            f"{', '.join(available)}: set one of these or unset it."
        )
    return forced


available = _available_levels()
level = _chosen_level(available)
kernel = import_module(_MODULES[level])
