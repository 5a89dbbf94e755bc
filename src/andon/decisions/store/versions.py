"""SQL about the deployed versions of automations."""

from datetime import datetime

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from andon.decisions.domain import AutomationVersion
from andon.decisions.tables import automation_versions
from andon.kernel.db import Tx


def next_number(tx: Tx, name: str) -> int:
    """Return the number for a new version of an automation; concurrent callers wait for this transaction."""
    tx.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"andon.automation.{name}"})
    query = select(func.coalesce(func.max(automation_versions.c.number), 0) + 1).where(
        automation_versions.c.name == name
    )
    return int(tx.execute(query).scalar_one())


def by_digest(tx: Tx, name: str, digest: str) -> AutomationVersion | None:
    """Return the version of an automation with exactly this content, or None."""
    query = select(automation_versions).where(
        automation_versions.c.name == name, automation_versions.c.digest == digest
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else AutomationVersion(**row._asdict())


def find(tx: Tx, name: str, number: int) -> AutomationVersion | None:
    """Return one version of an automation."""
    query = select(automation_versions).where(
        automation_versions.c.name == name, automation_versions.c.number == number
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else AutomationVersion(**row._asdict())


def find_newest(tx: Tx, name: str) -> AutomationVersion | None:
    """Return the newest version of one automation, or None."""
    c = automation_versions.c
    query = select(automation_versions).where(c.name == name).order_by(c.number.desc()).limit(1)
    row = tx.execute(query).one_or_none()
    return None if row is None else AutomationVersion(**row._asdict())


def declaring(tx: Tx, part: str) -> dict[str, datetime]:
    """Return the automations with a version that describes a part.

    Each has the time when the first such version was deployed.
    """
    c = automation_versions.c
    query = select(c.name, func.min(c.deployed_at).label("first")).where(c.description.op("?")(part)).group_by(c.name)
    return {row.name: row.first for row in tx.execute(query)}


def lock(tx: Tx, name: str) -> None:
    """Keep others from adding a version of this automation until the transaction ends.

    So processes that start together find the same versions.
    """
    tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"automation_versions/{name}", 0))))


def add(tx: Tx, deployed: AutomationVersion) -> None:
    """Write a deployed version."""
    tx.execute(
        insert(automation_versions).values(
            name=deployed.name,
            number=deployed.number,
            digest=deployed.digest,
            description=dict(deployed.description),
            deployed_by=deployed.deployed_by,
            deployed_at=deployed.deployed_at,
        )
    )


def newest(tx: Tx) -> list[AutomationVersion]:
    """Return the newest version of every automation, by name."""
    c = automation_versions.c
    query = select(automation_versions).ext(distinct_on(c.name)).order_by(c.name, c.number.desc())
    return [AutomationVersion(**row._asdict()) for row in tx.execute(query)]


def newest_of(tx: Tx, name: str) -> AutomationVersion | None:
    """Return the newest version of one automation, or None."""
    c = automation_versions.c
    row = tx.execute(select(automation_versions).where(c.name == name).order_by(c.number.desc()).limit(1)).one_or_none()
    return None if row is None else AutomationVersion(**row._asdict())


def deployed(tx: Tx, name: str) -> list[AutomationVersion]:
    """Return every version of one automation, oldest first."""
    c = automation_versions.c
    rows = tx.execute(select(automation_versions).where(c.name == name).order_by(c.number))
    return [AutomationVersion(**row._asdict()) for row in rows]


def automations(tx: Tx) -> list[str]:
    """Return the names of all automations ever deployed."""
    query = select(automation_versions.c.name).distinct().order_by(automation_versions.c.name)
    return list(tx.execute(query).scalars())
