"""
Wrong labels
============

Some samples of the cloud on the right have the label 0. On clean test samples, the quadratic loss
does better than the log loss. The rings mark the forty largest errors: these are the labels to
check.
"""

import matplotlib.pyplot as plt
import numpy as np

from oneneuron import NeuronClassifier, plots
from oneneuron.lecture import lessons

X, X_test, y, y_test = lessons.get_wrong_labels(random_state=0)
figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained", sharey=True)
for ax, loss in zip(axes, ("quadratic", "log"), strict=True):
    model = NeuronClassifier(loss=loss).fit(X, y)
    plots.plot_decision_boundary(X, y, model, ax=ax)
    worst = np.argsort(np.abs(model.predict_proba(X)[:, 1] - y))[-40:]
    ax.scatter(*X[worst].T, s=90, facecolors="none", edgecolors="black")
    ax.set_title(f"{loss} loss: {100 * model.score(X_test, y_test):.0f} % of the test right")
