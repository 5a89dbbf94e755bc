"""LightGBM models, run by the booster alone."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .columns import columns_of
from .linear import WeightedPart, parts_of_columns
from .outputs import Matrix, probabilities_of


def _import_lightgbm() -> ModuleType:
    """Import LightGBM without its scikit-learn wrappers and without pandas, to save 80 MB and over a second.

    A gateway never uses them. While it is imported they count as not installed (LightGBM allows for that). Modules
    already loaded cannot be saved, and a training script, which has imported LightGBM itself, keeps the wrappers.
    """
    if "sklearn" in sys.modules or "lightgbm" in sys.modules:
        return import_module("lightgbm")
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in ("sklearn", "pandas") if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        return import_module("lightgbm")
    finally:
        for name in hidden:
            del modules[name]


LIGHTGBM = _import_lightgbm()


class LightGbmPredictor:
    """A booster that predicts on the calling thread: for small batches, a thread pool costs more than it saves."""

    def __init__(self, booster: Any, columns: Sequence[str]) -> None:
        self._booster = booster
        self._columns = columns

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]."""
        return probabilities_of(self._booster.predict(np.ascontiguousarray(matrix), num_threads=1))

    def parts(self, matrix: Matrix, chosen: Sequence[int]) -> list[list[WeightedPart]] | None:
        """Return the contribution of each column to these columns of its answers (SHAP values of the trees)."""
        given = np.asarray(self._booster.predict(np.ascontiguousarray(matrix), num_threads=1, pred_contrib=True))
        each = given.reshape(len(matrix), -1, matrix.shape[1] + 1)[:, :, :-1]
        return [parts_of_columns(values, which, self._columns) for values, which in zip(each, chosen, strict=True)]


def open_model(file: Path, *, trusted: bool, signature: Mapping[str, Any]) -> LightGbmPredictor:
    """Load a model in LightGBM's text format. It is data, so it needs no trust."""
    del trusted
    return LightGbmPredictor(LIGHTGBM.Booster(model_file=file), columns_of(signature))
