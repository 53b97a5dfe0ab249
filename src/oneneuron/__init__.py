"""Sigmoid neurons, trained by gradient descent at the speed of the processor."""

from importlib import import_module
from typing import TYPE_CHECKING

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

# All are loaded on first use. scikit-learn and matplotlib take ten times as long to import as the
# rest. And the command line can only answer Ctrl-C, or a wrong ONENEURON_ISA, once it runs.
_MODULES = ("compare", "lecture", "onnx", "plots", "reference")
_HOMES = {
    "Descent": "_results",
    "History": "_results",
    "Model": "_results",
    "NeuronClassifier": "_classifier",
    "safe_eta": "_train",
    "train": "_train",
}

if TYPE_CHECKING:
    from . import compare, lecture, onnx, plots, reference
    from ._classifier import NeuronClassifier
    from ._results import Descent, History, Model
    from ._train import safe_eta, train

    __version__: str
else:  # a type checker that saw this function would accept any name

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name in _HOMES:
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        if name == "__version__":
            from importlib.metadata import version

            return version(__name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
