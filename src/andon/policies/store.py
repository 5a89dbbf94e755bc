"""All SQL about published policies. Takes and returns domain objects."""

from dataclasses import asdict

from sqlalchemy import func, insert, select

from andon.kernel.db import Tx
from andon.policies.domain import PolicySetting, PolicyVersion
from andon.policies.tables import policy_settings, policy_versions


def lock(tx: Tx, automation: str) -> None:
    """Let one transaction at a time publish for this automation."""
    tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"policies/{automation}", 0))))


def find(tx: Tx, automation: str, version: str) -> PolicyVersion | None:
    """Return one published version."""
    c = policy_versions.c
    row = tx.execute(select(policy_versions).where((c.automation == automation) & (c.version == version))).one_or_none()
    return None if row is None else PolicyVersion(**row._asdict())


def add(tx: Tx, published: PolicyVersion) -> None:
    """Write a published version."""
    tx.execute(insert(policy_versions).values(asdict(published)))


def list_versions(tx: Tx, automation: str) -> list[PolicyVersion]:
    """Return every published version of an automation, newest first."""
    c = policy_versions.c
    query = select(policy_versions).where(c.automation == automation)
    rows = tx.execute(query.order_by(c.published_at.desc(), c.version))
    return [PolicyVersion(**row._asdict()) for row in rows]


def newest_setting(tx: Tx, automation: str) -> PolicySetting | None:
    """Return the present setting, or None if there is none."""
    c = policy_settings.c
    query = select(policy_settings).where(c.automation == automation).order_by(c.number.desc()).limit(1)
    row = tx.execute(query).one_or_none()
    return None if row is None else PolicySetting(**row._asdict())


def add_setting(tx: Tx, setting: PolicySetting) -> None:
    """Write the next setting; lock the automation first."""
    tx.execute(insert(policy_settings).values(asdict(setting)))


def history(tx: Tx, automation: str) -> list[PolicySetting]:
    """Return every setting of an automation, newest first."""
    c = policy_settings.c
    query = select(policy_settings).where(c.automation == automation).order_by(c.number.desc())
    return [PolicySetting(**row._asdict()) for row in tx.execute(query)]
