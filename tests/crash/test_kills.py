"""Kill gateway, worker and PostgreSQL with SIGKILL under load: nothing answered is lost, nothing is done twice."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database, Tx
from andon_demo.line import Line
from crash.load import Load
from installed import InstalledLine
from packages import a_package
from receiver import SECRET, Receiver

KILLS = int(os.environ.get("ANDON_TEST_KILLS", "8"))
RECOVERY_SECONDS = 10.0

AUTOMATION = """
from automations import an_automation

payments = an_automation()
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def line(short_folder: Path, receiver: Receiver) -> Iterator[Line]:
    tests = Path(__file__).parent.parent
    (short_folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
    (short_folder / "andon.toml").write_text(
        f'[destinations.bank]\nurl = "{receiver.url}"\nsecret_env = "BANK_SECRET"\nallow_private = '
        "true\nmax_attempts = 50\n",
        encoding="utf-8",
    )
    package = a_package(short_folder / "package")
    environment = {"BANK_SECRET": SECRET, "PYTHONPATH": str(tests)}
    with InstalledLine(short_folder, environment=environment) as line:
        line.register(package)
        line.up()
        yield line


@pytest.mark.alone
@pytest.mark.crash
@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_done_twice_through_many_kills(line: Line, receiver: Receiver) -> None:
    seed = int(os.environ.get("ANDON_TEST_SEED", str(random.randrange(10**6))))
    print(f"seed {seed}, {KILLS} kills; repeat with ANDON_TEST_SEED={seed}")
    load = Load([line.gateway], line.key("bank", "caller").split()[-1], seed)
    load.start()
    recoveries = kill_at_random(line, load, random.Random(seed))
    load.stop()
    print(f"{len(load.answers)} answers, slowest recovery {max(recoveries):.1f} s, {receiver.requests} deliveries")
    assert load.refusals == [], said_of_bugs(line)
    database = Database(postgres.url_of(config.load(line.folder, {})))
    try:
        wait_until_quiet(database)
        with database.begin() as tx:
            check_answers(tx, load)
            check_consequences(tx, receiver)
    finally:
        database.close()
    assert '"ok": true' in line.command("audit", "verify", "--json")


def said_of_bugs(line: Line) -> str:
    """Return what the processes logged of their own bugs."""
    return "\n".join(said for said in line.log.read_text(errors="replace").splitlines() if '"exception"' in said)[
        -6000:
    ]


def kill_at_random(line: Line, load: Load, draw: random.Random) -> list[float]:
    """Kill one process at a time; after each kill wait for an answer to a request asked after it."""
    recoveries: list[float] = []
    for number in range(KILLS):
        victim = draw.choice(("gateway", "worker", "postmaster", "backend"))
        for process in victims(line, victim, draw):
            process.kill()
        killed = time.monotonic()
        time_to_answer = answered_after(load, killed + 0.05)
        assert time_to_answer is not None, f"kill {number} ({victim}): no answer within {RECOVERY_SECONDS} s"
        recoveries.append(time_to_answer)
        answered_after(load, time.monotonic() + draw.uniform(0, 0.4))
    return recoveries


def answered_after(load: Load, moment: float) -> float | None:
    """Seconds from `moment` to the first answer after it; None if none came in time."""
    until = moment + RECOVERY_SECONDS
    while (answered := load.answered_after(moment)) is None and time.monotonic() < until:
        time.sleep(0.01)
    return answered


def victims(line: Line, kind: str, draw: random.Random) -> list[psutil.Process]:
    """Return the process to kill, or none if it is just absent."""
    try:
        if kind in ("gateway", "worker"):
            family = line.running(kind)
        else:
            (file,) = (line.folder / ".andon").glob("**/postmaster.pid")
            postmaster = psutil.Process(int(file.read_text().splitlines()[0]))
            family = [postmaster] if kind == "postmaster" else postmaster.children()
    except (psutil.NoSuchProcess, ValueError, OSError, IndexError):
        return []
    return [draw.choice(family)] if family else []


def wait_until_quiet(database: Database) -> None:
    """Everything that decisions set off is done within ten seconds, by itself."""
    until = time.monotonic() + RECOVERY_SECONDS
    pending = -1
    while pending != 0 and time.monotonic() < until:
        with database.begin() as tx:
            pending = tx.execute(text("SELECT count(*) FROM outbox WHERE state = 'pending'")).scalar_one()
        time.sleep(0.1)
    assert pending == 0, f"{pending} messages of the outbox still wait"


def check_answers(tx: Tx, load: Load) -> None:
    """Every answer is in the ledger as it was given, and every key was decided once."""
    ledger = dict(tx.execute(text("SELECT id::text, outcome FROM decisions")).all())
    lost = [answer for answer in load.answers if ledger.get(answer.decision_id) != answer.outcome]
    assert lost == []
    assert len({answer.key for answer in load.answers}) == len(load.answers)
    decided = tx.execute(text("SELECT count(*), count(DISTINCT decision_id) FROM idempotency_keys")).one()
    assert decided == (len(ledger), len(ledger))
    assert len(ledger) == len(load.answers)


def check_consequences(tx: Tx, receiver: Receiver) -> None:
    """Each decision with an action was taken once by key; each that needs a person has one review."""
    expected = dict(tx.execute(text("SELECT id::text, subject::text FROM outbox WHERE topic = 'action.deliver'")).all())
    received = {key: one.event["data"]["id"] for key, one in receiver.received.items()}
    assert received == expected
    asked = tx.execute(text("SELECT count(*) FROM decisions WHERE outcome = 'review'")).scalar_one()
    opened = tx.execute(text("SELECT count(*), count(DISTINCT decision_id) FROM reviews")).one()
    assert opened == (asked, asked)
    acting = tx.execute(text("SELECT count(*) FROM decisions WHERE outcome <> 'review'")).scalar_one()
    assert (acting, receiver.forged) == (len(expected), 0)
