"""The sql connector keeps the contract against a real PostgreSQL, and does each statement exactly once."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import make_url, text
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery

from andon.actions import Answer, AnswerKind, Destination
from andon.connectors.sql import SqlConnector
from andon.connectors.sql.connector import CONNECTIONS
from andon.kernel.db import Database
from proxy import Proxy

INSERT = "INSERT INTO pauses (key, name, amount) VALUES ({key}, {input.name}, {input.amount})"


class SqlStage:
    """A table in a PostgreSQL that is reached through a proxy, by a url that holds a secret."""

    def __init__(self, database: Database, proxy: Proxy) -> None:
        self.database = database
        self.proxy = proxy
        url = make_url(database.url)
        self._url = url.set(
            drivername="postgresql",
            host="127.0.0.1",
            port=proxy.port,
            query={"sslmode": "disable", "application_name": SECRET_TEXT},
        )

    def destination(self, *, timeout: timedelta = timedelta(seconds=5)) -> Destination:
        url = self._url.render_as_string(hide_password=False)
        return Destination("warehouse", url, timeout=timeout, allow_private=True)

    def nowhere(self) -> Destination:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = self._url.set(port=taken.getsockname()[1])
        return replace(self.destination(), url=url.render_as_string(hide_password=False))

    def refuse(self) -> None:
        self._run("ALTER TABLE pauses DROP CONSTRAINT IF EXISTS never")
        self._run("ALTER TABLE pauses ADD CONSTRAINT never CHECK (false) NOT VALID")

    def fail(self) -> None:
        self.proxy.cut_before(b"INSERT INTO pauses")

    def keep_silent(self) -> None:
        self.proxy.hold_after(b"COMMIT")

    def vanish(self) -> None:
        self.proxy.cut_after(b"COMMIT")

    def only_read(self, only: bool) -> None:
        """Become a standby, cutting off whoever is connected, or let new connections find a primary again."""
        self._run(f'ALTER DATABASE "{self._url.database}" SET default_transaction_read_only = {only}')
        if only:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            self._run(f"SELECT pg_terminate_backend(pid, 5000) {others}")

    def taken(self) -> dict[str, int]:
        with self.database.begin() as tx:
            rows = tx.execute(text("SELECT key::text, count(*) FROM pauses GROUP BY key")).all()
        return {row[0]: row[1] for row in rows}

    def _run(self, statement: str) -> None:
        with self.database.begin() as tx:
            tx.execute(text(statement))


@pytest.fixture
def stage(database: Database) -> Iterator[SqlStage]:
    with database.begin() as tx:
        tx.execute(
            text("CREATE TABLE pauses (key uuid, name text, amount numeric(12, 2), at timestamptz DEFAULT now())")
        )
    url = make_url(database.url)
    with Proxy(url.host or "127.0.0.1", url.port or 5432) as proxy:
        yield SqlStage(database, proxy)


@pytest.fixture
def connector() -> SqlConnector:
    return SqlConnector()


class TestSql(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = {"statement": INSERT}
    counts_repeats: ClassVar[bool] = False

    def test_two_at_once_under_one_key_are_done_once(self, connector: SqlConnector, stage: SqlStage) -> None:
        delivery = a_delivery(stage.destination(), options=self.options)

        async def run() -> list[Answer]:
            answers = await asyncio.gather(*[connector.deliver(delivery) for _ in range(8)])
            await connector.close()
            return answers

        assert {answer.kind for answer in asyncio.run(run())} == {AnswerKind.DELIVERED}
        assert stage.taken() == {str(delivery.key): 1}

    def test_waiting_for_a_connection_is_not_part_of_the_time(self, connector: SqlConnector, stage: SqlStage) -> None:
        destination = stage.destination(timeout=timedelta(seconds=1))
        opening, *holding, waiting = (a_delivery(destination, options=self.options) for _ in range(CONNECTIONS + 2))

        async def run() -> tuple[Answer, list[Answer], Answer]:
            opened = await connector.deliver(opening)
            with stage.database.begin() as tx:
                tx.execute(text("LOCK TABLE pauses"))
                held = [asyncio.create_task(connector.deliver(one)) for one in holding]
                last = asyncio.create_task(connector.deliver(waiting))
                await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED)
            try:
                return opened, await asyncio.gather(*held), await last
            finally:
                await connector.close()

        opened, held, last = asyncio.run(run())
        assert (opened.kind, last.kind) == (AnswerKind.DELIVERED, AnswerKind.DELIVERED), last
        assert any("timeout after 1 s" in answer.detail for answer in held)

    def test_after_a_commit_whose_answer_was_lost_a_repeat_does_nothing(
        self, connector: SqlConnector, stage: SqlStage
    ) -> None:
        stage.vanish()
        delivery = a_delivery(stage.destination(), options=self.options)
        first, second = self.deliver(connector, delivery, delivery)
        assert (first.kind, second.kind) == (AnswerKind.UNKNOWN, AnswerKind.DELIVERED)
        assert "taken before" in second.detail
        assert stage.taken() == {str(delivery.key): 1}

    def test_a_server_that_only_reads_is_left_and_tried_again_later(
        self, connector: SqlConnector, stage: SqlStage
    ) -> None:
        first, second = (a_delivery(stage.destination(), options=self.options) for _ in range(2))

        async def run() -> list[Answer]:
            answers = [await connector.deliver(first)]
            stage.only_read(True)
            answers += [await connector.deliver(second), await connector.deliver(second)]
            stage.only_read(False)
            answers.append(await connector.deliver(second))
            await connector.close()
            return answers

        answers = asyncio.run(run())
        assert [answer.kind.value for answer in answers] == ["delivered", "failed", "failed", "delivered"]
        assert answers[2].detail == "nothing was done (ReadOnlySQLTransactionError)"
        assert stage.taken() == {str(first.key): 1, str(second.key): 1}

    def test_values_are_parameters_and_never_sql(self, connector: SqlConnector, stage: SqlStage) -> None:
        evil = "x'); DROP TABLE pauses; --"
        data = {"input": {"name": evil, "amount": 1}}
        [answer] = self.deliver(connector, a_delivery(stage.destination(), options=self.options, data=data))
        assert answer.kind is AnswerKind.DELIVERED
        with stage.database.begin() as tx:
            assert tx.execute(text("SELECT name FROM pauses")).scalar_one() == evil

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            ({"input": {"name": "a"}}, "this decision has no value {input.amount}"),
            ({"input": {"name": "a", "amount": "much"}}, "the value of {input.amount} is not of type numeric"),
            ({"input": {"name": "a", "amount": 1e15}}, "NumericValueOutOfRangeError (SQLSTATE 22003)"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused_without_being_shown(
        self, connector: SqlConnector, stage: SqlStage, data: dict[str, Any], says: str
    ) -> None:
        [answer] = self.deliver(connector, a_delivery(stage.destination(), options=self.options, data=data))
        assert answer.kind is AnswerKind.REFUSED
        assert says in answer.detail
        assert "much" not in answer.detail

    def test_the_own_network_is_refused_unless_it_is_meant(self, connector: SqlConnector, stage: SqlStage) -> None:
        guarded = replace(stage.destination(), allow_private=False)
        [answer] = self.deliver(connector, a_delivery(guarded, options=self.options))
        assert answer.kind is AnswerKind.REFUSED
        assert "allow_private = true under [destinations.warehouse]" in answer.detail
