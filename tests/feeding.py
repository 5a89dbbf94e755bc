"""Writers of the ledger whose transactions a test holds open, and the decisions that a feed consumer received."""

import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from andon.audit import Chain, Leaf
from andon.decisions import RECORDED, Feed
from andon.decisions.feed import AT_ONCE
from andon.decisions.record import digest_of
from andon.kernel.db import Database

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)

_LEAF = text(
    "INSERT INTO audit_entries (writer, seq, prev_hash, hash, at, actor, action, subject, body) "
    "VALUES (:writer, :seq, :prev_hash, :hash, :at, :actor, :action, :subject, :body)"
)
_DECISION = text(
    "INSERT INTO decisions (id, automation, automation_version, decided_at, outcome, rule, score, confidence, certain, "
    "model, model_version, policy_version, caller, correlation_id, latency_us, writer, seq, salt, record) VALUES "
    "(:id, :automation, 1, :at, 'release', 'safe', 0.25, 0.75, true, 'm', 1, 'p', 'c', 'x', 1500, :writer, :seq, "
    ":salt, :record)"
)


class Writer:
    """One chain, as a gateway process has it: one commit at a time, which may be held open."""

    def __init__(self, database: Database) -> None:
        self.chain = Chain(uuid4())
        self._database = database
        self._open: tuple[AbstractContextManager[Connection], Leaf] | None = None

    @property
    def is_open(self) -> bool:
        """Whether a commit is under way."""
        return self._open is not None

    def write(self, count: int, *, at: datetime = AT, automation: str = "payments") -> list[UUID]:
        """Write so many decisions and their leaf, and commit nothing yet; their ids."""
        ids = [uuid4() for _ in range(count)]
        records = [a_record(identifier, automation, at) for identifier in ids]
        salts = [os.urandom(16) for _ in ids]
        body = b"".join(
            identifier.bytes + digest_of(salt, record)
            for identifier, salt, record in zip(ids, salts, records, strict=True)
        )
        leaf = self.chain.link(actor="andon", action=RECORDED, subject=f"decisions:{count}", body=body, at=at)
        transaction = self._database.engine.begin()
        tx = transaction.__enter__()
        tx.execute(_LEAF, {name: getattr(leaf, name) for name in Leaf.__dataclass_fields__})
        of = {"automation": automation, "at": at, "writer": leaf.writer, "seq": leaf.seq}
        rows = zip(ids, salts, records, strict=True)
        tx.execute(_DECISION, [{"id": i, "salt": salt, "record": record, **of} for i, salt, record in rows])
        self._open = transaction, leaf
        return ids

    def commit(self) -> None:
        """Commit what was written."""
        assert self._open is not None
        transaction, leaf = self._open
        transaction.__exit__(None, None, None)
        self.chain.advance(leaf)
        self._open = None

    def record(self, count: int, *, at: datetime = AT, automation: str = "payments") -> list[UUID]:
        """Write and commit."""
        ids = self.write(count, at=at, automation=automation)
        self.commit()
        return ids


def a_record(identifier: UUID, automation: str, at: datetime) -> bytes:
    """Return a record as the ledger has it, with an input of two lines."""
    own = {
        "id": str(identifier),
        "asked_at": (at - timedelta(milliseconds=2)).isoformat(),
        "happened_at": None,
        "caller": "c",
        "correlation_id": "x",
        "traceparent": None,
        "idempotency_key": None,
        "features": {"amount_sum_1h": 10.5, "at_night": False},
        "prediction": {"score": 0.25, "label": "no", "confidence": 0.75, "probabilities": {"no": 0.75, "yes": 0.25}},
        "fallback": None,
        "risk": {"certain": True, "threshold": 0.7, "target": 0.01},
        "policy": {"outcome": "release", "rule": "safe", "reasons": [], "error": None},
        "decided_at": at.isoformat(),
        "line": {
            "automation": automation,
            "version": 1,
            "model": {"name": "m", "version": 1, "digest": "d"},
            "policy_version": "p",
        },
        "assignment": {"version": 1, "chosen": "split", "split": 0, "bucket": None},
        "stages_us": {"predict": 10},
    }
    return b'{"input":{"amount": 10.5,\n "country": "DE"},' + json.dumps(own).encode()[1:]


def take(database: Database, feed: Feed, limit: int = AT_ONCE) -> list[UUID]:
    """Return what one transaction takes."""
    with database.begin() as tx:
        return [item.id for item in feed.take(tx, limit).items]


def take_all(database: Database, feed: Feed, limit: int = AT_ONCE) -> list[UUID]:
    """Everything that is there, in as many transactions as that takes."""
    taken: list[UUID] = []
    while True:
        with database.begin() as tx:
            found = feed.take(tx, limit)
        if not found.passed:
            return taken
        taken += [item.id for item in found.items]


def in_order_of(taken: Sequence[UUID], commits: Sequence[UUID]) -> bool:
    """Whether what one writer committed was taken in its order."""
    wanted = set(commits)
    return [one for one in taken if one in wanted] == list(commits)


def rolled_back(database: Database, feed: Feed, limit: int) -> list[UUID]:
    """Return what a transaction took that was rolled back."""
    with database.engine.connect() as connection, connection.begin() as transaction:
        taken = [item.id for item in feed.take(connection, limit).items]
        transaction.rollback()
    return taken
