"""The evidence stream as others use it: one step of a worker, and what judges read."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from andon import decisions
from andon.authoring import Truth
from andon.decisions import AutomationVersion, CertainRulings, ConsumerBusy, DecisionBatch
from andon.evidence import store
from andon.evidence.collecting import AT_ONCE, LABELS, Collecting
from andon.evidence.domain import AgedCase, age_by, maturity_by
from andon.evidence.lines import KnownLines, Truths, bounded_versions
from andon.evidence.store import ArmEvidence, LooksLately
from andon.evidence.stream import DecisionStream, Tally
from andon.gates import GateSegment
from andon.kernel.db import Tx

COUNTS_KEPT = timedelta(days=60)
"""The time for which counts of decisions are kept at least."""

SPARE = timedelta(days=30)
"""The time for which counts are kept after decisions have reached their age, if a worker was down."""

VERDICTS_KEPT = timedelta(days=30)
VERSIONS_READ = timedelta(seconds=20)
FORGOTTEN = timedelta(hours=1)
"""The interval for dropping old counts."""


class CaseTally:
    """The stream's own tally: counts of decisions by confidence and by gate, and the cases to be judged."""

    name = "evidence"

    def __init__(self, lines: KnownLines) -> None:
        self._lines = lines

    def count(self, tx: Tx, batch: DecisionBatch, now: datetime) -> None:
        """Count decisions, and note those that somebody looks at."""
        Collecting(tx, self._lines, now).count(batch)


class EvidenceRounds:
    """The work of one worker: it reads decisions, takes labels in, and judges the cases that reach their age."""

    def __init__(
        self, *tallies: Tally, stream: DecisionStream | None = None, rulings: CertainRulings | None = None
    ) -> None:
        self._lines = KnownLines(rulings)
        self.stream = stream or DecisionStream([CaseTally(self._lines), *tallies])
        self._versions: Mapping[str, AutomationVersion] = {}
        self._versions_at: datetime | None = None
        self._forgot_at: datetime | None = None

    def step(self, tx: Tx, now: datetime) -> bool:
        """Take the next step. Return True if there may be more to do now; nothing is done beside another reader."""
        try:
            if self.stream.take(tx, now):
                return True
        except ConsumerBusy:  # what was kept is counted again, or a worker that lost its lease finishes what it began
            return False
        collecting = Collecting(tx, self._lines, now)
        waiting = store.held_automations(tx, CaseTally.name)  # floors are known when every decision is counted
        relabelled = store.take_relabelled(tx, AT_ONCE)
        collecting.relabelled(relabelled)
        versions = self._bounded(tx, now)
        sweeps = [collecting.sweep(version) for name, version in versions.items() if name not in waiting]
        behind = len(relabelled) == AT_ONCE or any(sweeps)
        more = behind or collecting.age(apart_from=waiting)
        if self._forgot_at is None or now - self._forgot_at >= FORGOTTEN:
            store.forget_counts(tx, (now - self._counts_kept(tx, now)).date(), now - VERDICTS_KEPT)
            self._forgot_at = now
        return more

    def catch_up(self, tx: Tx, now: datetime) -> bool:
        """Count again what could not be counted, and take left-out labels in. Return True if there may be more."""
        store.relabel(tx, store.take_held(tx, LABELS))
        return self.stream.catch_up(tx, now)

    def _counts_kept(self, tx: Tx, now: datetime) -> timedelta:
        """Return for how long counts are kept: cases need those of their own day when they reach their age."""
        return max([COUNTS_KEPT, *(maturity_by(one) + SPARE for one in self._bounded(tx, now).values())])

    def _bounded(self, tx: Tx, now: datetime) -> Mapping[str, AutomationVersion]:
        if self._versions_at is None or now - self._versions_at >= VERSIONS_READ:
            self._versions, self._versions_at = bounded_versions(tx), now
        return self._versions


def cases_after(tx: Tx, automation: str, arms: Sequence[str], position: int, limit: int) -> list[tuple[int, AgedCase]]:
    """Return the cases of these arms after a position, in the order in which they reached their age.

    Keep the last position and come again with it. A correction changes a case in its place, and is counted in `arms`.
    """
    return store.cases_after(tx, automation, arms, position, limit)


def position_now(tx: Tx) -> int:
    """Return the position from which a reader that begins now reads on."""
    return store.position_now(tx)


def proving_after(tx: Tx, automation: str, arm: str, position: int, limit: int) -> list[tuple[int, AgedCase]]:
    """Return the cases after a position that say something about the gate of an arm, each subject once.

    They include those of candidates with a gate of their own.
    """
    return store.proving_after(tx, automation, arm, position, limit)


def verdicts_after(tx: Tx, automation: str, arm: str, position: int, limit: int) -> list[tuple[int, AgedCase]]:
    """Return verdicts on decisions that the gate of an arm concerns, as soon as they are known.

    They may close a gate. They may not open it: those that come early differ from those that come late.
    """
    return store.verdicts_after(tx, automation, arm, position, limit)


def first_counting(tx: Tx, automation: str, arm: str, kept: int) -> int:
    """Return the position before the newest `kept` cases that say something about the gate; 0 if there are fewer."""
    return store.first_counting(tx, automation, arm, kept)


def arms(tx: Tx) -> list[ArmEvidence]:
    """Return every arm with cases."""
    return store.arms(tx)


def age_of(tx: Tx, automation: str) -> timedelta:
    """Return the age at which looked-at decisions of the version in force count. Raises AutomationNotFound."""
    return age_by(decisions.version_in_force(tx, automation) or decisions.newest_version(tx, automation))


def traffic_of(tx: Tx, automation: str, arm: str, segment: GateSegment, predicted: str, since: date) -> dict[int, int]:
    """Return how many decisions reached each exact number of the model's thresholds, since a day."""
    return store.traffic_of(tx, automation, arm, segment, predicted, since)


def daily(tx: Tx, automation: str, arm: str, since: date) -> tuple[int, int, int]:
    """Return on how many days an arm decided since a day, the number of decisions, and of automatic ones."""
    return store.daily(tx, automation, arm, since)


def labels_since(tx: Tx, automation: str, arm: str, since: datetime) -> list[tuple[float, int]]:
    """Return the number of labels that reached their age since a moment, by confidence, rounded down to a hundredth."""
    return store.labels_since(tx, automation, arm, since)


def labels_above(
    tx: Tx, automation: str, arm: str, segment: GateSegment, predicted: str, threshold: float, after: datetime | None
) -> tuple[int, int]:
    """Return how many labels lie above a threshold, of decisions after a moment, and how many are audits."""
    return store.labels_above(tx, automation, arm, segment, predicted, threshold, after)


def looks_since(tx: Tx, automation: str, arm: str, since: datetime) -> LooksLately:
    """Count the looked-at decisions of an arm that reached their age since a moment, and those that wait for it."""
    return store.looks_since(tx, automation, arm, since)


def silent_truth_of(tx: Tx, automation: str) -> Truth | None:
    """Return the truth of an automation where silence is evidence; None where audits or reports are, or nothing."""
    truths = Truths(tx)
    return truths.of(automation) if truths.is_silent(automation) else None
