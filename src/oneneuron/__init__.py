"""Sigmoid neurons, trained by gradient descent at the speed of the processor."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._results import Descent, History, Model
from ._train import safe_eta, train

__all__ = [
    "Descent",
    "History",
    "Model",
    "NeuronClassifier",
    "__version__",
    "compare",
    "lecture",
    "onnx",
    "plots",
    "reference",
    "safe_eta",
    "train",
]

# Loaded on first use: scikit-learn and matplotlib take ten times as long to import as all the rest.
_MODULES = ("compare", "lecture", "onnx", "plots", "reference")

if TYPE_CHECKING:
    from . import compare, lecture, onnx, plots, reference
    from ._classifier import NeuronClassifier

    __version__: str
else:  # a type checker that saw this function would accept any name

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name == "NeuronClassifier":
            return import_module(f"{__name__}._classifier").NeuronClassifier
        if name == "__version__":
            from importlib.metadata import version

            return version(__name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
