"""scikit-learn's own checks of an estimator, on every way to train."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from oneneuron import NeuronClassifier


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:All samples are of one class")
@parametrize_with_checks(
    [
        NeuronClassifier(),  # the same as solver="lbfgs"
        NeuronClassifier(solver="gd"),
        NeuronClassifier(loss="log"),
        NeuronClassifier(loss="log", solver="gd"),
        NeuronClassifier(n_init=3),
    ]
)
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)
