"""One loaded model version, from raw rows to predictions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from andon.authoring import MaxError
from andon.models import Calibrator, Encoder, Matrix, ModelVersion, fault_of, threshold_for
from andon.serving.domain import ALWAYS, NEVER, Prediction, RiskGate
from andon.serving.errors import EndpointUnavailable, PredictionFailed
from andon.serving.ports import Predictor
from andon.serving.runtimes import open_model

_TOLERANCE = 1e-4
"""How far a probe's answer may lie from the one at packing: room for another CPU's rounding, not for another library's idea."""


class LoadedVersion:
    """One loaded version. Encoding, calibration and checks of the output are inside."""

    def __init__(self, version: ModelVersion, predictor: Predictor) -> None:
        signature = version.manifest.signature
        self.version = version
        self._predictor = predictor
        self._classes = signature.classes
        self._binary = signature.task == "binary"
        self._encoder = Encoder(signature.features)
        self._calibrator = Calibrator(version.manifest.calibration)
        order = version.manifest.output_order
        self._order = None if order == tuple(range(len(order))) else list(order)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """One prediction a row, in order. Raises ValueUnusable, PredictionFailed."""
        if not rows:
            return []
        raw = self.raw(self._encoder.encode(rows))
        calibrated = self._calibrator(raw if self._order is None else raw[:, self._order]).tolist()
        return (
            [self._of_two(*row) for row in calibrated] if self._binary else [self._of_many(row) for row in calibrated]
        )

    def gate(self, risk: MaxError | None) -> RiskGate:
        """The gate that holds `risk`; without one, everything is certain."""
        if risk is None:
            return RiskGate(threshold=ALWAYS, target=1.0)
        threshold = threshold_for(self.version.manifest.risk, risk.target, risk.confidence)
        return RiskGate(threshold=NEVER if threshold is None else threshold, target=risk.target)

    def raw(self, matrix: Matrix) -> Matrix:
        """The model's own probabilities of an encoded batch, in its own order. Raises PredictionFailed."""
        try:
            probabilities = self._predictor.predict(matrix)
        except (
            Exception
        ) as error:  # whatever a library raises is its refusal; its words may hold values, so they stay in the log
            raise PredictionFailed(f"{self._shown} failed with {type(error).__name__}") from error
        fault = fault_of(probabilities, len(matrix), len(self._classes))
        if fault:
            raise PredictionFailed(f"{self._shown} gave no usable probabilities: {fault}")
        return probabilities

    @property
    def _shown(self) -> str:
        return f"Model {self.version.name} {self.version.number}"

    def _of_two(self, negative: float, positive: float) -> Prediction:
        sure = positive > negative
        return Prediction(
            score=positive,
            label=self._classes[sure],
            confidence=positive if sure else negative,
            probabilities={self._classes[0]: negative, self._classes[1]: positive},
        )

    def _of_many(self, probabilities: list[float]) -> Prediction:
        best = max(probabilities)
        label = self._classes[probabilities.index(best)]
        return Prediction(best, label, best, dict(zip(self._classes, probabilities, strict=True)))


def load(version: ModelVersion, folder: Path) -> LoadedVersion:
    """Load a fetched package and ask it the probes it answered when it was packed. Raises EndpointUnavailable."""
    manifest = version.manifest
    predictor = open_model(manifest.runtime, folder / manifest.model_file, trusted=version.trusted)
    endpoint = LoadedVersion(version, predictor)
    probes = np.array(manifest.probes.rows, dtype=np.float64)
    try:
        answers = endpoint.raw(probes)
    except PredictionFailed as error:
        raise EndpointUnavailable(str(error)) from error
    apart = float(np.abs(answers - np.array(manifest.probes.probabilities)).max())
    if apart > _TOLERANCE:
        raise EndpointUnavailable(
            f"Model {version.name} {version.number} answers differently here than when it was packed (by {apart:.3g}); "
            f"it was packed with Python {manifest.environment.python}; `andon models show` lists the packages"
        )
    return endpoint
