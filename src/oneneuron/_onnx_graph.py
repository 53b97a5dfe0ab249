"""The converter of a `NeuronClassifier` to ONNX nodes; importing this module needs skl2onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, guess_proto_type
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from skl2onnx.common.utils_classifier import get_label_classes

from ._classifier import NeuronClassifier


def register_converter() -> None:
    """Register the converter with skl2onnx."""
    update_registered_converter(
        NeuronClassifier,
        "OneneuronNeuronClassifier",
        _set_output_types,
        _convert,
        options={
            "zipmap": [True, False, "columns"],
            "raw_scores": [True, False],
            "nocl": [True, False],
            "output_class_labels": [True, False],
        },
    )


def _set_output_types(operator: Any) -> None:
    """Set the types and shapes of the labels and the probabilities.

    They are the same as for any linear classifier, except that the input of a ZipMap must be
    float32. No runtime would load a graph in which it is float64.
    """
    calculate_linear_classifier_output_shapes(operator)
    probabilities = operator.outputs[1]
    others = operator.scope_inst.operators.values()
    if any(o.type == "SklearnZipMap" and probabilities in o.inputs for o in others):
        probabilities.type = FloatTensorType(probabilities.type.shape)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a classifier to the graph.

    With two classes, the score z becomes two scores, -z and z. After that, the same nodes serve any
    number of classes: the two f sum to 1, and ArgMax resolves a tie in favour of the first class.
    """
    model = operator.raw_operator
    label, probabilities = operator.outputs
    is_double = isinstance(operator.inputs[0].type, DoubleTensorType)
    dtype = TensorProto.DOUBLE if is_double else TensorProto.FLOAT

    def constant(values: ArrayLike, dtype: int = dtype) -> str:
        values = np.asarray(values)
        name: str = scope.get_unique_variable_name("constant")
        container.add_initializer(name, dtype, values.shape, values.ravel().tolist())
        return name

    def node(kind: str, *inputs: str, output: str | None = None, **attributes: int) -> str:
        output = output or scope.get_unique_variable_name(kind)
        container.add_node(kind, list(inputs), output, **attributes)
        return output

    samples = node("Cast", operator.inputs[0].full_name, to=dtype)  # integers, booleans
    coef = model.coef_ if isinstance(model.coef_, np.ndarray) else model.coef_.toarray()
    scores = node("Gemm", samples, constant(coef), constant(model.intercept_), transB=1)
    if len(model.classes_) == 2:
        scores = node("Concat", node("Neg", scores), scores, axis=1)

    classes = get_label_classes(scope, model)
    if isinstance(classes[0], str):
        classes = constant([name.encode() for name in classes], TensorProto.STRING)
    else:
        classes = constant(classes.astype(np.int64), TensorProto.INT64)
    node("Gather", classes, node("ArgMax", scores, axis=1, keepdims=0), output=label.full_name)

    if container.get_options(model, {"raw_scores": False})["raw_scores"]:
        result = scores
    elif model.multi_class == "softmax" and len(model.classes_) > 2:
        result = node("Softmax", scores, axis=1)
    else:
        # The softmax of log f(z) = min(z, 0) - log(1 + exp(-|z|)), since every f may underflow. Two
        # operators would be shorter but do not work: onnxruntime's Sigmoid is 7 % off at z = -14
        # in float32, and its Softplus does not accept float64.
        tail = node("Exp", node("Neg", node("Abs", scores)))
        log_tail = node("Log", node("Add", constant(1.0), tail))
        log_f = node("Sub", node("Min", scores, constant(0.0)), log_tail)
        result = node("Softmax", log_f, axis=1)
    node("Cast", result, output=probabilities.full_name, to=guess_proto_type(probabilities.type))
