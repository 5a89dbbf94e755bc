"""SQL about releases: the version of an automation that may decide, and its predecessors."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, insert, select

from andon.decisions.domain import Release
from andon.decisions.tables import releases
from andon.kernel.db import Tx


def lock(tx: Tx, automation: str) -> None:
    """Let one transaction at a time release this automation."""
    tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"releases/{automation}", 0))))


def newest(tx: Tx, automation: str) -> Release | None:
    """Return the release in force; None if nothing was released."""
    query = select(releases).where(releases.c.automation == automation).order_by(releases.c.number.desc()).limit(1)
    row = tx.execute(query).one_or_none()
    return None if row is None else Release(**row._asdict())


def history(tx: Tx, automation: str) -> list[Release]:
    """Return every release of an automation, newest first."""
    query = select(releases).where(releases.c.automation == automation).order_by(releases.c.number.desc())
    return [Release(**row._asdict()) for row in tx.execute(query)]


def add(tx: Tx, release: Release) -> None:
    """Write the next release; lock the automation first."""
    tx.execute(insert(releases).values(asdict(release)))


def superseded_at(tx: Tx, automation: str, version: int) -> datetime | None:
    """Return when another version took over from this one; None if it was never released, or still is."""
    c = releases.c
    last = select(func.max(c.number)).where((c.automation == automation) & (c.version == version)).scalar_subquery()
    query = select(func.min(c.released_at)).where((c.automation == automation) & (c.number > last))
    moment: datetime | None = tx.execute(query).scalar_one()
    return moment
