"""SQL about detectors: the state of each, and the decisions that it has not taken yet."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from sqlalchemy import text

from andon.kernel.db import Tx
from andon.kernel.plain_json import to_json


@dataclass(frozen=True, slots=True)
class DetectorKey:
    """The identity of a detector: an automation's features or scores compared with one model version."""

    automation: str
    model: str
    version: int
    kind: str


@dataclass(frozen=True, slots=True)
class StoredDetector:
    """A detector between two batches: its packed state, its pending cells, and how many it took since when."""

    state: bytes
    pending: list[list[int]]
    seen: int
    begun_at: datetime
    last_at: datetime

    @classmethod
    def begun(cls, at: datetime) -> Self:
        """Return a detector that has seen nothing."""
        return cls(b"", [], 0, at, at)

    def with_state(self, state: bytes) -> Self:
        """Return the detector with another state."""
        return replace(self, state=state)

    def continued(self, state: bytes, taken: int, last_at: datetime) -> Self:
        """Return the detector after it took all pending cells."""
        return replace(self, state=state, pending=[], seen=self.seen + taken, last_at=max(self.last_at, last_at))


def load(tx: Tx, key: DetectorKey) -> StoredDetector | None:
    """Return a detector, locked until the transaction ends; None if there is none."""
    query = text("""
        SELECT state, pending, seen, begun_at, last_at FROM monitor_detectors
        WHERE automation = :automation AND model = :model AND version = :version AND kind = :kind FOR UPDATE
    """)
    row = tx.execute(query, _values(key)).one_or_none()
    return None if row is None else StoredDetector(bytes(row.state), row.pending, row.seen, row.begun_at, row.last_at)


def save(tx: Tx, key: DetectorKey, one: StoredDetector) -> None:
    """Write a detector."""
    statement = text("""
        INSERT INTO monitor_detectors (automation, model, version, kind, state, pending, seen, begun_at, last_at)
        VALUES (:automation, :model, :version, :kind, :state, CAST(:pending AS json), :seen, :begun_at, :last_at)
        ON CONFLICT (automation, model, version, kind) DO UPDATE SET state = excluded.state, pending = excluded.pending,
            seen = excluded.seen, last_at = excluded.last_at
    """)
    values = {"state": one.state, "seen": one.seen, "begun_at": one.begun_at, "last_at": one.last_at}
    tx.execute(statement, {**_values(key), **values, "pending": to_json(one.pending).decode()})


def save_pending(tx: Tx, key: DetectorKey, one: StoredDetector, pending: list[list[int]]) -> None:
    """Write only a detector's pending cells; its state is unchanged."""
    if one.seen == 0 and not one.state:
        save(tx, key, replace(one, pending=pending))
        return
    statement = text("""
        UPDATE monitor_detectors SET pending = CAST(:pending AS json)
        WHERE automation = :automation AND model = :model AND version = :version AND kind = :kind
    """)
    tx.execute(statement, {**_values(key), "pending": to_json(pending).decode()})


def _values(key: DetectorKey) -> dict[str, object]:
    return {"automation": key.automation, "model": key.model, "version": key.version, "kind": key.kind}
