"""
Samples
=======

The lecture's data: two clouds of random samples, each with its own class.
"""

from oneneuron import plots
from oneneuron.lecture import example1

train_pos, _, train_value, _ = example1.get_data(500, random_state=1)
ax = plots.plot_dots(train_pos, train_value)
