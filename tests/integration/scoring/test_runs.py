"""A run over rows, with a real ledger: each row once, whoever tries, however late."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from andon import audit, scoring
from andon.decisions import RECORDED, LedgerEvidence
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon.scoring import Run, Scored, Scorer, SourceRow, deciding
from automations import payment
from counted import counted_in_windows
from lines import OWNER, Installation, install

ROWS = 700


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = [json.dumps(payment(n, account=f"a{n % 7}", amount=1.0 + n)) for n in range(ROWS)]
    lines[13], lines[600] = '{"amount": "many"}', "no JSON"
    path = tmp_path / "payments.ndjson"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def begun(installation: Installation, *, part_rows: int = 100) -> Run:
    now = installation.clock.now()
    run = Run(uuid7(now), "payments", "payments.ndjson", "digest", ROWS, part_rows, OWNER.name, now)
    with installation.database.begin() as tx:
        scoring.begin(tx, run, OWNER)
    return run


async def carried_out(installation: Installation, run: Run, file: Path, *, until: int | None = None) -> list[Scored]:
    """Return the results of the rows; with `until`, up to the part in which that many exist."""
    decider, results = installation.decider(), list[Scored]()
    scorer = Scorer(installation.database, decider, installation.deployment.lines["payments"], run, installation.clock)
    enough = asyncio.Event()

    def kept(scored: Sequence[Scored], given: Sequence[SourceRow]) -> None:
        assert len(scored) == len(given)
        results.extend(scored)
        if until is not None and len(results) >= until:
            enough.set()

    with scoring.opened(file, [], []) as rows:
        working = asyncio.create_task(scorer.run(rows, kept))
        stopping = asyncio.create_task(enough.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if until is not None:
            working.cancel()
            await asyncio.wait([working])
        else:
            await working
    await decider.close()
    return results


def decided(database: Database) -> int:
    with database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def test_every_row_is_decided_in_its_place_and_bad_ones_say_why(installation: Installation, file: Path) -> None:
    run = begun(installation)
    results = asyncio.run(carried_out(installation, run, file))
    assert [row.row for row in results] == list(range(1, ROWS + 1))
    assert [row.row for row in results if row.outcome is None] == [14, 601]
    assert "input.payment_id" in (results[13].error or "")
    assert decided(installation.database) == ROWS - 2
    with installation.database.begin() as tx:
        stored = tx.execute(text("SELECT id::text, outcome FROM decisions ORDER BY id")).all()
        owner = tx.execute(text("SELECT DISTINCT caller, correlation_id FROM decisions")).all()
    assert [(row.decision_id, row.outcome) for row in results if row.outcome] == [tuple(one) for one in stored]
    assert owner == [(OWNER.name, str(run.id))]


def test_a_run_that_was_cut_goes_on_and_what_it_gives_is_as_if_it_had_not_been(
    installation: Installation, file: Path
) -> None:
    run = begun(installation)
    before = asyncio.run(carried_out(installation, run, file, until=250))
    between = decided(installation.database)
    assert 248 <= between < ROWS - 2
    results = asyncio.run(carried_out(installation, run, file))
    assert results[: len(before)] == before
    assert decided(installation.database) == ROWS - 2
    again = asyncio.run(carried_out(installation, run, file))
    assert again == results
    assert decided(installation.database) == ROWS - 2
    with installation.database.snapshot() as tx:
        report = audit.verify(tx, evidence={RECORDED: LedgerEvidence()})
    assert report.ok


def test_two_that_carry_out_the_same_run_decide_each_row_once(installation: Installation, file: Path) -> None:
    """As when a process that was thought dead goes on: both outputs are whole and the same."""
    run = begun(installation)

    async def both() -> list[list[Scored]]:
        return await asyncio.gather(*(carried_out(installation, run, file) for _ in range(2)))

    one, other = asyncio.run(both())
    assert one == other
    assert decided(installation.database) == ROWS - 2
    with installation.database.snapshot() as tx:
        assert audit.verify(tx, evidence={RECORDED: LedgerEvidence()}).ok
        counted = counted_in_windows(tx, "payments")
    assert counted == ROWS - 2


def test_an_unfinished_run_is_found_by_its_rows_until_it_ends_or_is_given_up(installation: Installation) -> None:
    run, now = begun(installation), installation.clock.now()
    with installation.database.begin() as tx:
        assert scoring.unfinished(tx, "payments", "digest") == run
        assert scoring.unfinished(tx, "payments", "other") is None
        assert scoring.unfinished(tx, "other", "digest") is None
        scoring.end(tx, run, OWNER, now=now, refused=0)
        assert scoring.unfinished(tx, "payments", "digest") is None
    second = begun(installation)
    with installation.database.begin() as tx:
        assert scoring.unfinished(tx, "payments", "digest") == second
        scoring.give_up(tx, second, OWNER, now=now)
        assert scoring.unfinished(tx, "payments", "digest") is None
        written = tx.execute(text("SELECT action FROM audit_entries WHERE action LIKE 'scoring.%' ORDER BY seq"))
        assert list(written.scalars()) == ["scoring.begin", "scoring.end", "scoring.begin", "scoring.give_up"]


def test_a_ledger_that_does_not_come_back_interrupts_the_run(
    installation: Installation, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(installation)
    monkeypatch.setattr(deciding, "PATIENCE", timedelta(seconds=0))
    away = Installation(Database("postgresql://127.0.0.1:9/none"), installation.deployment, installation.clock)
    with pytest.raises(scoring.RunInterrupted, match="continues from there"):
        asyncio.run(carried_out(away, run, file))


def test_only_one_has_a_name_at_a_time_and_it_is_free_when_he_is_gone(database: Database) -> None:
    with (
        database.alone("a run") as first,
        database.alone("a run", within=0) as second,
        database.alone("another run") as third,
    ):
        assert (first, second, third) == (True, False, True)
    with database.alone("a run", within=0) as again:
        assert again
