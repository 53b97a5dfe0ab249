"""Every picture: each takes and returns matplotlib Axes."""

from .boundary import plot_decision_boundary, plot_dots
from .ladder import plot_ladder

__all__ = ["plot_decision_boundary", "plot_dots", "plot_ladder"]
