"""The same inputs through every door draw the same blind audits; what only looks on draws none."""

import asyncio
import json
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from tests.auditing import audited

from andon import BlindAudit, scoring
from andon.decisions import BatchDecider, Unwatched
from andon.kernel.db import Database
from andon.kernel.errors import Invalid
from andon.kernel.ids import uuid7
from andon.kernel.statements import Statement
from andon.scoring import Run, Scored, Scorer, SourceRow
from arms import request_of
from automations import payment
from calls import DECIDE, call
from lines import CALLER, OWNER, Installation, install

ROWS = [payment(number, amount=300.0 if number % 8 == 0 else 20.0 + number) for number in range(40)]


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, audited(BlindAudit(0.5)))


class NothingElse:
    """A sender that writes nothing of its own."""

    def entry(self) -> None:
        return None

    def statements(self, recorded: Set[UUID], refused: Mapping[UUID, str | Invalid]) -> Sequence[Statement]:
        del recorded, refused
        return ()

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        del connection
        return True


DRAWN = """
SELECT convert_from(record, 'UTF8')::json -> 'input' ->> 'payment_id', audit_probability, audit_drawn
FROM decisions ORDER BY id DESC LIMIT :rows
"""


def drawn(installation: Installation) -> dict[str, tuple[float, bool]]:
    """Return the draw of each payment, as the last door left it in the ledger."""
    with installation.database.begin() as tx:
        return {row[0]: (row[1], row[2]) for row in tx.execute(text(DRAWN), {"rows": len(ROWS)})}


def by_calls(installation: Installation, key: str) -> None:
    for row in ROWS:
        assert call(installation, "POST", DECIDE, key, json=row).status_code == 200


def by_batch(installation: Installation, key: str) -> None:
    body = json.dumps(ROWS, indent=2, sort_keys=True)
    headers = {"Content-Type": "application/json"}
    assert call(installation, "POST", f"{DECIDE}:batch", key, content=body, headers=headers).status_code == 200


def by_inference(installation: Installation, key: str) -> None:
    kinds = {"payment_id": "BYTES", "account": "BYTES", "amount": "FP64", "country": "BYTES"}
    tensors = [
        {"name": name, "datatype": kind, "shape": [len(ROWS)], "data": [row[name] for row in ROWS]}
        for name, kind in kinds.items()
    ]
    asked = call(installation, "POST", "/v2/models/payments/infer", key, json={"inputs": tensors})
    assert asked.status_code == 200, asked.text


def by_stream(installation: Installation, key: str) -> None:
    del key
    line = installation.deployment.lines["payments"]

    async def run() -> None:
        decider = BatchDecider(
            installation.database,
            installation.deployment.line,
            clock=installation.clock,
            controls=installation.deployment.controls,
            watcher=Unwatched(),
        )
        requests = [request_of(line, row, at=installation.clock.now()) for row in ROWS]
        assert len(await decider.decide(requests, NothingElse())) == len(ROWS)
        await decider.close()

    asyncio.run(run())


def by_file(installation: Installation, key: str) -> None:
    del key
    now = installation.clock.now()
    run = Run(uuid7(now), "payments", "payments.ndjson", "digest", len(ROWS), 100, OWNER.name, now)
    with installation.database.begin() as tx:
        scoring.begin(tx, run, OWNER)
    kept: list[Scored] = []

    def keep(scored: Sequence[Scored], given: Sequence[SourceRow]) -> None:
        del given
        kept.extend(scored)

    async def work() -> None:
        decider = installation.decider()
        line = installation.deployment.lines["payments"]
        rows = [SourceRow(json.dumps(row).encode(), ()) for row in ROWS]
        await Scorer(installation.database, decider, line, run, installation.clock).run(iter(rows), keep)
        await decider.close()

    asyncio.run(work())
    assert len(kept) == len(ROWS)


def test_the_same_inputs_draw_the_same_through_every_door(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    found: list[dict[str, Any]] = []
    for door in (by_calls, by_batch, by_inference, by_stream, by_file):
        door(installation, key)
        found.append(drawn(installation))
    assert [len(one) for one in found] == [len(ROWS)] * 5
    assert all(one == found[0] for one in found)
    assert {probability for probability, _ in found[0].values()} == {0.0, 0.5}
    assert {hit for _, hit in found[0].values()} == {True, False}


def test_of_the_inputs_of_every_door_each_drawn_one_is_asked_about_once(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    by_batch(installation, key)
    with installation.database.begin() as tx:
        asked = tx.execute(text("SELECT subject FROM outbox WHERE (payload ->> 'blind')::boolean")).scalars().all()
        wanted = tx.execute(text("SELECT id FROM decisions WHERE audit_drawn")).scalars().all()
    assert sorted(asked) == sorted(wanted)
    assert len(wanted) > 5
