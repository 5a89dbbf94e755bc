"""Raw values to numbers, the same in training, packing and serving.

A number stands as it is, a boolean as 0 or 1, a category as the position among its known values. A time gives three
columns: seconds since 1970, hour of the day and weekday (0 is Monday), in UTC. Missing and unknown are NaN.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.models.signature import FeatureSpec

Matrix: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Columns by name (arrays or lists), or a list of rows."""


def columns_of(features: Sequence[FeatureSpec]) -> tuple[str, ...]:
    """The names of the matrix's columns."""
    raise NotImplementedError


def categorical_columns(features: Sequence[FeatureSpec]) -> tuple[int, ...]:
    """The positions of the columns that hold category codes, for training."""
    raise NotImplementedError


def encode(features: Sequence[FeatureSpec], rows: Rows) -> Matrix:
    """The matrix [rows, columns] a model is trained on. Raises ValueUnusable."""
    raise NotImplementedError


def encode_labels(classes: Sequence[str], labels: Sequence[Any]) -> NDArray[np.int64]:
    """The position of each label among the classes. Raises ValueUnusable for a missing or unknown one."""
    raise NotImplementedError
