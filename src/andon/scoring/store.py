"""All SQL about runs. Never commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.kernel.db import Tx
from andon.scoring.domain import Run
from andon.scoring.tables import parts, runs

_RUN = [runs.c[name] for name in Run.__dataclass_fields__]


def unfinished(tx: Tx, automation: str, digest: str) -> Run | None:
    """Return the run over these rows that has not ended, or None."""
    query = select(*_RUN).where(runs.c.automation == automation, runs.c.digest == digest, runs.c.ended_at.is_(None))
    row = tx.execute(query).one_or_none()
    return None if row is None else Run(**row._asdict())


def add(tx: Tx, run: Run) -> None:
    """Store a run that begins."""
    tx.execute(insert(runs).values({name: getattr(run, name) for name in Run.__dataclass_fields__}))


def end(tx: Tx, run: UUID, now: datetime) -> None:
    """Mark a run as ended."""
    tx.execute(update(runs).where(runs.c.id == run, runs.c.ended_at.is_(None)).values(ended_at=now))


def asked_at(tx: Tx, run: UUID, number: int, now: datetime) -> datetime:
    """Return when a part was first asked for; if it never was, store `now`."""
    tx.execute(upsert(parts).values(run=run, number=number, asked_at=now).on_conflict_do_nothing())
    moment: datetime = tx.execute(
        select(parts.c.asked_at).where(parts.c.run == run, parts.c.number == number)
    ).scalar_one()
    return moment


def begun_parts(tx: Tx, run: UUID) -> dict[int, datetime]:
    """Return the parts that were asked for, each with its moment."""
    return {row.number: row.asked_at for row in tx.execute(select(parts).where(parts.c.run == run))}
