"""Every picture: each takes and returns matplotlib Axes."""

from .boundary import plot_decision_boundary, plot_dots

__all__ = ["plot_decision_boundary", "plot_dots"]
