"""One sigmoid neuron, trained by gradient descent at the speed of the processor."""

from .descent import train
from .results import Descent, History, Model

__all__ = ["Descent", "History", "Model", "NeuronClassifier", "train"]


def __getattr__(name):
    # On first use: it brings scikit-learn, which takes ten times as long to import as all else.
    if name == "NeuronClassifier":
        from .classifier import NeuronClassifier

        return NeuronClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
