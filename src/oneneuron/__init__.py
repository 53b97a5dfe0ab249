"""One sigmoid neuron, trained by gradient descent at the speed of the processor."""

from .descent import train
from .results import Descent, History, Model

__all__ = ["Descent", "History", "Model", "train"]
