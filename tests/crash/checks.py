"""What must hold after any run of faults, looked at from outside: in the ledger, at the receiver, in the audit log.

Each check gives what it found wrong, in words; an empty list is good. A check that waits says how long.
"""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import text

import andon.procedures
from andon import features
from andon.features import FeatureSet, MemoryTiles
from andon.kernel import durable
from andon.kernel.db import Database, Tx
from andon.procedures import RunState
from andon_demo.line import Line, LineFailed
from automations import an_automation
from crash.load import Load
from receiver import Receiver

QUIET_SECONDS = 60.0
"""The time after the faults in which everything sent must be decided and all its effects done, by itself."""

COUNTED = "amount_count_1h"
"""The feature that tells how many events of an account the line has seen."""

_SHOWN = 12

ENDS = ((RunState.DONE, ["hold", "lift"]), (RunState.FAILED, ["hold", "let-go"]))
"""How procedures end and what the receiver has of them: of ordinary payments, and of sanctioned ones."""

Record: TypeAlias = Mapping[str, Any]


def quiet(database: Database, decided: int) -> list[str]:
    """Check that so much is decided, nothing waits or is under way, and nothing was given up."""
    until = time.monotonic() + QUIET_SECONDS
    while True:
        with database.begin() as tx:
            states = dict(tx.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).all())
            waiting = tx.execute(text("SELECT count(*) FROM intake WHERE error IS NULL")).scalar_one()
            there = tx.execute(text("SELECT count(*) FROM decisions")).scalar_one()
            under_way = durable.unfinished(tx)
        left = {state: n for state, n in states.items() if state != "done"}
        if (there >= decided and not left and not waiting and not under_way) or time.monotonic() > until:
            break
        time.sleep(0.1)
    wrong = [f"{n} messages of the outbox are {state} after {QUIET_SECONDS:.0f} s" for state, n in left.items()]
    wrong += _waiting(database) if left else []
    wrong += [f"{waiting} requests of the intake are not decided after {QUIET_SECONDS:.0f} s"] if waiting else []
    wrong += [f"{n} runs of {flow} are not over after {QUIET_SECONDS:.0f} s" for flow, n in under_way.items()]
    wrong += [f"{there} of {decided} inputs are decided after {QUIET_SECONDS:.0f} s"] if there < decided else []
    with database.begin() as tx:
        failed = tx.execute(text("SELECT error FROM intake WHERE error IS NOT NULL")).scalars()
        dead = tx.execute(text("SELECT stream || ': ' || reason FROM dead_events")).scalars()
        return wrong + [f"failed in the intake: {error}" for error in failed] + [f"dead event, {why}" for why in dead]


def _waiting(database: Database) -> list[str]:
    """Describe the waiting messages: holder, attempts, due time, last answer."""
    one_by_one = text(
        "SELECT o.topic, o.lane, o.again, o.attempts, extract(epoch FROM o.due_at - clock_timestamp()) AS due, "
        "extract(epoch FROM o.claimed_until - clock_timestamp()) AS claimed, o.last_error, free.id IS NULL AS "
        "locked FROM outbox o LEFT JOIN (SELECT id FROM outbox WHERE state = 'pending' FOR UPDATE SKIP LOCKED) AS "
        "free ON free.id = o.id WHERE o.state = 'pending' ORDER BY o.due_at LIMIT 3"
    )
    with database.begin() as tx:
        return [
            f"{row.topic} for {row.lane!r}, tried {row.attempts} times{' (again)' * bool(row.again)}, "
            f"due in {row.due} s, claimed for {row.claimed} s{', locked' * bool(row.locked)}; {row.last_error}"
            for row in tx.execute(one_by_one)
        ]


def calls(tx: Tx, load: Load) -> list[str]:
    """Every request was answered, every answer is in the ledger as it was given, and every key was decided once."""
    wrong = [f"refused: {refusal}" for refusal in load.refusals]
    of_calls = text("SELECT id::text, outcome FROM decisions WHERE automation = 'payments'")
    ledger = dict(tx.execute(of_calls).all())
    wrong += [f"answered and not in the ledger: {a}" for a in load.answers if a.decision_id not in ledger]
    other = [a for a in load.answers if a.outcome and ledger.get(a.decision_id, a.outcome) != a.outcome]
    wrong += [f"answered otherwise than recorded: {answer}" for answer in other]
    keys = Counter(answer.key for answer in load.answers)
    wrong += [f"answered {n} times: {key}" for key, n in keys.items() if n > 1]
    of_keys = text("SELECT count(*), count(DISTINCT decision_id) FROM idempotency_keys WHERE scope LIKE 'payments/%'")
    used, decided = tx.execute(of_keys).one()
    if not len(ledger) == len(load.answers) == used == decided:
        wrong.append(f"{len(load.answers)} answers, {len(ledger)} decisions, {used} keys of {decided} decisions")
    return wrong


def inputs(records: Sequence[Record], load: Load, sent: Mapping[str, int]) -> list[str]:
    """Check that everything sent was decided once: calls by their number, events by account and number."""
    expected = {f"p{answer.key.removeprefix('key-')}" for answer in load.answers}
    expected |= {f"{account}/{number}" for account, last in sent.items() for number in range(1, last + 1)}
    decided = Counter(record["input"]["payment_id"] for record in records)
    wrong = [f"decided {n} times: {payment}" for payment, n in decided.items() if n > 1]
    wrong += [f"not decided: {payment}" for payment in sorted(expected - decided.keys())]
    return wrong + [f"decided and never sent: {payment}" for payment in sorted(decided.keys() - expected)]


def order(records: Sequence[Record], sent: Mapping[str, int]) -> list[str]:
    """Check that each account's events were seen in order, each once."""
    seen: dict[str, dict[int, Any]] = defaultdict(dict)
    for record in records:
        account, _, number = record["input"]["payment_id"].partition("/")
        if number:
            seen[account][int(number)] = record["features"][COUNTED]
    return [
        f"{account}: event {number} was seen as the {count:g}th"
        for account in sorted(sent)
        for number, count in sorted(seen[account].items())
        if count != number
    ]


def consequences(tx: Tx, receiver: Receiver) -> list[str]:
    """Check effects: each action delivered under one key and in order, each review opened once."""
    of_actions = text(
        "SELECT id::text, subject::text, payload->>'connector' AS connector, payload->>'procedure' AS procedure "
        "FROM outbox WHERE topic = 'action.deliver'"
    )
    actions = tx.execute(of_actions).all()
    sent = {row.id: row.subject for row in actions if row.connector == "webhook"}
    received = {key: one.event["data"]["id"] for key, one in receiver.taken().items()}
    wrong = [f"not delivered: {key}" for key in sorted(sent.keys() - received.keys())]
    wrong += [f"delivered and not in the outbox: {key}" for key in sorted(received.keys() - sent.keys())]
    both = sent.keys() & received.keys()
    wrong += [f"delivered for another decision: {key}" for key in both if sent[key] != received[key]]
    counted = Counter(row.subject for row in actions if row.procedure is None)
    wrong += [f"{n} actions for decision {decision}" for decision, n in counted.items() if n > 1]
    acting = tx.execute(text("SELECT count(*) FROM decisions WHERE outcome <> 'review'")).scalar_one()
    asked = tx.execute(text("SELECT count(*) FROM decisions WHERE outcome = 'review'")).scalar_one()
    opened = tx.execute(text("SELECT count(*), count(DISTINCT decision_id) FROM reviews")).one()
    if tuple(opened) != (asked, asked):
        wrong.append(f"{asked} decisions ask a person, {opened[0]} reviews of {opened[1]} decisions were opened")
    if acting != counted.total():
        wrong.append(f"{acting} decisions act, {counted.total()} actions were sent")
    return wrong + ([f"{receiver.forged} deliveries were not signed as they should"] if receiver.forged else [])


def started(tx: Tx) -> int:
    """How many procedures there are."""
    return int(tx.execute(text("SELECT count(*) FROM procedures")).scalar_one())


def procedures(tx: Tx, receiver: Receiver) -> list[str]:
    """Check procedures: each starting decision started one, which did all steps once and in order, or undid them."""
    of_held = text(
        "SELECT id, convert_from(record, 'UTF8')::json->'input'->>'country' AS country FROM decisions "
        "WHERE automation = 'payments' AND outcome = 'hold'"
    )
    held = {row.id: row.country for row in tx.execute(of_held)}
    did: dict[str, list[str]] = defaultdict(list)
    for one in receiver.taken().values():
        if (procedure := one.event["data"].get("procedure")) is not None:
            did[procedure].append(one.event["type"].rpartition(".")[2])
    found = andon.procedures.page(tx, automations=None, limit=1_000_000)
    wrong = [
        f"procedure {one.id} is {one.state} and did {did[str(one.id)]}"
        for one in found
        if (one.state, did[str(one.id)]) != ENDS[held.get(one.decision_id) == "KP"]
    ]
    started = Counter(one.decision_id for one in found)
    wrong += [f"{n} procedures for decision {decision}" for decision, n in started.items() if n > 1]
    return wrong + [f"no procedure for decision {decision}" for decision in held.keys() - started.keys()]


def windows(database: Database, records: Sequence[Record]) -> list[str]:
    """Check that the windows of every account equal a computation from scratch over the ledger."""
    wrong: list[str] = []
    for name in sorted({record["line"]["automation"] for record in records}):
        declared = an_automation(name)
        given = FeatureSet(name, declared.features, lateness=declared.lateness)
        own = [record for record in records if record["line"]["automation"] == name]
        history = sorted(((record["input"], _at(record)) for record in own), key=lambda one: one[1])
        memory = MemoryTiles()
        for values, at in history:
            memory.write(given.compute([values], [at], memory.read(given.needs([values], [at]))).deltas)
        last = history[-1][1]
        probes = [{"account": a, "amount": 1.0} for a in sorted({values["account"] for values, _ in history})]
        needs = given.needs(probes, [last] * len(probes))
        scratch = given.compute(probes, [last] * len(probes), memory.read(needs)).rows
        online = given.compute(probes, [last] * len(probes), asyncio.run(_read(database, needs))).rows
        wrong += [
            f"{name}, windows of {probe['account']}: {there}, from scratch {here}"
            for probe, here, there in zip(probes, scratch, online, strict=True)
            if not _same(here, there)
        ]
    return wrong


def audit(line: Line) -> list[str]:
    """Check that the audit log is whole."""
    try:
        line.command("audit", "verify", "--json")
    except LineFailed as error:
        return [f"the audit log does not verify: {error}"]
    return []


def bugs(logs: Sequence[Path]) -> list[str]:
    """No process logged an exception of its own."""
    lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
    return [line[:2000] for line in lines if '"exception"' in line or line.startswith("Traceback")]


def ledger(tx: Tx) -> list[Record]:
    """All records."""
    return [json.loads(row) for row in tx.execute(text("SELECT convert_from(record, 'UTF8') FROM decisions")).scalars()]


def shown(wrong: Mapping[str, Sequence[str]]) -> str:
    """Describe the faults for people: the first of each check."""
    lines = []
    for check, found in wrong.items():
        lines += [f"{check}: {one}" for one in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"{check}: and {len(found) - _SHOWN} more")
    return "\n".join(lines)


def _at(record: Record) -> datetime:
    return datetime.fromisoformat(record["happened_at"] or record["asked_at"])


async def _read(database: Database, needs: features.Needs) -> features.Snapshot:
    connection = await database.connect()
    try:
        return await features.read(connection, needs)
    finally:
        await connection.close()


def _same(here: Record, there: Record) -> bool:
    """Whether two rows of features are the same; sums may differ by what their order makes of them."""
    return all(
        value == there[name] or abs(value - there[name]) <= 1e-9 * max(1.0, abs(value))
        for name, value in here.items()
        if isinstance(value, int | float)
    )
