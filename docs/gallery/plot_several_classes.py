"""
Several classes
===============

Three kinds of iris, and three neurons. On the left, each neuron has learned to tell its own kind
from the rest. On the right, they have learned together, as a layer.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_iris

from oneneuron import NeuronClassifier, plots

iris = load_iris(as_frame=True)
X = iris.data[["sepal length (cm)", "sepal width (cm)"]]
y = iris.target_names[iris.target]
figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
for ax, multi_class in zip(axes, ("ovr", "softmax"), strict=True):
    model = NeuronClassifier(multi_class=multi_class).fit(X, y)
    plots.plot_decision_boundary(X, y, model, ax=ax)
    ax.set_title(f"{multi_class}: {100 * model.score(X, y):.0f} % right")
