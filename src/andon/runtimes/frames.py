"""DataFrames of raw columns, for models that were fitted on DataFrames."""

from typing import Any

import numpy as np

from .columns import Columns
from .errors import ModelUnreadable


def frame_of(columns: Columns, *, missing: float | None = np.nan) -> Any:
    """Return a DataFrame of these columns.

    Missing text is NaN, as after reading a file. Booleans are bool where none is missing.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise ModelUnreadable(
            "The model takes a DataFrame by its column names, which needs pandas: `pip install pandas`"
        ) from error
    return pandas.DataFrame({name: _column(values, missing) for name, values in columns.items()})


def _column(values: Any, missing: float | None) -> Any:
    if values.dtype != object:
        return values
    absent = np.array([value is None for value in values])
    if not absent.any():
        return values.astype(bool) if all(isinstance(value, bool) for value in values) else values
    return np.where(absent, missing, values)
