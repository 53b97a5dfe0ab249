"""
For a projector
===============

In this style, the figures have the shape of a slide, with large letters and thick lines.
"""

import oneneuron
from oneneuron import plots
from oneneuron.lecture import example1

X, _, y, _ = example1.get_data(200, random_state=1)
descent = oneneuron.train(X, y, eta="auto", random_state=0)
with plots.style("slides"):
    ax = plots.plot_decision_boundary(X, y, descent.best)
    ax.set_title("Two clouds and one neuron")
