"""
Features of unlike scales
=========================

One feature is a thousand times larger than the other. A step that is safe for the large one hardly
moves the weight of the small one. After scaling, a few steps are enough.
"""

import warnings

from sklearn.preprocessing import scale

import oneneuron
from oneneuron import plots
from oneneuron.lecture import lessons

X, _, y, _ = lessons.get_unlike_scales(random_state=0)
start = [0.0, 0.0], 0.0
warnings.simplefilter("ignore")  # the first descent fails, and would say so
descents = [
    oneneuron.train(samples, y, eta="auto", init=start, record_every=1) for samples in (X, scale(X))
]
ax = plots.plot_learning_curve(descents, labels=["as they are", "scaled"])
