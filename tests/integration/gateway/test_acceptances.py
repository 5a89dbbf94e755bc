"""Requests for later that come at the same time are kept together, and each caller hears of its own."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import DataError

from andon import decisions
from andon.decisions import DecisionRequest, Idempotency, KeyReused
from andon.gateway.decide.acceptances import Acceptances
from andon.kernel.db import Database, DatabaseUnavailable
from arms import request_of
from automations import payment
from lines import Installation


def a_request(installation: Installation, number: int, *, key: str | None = None) -> DecisionRequest:
    request = request_of(installation.deployment.lines["payments"], payment(number), at=installation.clock.now())
    named = None if key is None else Idempotency.of("payments", request.caller, key, request.raw)
    return replace(request, idempotency=named)


def kept(database: Database, requests: Sequence[DecisionRequest]) -> list[UUID | BaseException]:
    """Return the result of each, all requested at once."""

    async def run() -> list[UUID | BaseException]:
        acceptances = Acceptances(database)
        return await asyncio.gather(*map(acceptances.of, requests), return_exceptions=True)

    return asyncio.run(run())


def decide(installation: Installation, request: DecisionRequest) -> None:
    async def run() -> None:
        decider = installation.decider()
        await decider.decide(request)
        await decider.close()

    asyncio.run(run())


def waiting(installation: Installation, column: str) -> list[Any]:
    with installation.database.begin() as tx:
        return list(tx.execute(text(f"SELECT {column} FROM intake ORDER BY id")).scalars())


def test_all_that_come_at_once_are_kept_in_one_transaction_as_they_came(installation: Installation) -> None:
    requests = [a_request(installation, n, key=f"transfer-{n}" if n % 2 else None) for n in range(40)]
    requests[3] = replace(requests[3], notify="caller", traceparent="00-1-2-01")

    assert kept(installation.database, requests) == [request.id for request in requests]

    assert len(set(waiting(installation, "xmin::text"))) == 1
    with installation.database.begin() as tx:
        found = {request.id: decisions.find_waiting(tx, request.id) for request in requests}
    for request in requests:
        row = found[request.id]
        assert row is not None
        key = None if request.idempotency is None else request.idempotency.key
        assert (row.raw, row.caller, row.idempotency_key) == (request.raw, request.caller, key)
        assert (row.notify, row.traceparent, row.received_at) == (request.notify, request.traceparent, request.asked_at)


def test_each_hears_what_became_of_its_own_key(installation: Installation) -> None:
    before, decided = (a_request(installation, n, key=f"transfer-{n}") for n in (1, 2))
    decide(installation, decided)
    assert kept(installation.database, [before]) == [before.id]
    first, same, other, plain = (
        a_request(installation, 3, key="new"),
        a_request(installation, 3, key="new"),
        a_request(installation, 4, key="new"),
        a_request(installation, 5),
    )
    again = [a_request(installation, n, key=f"transfer-{n}") for n in (1, 2)]
    reused = [a_request(installation, 9, key=f"transfer-{n}") for n in (1, 2)]

    told = kept(installation.database, [plain, *again, *reused, first, same, other])

    assert told[:3] == [plain.id, before.id, decided.id]
    assert [type(one) for one in told[3:5]] == [KeyReused, KeyReused]
    *ids, refused = told[5:]
    assert ids == [first.id, first.id]
    assert isinstance(refused, KeyReused)
    assert waiting(installation, "id") == sorted([before.id, plain.id, first.id])


def test_of_those_that_come_together_under_one_key_the_first_is_kept(installation: Installation) -> None:
    requests = [a_request(installation, n, key=f"transfer-{n % 4}") for n in range(16)]

    told = kept(installation.database, requests)

    assert told[:4] == [request.id for request in requests[:4]]
    assert [type(one) for one in told[4:]] == [KeyReused] * 12
    assert waiting(installation, "id") == sorted(request.id for request in requests[:4])


def test_what_postgresql_refuses_takes_nothing_else_with_it(installation: Installation) -> None:
    good, bad = a_request(installation, 1), replace(a_request(installation, 2), correlation_id="a\0b")

    told = kept(installation.database, [bad, good])

    assert isinstance(told[0], DataError)
    assert told[1] == good.id
    assert waiting(installation, "id") == [good.id]


@pytest.mark.parametrize("key", ["transfer-1", None])
def test_an_outage_is_told_to_all(installation: Installation, key: str | None) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    told = kept(nowhere, [a_request(installation, n, key=key) for n in range(3)])
    nowhere.close()
    assert [type(one) for one in told] == [DatabaseUnavailable] * 3
