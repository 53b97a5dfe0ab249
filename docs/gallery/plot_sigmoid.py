"""
The sigmoid
===========

A larger weight makes the step steeper, and the bias moves it.
"""

from oneneuron import plots

for weight, bias in ((0.5, 0.0), (1.0, 0.0), (4.0, -8.0)):
    ax = plots.plot_sigmoid(weight, bias)
