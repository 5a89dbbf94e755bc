"""Detecting: a watch over features and scores that follows the sample decision by decision, one for each arm."""

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from msgspec.msgpack import decode as unpack
from msgspec.msgpack import encode as pack

from andon.kernel.db import Tx
from andon.monitors.judges.drift import CLASSES_PART
from andon.monitors.references import SCORE, ModelReference
from andon.monitors.store import detectors as store
from andon.monitors.store.detectors import DetectorKey, StoredDetector
from andon.monitors.tallying import WholeDecision, WindowKey
from andon.monitors.watching import WatchedAutomation, Watching, apart
from andon.statistics.drift_watch import DriftFinding, DriftWatch
from andon.statistics.histograms import Cells

CHUNK = 100
"""The decisions that a detector takes at a time: its state is large, and written each time."""

_NO_SCORE = -1
"""The cell of a decision without a prediction."""


@dataclass(frozen=True, slots=True)
class Found:
    """A change that a detector found, with its estimated start in decision times; `name` is None for the score."""

    key: DetectorKey
    name: str | None
    finding: DriftFinding
    since: datetime


class Detecting:
    """Feeds detectors. New ones are kept in the process, as building one takes a while."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._built: dict[tuple[str, int, float], DriftWatch] = {}

    def observe(self, tx: Tx, whole: Mapping[WindowKey, Sequence[WholeDecision]]) -> list[Found]:
        """Follow decisions in the order of their ids. Return the changes found."""
        by_arm: dict[DetectorKey, list[WholeDecision]] = defaultdict(list)
        for key, some in whole.items():
            by_arm[DetectorKey(key.automation, key.arm, key.model, key.version)].extend(some)
        found: list[Found] = []
        for of, some in sorted(by_arm.items()):
            reference = self._watching.references.of(tx, of.model, of.version)
            if reference is not None:
                some.sort(key=lambda one: one.key)
                with apart(tx, of.automation, "detectors"):
                    found += self._follow(tx, of, reference, self._watching.one(tx, of.automation), some)
        return found

    def restart(self, tx: Tx, key: DetectorKey, name: str | None, watched: WatchedAutomation) -> None:
        """Reset a detector for one feature or the score, after its change was handled."""
        stored = store.load(tx, key)
        reference = self._watching.references.of(tx, key.model, key.version)
        if stored is None or reference is None or not stored.state:
            return
        watch = self._watch(key, reference, watched, stored)
        watch.restart(SCORE if name is None else name)
        store.save(tx, key, _packed(watch.to_json()), None, stored.pending)

    def _follow(
        self,
        tx: Tx,
        key: DetectorKey,
        reference: ModelReference,
        watched: WatchedAutomation,
        some: Sequence[WholeDecision],
    ) -> list[Found]:
        cells, times = _cells(reference, some), [_milliseconds(one) for one in some]
        stored = store.load(tx, key) or StoredDetector(b"", b"", [])
        pending = [*stored.pending, *([at, *row] for at, row in zip(times, cells.tolist(), strict=True))]
        if len(pending) < CHUNK:
            store.save(tx, key, None, None, pending)
            return []
        watch = self._watch(key, reference, watched, stored)
        if not stored.state:
            self._inherit(tx, key, watch)
        hours = watch.hours
        rows = np.array(pending, dtype=np.int64)
        found = watch.observe(rows[:, 1:].astype(np.intp), rows[:, 0] / 1000)
        rhythm = None if watch.hours == hours and stored.rhythm else _packed(watch.rhythm.to_json())
        store.save(tx, key, _packed(watch.to_json()), rhythm, [])
        return [
            Found(key, None if one.name == SCORE else one.name, one, datetime.fromtimestamp(one.since, tz=UTC))
            for one in found
        ]

    def _inherit(self, tx: Tx, key: DetectorKey, watch: DriftWatch) -> None:
        """Let a new arm know the rhythm that another arm of the same model version has learnt."""
        other = store.newest_of(tx, key)
        if other is not None and other.state:
            watch.resume(_unpacked(other.state), _unpacked(other.rhythm)).afresh()

    def _watch(
        self, key: DetectorKey, reference: ModelReference, watched: WatchedAutomation, stored: StoredDetector
    ) -> DriftWatch:
        level = watched.monitors.false_alarms * (1 - CLASSES_PART)
        of = (key.model, key.version, level)
        if of not in self._built:
            if len(self._built) > 500:
                self._built.clear()
            self._built[of] = DriftWatch(reference.watched, false_alarm=level)
        built = self._built[of]
        watch = copy.deepcopy(built, {id(built.values): built.values})  # those never change
        return watch.resume(_unpacked(stored.state), _unpacked(stored.rhythm)) if stored.state else watch


def _cells(reference: ModelReference, some: Sequence[WholeDecision]) -> Cells:
    """Return the cells of features and, in the last column, of scores."""
    features, scores = reference.features.binning, reference.scores.binning
    cells = np.full((len(some), len(features.features) + 1), _NO_SCORE, dtype=np.intp)
    cells[:, :-1] = reference.in_watched(features.cells(reference.matrix([one.record.row() for one in some])), features)
    predicted = [(at, p.score) for at, one in enumerate(some) if (p := one.record.prediction) is not None]
    if predicted:
        own = scores.cells(np.array([[score] for _, score in predicted]))
        cells[[at for at, _ in predicted], -1] = reference.in_watched(own, scores)[:, 0]
    return cells


def _milliseconds(one: WholeDecision) -> int:
    """Return when a decision was made, by its id."""
    return int.from_bytes(one.key[:6])


def _packed(document: Mapping[str, Any]) -> bytes:
    """Pack arrays, which would be three times as large as JSON."""
    arrays = {name: np.asarray(value) for name, value in document.items()}
    return pack({name: (one.dtype.str, list(one.shape), one.tobytes()) for name, one in arrays.items()})


def _unpacked(state: bytes) -> dict[str, Any]:
    arrays = {name: np.frombuffer(raw, dtype).reshape(shape) for name, (dtype, shape, raw) in unpack(state).items()}
    return {name: one.item() if one.ndim == 0 else one for name, one in arrays.items()}
