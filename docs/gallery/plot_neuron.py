"""
A neuron with numbers
=====================

What a neuron computes for one sample: it adds up the terms w x and the bias b, and the sigmoid of
the sum is its output f.
"""

from oneneuron import plots

model = {"w1": 2.0, "w2": -1.0, "b": 0.5}  # as build_model returns it
ax = plots.plot_neuron(model, [1.5, 3.0])
