"""Measuring: held-out rows are split; some calibrate, the others are the evidence of the risk gate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from andon.models import calibration, risk
from andon.models.manifest import Calibration, RiskEvidence
from andon.runtimes import Matrix

if TYPE_CHECKING:  # a gateway never draws, and so saves two megabytes
    from numpy.random import Generator


@dataclass(frozen=True, slots=True)
class Measured:
    """Held-out rows after measuring: which of them calibrate and which test, and the findings of each half."""

    fitted: Calibration
    calibrated: Matrix
    fitting: NDArray[np.int64]
    measuring: NDArray[np.int64]
    evidence: RiskEvidence


def measured(raw: Matrix, labels: NDArray[np.int64], rarest: float, rng: "Generator") -> Measured:
    """Calibrate on some randomly drawn rows, and count errors on the others.

    `rarest` is the share of the rarest class in training.
    """
    shuffled = rng.permutation(len(labels))
    fitting, measuring = np.split(shuffled, [calibration.rows_to_fit(len(labels), rarest)])
    fitted = calibration.fit(raw[fitting], labels[fitting])
    calibrated = calibration.Calibrator(fitted)(raw)
    confidence, wrong = calibrated.max(axis=1), calibrated.argmax(axis=1) != labels
    evidence = risk.evidence_of(confidence[fitting], confidence[measuring], wrong[measuring], wrong[fitting])
    return Measured(fitted, calibrated, fitting, measuring, evidence)
