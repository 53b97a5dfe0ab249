"""
A decision boundary
===================

The shades are f, the probability of class 1, and on the line f is one half. The hollow dots are the
test samples.
"""

import oneneuron
from oneneuron import plots
from oneneuron.lecture import example1

train_pos, test_pos, train_value, test_value = example1.get_data(500, random_state=1)
descent = oneneuron.train(train_pos, train_value, eta="auto", random_state=0)
ax = plots.plot_decision_boundary(train_pos, train_value, descent.best, test=(test_pos, test_value))
