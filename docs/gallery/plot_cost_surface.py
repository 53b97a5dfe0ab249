"""
A path on the cost surface
==========================

The contours are the cost for each pair of weights, with the best bias for that pair. The numbered
dots are steps: most of the way is made in the first few of them.
"""

import oneneuron
from oneneuron import plots
from oneneuron.lecture import example1

X, _, y, _ = example1.get_data(500, random_state=1)
descent = oneneuron.train(X, y, eta="auto", random_state=0, record_every=1)
ax = plots.plot_cost_surface(X, y, descent)
