"""LogisticRegression's parameters: the error for each says what to write instead."""

import inspect
import pickle
import re

import numpy as np
import pytest
from helpers import make_classes
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from oneneuron import NeuronClassifier

REMEDIES = [
    ({"C": 0.5}, "C: write alpha=2, which is 1/C, and loss='log' for the same model."),
    ({"C": np.float32(4.0)}, "C: write alpha=0.25, which is 1/C, and loss='log' for the same"),
    ({"C": np.inf}, "C: write alpha=0, which is 1/C, and loss='log' for the same model."),
    ({"C": -1.0}, "C: write alpha=1/C, and loss='log' for the same model."),
    ({"C": "1.0"}, "C: write alpha=1/C, and loss='log' for the same model."),
    ({"penalty": None}, "penalty: write alpha=0 instead of penalty=None."),
    ({"penalty": "l2"}, "penalty: leave out penalty, since the penalty is always L2."),
    (
        {"penalty": "elasticnet"},
        "penalty: leave out penalty, or keep LogisticRegression, since only that has an L1",
    ),
    ({"l1_ratio": 0.0}, "l1_ratio: leave out l1_ratio, since the penalty is always L2."),
    (
        {"l1_ratio": 1.0},
        "l1_ratio: leave out l1_ratio, or keep LogisticRegression, since only that has an L1",
    ),
    ({"dual": False}, "dual: leave out dual, since both forms have the same minimum."),
    (
        {"intercept_scaling": 1.0},
        "intercept_scaling: leave out intercept_scaling, since the bias has no penalty.",
    ),
    ({"n_jobs": 4}, "n_jobs: write n_threads=4."),
    ({"n_jobs": -1}, "n_jobs: leave out n_jobs, since as many threads are used as speed up the"),
]


def set_later(**given):
    return NeuronClassifier().set_params(**given)


ways_to_set = pytest.mark.parametrize("set_parameters", [NeuronClassifier, set_later])


@ways_to_set
@pytest.mark.parametrize(("given", "remedy"), REMEDIES, ids=str)
def test_a_parameter_of_logistic_regression_raises_with_what_to_write(
    given, remedy, set_parameters
):
    message = rf"^NeuronClassifier has no parameter {re.escape(remedy)}"
    with pytest.raises(TypeError, match=message):
        set_parameters(**given)


@ways_to_set
def test_several_of_them_are_named_in_one_error(set_parameters):
    message = (
        r"^NeuronClassifier has no parameters C, dual and n_jobs: write alpha=2, .*; leave out "
        r"dual, .*; write n_threads=3\.$"
    )
    with pytest.raises(TypeError, match=message):
        set_parameters(C=0.5, alpha=3.0, dual=True, n_jobs=3)


def test_every_parameter_of_logistic_regression_is_ours_or_has_a_remedy():
    names = (
        inspect.signature(LogisticRegression).parameters.keys() - NeuronClassifier().get_params()
    )
    for name in names:
        with pytest.raises(TypeError, match=f"has no parameter {name}: (write|leave out) "):
            NeuronClassifier(**{name: None})


def test_the_alpha_in_the_error_gives_the_same_model():
    X, y, rng = make_classes(70, 200, 4)
    u = rng.random(len(X))
    with pytest.raises(TypeError) as raised:
        NeuronClassifier(C=0.3)
    alpha = float(re.search(r"alpha=([\d.]+),", str(raised.value)).group(1))
    found = NeuronClassifier(loss="log", alpha=alpha, tol=1e-9).fit(X, y, sample_weight=u)
    expected = LogisticRegression(C=0.3, solver="newton-cholesky", tol=1e-10)
    expected.fit(X, y, sample_weight=u)
    # The cost is quadratic around its minimum, so parameters are off by the root of its rounding.
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-6)


def test_set_params_refuses_before_it_sets_anything():
    found = NeuronClassifier()
    with pytest.raises(TypeError):
        found.set_params(alpha=5.0, C=1.0)
    assert found.alpha == "auto"


def test_the_error_reaches_a_pipeline_and_a_search():
    X, y, _ = make_classes(71)
    pipeline = make_pipeline(StandardScaler(), NeuronClassifier())
    with pytest.raises(TypeError, match="write alpha=10, which is 1/C"):
        pipeline.set_params(neuronclassifier__C=0.1)
    with pytest.raises(TypeError, match="write alpha=10, which is 1/C"):
        GridSearchCV(NeuronClassifier(), {"C": [0.1, 1.0]}).fit(X, y)


@pytest.mark.parametrize("solver", ["liblinear", "newton-cg", "newton-cholesky", "sag", "saga"])
def test_a_solver_of_logistic_regression_raises_with_what_to_write(solver):
    message = f"found '{solver}': write solver='lbfgs', the default.$"
    with pytest.raises(ValueError, match=message):
        NeuronClassifier(solver=solver).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize("multi_class", ["auto", "multinomial"])
def test_a_multi_class_of_logistic_regression_raises_with_what_to_write(multi_class):
    message = f"found '{multi_class}': write multi_class='softmax', the default.$"
    with pytest.raises(ValueError, match=message):
        NeuronClassifier(multi_class=multi_class).fit([[0.0], [1.0]], [0, 1])


def test_other_unknown_names_raise_the_usual_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'learning_rate'"):
        NeuronClassifier(learning_rate=1.0)


def test_the_signature_is_that_of_the_constructor():
    names = list(inspect.signature(NeuronClassifier).parameters)
    assert sorted(names) == sorted(NeuronClassifier().get_params())


class WithC(NeuronClassifier):
    """A subclass that has LogisticRegression's parameter, and so takes it."""

    def __init__(self, C=1.0):
        super().__init__(loss="log")
        self.C = C

    def fit(self, X, y, sample_weight=None):
        self.alpha = 1 / self.C
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("copy", [clone, lambda found: pickle.loads(pickle.dumps(found))])
def test_a_subclass_may_have_such_a_parameter(copy):
    found = copy(WithC(C=2.0))
    assert found.C == 2.0 and found.set_params(C=4.0).C == 4.0
    with pytest.raises(TypeError, match=r"^WithC has no parameter n_jobs: "):
        found.set_params(n_jobs=2)
