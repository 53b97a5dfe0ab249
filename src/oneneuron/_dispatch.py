"""Picks the kernel once, for the instruction set this processor has.

``ONENEURON_ISA`` (``plain``, ``v3``, ``v4``) forces one. A level is chosen by detection alone: a
kernel that was built and can't be imported is an error, never a silent step down.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ._cpu import levels

if TYPE_CHECKING:
    from ._kernel import Kernel


def _chosen_level(available: tuple[str, ...]) -> str:
    forced = os.environ.get("ONENEURON_ISA")
    if not forced:
        return available[-1]
    if forced not in available:
        raise ImportError(
            f"ONENEURON_ISA is {forced!r}, but this build on this processor has "
            f"{', '.join(available)}: set one of these or unset it."
        )
    return forced


def import_kernel(precision: str, at: str | None = None) -> Kernel:
    """The kernel's module for "float64" or "float32", at the level picked or at another."""
    return cast("Kernel", import_module(f"oneneuron._kernel_{at or level}_{precision}"))


available = levels()
level = _chosen_level(available)
import_kernel("float64")  # now, so that one that can't be imported is known at once
