"""Tools over HTTP: a call is decided, approved by another, and carried out exactly once with the approved arguments."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from andon import audit, cord, reviews, settling, tools
from andon.access import Grant, Role
from andon.bootstrap.project import build_events
from andon.bootstrap.vouched import all_evidence
from andon.cord import LineState
from andon.kernel import outbox
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from andon.tools.vouched import PERMIT
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


def finish(installation: Installation, key: str, made: dict[str, Any], **ended: Any) -> httpx.Response:
    return call(installation, "POST", f"/v1/tool-calls/{made['id']}/finish", key, json=ended)


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


@pytest.mark.parametrize(
    "alteration",
    [
        "state = 'allowed', begun_at = NULL, finish_by = NULL",
        "state = 'allowed', begun_at = NULL, finish_by = NULL, uses = 0",
    ],
    ids=["begun again", "as if never begun"],
)
def test_a_permit_that_was_spent_and_set_back_is_refused_and_named(
    installation: Installation, agent: str, alteration: str
) -> None:
    made = ask(installation, agent, "balance", account="a1").json()
    assert begin(installation, agent, made).status_code == 200
    alter(installation, alteration)
    assert begin(installation, agent, made).json()["type"] == "urn:andon:problem:rows-doubted"
    assert f"tool_call:{made['id']}" in doubted(installation)


@pytest.mark.parametrize(
    ("alteration", "digest"),
    [
        ("tool = 'close_account'", None),
        ("caller = 'claudia', toolbox = 'other'", None),
        ("expires_at = expires_at + interval '1 year'", None),
        (f"digest = '{'0' * 64}'", "0" * 64),
    ],
    ids=["tool", "toolbox", "expiry", "digest"],
)
def test_a_permit_that_differs_from_its_decision_is_refused(
    installation: Installation, agent: str, alteration: str, digest: str | None
) -> None:
    made = ask(installation, agent, "balance", account="a1").json()
    alter(installation, alteration)
    with installation.database.begin() as tx, pytest.raises(audit.RowsDoubted):
        tools.begin(tx, UUID(made["id"]), digest or made["digest"], caller="claudia", now=datetime.now(UTC))


def test_an_approved_permit_that_expires_is_recorded(installation: Installation, agent: str, reviewer: str) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=900).json()
    answer(installation, reviewer, open_review(installation))
    with installation.database.begin() as tx:
        tools.expire_due(tx, datetime(2100, 1, 1, tzinfo=UTC))
    assert ("tool.expire", "andon") in audited(installation, made)
    assert doubted(installation) == []


def test_what_andon_delivers_is_not_ended_by_its_caller(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "notify", text="hello").json()
    begin(installation, agent, made)
    ended = finish(installation, agent, made, error="down", sent=False)
    assert (ended.status_code, ended.json()["type"]) == (409, "urn:andon:problem:call-delivered")
    assert begin(installation, agent, made).status_code == 409


def test_a_restored_permit_counts_its_uses(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "balance", account="a1").json()
    begin(installation, agent, made)
    assert finish(installation, agent, made, error="not sent", sent=False).json()["uses"] == 1
    assert begin(installation, agent, made).json()["uses"] == 2
    assert doubted(installation) == []


@pytest.mark.parametrize("result", ["NaN", "1e400", "[" * 300 + "]" * 300, "[" * 20_000 + "]" * 20_000])
def test_a_result_that_no_json_holds_is_refused(installation: Installation, agent: str, result: str) -> None:
    made = ask(installation, agent, "balance", account="a1").json()
    begin(installation, agent, made)
    path, headers = f"/v1/tool-calls/{made['id']}/finish", {"content-type": "application/json"}
    ended = call(installation, "POST", path, agent, content='{"result": ' + result + "}", headers=headers)
    assert ended.status_code == 422


@pytest.mark.parametrize("depth", [300, 20_000])
def test_arguments_of_any_depth_get_an_answer(installation: Installation, agent: str, depth: int) -> None:
    body = '{"tool": "balance", "arguments": {"account": ' + "[" * depth + "]" * depth + '}, "agent": "a", "run": "r"}'
    asked = call(installation, "POST", CALLS, agent, content=body, headers={"content-type": "application/json"})
    assert asked.status_code == 422


def alter(installation: Installation, alteration: str) -> None:
    """Change the calls as the owner of their table could."""
    with installation.database.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE tool_calls DISABLE TRIGGER immutable")
        tx.exec_driver_sql(f"UPDATE tool_calls SET {alteration}")
        tx.exec_driver_sql("ALTER TABLE tool_calls ENABLE ALWAYS TRIGGER immutable")


def doubted(installation: Installation) -> list[str]:
    """Return the subjects of the findings of a verification."""
    with installation.database.snapshot() as tx:
        return [
            found.subject or ""
            for found in audit.verify(tx, evidence=all_evidence(), rows=[PERMIT]).findings
            if found.subject
        ]


def lose(installation: Installation) -> None:
    with installation.database.begin() as tx:
        tools.lose_due(tx, datetime.now(UTC) + timedelta(hours=2))


def audited(installation: Installation, made: dict[str, Any]) -> set[tuple[str, str]]:
    with installation.database.begin() as tx:
        entries = audit.page(tx, subject=f"tool_call:{made['id']}")
    return {(entry.leaf.action, entry.leaf.actor) for entry in entries}


@pytest.mark.parametrize(("found", "state"), [("happened", "done"), ("did not happen", "failed")])
def test_a_call_that_its_caller_never_finishes_has_an_unknown_outcome_until_a_person_settles_it(
    installation: Installation, agent: str, reviewer: str, found: str, state: str
) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=20).json()
    begin(installation, agent, made)
    with installation.database.begin() as tx:
        tools.lose_due(tx, datetime.now(UTC) + timedelta(minutes=59))
    path = f"/v1/tool-calls/{made['id']}"
    assert call(installation, "GET", path, agent).json()["state"] == "begun", "it has an hour"
    lose(installation)
    shown = call(installation, "GET", path, agent).json()
    assert shown["state"] == "unknown"
    again = begin(installation, agent, made)
    assert (again.status_code, "a person is asked whether it happened" in again.json()["detail"]) == (409, True)
    review = call(installation, "GET", f"/v1/reviews/{shown['question_id']}", reviewer).json()
    assert (review["queue"], review["outcomes"]) == ("agents", ["happened", "did not happen"])
    assert "claudia began refund at" in review["question"]
    both = installation.key("boris", Grant(Role.AGENT, BOX), Grant(Role.REVIEWER, BOX))
    assert answer(installation, both, review["id"], found).status_code == 403
    call(installation, "POST", f"/v1/reviews/{review['id']}/release", both)
    assert answer(installation, reviewer, review["id"], found).status_code == 200
    settled = call(installation, "GET", path, agent).json()
    why = None if state == "done" else "rita found that it did not happen: the customer called"
    assert (settled["state"], settled["error"]) == (state, why)
    entries = {("tool.begin", "claudia"), ("tool.settle", "rita"), ("tool.lose", "andon")}
    assert audited(installation, made) == entries


def test_a_caller_may_finish_late_and_then_no_answer_changes_the_end(
    installation: Installation, agent: str, reviewer: str
) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=900).json()
    answer(installation, reviewer, open_review(installation))
    begin(installation, agent, made)
    lose(installation)
    path = f"/v1/tool-calls/{made['id']}"
    done = call(installation, "POST", f"{path}/finish", agent, json={"result": "paid"}).json()
    assert done["state"] == "done"
    question = call(installation, "GET", f"/v1/reviews/{done['question_id']}", reviewer).json()
    said = "The caller of refund reported how it ended: done"
    assert (question["state"], question["withdrawal"]["reason"], question["withdrawal"]["by"]) == (
        "withdrawn",
        said,
        "claudia",
    )
    refused = answer(installation, reviewer, done["question_id"], "did not happen")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:andon:problem:review-withdrawn")
    assert said in refused.json()["detail"]
    assert call(installation, "GET", path, agent).json()["state"] == "done"
    with installation.database.begin() as tx:
        assert audit.doubts(tx, PERMIT, [PERMIT.row(UUID(made["id"]))]) == {}
    acts = {("tool.answer", "rita"), ("tool.begin", "claudia"), ("tool.lose", "andon"), ("tool.finish", "claudia")}
    assert audited(installation, made) == acts


def test_what_was_never_sent_is_not_sent_again_once_its_outcome_is_unknown(
    installation: Installation, agent: str
) -> None:
    made = ask(installation, agent, "refund", account="a1", amount=20).json()
    begin(installation, agent, made)
    lose(installation)
    unsent = {"error": "no route to the bank", "sent": False}
    ended = call(installation, "POST", f"/v1/tool-calls/{made['id']}/finish", agent, json=unsent).json()
    assert ended["state"] == "failed"
    assert begin(installation, agent, made).status_code == 409


@pytest.mark.parametrize(("found", "state"), [("happened", "done"), ("give up", "unknown")])
def test_a_delivery_that_may_have_arrived_is_settled_by_another_than_its_caller(
    installation: Installation, agent: str, reviewer: str, found: str, state: str
) -> None:
    made = ask(installation, agent, "notify", text="hello").json()
    begin(installation, agent, made)
    now, path = datetime.now(UTC), f"/v1/tool-calls/{made['id']}"
    with installation.database.begin() as tx:
        outbox.settle(tx, UUID(made["id"]), outbox.MessageState.DEAD, now=now, error="unknown: no answer came")
        settling.ask_due(tx, now)
    shown = call(installation, "GET", path, agent).json()
    assert (shown["state"], shown["error"]) == ("unknown", "unknown: no answer came")
    review = call(installation, "GET", f"/v1/reviews/{shown['question_id']}", reviewer).json()
    assert (review["queue"], review["action_id"]) == ("agents", made["id"])
    both = installation.key("boris", Grant(Role.AGENT, BOX), Grant(Role.REVIEWER, BOX))
    assert answer(installation, both, review["id"], found).status_code == 403
    call(installation, "POST", f"/v1/reviews/{review['id']}/release", both)
    assert answer(installation, reviewer, review["id"], found).status_code == 200
    assert call(installation, "GET", path, agent).json()["state"] == state


def test_what_andon_delivers_is_never_lost(installation: Installation, agent: str) -> None:
    made = ask(installation, agent, "notify", text="hello").json()
    assert begin(installation, agent, made).json()["finish_by"] is None
    lose(installation)
    assert call(installation, "GET", f"/v1/tool-calls/{made['id']}", agent).json()["state"] == "begun"


@pytest.mark.parametrize("segment", [{}, {"tool": "refund"}], ids=["the line", "one tool"])
def test_a_permit_is_not_spent_while_the_line_is_stopped(
    installation: Installation, agent: str, reviewer: str, segment: dict[str, str]
) -> None:
    small = ask(installation, agent, "refund", account="a1", amount=20).json()
    large = ask(installation, agent, "refund", account="a1", amount=900).json()
    answer(installation, reviewer, open_review(installation))
    set_line(installation, LineState.STOPPED, segment)
    for made in (small, large):
        held = begin(installation, agent, made)
        assert (held.status_code, held.json()["type"]) == (409, "urn:andon:problem:permit-unusable")
        assert "the line bank-tools is stopped" in held.json()["detail"]
        assert call(installation, "GET", f"/v1/tool-calls/{made['id']}", agent).json()["state"] == "allowed"
    set_line(installation, LineState.AUTOMATIC, segment)
    assert [begin(installation, agent, made).status_code for made in (small, large)] == [200, 200]


def test_while_the_line_is_supervised_only_what_a_person_approved_is_begun(
    installation: Installation, agent: str, reviewer: str
) -> None:
    small = ask(installation, agent, "refund", account="a1", amount=20).json()
    large = ask(installation, agent, "refund", account="a1", amount=900).json()
    answer(installation, reviewer, open_review(installation))
    set_line(installation, LineState.SUPERVISED, {})
    held = begin(installation, agent, small)
    assert (held.status_code, "the line bank-tools is supervised" in held.json()["detail"]) == (409, True)
    assert begin(installation, agent, large).json()["state"] == "begun"


def set_line(installation: Installation, state: LineState, segment: dict[str, str]) -> None:
    """Change the line in the database only: no gateway has heard of it yet."""
    about: dict[str, Any] = {"segment": segment, "actor": Actor("olaf"), "reason": "a drill of the team"}
    now, events = datetime.now(UTC), build_events(Settings())
    with installation.database.begin() as tx:
        if state is LineState.AUTOMATIC:
            cord.release(tx, BOX, **about, events=events, now=now)
        else:
            cord.pull(tx, BOX, state=state, **about, events=events, now=now)


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
