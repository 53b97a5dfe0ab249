"""NeuronClassifier where LogisticRegression stood: its methods, attributes, shapes and messages."""

import warnings

import numpy as np
import pytest
import sklearn
from helpers import SOLVERS, bits, make_classes
from packaging.version import Version
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from oneneuron import NeuronClassifier

CLASSIFIERS = [LogisticRegression, NeuronClassifier]


def public(of):
    return {name for name in dir(of) if not name.startswith("_")}


# --- Names and shapes ---


def test_it_has_every_method_of_logistic_regression():
    assert public(LogisticRegression) - public(NeuronClassifier) == set()


def test_a_fit_sets_every_attribute_that_logistic_regression_sets():
    X, y = load_iris(return_X_y=True, as_frame=True)
    expected, found = (Classifier(max_iter=1000).fit(X, y) for Classifier in CLASSIFIERS)
    fitted = {name for name in vars(expected) if name.endswith("_")}
    assert "feature_names_in_" in fitted and fitted - vars(found).keys() == set()


@pytest.mark.parametrize("name", ["coef_", "intercept_", "classes_", "n_iter_"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_fitted_attributes_have_the_shapes_of_logistic_regressions(num_classes, name):
    X, y, _ = make_classes(80, num_classes=num_classes)
    expected, found = (getattr(Classifier().fit(X, y), name) for Classifier in CLASSIFIERS)
    assert found.shape == expected.shape and found.dtype.kind == expected.dtype.kind


@pytest.mark.parametrize(
    "method", ["decision_function", "predict", "predict_proba", "predict_log_proba"]
)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_answers_have_the_shapes_and_dtypes_of_logistic_regressions(num_classes, method):
    X, y, _ = make_classes(81, num_classes=num_classes)
    expected, found = (getattr(Classifier().fit(X, y), method)(X) for Classifier in CLASSIFIERS)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("multi_class", "num_classes", "size"),
    [("softmax", 2, 1), ("softmax", 3, 1), ("ovr", 2, 1), ("ovr", 3, 3)],
)
def test_n_iter_has_one_whole_number_for_each_model(multi_class, num_classes, size, solver):
    X, y, _ = make_classes(82, num_classes=num_classes)
    found = NeuronClassifier(multi_class=multi_class, solver=solver).fit(X, y)
    assert found.n_iter_.shape == (size,) and found.n_iter_.dtype == np.int64
    assert found.loss_curve_.shape == (found.n_iter_.max() + 1,)


@pytest.mark.parametrize(("multi_class", "expected"), [("softmax", [2]), ("ovr", [2, 2, 2])])
def test_n_iter_counts_the_calls_of_partial_fit(multi_class, expected):
    X, y, _ = make_classes(83, num_classes=3)
    found = NeuronClassifier(multi_class=multi_class).partial_fit(X, y, classes=[0, 1, 2])
    first = found.n_iter_
    assert found.partial_fit(X, y).n_iter_.tolist() == expected
    assert first.tolist() == [1] * len(expected)  # an array that was read earlier stays as it was


# --- Labels ---


@pytest.mark.parametrize(
    "names",
    [
        ["no", "yes", "maybe"], [True, False], [-1, 1], [-5, 0, 7], [-1.0, 2.0],
        np.array(["b", "a", "c"], object), np.array(["2020", "2019"], "M8[Y]"),
    ],
    ids=str,
)  # fmt: skip
def test_labels_come_back_as_from_logistic_regression(names):
    names = np.asarray(names)
    X, y, _ = make_classes(84, num_classes=len(names))
    X[:, 0] += 100.0 * y  # so that both predict the labels they were given
    expected, found = (Classifier().fit(X, names[y]) for Classifier in CLASSIFIERS)
    assert found.classes_.dtype == expected.classes_.dtype == names.dtype
    assert found.classes_.tolist() == expected.classes_.tolist()
    assert found.predict(X).tolist() == expected.predict(X).tolist() == names[y].tolist()


# --- Messages ---


def outcome(Classifier, act):
    """Return the error or the warnings of an action, with the classifier's name replaced."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    classifier = Classifier(max_iter=1000)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            act(classifier, X, y)
        except (TypeError, ValueError) as error:
            said = [type(error).__name__, str(error)]
        else:
            said = [str(warning.message) for warning in caught]
    return [text.replace(Classifier.__name__, "It") for text in said]


ACTIONS = {
    "a renamed feature": lambda it, X, y: it.fit(X, y).predict(X.set_axis(list("abcd"), axis=1)),
    "a missing feature": lambda it, X, y: it.fit(X, y).predict_proba(X.iloc[:, 1:]),
    "another feature": lambda it, X, y: it.fit(X, y).predict_log_proba(X.assign(more=1.0)),
    "another order": lambda it, X, y: it.fit(X, y).decision_function(X.iloc[:, ::-1]),
    "names only in the fit": lambda it, X, y: it.fit(X, y).predict(X.to_numpy()),
    "names only later": lambda it, X, y: it.fit(X.to_numpy(), y).predict(X),
    "fewer columns": lambda it, X, y: it.fit(X.to_numpy(), y).predict(X.to_numpy()[:, :2]),
    "names of two kinds": lambda it, X, y: it.fit(X.set_axis(["a", "b", "c", 4], axis=1), y),
    "no fit": lambda it, X, y: it.predict_log_proba(X),
    "no labels": lambda it, X, y: it.fit(X, None),
    "labels in two columns": lambda it, X, y: it.fit(X, np.column_stack([y, y])),
    "labels in one column": lambda it, X, y: it.fit(X, y.to_numpy()[:, None]),
    "fewer labels": lambda it, X, y: it.fit(X, y[:10]),
    "continuous labels": lambda it, X, y: it.fit(X, y + 0.5),
    "infinite values": lambda it, X, y: it.fit(X.mask(X > 5, np.inf), y),  # we say more of NaN
    "one dimension": lambda it, X, y: it.fit(X, y).predict(np.ones(4)),
}


@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS)
def test_errors_and_warnings_about_the_data_are_those_of_logistic_regression(act):
    expected, found = (outcome(Classifier, act) for Classifier in CLASSIFIERS)
    assert found == expected != []


# --- Sparse coefficients ---


@pytest.fixture
def fitted():
    """Return a fitted classifier of three classes, two of whose weights are 0, and samples."""
    X, y, _ = make_classes(85, num_classes=3)
    found = NeuronClassifier().fit(X, y)
    found.coef_[0, :2] = 0.0
    return found, X, y


@pytest.mark.parametrize(
    "method", ["decision_function", "predict", "predict_proba", "predict_log_proba"]
)
def test_sparse_coefficients_change_no_bit_of_an_answer(method, fitted):
    found, X, _ = fitted
    before = bits(getattr(found, method)(X))
    assert sparse.issparse(found.sparsify().coef_)
    assert bits(getattr(found, method)(X)) == before


def test_sparsify_gives_the_format_that_logistic_regression_gives(fitted):
    found, X, y = fitted
    expected = LogisticRegression().fit(X, y).sparsify().coef_
    assert type(found.sparsify().coef_) is type(expected)
    assert found.coef_.shape == expected.shape and found.coef_.nnz == 7


@pytest.mark.skipif(Version(sklearn.__version__) < Version("1.9"), reason="an option of 1.9")
def test_sparsify_gives_a_sparse_array_if_scikit_learn_is_set_to_them(fitted):
    with sklearn.config_context(sparse_interface="sparray"):
        assert isinstance(fitted[0].sparsify().coef_, sparse.csr_array)


def test_densify_gives_the_array_back(fitted):
    found, *_ = fitted
    before = bits(found)
    assert bits(found.sparsify().sparsify().densify()) == before == bits(found.densify())


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_continues_from_sparse_coefficients(method, fitted):
    found, X, y = fitted
    found.set_params(warm_start=True)
    getattr(found, method)(X, y)
    expected = bits(found)
    again = NeuronClassifier(warm_start=True).fit(X, y)
    again.coef_[0, :2] = 0.0
    assert bits(getattr(again.sparsify(), method)(X, y)) == expected


# --- In other people's code ---


@pytest.mark.parametrize("Classifier", CLASSIFIERS)
def test_a_pipeline_with_pandas_output_hands_the_names_on(Classifier):
    X, y = load_iris(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), Classifier()).set_output(transform="pandas")
    found = pipeline.fit(X, y)[-1]
    assert found.feature_names_in_.tolist() == X.columns.tolist()
    assert isinstance(pipeline.predict_proba(X), np.ndarray)
    assert not hasattr(found, "set_output")


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score"])
def test_metadata_is_requested_under_the_names_of_logistic_regression(method):
    with sklearn.config_context(enable_metadata_routing=True):
        asked = []
        for Classifier in CLASSIFIERS:
            request = getattr(Classifier(), f"set_{method}_request", None)
            if request is not None:  # LogisticRegression has no partial_fit
                routing = request(sample_weight=True).get_metadata_routing()
                asked.append(getattr(routing, method).requests["sample_weight"])
    assert asked == [True] * (1 if method == "partial_fit" else 2)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: VotingClassifier([("a", one), ("b", one)], voting="soft"),
        lambda one: StackingClassifier([("a", one)], final_estimator=one),
        lambda one: make_pipeline(SelectFromModel(one), one),
        lambda one: RFE(one, n_features_to_select=2),
    ],
    ids=["voting", "stacking", "selection by coef_", "recursive elimination"],
)
def test_meta_estimators_around_it_are_as_accurate_as_around_logistic_regression(wrap):
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    expected, found = (wrap(Classifier()).fit(X, y).score(X, y) for Classifier in CLASSIFIERS)
    assert found >= expected - 0.05  # seven flowers of 150


def test_cross_validated_logarithms_of_probabilities_are_finite():
    X, y = load_iris(return_X_y=True)
    logarithms = cross_val_predict(NeuronClassifier(), 1e3 * X, y, method="predict_log_proba")
    assert np.isfinite(logarithms).all() and logarithms.min() < np.log(np.finfo(float).tiny)
