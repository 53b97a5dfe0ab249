"""ONNX export of a `NeuronClassifier` with skl2onnx (the extra ``onnx``)."""

from __future__ import annotations


def register() -> None:
    """Enable skl2onnx to convert a NeuronClassifier, alone or in a pipeline.

    Call it once, before ``skl2onnx.to_onnx`` or ``skl2onnx.convert_sklearn``. The options are the
    same as for skl2onnx's own linear classifiers: "zipmap", "raw_scores", "nocl" and
    "output_class_labels".

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Notes
    -----
    The graph computes in float64 if its input is float64, and in float32 otherwise, whatever the
    dtype of the training. The dictionaries of "zipmap", which is on by default, are always float32,
    since ONNX allows no other type. As with skl2onnx's own classifiers, boolean labels come out as
    0 and 1, and the raw scores of two classes are two columns, -z and z.

    Examples
    --------
    >>> import oneneuron.onnx, skl2onnx  # doctest: +SKIP
    >>> oneneuron.onnx.register()  # doctest: +SKIP
    >>> graph = skl2onnx.to_onnx(classifier, X[:1], options={"zipmap": False})  # doctest: +SKIP
    """
    # Imported here, since importing this module must not need skl2onnx.
    try:
        from ._onnx_graph import register_converter
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == "oneneuron":
            raise
        raise ImportError("oneneuron.onnx needs skl2onnx: pip install 'oneneuron[onnx]'.") from None
    register_converter()
