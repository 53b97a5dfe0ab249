"""One sigmoid neuron, trained by gradient descent at the speed of the processor."""

from .descent import Descent, History, Model, train

__all__ = ["Descent", "History", "Model", "train"]
