"""
Three step sizes
================

The lecture's step size is safe and slow. One that is guaranteed to be safe, 1/L, is a
hundred times larger. With a thousand times as much again, the neuron saturates, and the cost stays
where it is.
"""

import warnings

import oneneuron
from oneneuron import plots
from oneneuron.lecture import example1

X, _, y, _ = example1.get_data(500, random_state=1)
safe = oneneuron.safe_eta(X)
warnings.simplefilter("ignore")  # the last descent fails, and would say so
descents = [
    oneneuron.train(X, y, eta=eta, random_state=0, record_every=1)
    for eta in (5e-5, safe, 1000 * safe)
]
ax = plots.plot_learning_curve(descents, labels=["the lecture's", "1/L", "1,000/L"])
