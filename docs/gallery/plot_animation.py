"""
A descent as an animation
=========================

The line, the path on the cost surface and the cost move together. In a notebook, the animation
shows itself, as on this page.
"""

import oneneuron
from oneneuron import plots
from oneneuron.lecture import example1

X, _, y, _ = example1.get_data(200, random_state=1)
descent = oneneuron.train(X, y, eta="auto", num_steps=1000, random_state=0, record_every=1)
animation = plots.animate_training(X, y, descent, num_frames=40)
