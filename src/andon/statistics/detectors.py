"""Detectors of a change in a stream of decisions, feature by feature: a scan of means beside an e-detector.

Both read blocks of twenty decisions. Together they raise a false alarm within a period of `decisions` with at most the
probability `false_alarm`. The scan finds a lasting shift soonest, the e-detector also finds slow and other changes.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from andon.statistics.blocks import BLOCK, BlockCounter
from andon.statistics.dispersion import Dispersion
from andon.statistics.e_detectors import EDetectors
from andon.statistics.histograms import Cells, Histograms
from andon.statistics.scans import KEPT, MovingMeans, threshold

SCAN_PART = 0.92
"""The part of the probability of a false alarm that the scan may use."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A change of one feature: found after `decision`, begun about `since`; both count decisions from 0.

    `test` is `scan` or `e-detector`; `statistic` is its value and `threshold` the exceeded limit. `effect` is the shift
    of the last thousand values in standard deviations, 0 for a category. `false_alarm` bounds the probability of any
    such finding in a period.
    """

    name: str
    test: str
    decision: int
    since: int
    statistic: float
    threshold: float
    effect: float
    false_alarm: float


class DriftDetector:
    """Watches all features of a stream. Feed it cells in decision order; it finds each change once, until `restart`."""

    def __init__(
        self, reference: Histograms, *, false_alarm: float, decisions: int, dispersion: Dispersion | None = None
    ) -> None:
        features = max(len(reference.binning.features), 1)
        allowed = dispersion or Dispersion.none(len(reference.binning.features))
        self._names = reference.binning.names
        self._false_alarm = false_alarm
        self._e_threshold = features * max(decisions / BLOCK, 1.0) / ((1 - SCAN_PART) * false_alarm)
        scanned = max(int(reference.binning.ordered.sum()), 1)
        self._scan_threshold = threshold(SCAN_PART * false_alarm, decisions, scanned)
        self._blocks = BlockCounter(reference.binning)
        self._e_detectors = EDetectors(reference, allowed)
        self._means = MovingMeans(reference, allowed)
        self._seen = 0
        self._found = np.zeros(len(self._names), dtype=np.bool_)

    @property
    def seen(self) -> int:
        """The number of decisions in full blocks."""
        return self._seen * BLOCK

    def update(self, cells: Cells) -> list[Detection]:
        """Follow the next decisions [rows, features]. Return newly found changes."""
        counts = self._blocks.add(cells)
        if not len(counts) or not self._names:
            return []
        wealth = self._e_detectors.update(counts, self._seen)
        z = np.abs(self._means.update(counts))
        first = self._seen
        self._seen += len(counts)
        passed = ((wealth >= self._e_threshold) | (z >= self._scan_threshold)) & ~self._found
        detections = []
        for feature in np.flatnonzero(passed.any(axis=0)).tolist():
            block = int(np.argmax(passed[:, feature]))
            by_scan = bool(z[block, feature] >= self._scan_threshold)
            self._found[feature] = True
            end = first + block + 1
            since = min(self._e_detectors.start_of(feature), end - 1)
            detections.append(
                Detection(
                    self._names[feature],
                    "scan" if by_scan else "e-detector",
                    end * BLOCK - 1,
                    (max(since, end - KEPT) if by_scan else since) * BLOCK,
                    float(z[block, feature] if by_scan else wealth[block, feature]),
                    self._scan_threshold if by_scan else self._e_threshold,
                    self._means.effect_of(feature),
                    self._false_alarm,
                )
            )
        return detections

    def restart(self, name: str) -> None:
        """Forget a feature's past, after its change was handled."""
        feature = self._names.index(name)
        self._found[feature] = False
        self._e_detectors.restart(feature)
        self._means.restart(feature)

    def to_json(self) -> dict[str, Any]:
        """All that was seen, as JSON values."""
        return {
            "seen": self._seen,
            "found": self._found.tolist(),
            "pending": self._blocks.pending.tolist(),
            "wealth": self._e_detectors.wealth.tolist(),
            "rise": self._e_detectors.rise.tolist(),
            "began": self._e_detectors.began.tolist(),
            "kept": self._means.kept.tolist(),
        }

    def resume(self, document: dict[str, Any]) -> Self:
        """Continue from what `to_json` wrote for the same reference."""
        features = len(self._names)
        self._seen = document["seen"]
        self._found = np.array(document["found"], dtype=np.bool_)
        self._blocks.pending = np.array(document["pending"], dtype=np.intp).reshape(-1, features)
        self._e_detectors.wealth = np.array(document["wealth"], dtype=float)
        self._e_detectors.rise = np.array(document["rise"], dtype=float)
        self._e_detectors.began = np.array(document["began"], dtype=np.int64)
        self._means.kept = np.array(document["kept"], dtype=float)
        return self
