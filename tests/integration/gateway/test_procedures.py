"""Procedures over HTTP: seen, told and controlled by who may, within his automations, and by nobody else."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from andon import Procedure, procedure
from andon.access import Grant, Role
from andon.procedures import RunState
from andon.procedures.conducting import Conductor
from calls import call
from conducting import conducting, start, until
from lines import Installation
from people import LINE

WHY = {"reason": "wrong account"}
JSON = {"Content-Type": "application/json"}


@procedure("stand")
async def stand(p: Procedure, given: dict[str, Any]) -> Any:
    answer = await p.wait_for("go")
    return answer and answer.data


@pytest.fixture
def conductor(installation: Installation) -> Iterator[Conductor]:
    with conducting(installation.database, stand) as conductor:
        yield conductor


@pytest.fixture
def waiting(installation: Installation, conductor: Conductor) -> UUID:
    one = start(installation.database, conductor, "stand")
    until(installation.database, one, RunState.WAITING)
    return one


def key(installation: Installation, role: Role, automation: str = LINE) -> str:
    return installation.key(f"{role}-{automation}", Grant(role, automation))


def test_without_any_there_is_an_empty_list_and_nothing_to_tell(installation: Installation) -> None:
    viewer = key(installation, Role.VIEWER)
    assert call(installation, "GET", "/v1/procedures?state=waiting", viewer).json() == {"procedures": [], "next": None}
    assert call(installation, "GET", f"/v1/procedures/{uuid4()}", viewer).status_code == 404


def test_an_event_is_sent_once_by_its_key_and_lets_it_go_on(installation: Installation, waiting: UUID) -> None:
    caller, viewer = key(installation, Role.CALLER), key(installation, Role.VIEWER)
    listed = call(installation, "GET", "/v1/procedures?state=waiting&name=stand", viewer).json()["procedures"]
    assert [(one["id"], one["waits_for"]) for one in listed] == [(str(waiting), "wait:go")]
    path, headers = f"/v1/procedures/{waiting}/events/go", {"Idempotency-Key": "k1"}
    first = call(installation, "POST", path, caller, json={"data": {"mine": True}}, headers=headers)
    again = call(installation, "POST", path, caller, json={"data": {"mine": True}}, headers=headers)
    assert (first.status_code, again.status_code, first.json() | {"taken_by": None}) == (
        201,
        200,
        again.json() | {"taken_by": None},
    )
    other = call(installation, "POST", path, caller, json={"data": "other"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (409, "urn:andon:problem:event-key-reused")
    until(installation.database, waiting, RunState.DONE)
    shown = call(installation, "GET", f"/v1/procedures/{waiting}", viewer).json()
    assert (shown["state"], shown["result"], shown["events"][0]["taken_by"]) == ("done", {"mine": True}, 1)
    assert [(step["kind"], step["name"], step["state"]) for step in shown["timeline"]] == [("wait", "go", "done")]
    late = call(installation, "POST", path, caller, json={"data": 1})
    assert (late.status_code, late.json()["type"]) == (409, "urn:andon:problem:procedure-over")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"date": 1}', "date"),
        (f'{{"data": "{"x" * 70_000}"}}', "at most 65,536 bytes"),
        (r'{"data": "a\u0000b"}', "a NUL"),
        (r'{"data": "a\ud800b"}', "half a character"),
        (r'{"data": {"a\udc00b": 1}}', "half a character"),
        ('{"data": NaN}', "numbers are finite"),
        ('{"data": [-Infinity]}', "numbers are finite"),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused(
    installation: Installation, waiting: UUID, body: str, why: str
) -> None:
    caller = key(installation, Role.CALLER)
    refused = call(installation, "POST", f"/v1/procedures/{waiting}/events/go", caller, content=body, headers=JSON)
    assert (refused.status_code, why in refused.text) == (422, True)


def test_an_event_may_hold_every_character(installation: Installation, waiting: UUID) -> None:
    caller, path = key(installation, Role.CALLER), f"/v1/procedures/{waiting}/events/go"
    sent = call(installation, "POST", path, caller, json={"data": "Zoë \U0001f600"})
    assert (sent.status_code, sent.json()["data"]) == (201, "Zoë \U0001f600")


def test_it_is_stopped_let_go_on_and_forked_with_reasons(installation: Installation, waiting: UUID) -> None:
    operator, path = key(installation, Role.OPERATOR), f"/v1/procedures/{waiting}"
    for body in ({}, {"reason": ""}, {"reason": " "}):
        assert call(installation, "POST", f"{path}/cancel", operator, json=body).status_code == 422
    assert call(installation, "POST", f"{path}/resume", operator, json=WHY).status_code == 409
    stopped = call(installation, "POST", f"{path}/cancel", operator, json=WHY).json()
    note = stopped["notes"][0]
    assert (stopped["state"], note["action"], note["reason"]) == ("cancelled", "procedure.cancel", "wrong account")
    assert call(installation, "POST", f"{path}/resume", operator, json=WHY).json()["state"] == "queued"
    until(installation.database, waiting, RunState.WAITING)
    forked = call(installation, "POST", f"{path}/fork", operator, json={"from_step": 1, **WHY})
    assert (forked.status_code, forked.json()["forked_from"]) == (201, str(waiting))
    assert call(installation, "POST", f"{path}/fork", operator, json={"from_step": 7, **WHY}).status_code == 422
    assert call(installation, "POST", f"{path}/fork", operator, json={"from_step": True, **WHY}).status_code == 422


def test_what_is_elsewhere_is_not_there_and_looking_is_not_controlling(
    installation: Installation, waiting: UUID
) -> None:
    path = f"/v1/procedures/{waiting}"
    strangers = [key(installation, role, "lending") for role in (Role.OWNER, Role.CALLER)]
    viewer, caller = key(installation, Role.VIEWER), key(installation, Role.CALLER)
    changes: dict[str, Any] = {"cancel": WHY, "resume": WHY, "fork": {"from_step": 1, **WHY}, "events/go": {}}
    for change, body in changes.items():
        for stranger in strangers:
            assert call(installation, "POST", f"{path}/{change}", stranger, json=body).status_code == 404
        assert call(installation, "POST", f"{path}/{change}", viewer, json=body).status_code == 403
    assert call(installation, "GET", path, strangers[0]).status_code == 404
    assert call(installation, "GET", path, caller).status_code == 404
    assert call(installation, "POST", f"{path}/cancel", caller, json=WHY).status_code == 404


def test_an_event_that_is_sent_leaves_an_audit_entry_without_its_data(
    installation: Installation, waiting: UUID
) -> None:
    caller, auditor = key(installation, Role.CALLER), installation.key("aud", Grant(Role.AUDITOR))
    sent = call(
        installation, "POST", f"/v1/procedures/{waiting}/events/go", caller, json={"data": {"name": "Zoe"}}
    ).json()
    path = f"/v1/audit/entries?subject=procedure:{waiting}"
    (entry,) = call(installation, "GET", path, auditor).json()["entries"]
    assert (entry["action"], entry["actor"]) == ("procedure.event", f"{Role.CALLER}-{LINE}")
    assert entry["after"] == {"event": sent["key"], "name": "go"}
