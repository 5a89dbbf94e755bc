"""XGBoost models (extra `xgboost`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xgboost

from .outputs import Matrix, probabilities_of


class XgboostPredictor:
    """A booster on one thread, which takes arrays without a DMatrix."""

    def __init__(self, booster: xgboost.Booster) -> None:
        self._booster = booster

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]."""
        return probabilities_of(self._booster.inplace_predict(matrix, validate_features=False))


def open_model(file: Path, *, trusted: bool, signature: Mapping[str, Any]) -> XgboostPredictor:
    """Load a model in XGBoost's own format. It is data, so it needs no trust."""
    del trusted, signature
    booster = xgboost.Booster(params={"nthread": 1})
    booster.load_model(file)
    return XgboostPredictor(booster)
