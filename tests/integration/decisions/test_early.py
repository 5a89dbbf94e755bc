"""A batch that PostgreSQL begins with before all of it is written: two statements, one commit, and all or nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from andon import audit
from andon.decisions import RECORDED, Decider, Decision, DecisionRequest, LedgerEvidence
from andon.decisions.ledger import EARLY_FROM, EARLY_PART
from andon.kernel.db import Database
from arms import Here, arm, request_of, says, traffic
from automations import payment
from counted import counted_in_windows
from lines import Installation

from .deciding import a_line, all_of, deciding, recorded

RELEASE = says(0.01)
PARTS = "SELECT xmin::text, cmin::text, count(*) FROM decisions GROUP BY 1, 2 ORDER BY 3"
"""How many rows each statement of each transaction wrote."""


def written(database: Database) -> list[tuple[str, str, int]]:
    with database.begin() as tx:
        return [(transaction, statement, rows) for transaction, statement, rows in tx.execute(text(PARTS))]


def check(database: Database, *, decided: int) -> None:
    """The audit log proves so many decisions, and windows have counted as many."""
    with database.snapshot() as tx:
        assert tx.execute(text("SELECT count(*) FROM decisions")).scalar_one() == decided
        report = audit.verify(tx, evidence={RECORDED: LedgerEvidence()})
        assert (report.ok, report.findings) == (True, ())
        assert counted_in_windows(tx, "payments") == decided


@pytest.mark.parametrize("requests", [2, EARLY_FROM - 1, EARLY_FROM, 20])
def test_a_batch_of_some_size_is_one_commit_of_two_statements(installation: Installation, requests: int) -> None:
    async def work(decider: Decider) -> list[Decision | None]:
        return await all_of(decider, [request_of(line, payment(n)) for n in range(requests)])

    line = a_line(installation, traffic(arm(1, Here(RELEASE))), windows=True)
    assert all(deciding(installation, [line], work))
    parts = written(installation.database)
    first = requests // EARLY_PART
    assert [rows for *_, rows in parts] == ([requests] if requests < EARLY_FROM else [first, requests - first])
    assert len({transaction for transaction, *_ in parts}) == 1
    check(installation.database, decided=requests)


def test_decisions_that_have_nothing_alike_are_each_recorded_as_they_were_made(installation: Installation) -> None:
    async def work(decider: Decider) -> list[Decision | None]:
        return await all_of(decider, requests)

    def in_turn(row: Mapping[str, Any]) -> float:
        return 0.99 if row["amount"] % 2 else 0.01

    line = a_line(installation, traffic(arm(1, Here(in_turn))), windows=True)
    callers = ("bank", "branch")
    requests = [
        replace(request_of(line, payment(n, amount=10.0 + n)), caller=callers[n // 3 % 2]) for n in range(EARLY_FROM)
    ]
    decided = deciding(installation, [line], work)
    made = {d.request.id: (d.outcome, d.rule, d.request.caller) for d in decided if d is not None}
    kept = {row.id: (row.outcome, row.rule, row.caller) for row in (one.row for one in recorded(installation))}
    assert kept == made
    assert len(set(kept.values())) == 4
    check(installation.database, decided=EARLY_FROM)


@pytest.mark.parametrize("known", [0, EARLY_FROM - 1], ids=["in the first part", "in the second part"])
def test_a_repeat_in_either_part_takes_nobody_with_it(installation: Installation, known: int) -> None:
    line = a_line(installation, traffic(arm(1, Here(RELEASE))), windows=True)
    requests = [request_of(line, payment(n)) for n in range(EARLY_FROM)]

    async def work(decider: Decider) -> list[Decision | None]:
        return await all_of(decider, requests)

    async def one(decider: Decider) -> Decision | None:
        return await decider.decide(requests[known])

    assert deciding(installation, [line], one)
    decided = deciding(installation, [line], work)
    assert [decision is None for decision in decided] == [number == known for number in range(EARLY_FROM)]
    check(installation.database, decided=EARLY_FROM)


@pytest.mark.parametrize("refused", [0, EARLY_FROM - 1], ids=["in the first part", "in the second part"])
def test_what_postgresql_refuses_in_either_part_is_refused_alone(installation: Installation, refused: int) -> None:
    line = a_line(installation, traffic(arm(1, Here(RELEASE))), windows=True)
    requests: list[DecisionRequest] = [request_of(line, payment(n)) for n in range(EARLY_FROM)]
    with installation.database.begin() as tx:
        tx.execute(text(f"ALTER TABLE decisions ADD CHECK (id <> '{requests[refused].id}')"))

    async def work(decider: Decider) -> list[Decision | None]:
        return await all_of(decider, requests)

    decided = deciding(installation, [line], work)
    assert [decision is None for decision in decided] == [number == refused for number in range(EARLY_FROM)]
    check(installation.database, decided=EARLY_FROM - 1)
