"""
Far outliers
============

A few samples of class 0 lie far on the right. With the log loss, they pull the line across the
other cloud. With the quadratic loss, each of them costs at most one half, and the line stays
between the clouds.
"""

import matplotlib.pyplot as plt

from oneneuron import NeuronClassifier, plots
from oneneuron.lecture import lessons

X, X_test, y, y_test = lessons.get_outliers(random_state=0)
figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
for ax, loss in zip(axes, ("quadratic", "log"), strict=True):
    model = NeuronClassifier(loss=loss).fit(X, y)
    plots.plot_decision_boundary(X, y, model, ax=ax)
    ax.set_title(f"{loss} loss: {100 * model.score(X_test, y_test):.0f} % of the test right")
