"""Proofs of all lines: one step of a worker gathers news, shows it to the provers and makes due revisions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

import structlog

from andon import decisions
from andon.decisions import AutomationVersion, Feed
from andon.gates import GateInvalid
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError
from andon.kernel.events import Events
from andon.proofs import store
from andon.proofs.gathering import AT_ONCE, Gathering
from andon.proofs.proving import Proving
from andon.proofs.sharing import adapt_share

log = structlog.get_logger(__name__)

CONSUMER = "proofs"
"""The name under which the feed is read."""

TRAFFIC_KEPT = timedelta(days=60)
"""The time for which counts of decisions are kept: longer than labels usually take."""

VERSIONS_READ = timedelta(seconds=20)
REVISED = timedelta(minutes=5)
FORGOTTEN = timedelta(hours=1)
"""The interval for reading declarations, checking gates without new labels, and dropping old counts."""


class _Progress(Enum):
    """The result of a step for an arm: it saw nothing new, everything new, or a part of it."""

    NONE = "none"
    MOVED = "moved"
    MORE = "more"


@dataclass(slots=True)
class ProofRounds:
    """The memory of a worker between its steps, so that idle lines cost nothing. It is read again when it is lost."""

    feed: Feed
    versions: Mapping[str, AutomationVersion] = field(default_factory=dict)
    versions_at: datetime | None = None
    forgot_at: datetime | None = None
    revised_at: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def versions_of(self, tx: Tx, now: datetime, *, anew: bool) -> Mapping[str, AutomationVersion]:
        """Return the versions in force, read `anew` if there is news, which may concern a line declared since."""
        if anew or _is_over(self.versions_at, VERSIONS_READ, now):
            self.versions, self.versions_at = bounded_versions(tx), now
        return self.versions


def prove_lines(tx: Tx, rounds: ProofRounds, *, events: Events, now: datetime) -> bool:
    """Take the next step for all automations that declare a bound. Return True if there may be more to do now."""
    committed = rounds.feed.take(tx, AT_ONCE)
    behind = committed.passed >= AT_ONCE
    labelled = [] if behind else store.take_pending(tx, now, AT_ONCE)
    versions = rounds.versions_of(tx, now, anew=bool(committed.items or labelled))
    gathering = Gathering(tx, versions, now)
    gathering.count(committed.items)
    if behind:
        return True
    gathering.note_labels(labelled)
    more = len(labelled) >= AT_ONCE
    for automation in versions:
        more = gathering.sweep(automation) or more
    anew = store.take_anew(tx)
    moved, known = set[str](), store.arms_with_evidence(tx)
    for automation, name in anew - {(arm.automation, arm.arm) for arm in known}:
        store.forget_states(tx, automation, name)
    for arm in known:
        key = arm.automation, arm.arm
        idle = arm.newest <= arm.upto and key not in anew
        if arm.automation not in versions or (idle and not _is_over(rounds.revised_at.get(key), REVISED, now)):
            continue
        progress = _prove_arm(tx, versions[arm.automation], arm, key in anew, events, now)
        rounds.revised_at[key] = now
        more = progress is _Progress.MORE or more
        if progress is _Progress.MOVED:
            moved.add(arm.automation)
    for automation in sorted(moved):
        adapt_share(tx, automation, events=events, now=now)
    if _is_over(rounds.forgot_at, FORGOTTEN, now):
        store.forget_traffic(tx, (now - TRAFFIC_KEPT).date())
        rounds.forgot_at = now
    return more


def bounded_versions(tx: Tx) -> Mapping[str, AutomationVersion]:
    """Return the version in force of each automation that declares a bound."""
    found = {}
    for newest in decisions.newest_versions(tx):
        release = decisions.released(tx, newest.name)
        version = newest if release is None else decisions.version(tx, newest.name, release.version)
        if version.description["risk"] is not None:
            found[version.name] = version
    return found


def _prove_arm(
    tx: Tx, version: AutomationVersion, arm: store.ArmEvidence, anew: bool, events: Events, now: datetime
) -> _Progress:
    """Prove one arm. A fault of one does not stop the others."""
    risk = decisions.bound_of(version)
    if risk is None:
        return _Progress.NONE
    try:
        with tx.begin_nested():
            proving = Proving(tx, version.name, arm.arm, risk, version.number, now)
            if anew:
                proving.begin_anew()
            moved = arm.newest > proving.upto
            if moved and proving.advance():
                return _Progress.MORE
            proving.revise(events)
            return _Progress.MOVED if moved else _Progress.NONE
    except (AndonError, GateInvalid) as error:
        log.warning("proofs.arm_left_out", automation=version.name, arm=arm.arm, error=str(error))
        return _Progress.NONE


def _is_over(last: datetime | None, span: timedelta, now: datetime) -> bool:
    return last is None or now - last >= span
