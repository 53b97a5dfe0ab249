"""A NeuronClassifier as an ONNX graph: what skl2onnx must know to convert one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .classifier import NeuronClassifier

try:
    from onnx import TensorProto
    from skl2onnx import update_registered_converter
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, guess_proto_type
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from skl2onnx.common.utils_classifier import get_label_classes
except ModuleNotFoundError:
    raise ImportError("oneneuron.onnx needs skl2onnx: pip install oneneuron[onnx]") from None


def register() -> None:
    """Let skl2onnx convert a NeuronClassifier, alone or in a pipeline.

    Call it once, before ``skl2onnx.to_onnx`` or ``skl2onnx.convert_sklearn``. The options are those
    of skl2onnx's own linear classifiers: "zipmap", "raw_scores", "nocl", "output_class_labels".

    The graph computes in float64 where its input is float64 and in float32 otherwise, whatever
    the model was trained in; only the dictionaries of "zipmap", the default, are of float32
    always, as ONNX has no others. As with skl2onnx's own, boolean labels come out as 0 and 1, and
    the raw scores of two classes are two columns, -z and z.

    Examples
    --------
    >>> import oneneuron.onnx, skl2onnx  # doctest: +SKIP
    >>> oneneuron.onnx.register()  # doctest: +SKIP
    >>> graph = skl2onnx.to_onnx(classifier, X[:1], options={"zipmap": False})  # doctest: +SKIP
    """
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
    """Say of what type and shape the labels and probabilities are.

    They are those of any linear classifier, but for what goes into a ZipMap, which takes float32
    alone: with float64 no runtime would load the graph.
    """
    calculate_linear_classifier_output_shapes(operator)
    probabilities = operator.outputs[1]
    others = operator.scope_inst.operators.values()
    if any(o.type == "SklearnZipMap" and probabilities in o.inputs for o in others):
        probabilities.type = FloatTensorType(probabilities.type.shape)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a classifier to the graph.

    The score z of two classes is turned into two, -z and z. Their f have the sum 1, so that
    dividing by it changes nothing, and of a tie ArgMax takes the first: from there on, one formula
    is right for any number of classes.
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
    scores = node("Gemm", samples, constant(model.coef_), constant(model.intercept_), transB=1)
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
    else:
        # Through log f(z) = min(z, 0) - log(1 + exp(-|z|)), as f of every neuron may be too small
        # for a number. (Two operators that would be shorter won't do: onnxruntime's Sigmoid is
        # 7 % off at z = -14 in float32, and its Softplus takes no float64.)
        tail = node("Exp", node("Neg", node("Abs", scores)))
        log_tail = node("Log", node("Add", constant(1.0), tail))
        log_f = node("Sub", node("Min", scores, constant(0.0)), log_tail)
        result = node("Softmax", log_f, axis=1)
    node("Cast", result, output=probabilities.full_name, to=guess_proto_type(probabilities.type))
