"""Kills between send and confirm, for each connector of a robot: script/chaos robots --kills 500 [--only browser].

The worker is killed at the moment at which the robot's control room has taken a delivery and has not said so, or just
after. In the end nothing was taken twice; what cannot be known waits for a person in the review queue, each once.
"""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import text

from andon import migrations, reviews, settling
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox, postgres
from andon.kernel.db import Database, Tx
from andon.kernel.ids import uuid7
from andon.reviews import ReviewFilter, ReviewTask
from crash.robot_rigs import NAMES, Rig, rigs
from crash.robot_worker import work

AFTER = 0.015
"""A third of the kills come up to so many seconds after the robot took it, when its answer may be there."""

PATIENCE = 300.0
"""The campaign gives up when no delivery has ended for so many seconds after the last kill."""


@dataclass
class Campaign:
    """The kills of one round, and what came of them."""

    url: str
    rigs: Sequence[Rig]
    kills: int
    draw: random.Random
    backlog: int = 100
    killed: Counter[str] = field(default_factory=Counter)
    keys: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._processes = multiprocessing.get_context("forkserver")
        connectors = {f"andon.connectors.{rig.connector}" for rig in self.rigs}
        self._processes.set_forkserver_preload(["crash.robot_worker", *sorted(connectors)])
        self._process: multiprocessing.context.ForkServerProcess | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        """Deliver what was put, kill as often as asked for, and go on until everything has ended."""
        for rig in self.rigs:
            rig.watch(partial(self._made, rig))
        database, until, left = Database(self.url), 0.0, 0
        try:
            while True:
                self._top_up(database)
                self._keep_running()
                for rig in self.rigs:
                    rig.finish_all()
                before, left = left, sum(_waiting(database, rig) for rig in self.rigs)
                if not self.missing() and not left:
                    return
                if self.missing() or left < before:
                    until = time.monotonic() + PATIENCE
                elif time.monotonic() > until:
                    return
                time.sleep(0.02)
        finally:
            self._end(self._process)
            database.close()

    def _top_up(self, database: Database) -> None:
        """Keep enough deliveries waiting, for as long as kills are to come: each kill holds some up for a while."""
        for rig in self.rigs:
            if self.killed[rig.name] < self.kills and (waiting := _waiting(database, rig)) < self.backlog:
                self.keys.setdefault(rig.name, []).extend(put(database, rig, self.backlog - waiting))

    def missing(self) -> int:
        """Return how many kills are still to come."""
        return sum(max(0, self.kills - self.killed[rig.name]) for rig in self.rigs)

    def _made(self, rig: Rig, _: str) -> None:
        """Kill the worker whose delivery was just taken, before the answer or a little later."""
        with self._lock:
            process = self._process
            if process is None or self.killed[rig.name] >= self.kills or not process.is_alive():
                return
            later = self.draw.random() < 1 / 3
            self.killed[rig.name] += 1
            if self.killed[rig.name] % 50 == 0:
                twice = sum(times > 1 for times in rig.taken().values())
                print(f"  {rig.name}: {self.killed[rig.name]} kills so far, taken twice: {twice}", flush=True)
            if not later:
                self._end(process)
                return
            wait = self.draw.uniform(0, AFTER)
        threading.Timer(wait, self._end, [process]).start()

    def _keep_running(self) -> None:
        with self._lock:
            if self._process is not None and self._process.is_alive():
                return
            destinations = [rig.destination for rig in self.rigs]
            self._process = self._processes.Process(target=work, args=(self.url, destinations), daemon=True)
            self._process.start()

    @staticmethod
    def _end(process: "multiprocessing.context.ForkServerProcess | None") -> None:
        if process is not None and process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.join(10)


def put(database: Database, rig: Rig, count: int) -> list[str]:
    """Write so many deliveries for a rig; their keys."""
    now = datetime.now(UTC)
    messages = []
    for number in range(count):
        identifier = uuid7(now)
        payload = {
            "action": "block",
            "connector": rig.connector,
            "destination": rig.destination.name,
            "options": rig.options(number),
            "outcome": "block",
            "event": {"type": "andon.test", "subject": "test", "data": {"id": str(number)}},
        }
        messages.append(
            outbox.Message(
                identifier, DELIVER_ACTION, "", identifier, payload, correlation_id="c", created_at=now, due_at=now
            )
        )
    with database.begin() as tx:
        outbox.add(tx, messages)
    return [str(message.id) for message in messages]


def wrong_with(database: Database, rig: Rig, keys: Sequence[str]) -> list[str]:
    """Return what is not as it must be."""
    with database.begin() as tx:
        rows = tx.execute(
            text("SELECT id::text, state, last_error FROM outbox WHERE lane = :lane"), {"lane": rig.destination.name}
        ).all()
        while settling.ask_due(tx, datetime.now(UTC)):
            pass
        asked = Counter(str(review.action_id) for review in _questions(tx))
    taken, wrong = rig.taken(), []
    for key, state, error in rows:
        times = taken.get(key, 0)
        if times > 1:
            wrong.append(f"{rig.name}: {key} was taken {times} times")
        if state == "pending":
            wrong.append(f"{rig.name}: {key} never ended: {error}")
        if state == "done" and times != 1:
            wrong.append(f"{rig.name}: {key} is done and was taken {times} times")
        if state == "dead" and (rig.knowable or not str(error).startswith("unknown:")):
            wrong.append(f"{rig.name}: {key} is dead: {error}")
        questions = int(state == "dead" and str(error).startswith("unknown:"))
        if asked[key] != questions:
            wrong.append(f"{rig.name}: {key} is {state}, and {asked[key]} questions wait, not {questions}")
    if {row[0] for row in rows} != set(keys):
        wrong.append(f"{rig.name}: not all deliveries are there")
    return wrong


def _questions(tx: Tx) -> Iterator[ReviewTask]:
    """Read every review that waits."""
    now, after = datetime.now(UTC), None
    while found := reviews.page(tx, ReviewFilter(), now=now, limit=1000, after=after):
        yield from found
        after = reviews.place_of(found[-1])


_COMMITTED_AGAIN = text("""
SELECT count(*) FROM (
    SELECT FROM action_evidence e JOIN outbox o ON o.id = e.action_id
    WHERE o.lane = :lane AND e.commit AND NOT e.look GROUP BY e.action_id HAVING count(*) > 1
) AS again
""")
"""Deliveries with more than one commit on record: the first was killed between its record and its request."""


def numbers_of(database: Database, rig: Rig) -> str:
    """Return the numbers of a rig in one line."""
    with database.begin() as tx:
        states = dict(
            tx.execute(
                text("SELECT state, count(*) FROM outbox WHERE lane = :lane GROUP BY state"),
                {"lane": rig.destination.name},
            ).all()
        )
        again = tx.execute(_COMMITTED_AGAIN, {"lane": rig.destination.name}).scalar_one()
    taken = rig.taken()
    return (
        f"{rig.name:<20} {sum(states.values()):>5} deliveries: {states.get('done', 0)} done, "
        f"{states.get('dead', 0)} left to a person, taken twice: {sum(1 for times in taken.values() if times > 1)}"
        + (f", commits on record twice: {again}" if again else "")
    )


def _waiting(database: Database, rig: Rig) -> int:
    query = text("SELECT count(*) FROM outbox WHERE state = 'pending' AND lane = :lane")
    with database.begin() as tx:
        return int(tx.execute(query, {"lane": rig.destination.name}).scalar_one())


def round_of(
    url: str, names: Sequence[str], kills: int, seed: int, *, backlog: int = 100
) -> tuple[list[str], list[str]]:
    """Run one round in an empty, migrated database; return what was wrong, and the numbers."""
    database = Database(url)
    try:
        with rigs(tuple(names)) as running:
            campaign = Campaign(url, running, kills, random.Random(seed), backlog)
            campaign.run()
            wrong = [one for rig in running for one in wrong_with(database, rig, campaign.keys[rig.name])]
            return wrong, [f"{numbers_of(database, rig)}, {campaign.killed[rig.name]} kills" for rig in running]
    finally:
        database.close()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="script/chaos robots", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="for each connector")
    parser.add_argument("--only", action="append", choices=NAMES, help="only this connector; may be repeated")
    parser.add_argument("--backlog", type=int, default=100, help="how many deliveries wait while kills are to come")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    bad = 0
    for name in asked.only or NAMES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="andon-", dir="/tmp") as folder:
            Path(folder).chmod(0o711)
            with postgres.lend(Path(folder) / "postgres") as server:
                database = Database(server.url)
                migrations.ensure(database)
                database.close()
                wrong, numbers = round_of(server.url, [name], asked.kills, asked.seed, backlog=asked.backlog)
        print(f"{'; '.join(numbers)} ({time.monotonic() - began:.0f} s, seed {asked.seed})", flush=True)
        for one in wrong[:20]:
            print(f"  WRONG {one}", flush=True)
        bad += len(wrong)
    print("none doubled; what cannot be known is left to a person" if not bad else f"{bad} WRONG", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
