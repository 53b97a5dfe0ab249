"""
Two minima
==========

A line can cut off the cloud on the left or the one on the right, but not both. The quadratic cost
has a minimum for either, and the start decides which one a descent ends in.
"""

import matplotlib.pyplot as plt

import oneneuron
from oneneuron import plots
from oneneuron.lecture import lessons

X, _, y, _ = lessons.get_two_minima(random_state=0)
descents = [
    oneneuron.train(X, y, eta="auto", init=([w1, 0.5], -3.0), record_every=1) for w1 in (-1.0, 1.0)
]
figure, axes = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
plots.plot_cost_surface(X, y, descents, labels=["left", "right"], ax=axes[0])
for ax, descent in zip(axes[1:], descents, strict=True):
    plots.plot_decision_boundary(X, y, descent.last, ax=ax)
