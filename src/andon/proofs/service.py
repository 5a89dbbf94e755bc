"""Proofs of all lines: one step of a worker shows news to the provers and makes due revisions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from andon import decisions, evidence
from andon.decisions import AutomationVersion
from andon.evidence import ArmEvidence
from andon.gates import GateInvalid
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError
from andon.kernel.events import Events
from andon.proofs.proving import Proving
from andon.proofs.sharing import adapt_share

log = structlog.get_logger(__name__)

VERSIONS_READ = timedelta(seconds=20)
REVISED = timedelta(minutes=5)
"""The interval for reading declarations, and for checking gates without news."""


@dataclass(slots=True)
class ProofRounds:
    """The memory of a worker between its steps, so that idle lines cost nothing. It is read again when it is lost."""

    versions: Mapping[str, AutomationVersion] = field(default_factory=dict)
    versions_at: datetime | None = None
    proven: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    revised_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    last: str = ""
    """The automation that was looked at last."""

    def versions_of(self, tx: Tx, now: datetime, known: Iterable[ArmEvidence]) -> Mapping[str, AutomationVersion]:
        """Return the versions in force, read anew if there is news, which may concern a line declared since."""
        has_news = any(self.proven.get((one.automation, one.arm)) != (one.newest, one.corrections) for one in known)
        if has_news or _is_over(self.versions_at, VERSIONS_READ, now):
            self.versions, self.versions_at = evidence.bounded_versions(tx), now
        return self.versions


def prove_lines(tx: Tx, rounds: ProofRounds, *, events: Events, now: datetime) -> bool:
    """Take the next step for an automation that declares a bound. Return True if there may be more to do now.

    One in each transaction, since a revision takes the cord of its line, which must not be waited for once another
    line's revision is in the audit log.
    """
    known = evidence.arms(tx)
    versions = rounds.versions_of(tx, now, known)
    due: dict[str, list[ArmEvidence]] = {}
    for arm in known:
        key, news = (arm.automation, arm.arm), (arm.newest, arm.corrections)
        if arm.automation not in versions:
            rounds.proven[key] = news
        elif rounds.proven.get(key) != news or _is_over(rounds.revised_at.get(key), REVISED, now):
            due.setdefault(arm.automation, []).append(arm)
    if not due:
        return False
    rounds.last = min(due, key=lambda name: (name <= rounds.last, name))
    left = [_prove_arm(tx, versions[arm.automation], arm, events, now) for arm in due[rounds.last]]
    adapt_share(tx, rounds.last, events=events, now=now)
    for arm, more in zip(due[rounds.last], left, strict=True):  # at the end: what a fault undoes is proven again
        if not more:
            key = arm.automation, arm.arm
            rounds.proven[key], rounds.revised_at[key] = (arm.newest, arm.corrections), now
    return any(left) or len(due) > 1


def _prove_arm(tx: Tx, version: AutomationVersion, arm: ArmEvidence, events: Events, now: datetime) -> bool:
    """Prove one arm. Return True if there is more to prove. A fault of one arm does not stop the others."""
    risk = decisions.bound_of(version)
    if risk is None:
        return False
    try:
        with tx.begin_nested():
            proving = Proving(tx, version.name, arm, risk, version.number, now)
            if proving.advance():
                return True
            proving.revise(events)
    except (AndonError, GateInvalid) as error:
        log.warning("proofs.arm_left_out", automation=version.name, arm=arm.arm, error=str(error))
    return False


def _is_over(last: datetime | None, span: timedelta, now: datetime) -> bool:
    return last is None or now - last >= span
