"""Proofs of all lines: one step of a worker gathers what is new, shows it to the provers and makes revisions that are due."""

from collections.abc import Mapping
from datetime import datetime, timedelta

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

log = structlog.get_logger(__name__)

CONSUMER = "proofs"
"""The name under which the feed is read."""

TRAFFIC_KEPT = timedelta(days=60)
"""How long counts of decisions are kept: longer than labels are usually due."""


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
    for automation, arm, newest, _ in store.arms_with_evidence(tx):
        if automation in versions:
            more = _prove_arm(tx, versions[automation], arm, newest, (automation, arm) in anew, events, now) or more
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
) -> bool:
    """Prove one arm. What is wrong with one keeps no other from its proofs."""
    risk = decisions.bound_of(version)
    if risk is None:
        return False
    try:
        with tx.begin_nested():
            proving = Proving(tx, version.name, arm, risk, version.number, now)
            if anew:
                proving.begin_anew()
            more = newest > proving.upto and proving.advance()
            if not more:
                proving.revise(events)
            return more
    except (AndonError, GateInvalid) as error:
        log.warning("proofs.arm_left_out", automation=version.name, arm=arm, error=str(error))
        return False
