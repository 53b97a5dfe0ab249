"""Every picture: each takes and returns matplotlib Axes."""

from .boundary import plot_decision_boundary
from .dots import plot_dots
from .sigmoid import plot_sigmoid

__all__ = ["plot_decision_boundary", "plot_dots", "plot_sigmoid"]
