"""
The sigmoid
===========

The weight says how steep the step is, and the bias moves it. A weight below zero turns it round.
"""

from oneneuron import plots

for weight, bias in ((0.5, 0.0), (1.0, 0.0), (-4.0, 8.0)):
    ax = plots.plot_sigmoid(weight, bias)
