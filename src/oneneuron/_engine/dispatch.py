"""The choice of the compiled code for the instruction sets of this processor, made once.

``ONENEURON_ISA`` (``plain``, ``v3`` or ``v4``) forces a level. Otherwise the level is the highest
that was built and that the processor supports. If that kernel cannot be imported, the import of
this module fails, since a silent fallback to a slower kernel would go unnoticed.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from .cpu import levels

if TYPE_CHECKING:
    from .moments import Moments


def _chosen_level(available: tuple[str, ...]) -> str:
    forced = os.environ.get("ONENEURON_ISA")
    if not forced:
        return available[-1]
    if forced not in available:
        raise ImportError(
            f"ONENEURON_ISA is {forced!r}, but this build on this processor has "
            f"{', '.join(available)}: set it to one of these, or unset it."
        )
    return forced


def import_kernel(precision: str, at: str | None = None) -> Any:
    """Return the functions of a kernel (`kernel.pxd`), by default at the chosen level.

    They come as a PyCapsule, for the modules that call them.

    Parameters
    ----------
    precision : {"float64", "float32"}
    at : str, default None
        Another level, one of `available`.
    """
    return import_module(f"{__package__}.kernel_{at or level}_{precision}").functions


def import_moments(at: str | None = None) -> Moments:
    """Return the module of `moments.pyx`, by default at the chosen level.

    Parameters
    ----------
    at : str, default None
        Another level, one of `available`.
    """
    return cast("Moments", import_module(f"{__package__}.moments_{at or level}"))


available = levels()
level = _chosen_level(available)
import_kernel("float64")  # fails here, early, if the kernel cannot be imported
