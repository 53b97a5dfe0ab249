"""
What the neurons of digits look for
===================================

Ten neurons, one for each digit. Where a pixel is orange, ink speaks for the digit. Where it is
blue, ink speaks against it.
"""

from sklearn.datasets import load_digits

from oneneuron import NeuronClassifier, plots

X, y = load_digits(return_X_y=True)
ax = plots.plot_weights(NeuronClassifier(alpha=10).fit(X / 16, y), shape=(8, 8))
