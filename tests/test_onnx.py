"""Export to ONNX: onnxruntime predicts from the graph what the classifier predicts."""

import numpy as np
import onnx
import pytest
from helpers import printed_by, run_python
from scipy.special import expit
from skl2onnx import convert_sklearn, to_onnx
from skl2onnx.common.data_types import BooleanTensorType, Int64TensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import oneneuron.onnx
from oneneuron import NeuronClassifier

InferenceSession = pytest.importorskip("onnxruntime").InferenceSession

oneneuron.onnx.register()

# Some models here are fitted on one class, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:All samples are of one class:UserWarning")

X, TARGET = load_iris(return_X_y=True)
LABELS = [
    [5], ["only"], [True],
    [-3, 7], ["no", "yes"], [False, True],
    [0, 1, 2], [1.0, 2.0, 2.0**40], ["a", "b", "ä"],
]  # fmt: skip

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
label_kinds = pytest.mark.parametrize("labels", LABELS, ids=str)


def labelled(labels):
    return np.array(labels)[np.minimum(TARGET, len(labels) - 1)]


def fitted(labels):
    return NeuronClassifier().fit(X, labelled(labels))


def classifier_with(coef, intercept, classes):
    """Return a classifier with the given parameters; dyadic ones give exact scores in float32."""
    model = NeuronClassifier()
    model.coef_, model.intercept_ = np.array(coef, float), np.array(intercept, float)
    model.classes_, model.n_features_in_ = np.array(classes), model.coef_.shape[1]
    return model


def run(graph, samples):
    onnx.checker.check_model(graph, full_check=True)
    session = InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: samples})
    return dict(zip((output.name for output in session.get_outputs()), outputs, strict=True))


def exported(model, samples, **options):
    """Return the labels and the probabilities, or scores, of a model exported to ONNX."""
    outputs = run(to_onnx(model, samples[:1], options={"zipmap": False, **options}), samples)
    return outputs["label"], outputs["probabilities"]


def score_error(model, samples, dtype):
    """Return how far two computations of w.x + b may differ, in this precision or a higher one.

    A sum of d + 1 terms and the rounding of each parameter and feature cost (d + 3) eps times the
    sum of the absolute terms, on either side.
    """
    sizes = np.abs(samples) @ np.abs(model.coef_.T) + np.abs(model.intercept_)
    return 2 * (model.n_features_in_ + 3) * np.finfo(dtype).eps * sizes.max()


def probability_error(model, samples, dtype):
    """Return the relative error of a probability that follows from the error of the score.

    The relative error of f is the absolute error of log f, which is at most that of the score, and
    the division by the sum doubles it. Each logarithm and exponential adds the rounding of a number
    smaller than the score. Doubling the bound once more and adding 8 eps covers those.
    """
    return 4 * score_error(model, samples, dtype) + 8 * np.finfo(dtype).eps


@dtypes
@label_kinds
def test_an_exported_classifier_predicts_the_same(labels, dtype):
    model, samples = fitted(labels), X.astype(dtype)
    label, probabilities = exported(model, samples)
    np.testing.assert_array_equal(label, model.predict(samples))
    assert probabilities.dtype == dtype
    tolerance = probability_error(model, samples, dtype)
    np.testing.assert_allclose(probabilities, model.predict_proba(samples), rtol=tolerance)


@dtypes
@label_kinds
def test_an_exported_pipeline_predicts_the_same(labels, dtype):
    pipeline = make_pipeline(StandardScaler(), NeuronClassifier()).fit(X, labelled(labels))
    samples = X.astype(dtype)
    label, probabilities = exported(pipeline, samples)
    np.testing.assert_array_equal(label, pipeline.predict(samples))
    assert probabilities.dtype == dtype
    # The rounding error of (x - mean) / scale grows with its terms, not with its value.
    scaler, model = pipeline
    sizes = (np.abs(samples) + np.abs(scaler.mean_)) / scaler.scale_
    tolerance = probability_error(model, sizes, dtype)
    np.testing.assert_allclose(probabilities, pipeline.predict_proba(samples), rtol=tolerance)


def test_sparse_coefficients_are_exported_the_same():
    model, samples = fitted([0, 1, 2]), X.astype(np.float32)
    expected = exported(model, samples)
    for part, expected_part in zip(exported(model.sparsify(), samples), expected, strict=True):
        np.testing.assert_array_equal(part, expected_part)


@label_kinds
def test_a_classifier_trained_in_float32_is_exported_in_either_precision(labels):
    model = NeuronClassifier().fit(X.astype(np.float32), labelled(labels))
    for dtype in (np.float32, np.float64):
        label, probabilities = exported(model, X.astype(dtype))
        np.testing.assert_array_equal(label, model.predict(X.astype(dtype)))
        expected = model.predict_proba(X.astype(dtype))
        tolerance = probability_error(model, X, dtype)
        np.testing.assert_allclose(probabilities, expected, rtol=tolerance)


@dtypes
@label_kinds
def test_raw_scores_are_the_decision_function_with_a_column_for_each_class(labels, dtype):
    model, samples = fitted(labels), X.astype(dtype)
    label, scores = exported(model, samples, raw_scores=True)
    expected = model.decision_function(samples)
    if len(labels) == 2:
        expected = np.column_stack([-expected, expected])
    assert scores.dtype == dtype
    tolerance = score_error(model, samples, dtype)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(label, model.predict(samples))


@dtypes
@label_kinds
@pytest.mark.parametrize("options", [{}, {"options": {"zipmap": True}}])
def test_probabilities_are_dictionaries_of_the_labels_by_default(options, labels, dtype):
    model, samples = fitted(labels), X.astype(dtype)
    outputs = run(to_onnx(model, samples[:1], **options), samples)
    np.testing.assert_array_equal(outputs["output_label"], model.predict(samples))
    _, probabilities = exported(model, samples)
    # The dictionaries of ONNX hold float32 only.
    expected = [dict(zip(labels, row, strict=True)) for row in probabilities.astype(np.float32)]
    assert outputs["output_probability"] == expected


@dtypes
@label_kinds
def test_zipmap_columns_gives_an_output_for_each_class(labels, dtype):
    model, samples = fitted(labels), X.astype(dtype)
    outputs = run(to_onnx(model, samples[:1], options={"zipmap": "columns"}), samples)
    label, *columns = outputs.values()
    np.testing.assert_array_equal(label, model.predict(samples))
    assert all(column.dtype == dtype for column in columns)
    _, probabilities = exported(model, samples)
    np.testing.assert_array_equal(np.column_stack(columns), probabilities)


@dtypes
def test_probabilities_are_right_where_every_output_underflows(dtype):
    model = classifier_with([[1], [1 + 2**-9], [1 + 2**-8]], [0, 0, 0], [0, 1, 2])
    samples = np.array([[-1024]], dtype)
    assert not expit(model.decision_function(samples)).any()
    label, probabilities = exported(model, samples)
    # The scores are exactly -1024, -1026 and -1028, and log f equals the score.
    expected = np.exp([0, -2, -4])
    assert label == 0
    tolerance = 8 * np.finfo(dtype).eps  # an exponential, a sum, a quotient
    np.testing.assert_allclose(probabilities, [expected / expected.sum()], rtol=tolerance)


@dtypes
def test_probabilities_are_equal_where_every_output_rounds_to_1(dtype):
    model = classifier_with([[1], [2], [4]], [0, 0, 0], [0, 1, 2]).set_params(multi_class="ovr")
    _, probabilities = exported(model, np.array([[1e4], [1e30]], dtype))
    np.testing.assert_allclose(probabilities, np.full((2, 3), 1 / 3), rtol=np.finfo(dtype).eps)


@dtypes
def test_small_probabilities_of_two_classes_keep_their_digits(dtype):
    model = classifier_with([[1]], [0], [0, 1])
    samples = np.arange(-80, 81, dtype=dtype)[:, None]
    _, probabilities = exported(model, samples)
    # The scores are exact. The error of f comes from rounding log f, which is at most 80.
    tolerance = 2 * 80 * np.finfo(dtype).eps
    np.testing.assert_allclose(probabilities, model.predict_proba(samples), rtol=tolerance)


@dtypes
@pytest.mark.parametrize("raw_scores", [False, True])
def test_a_tie_is_the_first_class_as_in_the_lecture(raw_scores, dtype):
    samples = np.array([[0, 0], [1, 1], [-3, -3], [1, 2], [2, 1]], dtype)
    two = classifier_with([[-2, 2]], [0], ["no", "yes"])
    label, _ = exported(two, samples, raw_scores=raw_scores)
    assert label.tolist() == two.predict(samples).tolist() == ["no", "no", "no", "yes", "no"]
    three = classifier_with([[-1, 0], [0, -1], [0, -1]], [0, 0, 0], [3, 4, 5])
    label, _ = exported(three, samples, raw_scores=raw_scores)
    assert label.tolist() == three.predict(samples).tolist() == [3, 3, 3, 3, 4]


@pytest.mark.parametrize(
    ("tensor", "dtype"), [(Int64TensorType, np.int64), (BooleanTensorType, np.bool_)]
)
def test_samples_may_be_integers_or_booleans(tensor, dtype):
    model = fitted([0, 1, 2])
    samples = (X > X.mean(0)) if dtype is np.bool_ else X.astype(dtype)
    graph = convert_sklearn(
        model, initial_types=[("x", tensor([None, 4]))], options={"zipmap": False}
    )
    outputs = run(graph, samples)
    np.testing.assert_array_equal(outputs["label"], model.predict(samples))
    tolerance = probability_error(model, samples, np.float32)
    np.testing.assert_allclose(
        outputs["probabilities"], model.predict_proba(samples), rtol=tolerance
    )


def test_options_leave_labels_out_or_output_them():
    model = fitted(["a", "b", "c"])
    label, _ = exported(model, X, nocl=True)
    np.testing.assert_array_equal(model.classes_[label], model.predict(X))
    options = {"zipmap": False, "output_class_labels": True}
    assert run(to_onnx(model, X[:1], options=options), X)["class_labels"].tolist() == [*"abc"]


@pytest.mark.parametrize("opset", [9, 12, 13, 18])
def test_older_operator_sets_work(opset):
    model = fitted([0, 1, 2])
    graph = to_onnx(model, X[:1], options={"zipmap": False}, target_opset=opset)
    assert {"": opset}.items() <= {o.domain: o.version for o in graph.opset_import}.items()
    tolerance = probability_error(model, X, np.float64)
    found = run(graph, X)["probabilities"]
    np.testing.assert_allclose(found, model.predict_proba(X), rtol=tolerance)


@dtypes
@pytest.mark.parametrize(
    "outer",
    [
        CalibratedClassifierCV(NeuronClassifier()),  # uses the raw scores
        GridSearchCV(NeuronClassifier(), {"alpha": [0.1, 1.0]}),
    ],
    ids=lambda outer: type(outer).__name__,
)
def test_an_exported_classifier_inside_another_estimator_predicts_the_same(outer, dtype):
    outer.fit(X, TARGET)
    label, probabilities = exported(outer, X.astype(dtype))
    np.testing.assert_array_equal(label, outer.predict(X.astype(dtype)))
    assert probabilities.dtype == dtype
    # Half the digits, since the arithmetic of the outer estimator is not ours.
    tolerance = np.sqrt(np.finfo(dtype).eps)
    np.testing.assert_allclose(probabilities, outer.predict_proba(X.astype(dtype)), atol=tolerance)


# --- Without skl2onnx ---

WITHOUT_SKL2ONNX = "import sys; sys.modules['skl2onnx'] = None; import oneneuron.onnx; "


def test_the_module_can_be_imported_without_skl2onnx():
    assert printed_by(WITHOUT_SKL2ONNX + "print(oneneuron.onnx.register)").startswith("<function")


def test_register_without_skl2onnx_names_the_extra_in_one_line():
    run = run_python(WITHOUT_SKL2ONNX + "oneneuron.onnx.register()")
    assert run.returncode == 1
    error = "ImportError: oneneuron.onnx needs skl2onnx: pip install 'oneneuron[onnx]'."
    assert run.stderr.splitlines()[-1] == error
    assert run.stderr.count("Traceback") == 1


def test_register_does_not_hide_a_missing_module_of_this_package():
    code = "sys.modules['oneneuron._classifier'] = None; oneneuron.onnx.register()"
    run = run_python(f"import sys; import oneneuron.onnx; {code}")
    assert "ModuleNotFoundError" in run.stderr and "oneneuron._classifier" in run.stderr
    assert "pip install" not in run.stderr
