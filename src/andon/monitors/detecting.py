"""Detecting: detectors that follow the sample decision by decision, one set per model version of an automation."""

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from msgspec.msgpack import decode as unpack
from msgspec.msgpack import encode as pack

from andon.kernel.db import Tx
from andon.monitors.references import ModelReference
from andon.monitors.store import detectors as store
from andon.monitors.store.detectors import DetectorKey, StoredDetector
from andon.monitors.tallying import WindowKey
from andon.monitors.watching import WatchedAutomation, Watching
from andon.monitors.whole import WholeDecision
from andon.statistics.detectors import Detection, DriftDetector
from andon.statistics.histograms import Cells, Histograms
from andon.statistics.levels import detector_level

CHUNK = 100
"""The decisions that a detector takes at a time: its state is large, and written each time."""

PERIOD_DAYS = 90
"""The period for which the probability of a false alarm is stated."""

LEAST_A_DAY = 1000

FEATURES, SCORES = "features", "score"


@dataclass(frozen=True, slots=True)
class Found:
    """A change that a detector found: its monitor and feature, and its estimated start and end in decision times."""

    automation: str
    kind: str
    model: str
    version: int
    detection: Detection
    since: datetime
    at: datetime

    @property
    def detector(self) -> DetectorKey:
        """The detector that found it."""
        return DetectorKey(self.automation, self.model, self.version, self.kind)


class Detecting:
    """Feeds detectors. Built ones are kept in the process, as building one takes a tenth of a second."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._built: dict[tuple[str, int, str, int, float, str], DriftDetector] = {}

    def observe(self, tx: Tx, whole: Mapping[WindowKey, Sequence[WholeDecision]]) -> list[Found]:
        """Follow decisions in the order of their ids. Return the changes found."""
        by_version: dict[tuple[str, str, int], list[WholeDecision]] = defaultdict(list)
        for key, some in whole.items():
            by_version[key.automation, key.model, key.version].extend(some)
        found: list[Found] = []
        for (automation, model, version), some in sorted(by_version.items()):
            reference = self._watching.references.of(tx, model, version)
            if reference is not None:
                some.sort(key=lambda one: one.key)
                watched = self._watching.one(tx, automation)
                for kind in (FEATURES, SCORES):
                    of = DetectorKey(automation, model, version, kind)
                    found += self._follow(tx, of, reference, watched, some)
        return found

    def restart(self, tx: Tx, key: DetectorKey, name: str, watched: WatchedAutomation) -> None:
        """Reset a detector for one feature, after its change was handled."""
        stored = store.load(tx, key)
        reference = self._watching.references.of(tx, key.model, key.version)
        if stored is None or reference is None or not stored.state:
            return
        detector = self._detector(key, reference, watched, stored)
        if name in _histograms(key.kind, reference).binning.names:
            detector.restart(name)
            store.save(tx, key, stored.with_state(_packed(detector)))

    def _follow(
        self,
        tx: Tx,
        key: DetectorKey,
        reference: ModelReference,
        watched: WatchedAutomation,
        some: Sequence[WholeDecision],
    ) -> list[Found]:
        cells, moments = _cells(key.kind, reference, some)
        if not len(cells):
            return []
        stored = store.load(tx, key) or StoredDetector.begun(moments[0])
        pending = [*stored.pending, *cells.tolist()]
        if len(pending) < CHUNK:
            store.save_pending(tx, key, stored, pending)
            return []
        detector = self._detector(key, reference, watched, stored)
        found = detector.update(np.array(pending, dtype=np.intp))
        last = moments[-1]
        store.save(tx, key, stored.continued(_packed(detector), len(pending), last))
        seen = stored.seen + len(pending)
        return [
            Found(key.automation, key.kind, key.model, key.version, one, _since(one, stored, seen, last), last)
            for one in found
        ]

    def _detector(
        self, key: DetectorKey, reference: ModelReference, watched: WatchedAutomation, stored: StoredDetector
    ) -> DriftDetector:
        volume = _volume(stored)
        alarm = detector_level(watched.monitors.false_alarms)
        ignored = ",".join(sorted(watched.monitors.ignore))
        of = (key.model, key.version, key.kind, volume, alarm, ignored)
        if of not in self._built:
            if len(self._built) > 500:
                self._built.clear()
            histograms = _histograms(key.kind, reference)
            self._built[of] = DriftDetector(histograms, false_alarm=alarm, decisions=volume)
        detector = copy.deepcopy(self._built[of])
        return detector.resume(_unpacked(stored.state)) if stored.state else detector


def _histograms(kind: str, reference: ModelReference) -> Histograms:
    return reference.features if kind == FEATURES else reference.scores


def _cells(kind: str, reference: ModelReference, some: Sequence[WholeDecision]) -> tuple[Cells, list[datetime]]:
    if kind == FEATURES:
        matrix = reference.matrix([one.record.row() for one in some])
        return reference.features.binning.cells(matrix), [_moment(one) for one in some]
    predicted = [(one, p.score) for one in some if (p := one.record.prediction) is not None]
    scores = np.array([score for _, score in predicted]).reshape(-1, 1)
    return reference.scores.binning.cells(scores), [_moment(one) for one, _ in predicted]


def _moment(one: WholeDecision) -> datetime:
    milliseconds = int.from_bytes(one.key[:6])
    return datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=milliseconds)


def _volume(stored: StoredDetector) -> int:
    """Estimate the decisions of a period, as a power of two times the least: thresholds then change rarely."""
    days = max((stored.last_at - stored.begun_at) / timedelta(days=1), 1.0)
    daily, volume = stored.seen / days, LEAST_A_DAY
    while volume < daily:
        volume *= 2
    return volume * PERIOD_DAYS


def _since(found: Detection, stored: StoredDetector, seen: int, last: datetime) -> datetime:
    """Estimate when a change began: the detector's number of decisions before the last one, at the average pace."""
    pace = (last - stored.begun_at) / max(seen, 1)
    return max(last - pace * max(seen - found.since, 0), stored.begun_at)


def _packed(detector: DriftDetector) -> bytes:
    """Pack a detector's arrays, which would be three times as large as JSON."""
    document = detector.to_json()
    arrays = {name: np.array(value) for name, value in document.items()}
    return pack({name: (one.dtype.str, list(one.shape), one.tobytes()) for name, one in arrays.items()})


def _unpacked(state: bytes) -> dict[str, Any]:
    arrays = {name: np.frombuffer(raw, dtype).reshape(shape) for name, (dtype, shape, raw) in unpack(state).items()}
    return {name: one.item() if one.ndim == 0 else one for name, one in arrays.items()}
