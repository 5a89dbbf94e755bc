"""Tools over HTTP: a call is decided, approved by another, and carried out exactly once with the approved arguments."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from andon import reviews, tools
from andon.access import Grant, Role
from andon.kernel import outbox
from andon.kernel.db import Database
from calls import call
from lines import Installation, install
from toolboxes import POLICY, a_toolbox

BOX = "bank-tools"
CALLS = f"/v1/toolboxes/{BOX}/calls"


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, a_toolbox())


@pytest.fixture
def agent(installation: Installation) -> str:
    return installation.key("claudia", Grant(Role.AGENT, BOX))


@pytest.fixture
def reviewer(installation: Installation) -> str:
    return installation.key("rita", Grant(Role.REVIEWER, BOX))


def ask(
    installation: Installation, caller: str, tool: str, idempotent: str | None = None, **arguments: Any
) -> httpx.Response:
    body = {"tool": tool, "arguments": arguments, "agent": "drafter", "run": "r1"}
    headers = {} if idempotent is None else {"Idempotency-Key": idempotent}
    return call(installation, "POST", CALLS, caller, json=body, headers=headers)


def open_review(installation: Installation) -> str:
    with installation.database.begin() as tx:
        reviews.open_due(tx, now=datetime.now(UTC))
        [review] = reviews.page(tx, reviews.ReviewFilter(queue="agents"), now=datetime.now(UTC))
    return str(review.id)


def answer(installation: Installation, key: str, review: str, outcome: str = "allow") -> httpx.Response:
    call(installation, "POST", f"/v1/reviews/{review}/claim", key)
    verdict = {"outcome": outcome, "reason": "the customer called"}
    return call(installation, "POST", f"/v1/reviews/{review}/verdict", key, json=verdict)


def begin(installation: Installation, key: str, made: dict[str, Any], digest: str | None = None) -> httpx.Response:
    return call(
        installation, "POST", f"/v1/tool-calls/{made['id']}/begin", key, json={"digest": digest or made["digest"]}
    )


def test_an_allowed_call_is_begun_once_and_ends_with_its_result(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=20).json()
    assert (made["state"], made["outcome"], made["rule"], made["reasons"]) == ("allowed", "allow", "small", ["SMALL"])
    assert begin(installation, agent, made).json()["state"] == "begun"
    twice = begin(installation, agent, made)
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:andon:problem:permit-unusable")
    path = f"/v1/tool-calls/{made['id']}"
    done = call(installation, "POST", f"{path}/finish", agent, json={"result": {"paid": 20}})
    assert (done.json()["state"], done.json()["result"]) == ("done", {"paid": 20})
    again = call(installation, "POST", f"{path}/finish", agent, json={"result": {"paid": 20}})
    assert again.status_code == 200
    other = call(installation, "POST", f"{path}/finish", agent, json={"result": {"paid": 21}})
    assert other.status_code == 409
    record = call(installation, "GET", f"/v1/decisions/{made['id']}", agent).json()
    assert record["outcome"] == "allow"
    assert record["input"]["arguments"] == {"account": "a1", "amount": 20}


def test_a_denied_call_cannot_be_begun(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "close_account", account="a1").json()
    assert (made["state"], made["outcome"], made["expires_at"]) == ("denied", "deny", None)
    assert begin(installation, agent, made).status_code == 409


def test_an_approval_is_for_these_arguments_only_and_is_spent_once(
    installation: Installation, agent: str, reviewer: str
) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=900).json()
    other = ask(installation, agent, "refund", account="a1", amount=20).json()
    assert (made["state"], made["outcome"], made["review_id"]) == ("waiting", "ask", None)
    assert begin(installation, agent, made).status_code == 409
    review = open_review(installation)
    shown = call(installation, "GET", f"/v1/reviews/{review}", reviewer).json()
    assert shown["outcomes"] == ["allow", "deny"]
    assert shown["decision"]["input"]["arguments"] == {"account": "a1", "amount": 900}
    assert answer(installation, reviewer, review).status_code == 200
    approved = call(installation, "GET", f"/v1/tool-calls/{made['id']}", agent).json()
    assert (approved["state"], approved["review_id"], approved["answered_by"]) == ("allowed", review, "rita")
    wrong = begin(installation, agent, made, digest=other["digest"])
    assert (wrong.status_code, "other arguments" in wrong.json()["detail"]) == (409, True)
    assert begin(installation, agent, made).json()["state"] == "begun"
    assert begin(installation, agent, made).status_code == 409


def test_a_refused_call_stays_refused(installation: Installation, agent: str, reviewer: str) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=900).json()
    answer(installation, reviewer, open_review(installation), "deny")
    assert call(installation, "GET", f"/v1/tool-calls/{made['id']}", agent).json()["state"] == "refused"
    assert begin(installation, agent, made).status_code == 409


def test_neither_who_asked_nor_an_agent_approves(installation: Installation, agent: str, reviewer: str) -> None:
    both = installation.key("boris", Grant(Role.AGENT, BOX), Grant(Role.REVIEWER, BOX))
    admin = installation.key("ada", Grant(Role.ADMIN))
    ask(installation, admin, "refund", account="a1", amount=900)
    review = open_review(installation)
    own = answer(installation, admin, review)
    assert (own.status_code, own.json()["type"]) == (403, "urn:andon:problem:own-approval")
    call(installation, "POST", f"/v1/reviews/{review}/release", admin)
    assert answer(installation, both, review).status_code == 403
    call(installation, "POST", f"/v1/reviews/{review}/release", both)
    assert answer(installation, agent, review).status_code in (403, 404)
    assert answer(installation, reviewer, review).status_code == 200


def test_the_same_key_gets_the_first_answer(installation: Installation, agent: str) -> None:
    first = ask(installation, agent, "refund", "k1", account="a1", amount=20)
    again = ask(installation, agent, "refund", "k1", account="a1", amount=20)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert ask(installation, agent, "refund", "k1", account="a1", amount=21).json()["code"] == "KeyReused"


@pytest.mark.parametrize(
    ("tool", "arguments", "where"),
    [
        ("refund", {"account": "a1"}, "arguments.amount"),
        ("refund", {"account": "a1", "amount": "much"}, "arguments.amount"),
        ("refund", {"account": "a1", "amount": 1, "key": "mine"}, "arguments.key"),
        ("fly", {}, "tool"),
    ],
    ids=["missing", "mistyped", "further", "unknown"],
)
def test_what_does_not_fit_is_refused_with_the_field(
    installation: Installation, agent: str, tool: str, arguments: dict[str, Any], where: str
) -> None:
    refused = ask(installation, agent, tool, **arguments)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, where)


def test_a_stranger_sees_no_toolbox_and_no_call(installation: Installation, agent: str) -> None:
    stranger = installation.key("stan", Grant(Role.OWNER, "lending"))
    made = ask(installation, agent, "balance", account="a1").json()
    assert ask(installation, stranger, "balance", account="a1").status_code in (403, 404)
    assert call(installation, "GET", f"/v1/tool-calls/{made['id']}", stranger).status_code == 404
    assert call(installation, "GET", f"/v1/toolboxes/{BOX}", stranger).status_code == 404
    other = installation.key("olga", Grant(Role.AGENT, BOX))
    assert begin(installation, other, made).status_code == 404
    assert call(installation, "GET", CALLS, other).json()["calls"] == []
    [listed] = call(installation, "GET", CALLS, agent).json()["calls"]
    assert listed["id"] == made["id"]


def test_a_call_that_was_never_sent_has_its_permit_back(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=20).json()
    begin(installation, agent, made)
    unsent = {"error": "no route to the bank", "sent": False}
    back = call(installation, "POST", f"/v1/tool-calls/{made['id']}/finish", agent, json=unsent).json()
    assert back["state"] == "allowed"
    assert begin(installation, agent, made).json()["state"] == "begun"


def test_a_delivered_tool_waits_in_the_outbox_under_the_calls_id(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "notify", text="hello").json()
    assert made["state"] == "allowed"
    begin(installation, agent, made)
    with installation.database.begin() as tx:
        [message] = outbox.about(tx, UUID(made["id"]))
        assert (str(message.id), message.payload["destination"]) == (made["id"], "bank")
        outbox.settle(tx, message.id, outbox.MessageState.DONE, now=datetime.now(UTC))
    assert call(installation, "GET", f"/v1/tool-calls/{made['id']}", agent).json()["state"] == "done"


def test_a_row_that_was_altered_gives_no_permit(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=900).json()
    with installation.database.begin() as tx:
        tx.exec_driver_sql("UPDATE tool_calls SET state = 'allowed', answered_by = 'rita'")
    refused = begin(installation, agent, made)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:andon:problem:permit-unusable")


def test_a_verdict_before_the_call_was_kept_counts(installation: Installation, agent: str, reviewer: str) -> None:
    made = ask(installation, agent, "refund", "k1", account="a1", amount=900).json()
    with installation.database.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE tool_calls DISABLE TRIGGER immutable")
        tx.exec_driver_sql("DELETE FROM tool_calls")  # as if the gateway had ended between its two commits
        tx.exec_driver_sql("ALTER TABLE tool_calls ENABLE ALWAYS TRIGGER immutable")
    assert answer(installation, reviewer, open_review(installation)).status_code == 200
    assert begin(installation, agent, made).status_code == 404
    ask(installation, agent, "refund", "k1", account="a1", amount=900)
    assert begin(installation, agent, made).json()["state"] == "begun"


def test_calls_expire(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "balance", account="a1").json()
    later = datetime(2100, 1, 1, tzinfo=UTC)
    with installation.database.begin() as tx:
        tools.expire_due(tx, later)
    gone = begin(installation, agent, made)
    assert (gone.status_code, "ask again" in gone.json()["detail"]) == (409, True)


def test_past_calls_are_replayed_under_another_policy(installation: Installation, agent: str) -> None:
    ask(installation, agent, "refund", account="a1", amount=20)
    ask(installation, agent, "balance", account="a1")
    owner = installation.key("otto", Grant(Role.OWNER, BOX))
    stricter = POLICY.replace("amount <= 50', then: allow", "amount <= 10', then: allow")
    path = f"/v1/automations/{BOX}/replays"
    same = call(installation, "POST", path, owner, json={"policy": POLICY}).json()
    other = call(installation, "POST", path, owner, json={"policy": stricter}).json()
    assert (same["decisions"], same["flipped"]) == (2, 0)
    assert (other["decisions"], other["flipped"]) == (2, 1)
