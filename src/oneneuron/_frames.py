"""Frames, columns and arrays of other libraries, as NumPy arrays. None of them is imported here.

NumPy looks at every value of a nullable or Arrow-backed column as a Python object, which takes
longer than a fit. pandas itself converts such a column at the speed of a copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ._typing import AnyArray, FloatArray


def as_numpy(value: Any, name: str) -> Any:
    """Return what another library holds as an array, or the value itself if NumPy reads it well.

    A missing number becomes NaN. A frame of pandas is converted if all its columns hold dense
    numbers or booleans. Other frames of pandas are left to the caller.

    Parameters
    ----------
    value : object
    name : str
        The name of the value in error messages.

    Returns
    -------
    ndarray, or the value itself

    Raises
    ------
    TypeError
        If the value is a lazy frame of polars, or an array that NumPy cannot read.
    """
    if isinstance(value, np.ndarray | list | tuple):
        return value
    if _is_of_polars(value, "LazyFrame"):
        raise TypeError(f"{name} is a LazyFrame, which holds no data yet: call .collect() first.")
    if _is_of_polars(value, "DataFrame"):
        return _of_polars_frame(value)
    if _is_of_polars(value, "Series"):
        return value.to_numpy()
    if _is_pandas_frame(value):
        return _of_pandas_frame(value)
    if _is_extension(getattr(value, "dtype", None)) and hasattr(value, "isna"):
        return _of_extension_column(value)
    if is_array(value):
        return _of_array(value, name)
    return value


def is_array(value: object) -> bool:
    """Return whether a value is an array, of NumPy or of another library of the array API."""
    return hasattr(value, "__dlpack__") or isinstance(value, np.ndarray)


def is_frame(value: object) -> bool:
    """Return whether a value is a frame of pandas or polars."""
    return _is_of_polars(value, "DataFrame") or _is_pandas_frame(value)


def are_numbers(dtypes: Iterable[Any]) -> bool:
    """Return whether all columns, by their dtypes in pandas, hold dense numbers or booleans."""
    return all(_number_type(dtype) is not None for dtype in set(dtypes))


def sparse_type(frame: Any) -> np.dtype[Any] | None:
    """Return the common dtype of the values if all columns of a frame are sparse, or else None."""
    dtypes = set(frame.dtypes) if _is_pandas_frame(frame) else set()
    if not dtypes or any(type(dtype).__name__ != "SparseDtype" for dtype in dtypes):
        return None
    return np.result_type(*(dtype.subtype for dtype in dtypes))


def refuse_missing(given: Any, samples: FloatArray, name: str) -> None:
    """Raise ValueError with the row and the column of the first missing value.

    Parameters
    ----------
    given : object
        Where the samples come from. The columns of a frame are named, and others are numbered.
    samples : ndarray of shape (n, d)
        The values.
    name : str
        The name of the samples in the error message.

    Raises
    ------
    ValueError
        If a sample has NaN.
    """
    missing = np.isnan(samples)
    if missing.any():
        row, index = divmod(int(missing.argmax()), samples.shape[1])
        is_null = _is_of_polars(given, "DataFrame") and given[row, index] is None
        column = list(given.columns)[index] if is_frame(given) else index
        raise ValueError(
            f"{name} contains {'null' if is_null else 'NaN'} at row {row}, column {column!r}: "
            f"drop or fill those samples."
        )


def _is_of_polars(value: object, kind: str) -> bool:
    return type(value).__name__ == kind and type(value).__module__.startswith("polars.")


def _is_pandas_frame(value: object) -> bool:
    return hasattr(value, "iat") and hasattr(value, "columns")  # dask's frames have no `iat`


def _is_extension(dtype: object) -> bool:
    """Return whether a dtype is that of a nullable or Arrow-backed column of numbers."""
    return not isinstance(dtype, np.dtype) and _number_type(dtype) is not None


def _number_type(dtype: Any) -> np.dtype[Any] | None:
    """Return the dtype in NumPy of a column of dense numbers or booleans, or else None."""
    if not isinstance(dtype, np.dtype):
        dtype = getattr(dtype, "numpy_dtype", None)
    return dtype if isinstance(dtype, np.dtype) and dtype.kind in "biuf" else None


def _of_pandas_frame(frame: Any) -> Any:
    dtypes = set(frame.dtypes)
    if not are_numbers(dtypes):
        return frame
    # NumPy reads columns of its own dtypes well, but makes objects of numbers beside booleans.
    are_mixed = len(dtypes) > 1 and any(_number_type(dtype) == np.bool_ for dtype in dtypes)
    if not are_mixed and not any(map(_is_extension, dtypes)):
        return frame
    are_single = {_number_type(dtype) for dtype in dtypes} == {np.dtype(np.float32)}
    with np.errstate(over="ignore"):
        return frame.to_numpy(dtype=np.float32 if are_single else np.float64, na_value=np.nan)


def _of_extension_column(column: Any) -> AnyArray:
    """Return a column of numbers in NumPy's dtype for it, or as floats if some are missing."""
    dtype = _number_type(column.dtype)
    if dtype is not None and dtype.kind != "f" and column.isna().any():
        dtype = np.dtype(np.float64)
    values: AnyArray = column.to_numpy(dtype=dtype, na_value=np.nan)
    return values


def _of_polars_frame(frame: Any) -> AnyArray:
    samples: AnyArray = frame.to_numpy()
    # Decimals, and booleans of which some are missing, become objects.
    if samples.dtype.kind == "O" and all(
        dtype.is_numeric() or str(dtype) == "Boolean" for dtype in frame.dtypes
    ):
        samples = frame.cast(dict.fromkeys(frame.columns, float)).to_numpy()
    return samples


def _of_array(array: Any, name: str) -> AnyArray:
    try:
        return np.asarray(array)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        # The cause says why, for instance because the array is on another device.
        raise TypeError(
            f"{name} must be an array that NumPy can read: convert it to a NumPy array first."
        ) from error
