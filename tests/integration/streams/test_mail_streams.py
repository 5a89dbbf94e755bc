"""Mails are decided once, moved by actions after they are recorded, and labelled by people who move them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.streams.mailing import MailLine, a_mail_line
from tests.integration.streams.streaming import Counting, decided, reading, rows, run, scalar, sound, until

from andon import streams
from andon.kernel.db import Database
from dovecots import Dovecot, a_dovecot

LABELS = "SELECT value, source, recorded_by FROM labels ORDER BY id"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with a_dovecot() as server:
        yield server


@pytest.fixture
def line(database: Database, tmp_path: Path, dovecot: Dovecot) -> MailLine:
    return a_mail_line(database, tmp_path, dovecot)


def labelled(line: MailLine) -> list[tuple[str, ...]]:
    return [tuple(row) for row in rows(line.installation, LABELS)]


def test_a_mail_is_decided_then_moved_and_whoever_moves_it_on_has_given_a_label(line: MailLine) -> None:
    watch = Counting()
    line.write(5, "small@c.test")
    line.write(90_000, "large@c.test")
    line.write("not a number", "odd@c.test")
    line.write(1, "news@c.test", Subject="Newsletter")

    async def test() -> None:
        async with reading(line.installation, None, open_source=line.open_source, watch=watch):
            deliveries = line.deliveries()
            await until(lambda: decided(line.installation) == 2)
            assert all("\\Seen" not in flags for flags in line.dovecot.flags(line.user, "INBOX"))
            await deliveries.run_round()
            assert line.where() == {
                "INBOX": {"odd@c.test", "news@c.test"},
                "Fraud": {"large@c.test"},
                "Fine": {"small@c.test"},
            }
            folders = "SELECT count(*) FROM mails WHERE folder <> 'INBOX'"
            await until(lambda: scalar(line.installation, folders) == 2)
            assert labelled(line) == []
            for source, target, said in (
                ("Fraud", "Fine", ["ok"]),
                ("Fine", "Fraud", ["ok", "fraud"]),
                ("Fraud", "Fine", ["ok", "fraud", "ok"]),
            ):
                line.dovecot.move(line.user, "large@c.test", source, target)
                await until(lambda said=said: [value for value, *_ in labelled(line)] == said)
            await deliveries.close()

    run(test)
    assert sound(line.installation)
    assert {tuple(rest) for _, *rest in labelled(line)} == {("folder_move", "folder_moves:support")}
    with line.installation.database.begin() as tx:
        [dead] = streams.dead_events(tx)
    assert "ValueError" in dead.reason


def test_a_person_who_was_there_first_is_followed(line: MailLine) -> None:
    line.write(90_000, "large@c.test")

    async def test() -> None:
        async with reading(line.installation, None, open_source=line.open_source):
            await until(lambda: decided(line.installation) == 1)
            line.dovecot.move(line.user, "large@c.test", "INBOX", "Fine")
            await until(lambda: labelled(line) != [])
            deliveries = line.deliveries()
            await deliveries.run_round()
            await deliveries.close()

    run(test)
    assert [value for value, *_ in labelled(line)] == ["ok"]
    assert line.where()["Fine"] == {"large@c.test"}
    assert scalar(line.installation, "SELECT state FROM outbox") == "dead"


def test_a_mail_that_comes_back_or_under_other_numbers_is_not_decided_again(line: MailLine) -> None:
    line.write(5, "small@c.test")
    line.write(6, "other@c.test")

    async def test() -> None:
        async with reading(line.installation, None, open_source=line.open_source):
            await until(lambda: decided(line.installation) == 2)
        with line.installation.database.begin() as tx:
            streams_forgotten(tx)
        line.dovecot.number_anew(line.user, "INBOX")
        line.dovecot.move(line.user, "small@c.test", "INBOX", "Fine")
        line.dovecot.move(line.user, "small@c.test", "Fine", "INBOX")
        line.write(7, "new@c.test")
        async with reading(line.installation, None, open_source=line.open_source):
            await until(lambda: decided(line.installation) == 3)

    run(test)
    repeated = "SELECT sum(repeated) FROM stream_partitions WHERE stream = 'imap:support'"
    assert scalar(line.installation, repeated) == 2
    assert scalar(line.installation, "SELECT count(*) FROM mails") == 3
    assert scalar(line.installation, "SELECT count(*) FROM stream_partitions WHERE stream = 'imap:support'") == 2


def streams_forgotten(tx: object) -> None:
    """Forget the keys of events, as after two days."""
    from sqlalchemy import text

    tx.execute(text("DELETE FROM idempotency_keys"))  # type: ignore[attr-defined]
