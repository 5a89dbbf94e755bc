"""All SQL about processes. Never commits."""

from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.kernel.db import Tx
from andon.live.domain import Process, Status
from andon.live.tables import live_processes

_STATUS = TypeAdapter(Status)


def save(tx: Tx, process: Process) -> None:
    """Insert or update a process's row."""
    row = {name: getattr(process, name) for name in Process.__dataclass_fields__}
    row["status"] = _STATUS.dump_python(process.status, mode="json")
    statement = upsert(live_processes).values(row)
    tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=row))


def drop(tx: Tx, process: UUID) -> None:
    """Forget a process."""
    tx.execute(delete(live_processes).where(live_processes.c.id == process))


def drop_older(tx: Tx, before: datetime) -> None:
    """Forget the processes not seen since, except those that another transaction is deleting or updating."""
    old = select(live_processes.c.id).where(live_processes.c.seen_at < before).with_for_update(skip_locked=True)
    tx.execute(delete(live_processes).where(live_processes.c.id.in_(old)))


def seen(tx: Tx, since: datetime) -> list[Process]:
    """Return the processes seen since, by part, host and number."""
    c = live_processes.c
    query = select(live_processes).where(c.seen_at >= since).order_by(c.part, c.host, c.pid, c.id)
    return [
        Process(**{**row._mapping, "status": _STATUS.validate_python(row.status, strict=False)})
        for row in tx.execute(query)
    ]
