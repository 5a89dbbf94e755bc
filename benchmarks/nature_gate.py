"""The risk gate as the product runs it, for `script/bench nature`: decisions and verdicts in, the proven region out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andon.authoring import BlindAudit, MaxError
from andon.models.risk import evidence_of, threshold_for
from andon.proofs.series import AT_ONCE, series_of
from andon.proofs.sharing import wanted_share
from andon.statistics.gate_proofs import LabelBatch
from benchmarks.nature_worlds import Cases, Flags, Floats, HeldOut

CONFIDENCE = 0.95


@dataclass(slots=True)
class _Waiting:
    """Cases whose answer is not known yet, by columns."""

    known_at: Floats
    confidence: Floats
    wrong: Flags
    propensity: Floats
    day: NDArray[np.int64]


class Gate:
    """One gate: `decided` takes cases as the line decided them, `region` tells what is proven at a moment.

    `due` is the time in days after which a queue promises its answer.
    """

    def __init__(self, held_out: HeldOut, target: float, due: float) -> None:
        first = held_out.calibrating
        confidence, wrong = held_out.confidence, held_out.wrong
        self.evidence = evidence_of(confidence[:first], confidence[first:], wrong[first:], wrong[:first])
        self._target = target
        (series,) = series_of("line", "model@1", MaxError(target, CONFIDENCE), self.evidence, [])
        self.prover = series.prover()
        self._waiting = _Waiting(*(np.empty(0, kind) for kind in (float, float, bool, float, np.int64)))
        self._least: dict[int, float] = {}

    @property
    def held_out_region(self) -> float | None:
        """What held-out rows alone prove."""
        return threshold_for(self.evidence, self._target, CONFIDENCE)

    def decided(self, cases: Cases, automatic: Flags, looked: Flags, share: float) -> None:
        """Take decisions. People look at `looked`: at automatic ones with the probability `share`, at others surely."""
        days = cases.at.astype(np.int64)
        for day in np.unique(days[automatic]).tolist():
            self._least[day] = min(self._least.get(day, 1.0), share)
        asked = looked & ~cases.kept & np.isfinite(cases.answered_after)
        added = _Waiting(
            (cases.at + cases.answered_after)[asked],
            cases.confidence[asked],
            cases.answered_wrong[asked],
            np.where(automatic, share, 1.0)[asked],
            days[asked],
        )
        one = self._waiting
        self._waiting = _Waiting(
            *(np.concatenate((getattr(one, name), getattr(added, name))) for name in _Waiting.__slots__)
        )

    def region(self, now: float) -> float | None:
        """Return the proven threshold at a moment (days), from all that is known by then."""
        one = self._waiting
        due = np.flatnonzero(one.known_at <= now)
        in_order = due[np.argsort(one.known_at[due], kind="stable")]
        for start in range(0, len(in_order), AT_ONCE):
            self.prover.update(self._batch(in_order[start : start + AT_ONCE]))
            self.prover.region()
        if len(due):
            rest = one.known_at > now
            self._waiting = _Waiting(*(getattr(one, name)[rest] for name in _Waiting.__slots__))
        return self.prover.region()

    def last_known(self) -> float:
        """Return the moment at which nothing is left to become known."""
        return float(self._waiting.known_at.max(initial=0.0))

    def share_wanted(self, declared: BlindAudit, automatic_a_day: float) -> float:
        """Return the share of audits that the platform would set."""
        needed = next((one.labels_needed for one in self.prover.curve() if not one.proven and one.labels_needed), None)
        return wanted_share(
            declared, suspicion=self.prover.suspicion, labels_needed=needed, automatic_a_day=automatic_a_day
        )

    def _batch(self, places: NDArray[np.int64]) -> LabelBatch:
        one = self._waiting
        propensity = one.propensity[places]
        least = np.array([self._least.get(day, 1.0) for day in one.day[places].tolist()])
        return LabelBatch(
            one.confidence[places], one.wrong[places].astype(float), propensity, np.minimum(least, propensity)
        )
