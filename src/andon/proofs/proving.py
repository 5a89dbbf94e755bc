"""Proving: the provers of an arm see new evidence, and a gate is revised where their proofs require it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from andon import gates, models
from andon.authoring import RiskBound
from andon.gates import NOTHING, ArmRevisions, ProvenGate
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.models import ModelVersion
from andon.proofs import store
from andon.proofs.domain import GateEvidence, ProvenRegion, Standing, share_above, threshold_wanted
from andon.proofs.series import GateSeries, advance, series_of
from andon.proofs.store import SavedProof, json_of
from andon.proofs.wording import sentence_of
from andon.statistics.gate_proofs import GateProver

KEPT = 30_000
"""The number of newest labels of an arm that count when its provers restart."""

READ_AT_ONCE = 2_000
"""The most labels that provers see in one transaction."""

FEWEST_OF_SEGMENT = 30
"""The fewest labels of a segment with its own prover."""

SEEN = timedelta(days=30)
"""The span of the traffic that shows which share of decisions lies above a threshold."""


class Proving:
    """The proof of one arm in one transaction. `risk` is the bound that is declared now."""

    def __init__(self, tx: Tx, automation: str, arm: str, risk: RiskBound, version: int, now: datetime) -> None:
        self._tx, self._automation, self._arm = tx, automation, arm
        self._risk, self._version, self._now = risk, version, now
        self._evidence = model_of(tx, arm).manifest.risk
        self.saved = store.saved(tx, automation, arm)

    @property
    def upto(self) -> int:
        """The last evidence that the prover of the whole line has seen."""
        whole = self.saved.get((json_of({}), ""))
        return 0 if whole is None else whole.upto

    def begin_anew(self) -> None:
        """Forget all provers of the arm."""
        store.forget_states(self._tx, self._automation, self._arm)
        self.saved = {}

    def advance(self) -> bool:
        """Show new evidence to all provers of the arm. Return True if there is more."""
        whole = series_of(self._automation, self._arm, self._risk, self._evidence, [])[0]
        kept = self.saved.get((json_of({}), ""))
        if kept is not None and kept.bound != whole.bound:
            self.begin_anew()
        after = self.upto or store.first_counting(self._tx, self._automation, self._arm, KEPT)
        found = store.evidence_after(self._tx, self._automation, self._arm, after, READ_AT_ONCE)
        if found:
            for series in self._series(found):
                self._advance(series, found, after)
        return len(found) == READ_AT_ONCE

    def revise(self, events: Events) -> None:
        """Make the revisions that are due."""
        there = gates.arm_revisions(self._tx, self._automation, self._arm, self._now)
        segments = {json_of(one.key.segment): dict(one.key.segment) for one in self.saved.values() if one.key.segment}
        for series in self._series_known(list(segments.values())):
            kept = self.saved.get((json_of(series.key.segment), series.key.predicted))
            if kept is not None:
                self._revise(series, kept, there, events)

    def _series(self, found: Sequence[tuple[int, GateEvidence]]) -> list[GateSeries]:
        """Return the series that have a prover or get one."""
        segments: dict[str, Mapping[str, Any]] = {
            json_of(one.key.segment): one.key.segment for one in self.saved.values()
        }
        if self._risk.by is not None:
            new = {json_of(one.segment): one.segment for _, one in found if one.segment}
            for text in sorted(new.keys() - segments.keys()):
                enough = store.labels_in(self._tx, self._automation, self._arm, new[text]) >= FEWEST_OF_SEGMENT
                if enough:
                    segments[text] = new[text]
        return self._series_known([dict(segment) for segment in segments.values() if segment])

    def _series_known(self, segments: Sequence[dict[str, Any]]) -> list[GateSeries]:
        return series_of(self._automation, self._arm, self._risk, self._evidence, segments)

    def _advance(self, series: GateSeries, found: Sequence[tuple[int, GateEvidence]], after: int) -> None:
        key = json_of(series.key.segment), series.key.predicted
        kept, since = self.saved.get(key), 0
        if kept is None or kept.bound != series.bound:
            prover = series.prover()
            if series.key.segment and after:
                earlier = store.evidence_after(self._tx, self._automation, self._arm, 0, KEPT)
                found = [*((at, one) for at, one in earlier if at <= after), *found]
        else:
            prover, since = GateProver.from_json(dict(kept.state["prover"])), int(kept.state["since"])
        broke: list[int] = []
        advance(prover, series, found, broke.append)
        since = broke[-1] if broke else since
        labelled = any(series.concerns(one) for _, one in found)
        proof = self._proof(series, prover, since)
        one = SavedProof(
            series.key,
            series.bound,
            {"prover": prover.to_json(), "since": since},
            found[-1][0],
            asdict(proof),
            self._now if labelled or kept is None else kept.labelled_at,
            self._now,
        )
        store.save(self._tx, one)
        self.saved[key] = one

    def _proof(self, series: GateSeries, prover: GateProver, since: int) -> ProvenRegion:
        found = prover.prove()
        threshold = found.threshold
        at = min(series.thresholds, default=0.0) if threshold is None else threshold
        labels, audits = store.labels_above(self._tx, series.key, at, since)
        held_out = gates.arm_revisions(self._tx, self._automation, self._arm, self._now).held_out
        started = held_out.get(series.key.predicted) or held_out.get("")
        from_then = NOTHING if started is None else started.threshold
        seen, _ = store.labels_above(self._tx, series.key, from_then, since) if from_then < NOTHING else (0, 0)
        before = series.prover().prove().threshold
        narrower = before is not None and (threshold is None or threshold > before)
        scale = series.risk.highest
        shares = shares_of(self._tx, series, self._now)
        return ProvenRegion(
            threshold=threshold,
            share=(share_above(shares, threshold) if shares else found.share) if threshold is not None else 0.0,
            error=found.error * scale,
            bound=found.bound * scale,
            labels=labels,
            audits=audits,
            settled=narrower or (from_then < NOTHING and seen >= max(1, series.enough(from_then))),
            suspicion=found.suspicion,
            breaks=found.breaks,
            local_error=found.local_error * scale,
        )

    def _revise(self, series: GateSeries, kept: SavedProof, there: ArmRevisions, events: Events) -> None:
        predicted = series.key.predicted
        held_out = there.held_out.get(predicted)
        if held_out is None or (held_out.target, held_out.confidence) != (series.target, series.risk.confidence):
            return  # no process has loaded the line's present declaration
        value = next(iter(series.key.segment.values()), None)
        proof = ProvenRegion(**kept.proof)
        standing = Standing(
            held_out, there.standing((value, predicted), self._now), kept.labelled_at, there.has_lapsed(self._now)
        )
        shares = shares_of(self._tx, series, self._now) or planned_shares(series)
        wanted = threshold_wanted(proof, standing, shares, self._now)
        if wanted is None:
            return
        sentence = sentence_of(proof, series)
        made = ProvenGate(
            automation=self._automation,
            arm=self._arm,
            automation_version=self._version,
            threshold=wanted,
            target=series.target,
            confidence=series.risk.confidence,
            evidence={"sentence": sentence, **asdict(proof)},
            predicted=predicted,
            segment=series.key.segment,
        )
        gates.prove(self._tx, made, reason=_reason(wanted, standing, self._now), events=events, now=self._now)


def model_of(tx: Tx, arm: str) -> ModelVersion:
    """Return the model version of an arm, from its name: `fraud-risk@8+3f2a9c01d2e4`."""
    name, _, rest = arm.rpartition("@")
    return models.get(tx, name, int(rest.partition("+")[0]))


def shares_of(tx: Tx, series: GateSeries, now: datetime) -> list[tuple[float, float]]:
    """Return the share of recent decisions above each threshold, falling; empty if nothing was decided."""
    levels = store.traffic_of(tx, series.key, (now - SEEN).date())
    whole = sum(levels.values())
    if not whole:
        return []
    rising = sorted(row.threshold for row in series.whole.table)
    return [
        (threshold, sum(count for level, count in levels.items() if level > at) / whole)
        for at, threshold in reversed(list(enumerate(rising)))
    ]


def planned_shares(series: GateSeries) -> list[tuple[float, float]]:
    """Return the shares that were planned from held-out rows."""
    table = (series.evidence or series.whole).table
    return [(row.threshold, row.planned / max(1, table[-1].planned)) for row in table]


def _reason(wanted: float, standing: Standing, now: datetime) -> str:
    present = standing.threshold(now)
    if wanted > present:
        return "labels: less is proven than before"
    return "labels: more is proven than before" if wanted < present else "labels: the same is still proven"
