"""An endpoint: one loaded model version, from raw rows to predictions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from andon.authoring import MaxError
from andon.models import ModelVersion
from andon.serving.domain import Prediction, RiskGate


class Endpoint:
    """One loaded version. Encoding, calibration and checks of the output are inside; safe to call from one thread at a time."""

    def __init__(self, version: ModelVersion) -> None:
        self.version = version

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """One prediction a row, in order. Raises ValueUnusable, PredictionFailed."""
        raise NotImplementedError

    def gate(self, risk: MaxError | None) -> RiskGate:
        """The gate that holds `risk`; without one, everything is certain."""
        raise NotImplementedError


def load(version: ModelVersion, folder: Path) -> Endpoint:
    """Load a fetched package. Raises EndpointUnavailable."""
    raise NotImplementedError
