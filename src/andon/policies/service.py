"""Published policies: immutable versions of an automation's decision table, and which of them is in force.

Whether a table fits an automation is checked by the caller (`andon.decisions`). Changes are audited and announced.
"""

from collections.abc import Sequence
from datetime import datetime

from andon import audit
from andon.kernel import reasons
from andon.kernel.db import Tx, announce
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.policies import store
from andon.policies.domain import DecisionTable, PolicySetting, PolicyVersion
from andon.policies.errors import PolicyInvalid, PolicyNotFound
from andon.policies.published import PolicyPutInForce
from andon.policies.reading import digest_of
from andon.policies.vouched import POLICIES, POLICY_SETTINGS


def publish(
    tx: Tx, automation: str, table: DecisionTable, text: str, *, actor: Actor, reason: str, now: datetime
) -> PolicyVersion:
    """Keep a table as a version of this automation's policy; the same rules again are the same version.

    This does not put it in force. Raises ReasonInvalid, PolicyInvalid.
    """
    why, digest = reasons.require(reason), digest_of(table)
    if "\0" in text:
        raise PolicyInvalid(f"{table.source}: the database cannot store a NUL character")
    store.lock(tx, automation)
    known = store.find(tx, automation, table.version)
    if known is not None:
        if known.digest != digest:
            raise PolicyInvalid(f"Another policy of {automation} has version {table.version}: change a rule's id")
        return known
    published = PolicyVersion(automation, table.version, digest, text, actor.name, why, now)
    store.add(tx, published)
    audit.record(
        tx,
        actor=actor,
        action="policy.publish",
        subject=f"automation:{automation}",
        at=now,
        reason=why,
        after={"version": published.version, "digest": digest},
        rows=[POLICIES.row(automation, published.version)],
    )
    return published


def put_in_force(
    tx: Tx, automation: str, version: str, *, actor: Actor, reason: str, now: datetime, events: Events
) -> PolicySetting:
    """Decide by a published version from now on; running gateways follow within a second.

    If it is in force already, nothing changes. Raises ReasonInvalid, PolicyNotFound.
    """
    why = reasons.require(reason)
    get(tx, automation, version)
    store.lock(tx, automation)
    before = store.newest_setting(tx, automation)
    if before is not None and before.version == version:
        return before
    replaced = None if before is None else before.version
    number = 1 if before is None else before.number + 1
    after = PolicySetting(automation, number, version, replaced, actor.name, why, now)
    store.add_setting(tx, after)
    events.publish(tx, PolicyPutInForce(automation, number, version, replaced, actor.name, why, at=now))
    audit.record(
        tx,
        actor=actor,
        action="policy.set",
        subject=f"automation:{automation}",
        at=now,
        reason=why,
        before={"version": replaced},
        after={"version": version},
        rows=[POLICY_SETTINGS.row(automation, number)],
    )
    announce(tx, "automations")
    return after


def hold(tx: Tx, automation: str) -> None:
    """Lock publishing and the policy in force until the transaction ends. Call it before writing an audit entry."""
    store.lock(tx, automation)


def get(tx: Tx, automation: str, version: str) -> PolicyVersion:
    """Return one published version. Raises PolicyNotFound."""
    found = store.find(tx, automation, version)
    if found is None:
        raise PolicyNotFound(
            f"{automation} has no policy version {version}; `andon policy list {automation}` shows them"
        )
    return found


def find(tx: Tx, automation: str, version: str) -> PolicyVersion | None:
    """Return one published version, or None."""
    return store.find(tx, automation, version)


def in_force(tx: Tx, automation: str) -> PolicyVersion | None:
    """Return the version that decides; None if none was published yet."""
    setting = store.newest_setting(tx, automation)
    return None if setting is None else store.find(tx, automation, setting.version)


def list_versions(tx: Tx, automation: str) -> Sequence[PolicyVersion]:
    """Return every published version of an automation, newest first."""
    return store.list_versions(tx, automation)


def history(tx: Tx, automation: str) -> Sequence[PolicySetting]:
    """Return every change of the policy in force, newest first."""
    return store.history(tx, automation)
