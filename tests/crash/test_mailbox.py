"""Workers are killed with SIGKILL while they read a real mailbox: each mail is decided once, then moved once."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from imapclient import RECENT, IMAPClient
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line
from dovecots import PASSWORD, Dovecot, a_dovecot, a_mail, a_user, ids_in
from installed import InstalledLine
from packages import a_package

KILLS = int(os.environ.get("ANDON_TEST_KILLS", "3"))
ROUND = 10
"""Mails that come in around a kill, one by one."""

CATCH_UP_SECONDS = 60.0

FOLDERS = {"DE": "Fine", "KP": "Fraud"}
"""Where a payment from a country goes."""

AUTOMATION = """
from andon import imap, mail_move
from automations import Payment, an_automation


class PaidByMail(Payment):
    message_id: str


def asked_for(mail):
    return {"message_id": mail["message_id"], "payment_id": mail["subject"], "account": mail["from"]["address"],
            "amount": 10.0, "country": mail["text"].strip()}


payments = an_automation(windows=False)
payments.contract = PaidByMail
payments.triggers = (imap("support", read=asked_for),)
payments.actions = {"pause": mail_move("support", folder="Fraud"), "release": mail_move("support", folder="Fine")}
"""

SETTINGS = """
[connections.support]
kind = "imap"
host = "127.0.0.1"
port = {port}
tls = "none"
user = "{user}"
password_env = "SUPPORT_PASSWORD"

[destinations.support]
timeout_seconds = 5
"""

DECIDED = "SELECT convert_from(record, 'UTF8')::json -> 'input' ->> 'message_id' FROM decisions"


class Desk:
    """The mailbox beside the ledger. One IMAP session serves all looks: a login takes longer than a look."""

    def __init__(self, line: Line, client: IMAPClient, database: Database) -> None:
        self.line, self._client, self._database = line, client, database

    def decided(self) -> Counter[str]:
        """Return how often each mail was decided."""
        with self._database.begin() as tx:
            return Counter(tx.execute(text(DECIDED)).scalars())

    def moved(self) -> Counter[str]:
        """Return how often each mail lies in a target folder."""
        return Counter(name for folder in FOLDERS.values() for name in ids_in(self._client, folder))

    def where(self) -> dict[str, list[str]]:
        """Return the folders in which each mail lies."""
        found: dict[str, list[str]] = {}
        for folder in ("INBOX", *FOLDERS.values()):
            for name in ids_in(self._client, folder):
                found.setdefault(name, []).append(folder)
        return found

    def marked(self) -> int:
        """Return how many mails of the inbox have a flag: nothing here gives one."""
        self._client.select_folder("INBOX", readonly=True)
        found = self._client.get_flags(self._client.search(["ALL"]))
        return sum(bool(set(flags) - {RECENT}) for flags in found.values())

    def arrivals(self) -> int:
        """Return how many mails ever came into the target folders, also those that left again."""
        return sum(int(self._client.folder_status(name, ["UIDNEXT"])[b"UIDNEXT"]) - 1 for name in FOLDERS.values())

    def dead(self) -> int:
        """Return the number of events and deliveries that were given up."""
        with self._database.begin() as tx:
            events = tx.execute(text("SELECT count(*) FROM dead_events")).scalar_one()
            return int(events) + int(tx.execute(text("SELECT count(*) FROM outbox WHERE state = 'dead'")).scalar_one())

    def kill_worker(self) -> int:
        """Kill the worker, look before another one starts, and return how many decided mails were not moved yet.

        What the dead worker held is free at once: its leases of six seconds would be most of the test's time.
        """
        up = self.line.processes()[0]
        up.suspend()
        try:
            workers = self.line.running("worker")
            for process in workers:
                process.kill()
            self.line.wait_until("the worker was dead", lambda: all(map(has_ended, workers)), timeout=5)
            moved, decided, marked = self.moved(), self.decided(), self.marked()
            with self._database.begin() as tx:
                tx.execute(text("UPDATE stream_members SET until = clock_timestamp()"))
                tx.execute(text("UPDATE outbox SET claimed_until = clock_timestamp() WHERE claimed_until IS NOT NULL"))
        finally:
            up.resume()
        assert workers
        assert not set(moved) - set(decided), "moved before it was decided"
        assert not marked, "reading left a mark"
        assert not [name for name, times in (moved | decided).items() if times > 1]
        return len(set(decided) - set(moved))


def has_ended(process: psutil.Process) -> bool:
    """Return whether a process runs no more; its parent may not know yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def a_desk(folder: Path, dovecot: Dovecot, user: str) -> Iterator[Desk]:
    """Run `andon up` on a project whose automation reads the mailbox and moves its mails."""
    (folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
    (folder / "andon.toml").write_text(SETTINGS.format(port=dovecot.port, user=user), encoding="utf-8")
    package = a_package(folder / "package")
    environment = {"SUPPORT_PASSWORD": PASSWORD, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with InstalledLine(folder, environment=environment) as line:
        line.register(package)
        line.up()
        database = Database(postgres.url_of(config.load(folder, {})))
        try:
            with dovecot.client(user) as client:
                yield Desk(line, client, database)
        finally:
            database.close()


@pytest.mark.crash
@pytest.mark.timeout(240)
def test_mails_are_decided_once_and_only_then_moved_once_through_kills_of_the_worker(short_folder: Path) -> None:
    seed = int(os.environ.get("ANDON_TEST_SEED", str(random.randrange(10**6))))
    print(f"seed {seed}, {KILLS} kills; repeat with ANDON_TEST_SEED={seed}")
    draw = random.Random(seed)
    user = a_user()
    with a_dovecot() as dovecot:
        dovecot.make(user, *FOLDERS.values())
        with a_desk(short_folder, dovecot, user) as desk:
            sent: dict[str, str] = {}

            def a_numbered_mail() -> bytes:
                name, country = f"m{len(sent)}@customers.test", draw.choice(sorted(FOLDERS))
                sent[name] = FOLDERS[country]
                return a_mail(country, Message_ID=f"<{name}>", Subject=f"p{len(sent)}")

            with ThreadPoolExecutor(1) as post:
                for number in range(KILLS):
                    goes_on = desk.moved if number % 2 else desk.decided
                    least = goes_on().total() + 1 + draw.randrange(ROUND - 2)
                    putting = post.submit(dovecot.put, user, *(a_numbered_mail() for _ in range(ROUND)))
                    desk.line.wait_until(
                        "it went on", lambda go=goes_on, n=least: go().total() >= n, timeout=CATCH_UP_SECONDS
                    )
                    waiting = desk.kill_worker()
                    print(f"killed while {waiting} mails were decided and not moved")
                    putting.result()
            desk.line.wait_until("all was moved", lambda: set(desk.moved()) == set(sent), timeout=CATCH_UP_SECONDS)
            assert desk.decided() == Counter(dict.fromkeys(sent, 1))
            assert desk.where() == {name: [folder] for name, folder in sent.items()}
            assert desk.arrivals() == len(sent)
            assert desk.dead() == 0
            assert '"ok": true' in desk.line.command("audit", "verify", "--json")
