"""Every picture: each takes and returns matplotlib Axes, or returns an animation."""

from .animation import animate_training
from .boundary import plot_decision_boundary
from .curves import plot_learning_curve, plot_parabola
from .dots import plot_dots
from .ladder import plot_ladder
from .sigmoid import plot_sigmoid
from .surface import plot_cost_surface

__all__ = [
    "animate_training",
    "plot_cost_surface",
    "plot_decision_boundary",
    "plot_dots",
    "plot_ladder",
    "plot_learning_curve",
    "plot_parabola",
    "plot_sigmoid",
]
