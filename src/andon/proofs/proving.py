"""Proving: the provers of an arm see news, and a gate is revised where their proofs require it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from andon import decisions, evidence, gates, models
from andon.authoring import RiskBound
from andon.evidence import ArmEvidence, json_of
from andon.gates import NOTHING, ArmRevisions, ProvenGate
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.models import ModelVersion, RiskEvidence
from andon.proofs import store
from andon.proofs.domain import GateNews, ProvenRegion, SeriesKey, Standing, share_above, threshold_wanted
from andon.proofs.series import GateSeries, advance, series_of
from andon.proofs.store import SavedProof
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

    def __init__(self, tx: Tx, automation: str, arm: ArmEvidence, risk: RiskBound, version: int, now: datetime) -> None:
        self._tx, self._automation, self._arm = tx, automation, arm.arm
        self._risk, self._version, self._now = risk, version, now
        self._corrections = arm.corrections
        self._evidence = held_out_of(tx, automation, self._arm)
        self.saved = store.saved(tx, automation, self._arm)

    def advance(self) -> bool:
        """Show news to all provers of the arm. Return True if there is more.

        If cases were corrected after their age, or the bound was changed, the provers begin anew.
        """
        whole = series_of(self._automation, self._arm, self._risk, self._evidence, [])[0]
        kept = self.saved.get((json_of({}), ""))
        if kept is not None and (kept.bound != whole.bound or kept.state["corrections"] != self._corrections):
            store.forget_states(self._tx, self._automation, self._arm)
            self.saved, kept = {}, None
        after = first_counting(self._tx, self._automation, self._arm) if kept is None else kept.upto
        news, more = news_after(self._tx, self._automation, self._arm, after, READ_AT_ONCE)
        if news:
            for series in self._series(news):
                self._advance(series, news, after)
        return more

    def revise(self, events: Events) -> None:
        """Make the revisions that are due."""
        there = gates.arm_revisions(self._tx, self._automation, self._arm, self._now)
        segments = {one.key.part[0]: dict(one.key.segment) for one in self.saved.values() if one.key.segment}
        for series in self._series_known(list(segments.values())):
            kept = self.saved.get(series.key.part)
            if kept is not None:
                self._revise(series, kept, there, events)

    def _series(self, news: Sequence[GateNews]) -> list[GateSeries]:
        """Return the series that have a prover or get one."""
        segments: dict[str, Mapping[str, Any]] = {one.key.part[0]: one.key.segment for one in self.saved.values()}
        if self._risk.by is not None:
            new = {json_of(one.case.segment): one.case.segment for one in news if one.case.segment}
            for text in sorted(new.keys() - segments.keys()):
                labels = evidence.labels_above(self._tx, self._automation, self._arm, new[text], "", 0.0, None)[0]
                if labels >= FEWEST_OF_SEGMENT:
                    segments[text] = new[text]
        return self._series_known([dict(segment) for segment in segments.values() if segment])

    def _series_known(self, segments: Sequence[dict[str, Any]]) -> list[GateSeries]:
        return series_of(self._automation, self._arm, self._risk, self._evidence, segments)

    def _advance(self, series: GateSeries, news: Sequence[GateNews], after: int) -> None:
        kept, broke_at = self.saved.get(series.key.part), list[datetime]()
        if kept is None or kept.bound != series.bound:
            prover = series.prover()
            begin = first_counting(self._tx, self._automation, self._arm)
            if begin < after:  # the others began before
                earlier, _ = news_after(self._tx, self._automation, self._arm, begin, 2 * KEPT)
                news = [*(one for one in earlier if one.position <= after), *news]
        else:
            prover = GateProver.from_json(kept.state["prover"])
            broke_at = [datetime.fromisoformat(one) for one in kept.state["broke_at"]]
        broke_at = advance(prover, series, news, broke_at)
        labelled = any(series.concerns(one.case) for one in news)
        one = SavedProof(
            series.key,
            series.bound,
            {
                "prover": prover.to_json(),
                "broke_at": [one.isoformat() for one in broke_at],
                "corrections": self._corrections,
            },
            news[-1].position,
            self._proof(series, prover, broke_at[-1] if broke_at else None),
            self._now if labelled or kept is None else kept.labelled_at,
            self._now,
        )
        store.save(self._tx, one)
        self.saved[series.key.part] = one

    def _proof(self, series: GateSeries, prover: GateProver, broke_at: datetime | None) -> ProvenRegion:
        found = prover.prove()
        threshold = found.threshold
        at = min(series.thresholds, default=0.0) if threshold is None else threshold
        labels, audits = labels_above(self._tx, series.key, at, broke_at)
        held_out = gates.arm_revisions(self._tx, self._automation, self._arm, self._now).held_out
        started = held_out.get(series.key.predicted) or held_out.get("")
        from_then = NOTHING if started is None else started.threshold
        seen, _ = labels_above(self._tx, series.key, from_then, broke_at) if from_then < NOTHING else (0, 0)
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
            in_doubt=found.in_doubt,
        )

    def _revise(self, series: GateSeries, kept: SavedProof, there: ArmRevisions, events: Events) -> None:
        predicted = series.key.predicted
        held_out = there.held_out.get(predicted)
        if held_out is None or (held_out.target, held_out.confidence) != (series.target, series.risk.confidence):
            return  # no process has loaded the line's present declaration
        value = next(iter(series.key.segment.values()), None)
        standing = Standing(
            held_out, there.standing((value, predicted), self._now), kept.labelled_at, there.has_lapsed(self._now)
        )
        shares = shares_of(self._tx, series, self._now) or planned_shares(series)
        wanted = threshold_wanted(kept.proof, standing, shares, self._now)
        if wanted is None:
            return
        made = ProvenGate(
            automation=self._automation,
            arm=self._arm,
            automation_version=self._version,
            threshold=wanted,
            target=series.target,
            confidence=series.risk.confidence,
            evidence={"sentence": sentence_of(kept.proof, series), **asdict(kept.proof)},
            predicted=predicted,
            segment=series.key.segment,
        )
        gates.prove(self._tx, made, reason=_reason(wanted, standing, self._now), events=events, now=self._now)


def news_after(tx: Tx, automation: str, arm: str, after: int, limit: int) -> tuple[list[GateNews], bool]:
    """Return the news of an arm after a position in the order in which it became known, and whether there is more."""
    cases = evidence.proving_after(tx, automation, arm, after, limit)
    verdicts = evidence.verdicts_after(tx, automation, arm, after, limit)
    ends = [some[-1][0] for some in (cases, verdicts) if len(some) == limit]
    end = min(ends, default=None)
    news = [GateNews(at, one, is_verdict=False) for at, one in cases]
    news += [GateNews(at, one, is_verdict=True) for at, one in verdicts]
    upto = [one for one in news if end is None or one.position <= end]
    return sorted(upto, key=lambda one: (one.position, not one.is_verdict)), end is not None


def first_counting(tx: Tx, automation: str, arm: str) -> int:
    """Return the position after which news counts for provers that begin."""
    return evidence.first_counting(tx, automation, arm, KEPT)


def labels_above(tx: Tx, key: SeriesKey, threshold: float, after: datetime | None) -> tuple[int, int]:
    """Return how many labels of a series lie above a threshold, of decisions after a moment; how many are audits."""
    return evidence.labels_above(tx, key.automation, key.arm, key.segment, key.predicted, threshold, after)


def model_of(tx: Tx, arm: str) -> ModelVersion:
    """Return the model version of an arm, from its name: `fraud-risk@8+3f2a9c01d2e4`."""
    name, _, rest = arm.rpartition("@")
    return models.get(tx, name, int(rest.partition("+")[0]))


def held_out_of(tx: Tx, automation: str, arm: str) -> RiskEvidence:
    """Return the held-out rows of an arm by confidence, as its policy leaves them automatic.

    Until a process has loaded the arm, they are the model's own.
    """
    kept = decisions.kept_evidence(tx, automation, arm)
    return model_of(tx, arm).manifest.risk if kept is None else kept.table


def shares_of(tx: Tx, series: GateSeries, now: datetime) -> list[tuple[float, float]]:
    """Return the share of recent decisions above each threshold, falling; empty if nothing was decided."""
    key = series.key
    levels = evidence.traffic_of(tx, key.automation, key.arm, key.segment, key.predicted, (now - SEEN).date())
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
    whole = table[-1].planned if series.evidence is None else series.evidence.rows
    return [(row.threshold, row.planned / max(1, whole)) for row in table]


def _reason(wanted: float, standing: Standing, now: datetime) -> str:
    present = standing.threshold(now)
    if wanted > present:
        return "labels: less is proven than before"
    return "labels: more is proven than before" if wanted < present else "labels: the same is still proven"
