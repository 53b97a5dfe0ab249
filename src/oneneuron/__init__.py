"""One sigmoid neuron, trained by gradient descent at the speed of the processor."""

from typing import TYPE_CHECKING

from .descent import train
from .results import Descent, History, Model

__all__ = ["Descent", "History", "Model", "NeuronClassifier", "train"]


if TYPE_CHECKING:
    from .classifier import NeuronClassifier
else:  # a checker that saw it would take any name for one of the package's

    def __getattr__(name: str) -> object:
        # On first use: it brings scikit-learn, which takes ten times as long to import as all else.
        if name == "NeuronClassifier":
            from .classifier import NeuronClassifier

            return NeuronClassifier
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
