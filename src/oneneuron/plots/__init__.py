"""Pictures of samples, models and descents, drawn with matplotlib.

Each function draws on the Axes given as `ax`, or on the current ones, and returns them. If the
current Axes already hold a picture of another kind, it opens a new figure.
`animate_training` makes a figure of its own and returns the animation.
"""

from ._animation import animate_training
from ._boundary import plot_decision_boundary
from ._cost_surface import plot_cost_surface
from ._curves import plot_learning_curve, plot_parabola
from ._dots import plot_dots
from ._ladder import plot_ladder
from ._neuron import plot_neuron
from ._sigmoid import plot_sigmoid
from ._style import style
from ._weights import plot_weights

__all__ = [
    "animate_training",
    "plot_cost_surface",
    "plot_decision_boundary",
    "plot_dots",
    "plot_ladder",
    "plot_learning_curve",
    "plot_neuron",
    "plot_parabola",
    "plot_sigmoid",
    "plot_weights",
    "style",
]
