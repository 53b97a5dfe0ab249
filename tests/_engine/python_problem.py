"""Problems that a Python function scores, in the form that the compiled solvers expect."""

import ctypes

import numpy as np

_NAME = b"oneneuron.problem"  # a capsule keeps only a pointer to it

_Evaluate = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_ubyte),
    ctypes.POINTER(ctypes.c_double),
)  # fmt: skip
_StartHelpers = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
_StopHelpers = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.argtypes = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
_new_capsule.restype = ctypes.py_object


class _Problem(ctypes.Structure):
    """The struct of `problem.pxd`."""

    _fields_ = (
        ("samples", ctypes.c_void_p),
        ("num_models", ctypes.c_int64),
        ("num_neurons", ctypes.c_int64),
        ("num_features", ctypes.c_int64),
        ("evaluate", _Evaluate),
        ("start_helpers", _StartHelpers),
        ("stop_helpers", _StopHelpers),
    )


class PythonProblem:
    """A problem with ``score(parameters, active)``, which returns sums of shape (K, d + 3).

    An exception in `score` cannot reach the solver: ctypes reports it as unraisable, and pytest
    then fails the test. The sums are NaN, so that the solver ends.

    Parameters
    ----------
    score : callable
    num_models, num_features : int
    num_neurons : int, default 1
        The number of neurons in each model. Arrays have a row for each neuron of each model.

    Attributes
    ----------
    problem : PyCapsule
    calls : list
        The number of passes for each call of ``start_helpers``, and "stop" for each call of
        ``stop_helpers``.
    """

    def __init__(self, score, num_models, num_features, num_neurons=1):
        self.score, self.calls = score, []
        num_rows = num_models * num_neurons

        def evaluate(_samples, parameters, active, sums_out):
            parameters = np.ctypeslib.as_array(parameters, (num_rows, num_features + 1))
            active = np.ctypeslib.as_array(active, (num_models,)).astype(bool)
            active = np.repeat(active, num_neurons)
            sums = np.ctypeslib.as_array(sums_out, (num_rows, num_features + 3))
            sums[active] = np.nan
            sums[active] = score(parameters.copy(), active)[active]
            return 0

        self._described = _Problem(
            None, num_models, num_neurons, num_features, _Evaluate(evaluate),
            _StartHelpers(lambda _samples, num_passes: self.calls.append(num_passes)),
            _StopHelpers(lambda _samples: self.calls.append("stop")),
        )  # fmt: skip
        self.problem = _new_capsule(ctypes.addressof(self._described), _NAME, None)
