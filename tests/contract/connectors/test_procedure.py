"""The connector that starts procedures keeps the contract; its receiver is the installation's own PostgreSQL."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, ClassVar
from uuid import UUID

import pytest
from msgspec import structs
from sqlalchemy import make_url, text
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.waiting import deliver_behind

from andon import Procedure, procedure, procedures
from andon.actions import Answer, AnswerKind, Deliveries, Delivery, Destination, Surroundings
from andon.connectors.procedure import KIND, ProcedureConnector
from andon.connectors.procedure.connector import THREADS
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.ids import uuid7
from andon.procedures import RunState
from andon.procedures.conducting import Conductor
from conducting import CLOCK, PERSON, conducting, outcome, until
from messages import an_action, put
from proxy import Proxy

NOW = datetime.now(UTC)
DECISION = UUID(int=3)


@procedure("echo")
async def echo(p: Procedure, decision: dict[str, Any]) -> list[str]:
    return [decision["outcome"], str(p.decision_id), p.automation]


@pytest.fixture
def running(database: Database) -> Iterator[Conductor]:
    with conducting(database, echo) as conductor:
        yield conductor


class InstallationStage:
    """An installation with procedures; the connector reaches PostgreSQL through a proxy, by a url with a secret."""

    def __init__(self, database: Database, proxy: Proxy) -> None:
        self._database = database
        self._proxy = proxy

    def destination(self, *, timeout: timedelta = timedelta(seconds=5)) -> Destination:
        return Destination("echo", "procedure:echo", timeout=timeout)

    def nowhere(self) -> Destination:
        self._proxy.close()
        return self.destination()

    def refuse(self) -> None:
        for statement in ("DROP CONSTRAINT IF EXISTS never", "ADD CONSTRAINT never CHECK (false) NOT VALID"):
            with self._database.begin() as tx:
                tx.execute(text(f"ALTER TABLE procedures {statement}"))

    def fail(self) -> None:
        self._proxy.cut_before(b"INSERT INTO procedures")

    def keep_silent(self) -> None:
        self._proxy.hold_after(b"COMMIT")

    def vanish(self) -> None:
        self._proxy.cut_after(b"COMMIT")

    def taken(self) -> dict[str, int]:
        query = "SELECT workflow_uuid, count(*) FROM andon_durable.workflow_status GROUP BY workflow_uuid"
        with self._database.begin() as tx:
            return {row[0]: row[1] for row in tx.execute(text(query))}


@pytest.fixture
def stage(database: Database, running: Conductor) -> Iterator[InstallationStage]:
    url = make_url(database.url)
    with Proxy(url.host or "127.0.0.1", url.port or 5432) as proxy:
        yield InstallationStage(database, proxy)


@pytest.fixture
def connector(database: Database, stage: InstallationStage) -> Iterator[ProcedureConnector]:
    about = {"sslmode": "disable", "application_name": SECRET_TEXT}
    url = make_url(database.url).set(host="127.0.0.1", port=stage._proxy.port, query=about)
    beyond = Database(url.render_as_string(hide_password=False))
    yield ProcedureConnector(Conductor(beyond, [echo], CLOCK), CLOCK)
    beyond.close()


class TestProcedure(ConnectorContract):
    counts_repeats: ClassVar[bool] = False

    def a_delivery(self, destination: Destination) -> Delivery:
        return a_delivery(destination, data={"id": str(DECISION), "outcome": "pause"})

    def test_two_at_once_under_one_key_start_one(self, connector: ProcedureConnector, stage: InstallationStage) -> None:
        delivery = self.a_delivery(stage.destination())

        async def run() -> list[Answer]:
            return await asyncio.gather(*[connector.deliver(delivery) for _ in range(8)])

        answers = asyncio.run(run())
        assert {answer.kind for answer in answers} == {AnswerKind.DELIVERED}
        assert sorted(answer.detail for answer in answers) == ["started", *["was already started"] * 7]
        assert stage.taken() == {str(delivery.key): 1}

    def test_what_it_cannot_start_is_refused_with_words(
        self, connector: ProcedureConnector, stage: InstallationStage
    ) -> None:
        other = self.a_delivery(replace(stage.destination(), name="other"))
        [unknown, nameless] = self.deliver(
            connector, other, a_delivery(stage.destination(), data={"id": "no decision"})
        )
        assert (unknown.kind, "there are: echo" in unknown.detail) == (AnswerKind.REFUSED, True)
        assert nameless.kind is AnswerKind.REFUSED


class _Slow:
    """Starts nothing until it is told to go on."""

    def __init__(self) -> None:
        self.going_on = Event()

    def start_alone(self, name: str, key: UUID, given: Mapping[str, Any] | None, **about: Any) -> bool:
        del name, key, given, about
        return self.going_on.wait(30)


def test_waiting_for_a_thread_is_not_part_of_the_time() -> None:
    starter, data = _Slow(), {"id": str(DECISION), "outcome": "pause"}
    patient, brief = (
        Destination("echo", "procedure:echo", timeout=timedelta(seconds=seconds)) for seconds in (30, 0.2)
    )
    holding = [a_delivery(patient, data=data) for _ in range(THREADS)]
    first, last = deliver_behind(
        ProcedureConnector(starter, CLOCK), holding, a_delivery(brief, data=data), let_go=starter.going_on.set
    )
    assert {(answer.kind, answer.detail) for answer in [*first, last]} == {(AnswerKind.DELIVERED, "started")}


def test_what_it_starts_runs_and_knows_its_decision(database: Database, running: Conductor) -> None:
    key = UUID(bytes=uuid7(NOW).bytes)
    delivery = a_delivery(
        Destination("echo", "procedure:echo"), key=key, data={"id": str(DECISION), "outcome": "pause"}
    )
    assert asyncio.run(ProcedureConnector(running, CLOCK).deliver(delivery)).kind is AnswerKind.DELIVERED
    until(database, key, RunState.DONE)
    assert outcome(database, key)[0] == ["pause", str(DECISION), "screening"]
    with database.begin() as tx:
        (one,) = procedures.of_decision(tx, DECISION)
    assert (one.id, one.correlation_id) == (key, "corr-1")


@pytest.mark.parametrize(("verdict", "told"), [({}, "release"), ({"outcome": "pause", "verdict": "pause"}, "pause")])
def test_what_a_decision_or_a_verdict_starts_reads_its_decision_and_keeps_no_copy(
    database: Database, running: Conductor, verdict: dict[str, str], told: str
) -> None:
    action = an_action(NOW, destination="echo")
    payload = {**action.payload, "connector": "procedure", **verdict}
    put(database, structs.replace(action, payload=payload))

    async def one_round() -> int:
        echo_here = {"echo": Destination("echo", "procedure:echo", own=True)}
        deliveries = Deliveries(
            database, {"procedure": ProcedureConnector(running, CLOCK)}, echo_here, CLOCK, events=Events()
        )
        try:
            return await deliveries.run_round()
        finally:
            await deliveries.close()

    assert asyncio.run(one_round()) == 1
    until(database, action.id, RunState.DONE)
    assert outcome(database, action.id)[0] == [told, str(action.subject), "payments"]
    with database.begin() as tx:
        kept = tx.execute(text("SELECT input, verdict FROM procedures")).one()
        again = procedures.fork(tx, action.id, from_step=1, actor=PERSON, reason="once more", now=NOW)
    assert kept == (None, verdict.get("verdict"))
    until(database, again.id, RunState.DONE)
    assert outcome(database, again.id)[0] == [told, str(action.subject), "payments"]


def test_what_begins_without_an_input_and_without_a_decision_fails_and_says_so(
    database: Database, running: Conductor
) -> None:
    key, about = uuid7(NOW), {"correlation_id": "c", "traceparent": None, "now": NOW}
    with database.begin() as tx:
        running.start(tx, "echo", key, None, automation="payments", decision_id=DECISION, **about)
    until(database, key, RunState.FAILED)
    assert f"its decision {DECISION} is not in the ledger" in str(outcome(database, key)[1])


def test_a_worker_without_procedures_says_so() -> None:
    alone = KIND.connect(Surroundings(CLOCK))
    delivery = a_delivery(Destination("echo", "procedure:echo"), data={"id": str(DECISION)})
    assert asyncio.run(alone.deliver(delivery)).kind is AnswerKind.REFUSED
