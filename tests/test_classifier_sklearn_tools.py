"""NeuronClassifier with scikit-learn's tools: copies, searches, pipelines, frames, routing."""

import io
import pickle
from tempfile import gettempdir

import joblib
import matplotlib
import numpy as np
import pandas as pd
import pytest
import sklearn
from helpers import bits, make_classes, printed_by
from packaging.version import Version
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from oneneuron import NeuronClassifier
from oneneuron._engine.dispatch import available, level

# None of these is the default.
OPTIONS = dict(
    loss="log", multi_class="ovr", solver="gd", eta=0.01, max_iter=77, tol=1e-3, alpha=0.7,
    fit_intercept=False, class_weight={0: 2.0}, n_init=2, init=([[0.0] * 3], [0.0]),
    warm_start=True, keep="lowest", n_threads=1, record_every=3, random_state=4, verbose=1,
    scratch=gettempdir(), checkpoint="a.checkpoint",
)  # fmt: skip


# --- Copies ---


def test_these_options_cover_every_parameter_and_none_is_the_default():
    defaults = NeuronClassifier().get_params()
    assert defaults.keys() == OPTIONS.keys()
    assert not any(defaults[name] == value for name, value in OPTIONS.items())


def test_get_params_returns_the_given_objects():
    found = NeuronClassifier(**OPTIONS).get_params()
    assert all(found[name] is value for name, value in OPTIONS.items())


def test_set_params_takes_the_parameters_and_no_other_names():
    found = NeuronClassifier().set_params(**OPTIONS)
    assert found.get_params() == OPTIONS
    with pytest.raises(ValueError, match="Invalid parameter 'learning_rate'"):
        found.set_params(learning_rate=1.0)


def test_parameters_must_be_given_by_name():
    with pytest.raises(TypeError, match="positional argument"):
        NeuronClassifier("log")


def test_a_clone_has_the_parameters_and_no_fitted_attributes():
    X, y, _ = make_classes(0)
    options = OPTIONS | {"verbose": 0, "tol": 1.0, "checkpoint": None}
    found = clone(NeuronClassifier(**options).fit(X, y))
    assert found.get_params() == options
    assert not [name for name in vars(found) if name.endswith("_")]


def through_pickle(classifier):
    return pickle.loads(pickle.dumps(classifier))


def through_joblib(classifier):
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("copy", [through_pickle, through_joblib])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_copy_predicts_and_trains_like_the_original(num_classes, copy):
    X, y, _ = make_classes(1, num_classes=num_classes)
    names = np.array(["a", "b", "c"])
    original = NeuronClassifier(record_every=2, n_init=2, random_state=0).fit(X, names[y])
    found = copy(original)
    assert found.predict_proba(X).tobytes() == original.predict_proba(X).tobytes()
    assert found.predict(X).tolist() == original.predict(X).tolist()
    assert found.history_[0].cost.tolist() == original.history_[0].cost.tolist()
    assert bits(found.fit(X, names[y])) == bits(original)


def test_a_pickle_names_no_kernel():
    X, y, _ = make_classes(2)
    for solver in ("gd", "lbfgs"):
        assert b"_kernel" not in pickle.dumps(NeuronClassifier(solver=solver).fit(X, y))


def test_a_pickle_works_in_a_process_with_another_instruction_set(tmp_path):
    other = "plain" if level != "plain" else available[-1]
    X, y, _ = make_classes(3, num_classes=3)
    original = NeuronClassifier(solver="gd").fit(X, y)
    with open(tmp_path / "classifier", "wb") as file:
        pickle.dump((original, X, y, original.predict_proba(X)), file)
    code = f"""
import pickle
from tempfile import gettempdir
import numpy as np
with open({str(tmp_path / "classifier")!r}, "rb") as file:
    classifier, X, y, expected = pickle.load(file)
# BLAS may add up in another order here.
np.testing.assert_allclose(classifier.predict_proba(X), expected, rtol=1e-12)
before = classifier.coef_
# The same descent to the minimum, but another instruction set rounds differently.
np.testing.assert_allclose(classifier.fit(X, y).coef_, before, rtol=1e-10)
from oneneuron._engine.dispatch import level
print(level)
"""
    assert printed_by(code, ONENEURON_ISA=other).strip() == other


# --- Searches and wrappers ---


@pytest.mark.slow
def test_a_grid_search_gives_the_same_results_in_two_processes():
    X, y, _ = make_classes(4)
    grid = {"alpha": [0.01, 100.0], "loss": ["quadratic", "log"]}
    found, expected = (
        GridSearchCV(NeuronClassifier(solver="gd"), grid, n_jobs=n_jobs, cv=3).fit(X, y)
        for n_jobs in (2, 1)
    )
    assert found.best_params_ == expected.best_params_
    scores = found.cv_results_["mean_test_score"]
    assert scores.tolist() == expected.cv_results_["mean_test_score"].tolist()
    assert bits(found.best_estimator_) == bits(expected.best_estimator_)


def test_cross_validation_scores_the_held_out_samples():
    X, y, _ = make_classes(5, num_classes=3)
    scores = cross_val_score(NeuronClassifier(), X, y, cv=KFold(3))
    for (train, test), score in zip(KFold(3).split(X), scores, strict=True):
        found = NeuronClassifier().fit(X[train], y[train])
        assert score == np.mean(found.predict(X[test]) == y[test])


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_calibrated_classifier_is_as_accurate(num_classes, method):
    X, y, _ = make_classes(6, 300, num_classes=num_classes)
    found = CalibratedClassifierCV(NeuronClassifier(), method=method, cv=3).fit(X, y)
    np.testing.assert_allclose(found.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)
    # The classes overlap: about 75 % of the samples are right, calibrated or not.
    assert found.score(X, y) > NeuronClassifier().fit(X, y).score(X, y) - 0.05


def test_one_vs_rest_classifier_around_a_neuron_gives_the_same_model():
    X, y, _ = make_classes(7, num_classes=3)
    wrapped = OneVsRestClassifier(NeuronClassifier(multi_class="ovr")).fit(X, y)
    alone = NeuronClassifier(multi_class="ovr").fit(X, y)
    for k, one in enumerate(wrapped.estimators_):
        # Tiles hold one class each. With other classes, the sums have another order of additions.
        np.testing.assert_allclose(one.coef_[0], alone.coef_[k], rtol=1e-12)
    # One divides by the sum and the other uses exp and log, which costs about 10 roundings.
    np.testing.assert_allclose(wrapped.predict_proba(X), alone.predict_proba(X), rtol=1e-13)


@pytest.mark.parametrize("response", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_decision_boundary_display_draws_it(num_classes, response):
    if num_classes > 2 and response != "predict" and Version(sklearn.__version__) < Version("1.7"):
        pytest.skip("scikit-learn draws the scores of several classes from 1.7 on")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    X, y, _ = make_classes(8, d=2, num_classes=num_classes)
    found = NeuronClassifier().fit(X, y)
    try:
        display = DecisionBoundaryDisplay.from_estimator(
            found, X, response_method=response, grid_resolution=8
        )
        assert display.ax_.collections
    finally:
        pyplot.close("all")


def test_the_tags_say_which_samples_and_labels_the_classifier_takes():
    tags = NeuronClassifier().__sklearn_tags__()
    assert is_classifier(NeuronClassifier())
    assert tags.target_tags.required and tags.classifier_tags.multi_class
    assert tags.input_tags.sparse and not tags.input_tags.allow_nan


# --- Frames ---

# pandas may pass its columns on in Fortran order, and BLAS then adds up in another order. That
# changes the path of L-BFGS, but not a descent, since its automatic eta is rounded.


@pytest.fixture
def frames():
    with sklearn.config_context(transform_output="pandas"):
        X, y = load_iris(return_X_y=True, as_frame=True)
        yield X, y


def test_a_pipeline_of_frames_passes_the_feature_names_on(frames):
    X, y = frames
    found = make_pipeline(StandardScaler(), NeuronClassifier(solver="gd")).fit(X, y)
    assert found[-1].feature_names_in_.tolist() == X.columns.tolist()
    plain = make_pipeline(StandardScaler(), NeuronClassifier(solver="gd"))
    plain.fit(X.to_numpy(), y.to_numpy())
    # The means and deviations that the scaler finds may differ in their last digits.
    np.testing.assert_allclose(found[-1].coef_, plain[-1].coef_, rtol=1e-10)
    assert found.predict(X).tolist() == plain.predict(X.to_numpy()).tolist()


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_features_in_another_order_raise(method, frames):
    X, y = frames
    found = NeuronClassifier().fit(X, y)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        getattr(found, method)(X[X.columns[::-1]])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_features_without_their_names_warn(method, frames):
    X, y = frames
    found = NeuronClassifier().fit(X, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        getattr(found, method)(X.to_numpy())


def test_partial_fit_checks_the_feature_names(frames):
    X, y = frames
    found = NeuronClassifier().partial_fit(X, y, classes=[0, 1, 2])
    assert found.feature_names_in_.tolist() == X.columns.tolist()
    with pytest.raises(ValueError, match="same order as they were in fit"):
        found.partial_fit(X[X.columns[::-1]], y)


def test_labels_may_be_a_series_of_strings_or_categories():
    X, y, _ = make_classes(9)
    names = np.array(["no", "yes"])[y]
    expected = bits(NeuronClassifier(solver="gd").fit(X, y))
    for dtype in ("str", "object", "category"):
        labels = pd.Series(names, dtype=dtype, index=np.arange(len(y))[::-1])
        found = NeuronClassifier(solver="gd").fit(pd.DataFrame(X), labels)
        assert found.classes_.tolist() == ["no", "yes"] and bits(found) == expected


def test_sample_weights_may_be_a_series():
    X, y, rng = make_classes(10)
    u = rng.random(len(y))
    found = NeuronClassifier().fit(X, y, sample_weight=pd.Series(u, index=np.arange(len(u))[::-1]))
    assert bits(found) == bits(NeuronClassifier().fit(X, y, sample_weight=u))


# --- Metadata ---


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_a_pipeline_routes_sample_weights_to_the_classifier(routing):
    X, y, rng = make_classes(11)
    u = rng.random(len(y))
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    classifier = NeuronClassifier().set_fit_request(sample_weight=True)
    found = make_pipeline(scaler, classifier).fit(X, y, sample_weight=u)[-1]
    scaled = StandardScaler().fit_transform(X)
    assert bits(found) == bits(NeuronClassifier().fit(scaled, y, sample_weight=u))


def test_a_grid_search_routes_sample_weights_to_fit_and_score(routing):
    X, y, rng = make_classes(12)
    u = rng.random(len(y))
    classifier = NeuronClassifier().set_fit_request(sample_weight=True)
    classifier.set_score_request(sample_weight=True)
    search = GridSearchCV(classifier, {"alpha": [0.5]}, cv=KFold(2)).fit(X, y, sample_weight=u)
    for k, (train, test) in enumerate(KFold(2).split(X)):
        alone = NeuronClassifier(alpha=0.5).fit(X[train], y[train], sample_weight=u[train])
        score = alone.score(X[test], y[test], sample_weight=u[test])
        assert search.cv_results_[f"split{k}_test_score"][0] == score
    expected = NeuronClassifier(alpha=0.5).fit(X, y, sample_weight=u)
    assert bits(search.best_estimator_) == bits(expected)


def test_sample_weights_without_a_request_raise(routing):
    X, y, _ = make_classes(13)
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
        cross_validate(NeuronClassifier(), X, y, params={"sample_weight": np.ones(len(y))})


def test_partial_fit_can_request_classes_and_sample_weights(routing):
    request = NeuronClassifier().set_partial_fit_request(classes=True, sample_weight=True)
    asked = request.get_metadata_routing().partial_fit.requests
    assert asked == {"classes": True, "sample_weight": True}


# --- Text and HTML ---


def test_its_repr_shows_the_parameters_that_are_not_the_default():
    assert (
        repr(NeuronClassifier(alpha=2.0, loss="log")) == "NeuronClassifier(alpha=2.0, loss='log')"
    )


def test_the_html_shows_the_name_of_the_classifier_and_whether_it_is_fitted():
    X, y, _ = make_classes(14)
    classifier = NeuronClassifier(alpha=2.5)
    before = classifier._repr_html_()
    after = classifier.fit(X, y)._repr_html_()
    assert "NeuronClassifier" in before and "2.5" in before
    assert "Not fitted" in before and "Not fitted" not in after and "Fitted" in after
