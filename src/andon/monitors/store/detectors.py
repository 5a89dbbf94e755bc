"""SQL about detectors: the state of each, and the decisions that it has not taken yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from andon.kernel.db import Tx
from andon.kernel.plain_json import to_json

_COLUMNS = "state, rhythm, pending"


@dataclass(frozen=True, slots=True, order=True)
class DetectorKey:
    """The identity of a detector: an arm of an automation, compared with the reference of its model version."""

    automation: str
    arm: str
    model: str
    version: int


@dataclass(frozen=True, slots=True)
class StoredDetector:
    """A detector between two batches: its packed state and rhythm, and pending rows of milliseconds and cells."""

    state: bytes
    rhythm: bytes
    pending: list[list[int]]


def lock(tx: Tx, automation: str) -> None:
    """Let nobody else change the detectors of an automation until the transaction ends."""
    query = text("SELECT 1 FROM monitor_detectors WHERE automation = :automation ORDER BY arm FOR UPDATE")
    tx.execute(query, {"automation": automation})


def forget(tx: Tx, before: datetime) -> None:
    """Forget the detectors of arms that have not decided since a moment."""
    tx.execute(text("DELETE FROM monitor_detectors WHERE written_at < :before"), {"before": before})


def load(tx: Tx, key: DetectorKey) -> StoredDetector | None:
    """Return a detector, locked until the transaction ends; None if there is none."""
    query = text(f"SELECT {_COLUMNS} FROM monitor_detectors WHERE automation = :automation AND arm = :arm FOR UPDATE")
    row = tx.execute(query, {"automation": key.automation, "arm": key.arm}).one_or_none()
    return None if row is None else _stored(row)


def newest_of(tx: Tx, key: DetectorKey) -> StoredDetector | None:
    """Return the detector of another arm of the same model version that was written last; None if there is none."""
    query = text(f"""
        SELECT {_COLUMNS} FROM monitor_detectors
        WHERE automation = :automation AND model = :model AND version = :version AND arm <> :arm AND state <> ''
        ORDER BY written_at DESC LIMIT 1
    """)
    row = tx.execute(query, _values(key)).one_or_none()
    return None if row is None else _stored(row)


def save(tx: Tx, key: DetectorKey, state: bytes | None, rhythm: bytes | None, pending: list[list[int]]) -> None:
    """Write a detector; None leaves its state or rhythm as it is."""
    statement = text("""
        INSERT INTO monitor_detectors AS d (automation, arm, model, version, state, rhythm, pending, written_at)
        VALUES (
            :automation, :arm, :model, :version, coalesce(CAST(:state AS bytea), ''),
            coalesce(CAST(:rhythm AS bytea), ''), CAST(:pending AS json), clock_timestamp()
        )
        ON CONFLICT (automation, arm) DO UPDATE SET state = coalesce(CAST(:state AS bytea), d.state),
            rhythm = coalesce(CAST(:rhythm AS bytea), d.rhythm), pending = excluded.pending,
            written_at = excluded.written_at
    """)
    written = {"state": state, "rhythm": rhythm, "pending": to_json(pending).decode()}
    tx.execute(statement, {**_values(key), **written})


def _stored(row: Any) -> StoredDetector:
    return StoredDetector(bytes(row.state), bytes(row.rhythm), row.pending)


def _values(key: DetectorKey) -> dict[str, object]:
    return {"automation": key.automation, "arm": key.arm, "model": key.model, "version": key.version}
