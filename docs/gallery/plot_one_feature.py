"""
One feature
===========

With a single feature, the height is f. The line is where a patient's tumour is as likely to be
benign as malignant.
"""

from sklearn.datasets import load_breast_cancer

from oneneuron import NeuronClassifier, plots

cancer = load_breast_cancer(as_frame=True)
X = cancer.data[["mean radius"]]
y = cancer.target_names[cancer.target]
ax = plots.plot_decision_boundary(X, y, NeuronClassifier(loss="log").fit(X, y))
