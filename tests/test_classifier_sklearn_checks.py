"""scikit-learn's own estimator checks, for each loss and solver."""

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
        NeuronClassifier(multi_class="ovr"),
        NeuronClassifier(n_init=3),
    ]
)
def test_scikit_learns_estimator_checks_pass(estimator, check):
    check(estimator)
