"""Proofs of all lines: one step of a worker gathers what is new, shows it to the provers and makes revisions that are due."""

from collections.abc import Mapping
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
from andon.proofs.gathering import Gathering
from andon.proofs.proving import Proving
from andon.proofs.sharing import adapt_share

log = structlog.get_logger(__name__)

CONSUMER = "proofs"
"""The name under which the feed is read."""

TRAFFIC_KEPT = timedelta(days=60)
"""How long counts of decisions are kept: longer than labels are usually due."""


class _Progress(Enum):
    """What a step did for an arm: nothing new, all that was new, or a part of it."""

    NONE = "none"
    MOVED = "moved"
    MORE = "more"


def prove_lines(tx: Tx, feed: Feed, *, events: Events, now: datetime) -> bool:
    """Take the next step for all automations that declare a bound. True if there may be more to do at once."""
    versions = bounded_versions(tx)
    gathering = Gathering(tx, versions, now)
    if gathering.count(feed):
        return True
    more = gathering.take_labels()
    for automation in versions:
        more = gathering.sweep(automation) or more
    anew = store.take_anew(tx)
    moved = set[str]()
    for automation, arm, newest, _ in store.arms_with_evidence(tx):
        if automation in versions:
            proving = _prove_arm(tx, versions[automation], arm, newest, (automation, arm) in anew, events, now)
            more = proving is _Progress.MORE or more
            if proving is _Progress.MOVED:
                moved.add(automation)
    for automation in sorted(moved):
        adapt_share(tx, automation, events=events, now=now)
    store.forget_traffic(tx, (now - TRAFFIC_KEPT).date())
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
    tx: Tx, version: AutomationVersion, arm: str, newest: int, anew: bool, events: Events, now: datetime
) -> _Progress:
    """Prove one arm. What is wrong with one keeps no other from its proofs."""
    risk = decisions.bound_of(version)
    if risk is None:
        return _Progress.NONE
    try:
        with tx.begin_nested():
            proving = Proving(tx, version.name, arm, risk, version.number, now)
            if anew:
                proving.begin_anew()
            moved = newest > proving.upto
            if moved and proving.advance():
                return _Progress.MORE
            proving.revise(events)
            return _Progress.MOVED if moved else _Progress.NONE
    except (AndonError, GateInvalid) as error:
        log.warning("proofs.arm_left_out", automation=version.name, arm=arm, error=str(error))
        return _Progress.NONE
