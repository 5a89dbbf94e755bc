"""Workers are killed with SIGKILL while they read from real brokers: each event is decided once and in order."""

import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line
from brokers import KafkaSender, a_kafka, a_nats, a_stream, a_topic, send_to_nats
from counted import counted_in_windows
from installed import InstalledLine
from packages import a_package
from receiver import SECRET, Receiver

KILLS = int(os.environ.get("ANDON_TEST_KILLS", "2"))
ACCOUNTS = 20
ROUND, PAUSE = 25, 0.05
"""Events sent at once, and seconds between."""

CATCH_UP_SECONDS = 40.0

AUTOMATION = """
from andon import kafka, nats
from automations import an_automation

payments = an_automation()
payments.triggers = ({trigger},)
"""

DECIDED = """
SELECT r -> 'input' ->> 'account' AS account, (r -> 'input' ->> 'payment_id')::int AS number,
       (r -> 'features' ->> 'amount_count_1h')::int AS nth
FROM (SELECT convert_from(record, 'UTF8')::json AS r FROM decisions) AS d ORDER BY account, nth, number
"""
"""In the order of their effect: how many payments of the account the window held, each one counting itself."""


@contextmanager
def reading(folder: Path, trigger: str, connection: str) -> Iterator[Line]:
    """`andon up` on a project whose automation reads a broker."""
    tests = Path(__file__).parent.parent
    (folder / "automation.py").write_text(AUTOMATION.format(trigger=trigger), encoding="utf-8")
    with Receiver() as receiver:
        (folder / "andon.toml").write_text(
            f'[destinations.bank]\nurl = "{receiver.url}"\nsecret_env = "BANK_SECRET"\nallow_private = '
            f"true\n{connection}",
            encoding="utf-8",
        )
        package = a_package(folder / "package")
        environment = {"BANK_SECRET": SECRET, "PYTHONPATH": str(tests)}
        with InstalledLine(folder, environment=environment) as line:
            line.register(package)
            line.up()
            yield line


class Feed:
    """Sends numbered payments of some accounts until told to stop, each account's in the order of their numbers."""

    def __init__(self, send: Callable[[list[tuple[str, bytes]]], None], seed: int, *, after: int = 0) -> None:
        self.sent: dict[str, list[int]] = {}
        self._send = send
        self._draw = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.number = after

    def __enter__(self) -> "Feed":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            events = [self._event() for _ in range(ROUND)]
            self._send(events)
            self._stop.wait(PAUSE)

    def _event(self) -> tuple[str, bytes]:
        account = f"a{self._draw.randrange(ACCOUNTS)}"
        self.number += 1
        self.sent.setdefault(account, []).append(self.number)
        amount = round(self._draw.uniform(1, 200), 2)
        payment = {"payment_id": str(self.number), "account": account, "amount": amount}
        return account, json.dumps(payment).encode()


def kill_workers(line: Line, draw: random.Random) -> None:
    """Kill the worker, some time after it was seen to move on."""
    database = Database(postgres.url_of(config.load(line.folder, {})))
    try:
        for _ in range(KILLS):
            before = decided(database)
            line.wait_until("decisions went on", lambda before=before: decided(database) > before, timeout=30)
            time.sleep(draw.uniform(0, 0.5))  # not a condition: the moment of the kill is to be any
            workers = line.running("worker")
            for process in workers:
                process.kill()
            psutil.wait_procs(workers, timeout=5)
    finally:
        database.close()


def decided(database: Database) -> int:
    with database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def check(line: Line, sent: Mapping[str, list[int]]) -> None:
    """Check that everything sent is decided and counted once, in order by account.

    Nothing is dead, the audit log holds.
    """
    database = Database(postgres.url_of(config.load(line.folder, {})))
    total = sum(map(len, sent.values()))
    try:
        line.wait_until("all was decided", lambda: decided(database) >= total, timeout=CATCH_UP_SECONDS)
        found: dict[str, list[int]] = {}
        with database.begin() as tx:
            for account, number, nth in tx.execute(text(DECIDED)):
                found.setdefault(account, []).append(number)
                assert nth == len(found[account])
            assert tx.execute(text("SELECT count(*) FROM dead_events")).scalar_one() == 0
            counted = counted_in_windows(tx, "payments")
        assert found == sent
        assert counted == total
    finally:
        database.close()
    assert '"ok": true' in line.command("audit", "verify", "--json")


def a_seed() -> int:
    seed = int(os.environ.get("ANDON_TEST_SEED", str(random.randrange(10**6))))
    print(f"seed {seed}, {KILLS} kills; repeat with ANDON_TEST_SEED={seed}")
    return seed


@pytest.mark.crash
@pytest.mark.timeout(240)
@pytest.mark.campaign
def test_events_from_kafka_are_decided_once_and_in_order_through_kills_of_the_worker(short_folder: Path) -> None:
    seed = a_seed()
    with a_kafka() as broker:
        topic = a_topic(broker.address, 4)
        sender = KafkaSender(broker.address, topic)

        def send(events: list[tuple[str, bytes]]) -> None:
            for account, body in events:
                sender.send(body, key=account, wait=False)
            sender.wait()

        connection = f'[connections.kafka]\nkind = "kafka"\nservers = ["{broker.address}"]\n'
        with reading(short_folder, f'kafka("{topic}")', connection) as line:
            with Feed(send, seed) as feed:
                kill_workers(line, random.Random(seed))
            check(line, feed.sent)


@pytest.mark.crash
@pytest.mark.timeout(240)
def test_events_from_nats_are_decided_once_and_in_order_through_kills_of_worker_and_server(short_folder: Path) -> None:
    seed = a_seed()
    draw = random.Random(seed)
    with a_nats() as server:
        with ThreadPoolExecutor(1) as apart:  # another test's browser may have left a loop in this thread
            stream = apart.submit(asyncio.run, a_stream(server.address)).result()

        def send(events: list[tuple[str, bytes]]) -> None:
            asyncio.run(send_to_nats(server.address, *[(f"{stream}.{account}", body) for account, body in events]))

        connection = f'[connections.nats]\nkind = "nats"\nservers = ["nats://{server.address}"]\n'
        with reading(short_folder, f'nats("{stream}")', connection) as line:
            with Feed(send, seed) as feed:
                kill_workers(line, draw)
            server.kill()
            server.start()
            with Feed(send, seed + 1, after=feed.number) as after:
                kill_workers(line, draw)
            sent = {a: feed.sent.get(a, []) + after.sent.get(a, []) for a in {*feed.sent, *after.sent}}
            check(line, sent)
