"""The three files of the lecture, under their own names, and data for further lessons."""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["example1", "first_network", "lessons", "plotting_routines"]

if TYPE_CHECKING:
    from . import example1, first_network, lessons, plotting_routines
else:  # a type checker that saw this function would accept any name

    def __getattr__(name: str) -> object:
        # Loaded on first use: only the pictures need matplotlib.
        if name in __all__:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
