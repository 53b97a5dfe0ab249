"""
A learning curve
================

The cost falls at every step, because the step size is safe. The accuracy need not rise at every
step, and the star marks the first step at which it is highest.
"""

import oneneuron
from oneneuron import plots
from oneneuron.lecture import example1

X, _, y, _ = example1.get_data(500, random_state=1)
descent = oneneuron.train(X, y, eta="auto", random_state=0, record_every=1)
ax = plots.plot_learning_curve(descent)
