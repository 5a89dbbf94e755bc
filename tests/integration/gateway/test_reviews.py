"""Reviews over HTTP: claimed and decided by who may work there; not there for strangers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from andon import reviews
from andon.access import Grant, Role
from andon.kernel.identity import Actor
from calls import call
from lines import Installation
from messages import a_question, put

NOW = datetime.now(UTC)
VERDICT = {"outcome": "pause", "reason": "known mule"}


@pytest.fixture
def reviewer(installation: Installation) -> str:
    return installation.key("rita", Grant(Role.REVIEWER, "payments"))


@pytest.fixture
def other(installation: Installation) -> str:
    return installation.key("rolf", Grant(Role.REVIEWER, "payments"))


@pytest.fixture
def viewer(installation: Installation) -> str:
    return installation.key("vera", Grant(Role.VIEWER, "payments"))


@pytest.fixture
def stranger(installation: Installation) -> str:
    return installation.key("stan", Grant(Role.OWNER, "lending"))


def opened(installation: Installation, *questions: Any) -> list[str]:
    put(installation.database, *questions)
    with installation.database.begin() as tx:
        reviews.open_due(tx, now=NOW)
        found = [reviews.of_decision(tx, question.subject) for question in questions]
    return [str(review.id) for review in found if review is not None]


def test_a_review_goes_from_the_queue_to_a_verdict(installation: Installation, reviewer: str, other: str) -> None:
    question = a_question(NOW)
    [review_id] = opened(installation, question)
    [listed] = call(installation, "GET", "/v1/reviews", reviewer).json()["reviews"]
    assert (listed["id"], listed["state"], listed["outcomes"]) == (review_id, "open", ["release", "pause"])
    path = f"/v1/reviews/{review_id}"
    unclaimed = call(installation, "POST", f"{path}/verdict", reviewer, json=VERDICT)
    assert (unclaimed.status_code, unclaimed.json()["type"]) == (409, "urn:andon:problem:review-not-claimed")
    claimed = call(installation, "POST", f"{path}/claim", reviewer).json()
    assert (claimed["state"], claimed["claimed_by"], claimed["decision"]["score"]) == ("claimed", "rita", 0.5)
    held = call(installation, "POST", f"{path}/claim", other)
    assert (held.status_code, held.json()["type"]) == (409, "urn:andon:problem:review-held")
    assert held.json()["detail"].startswith("rita holds this review until ")
    assert call(installation, "POST", f"{path}/release", reviewer).json()["state"] == "open"
    assert call(installation, "POST", f"{path}/claim", other).json()["claimed_by"] == "rolf"
    decided = call(installation, "POST", f"{path}/verdict", other, json=VERDICT).json()
    assert (decided["state"], decided["verdict"]["by"], decided["verdict"]["outcome"]) == ("decided", "rolf", "pause")
    twice = call(installation, "POST", f"{path}/verdict", other, json=VERDICT)
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:andon:problem:review-decided")
    assert call(installation, "GET", "/v1/reviews", reviewer).json()["reviews"] == []
    [done] = call(installation, "GET", "/v1/reviews?state=decided&mine=true", other).json()["reviews"]
    assert done["id"] == review_id


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"outcome": "pause"},
        {"outcome": "pause", "reason": ""},
        {"outcome": "pause", "reason": "   "},
        {"outcome": "review", "reason": "no idea"},
        {"outcome": "burn", "reason": "why not"},
        {"outcome": "pause", "reason": "a\0b"},
        {"outcome": "pause", "reason": "x" * 2001},
    ],
)
def test_a_verdict_that_cannot_be_used_is_refused(
    installation: Installation, reviewer: str, body: dict[str, str]
) -> None:
    [review_id] = opened(installation, a_question(NOW))
    call(installation, "POST", f"/v1/reviews/{review_id}/claim", reviewer)
    assert call(installation, "POST", f"/v1/reviews/{review_id}/verdict", reviewer, json=body).status_code == 422
    assert call(installation, "GET", f"/v1/reviews/{review_id}", reviewer).json()["state"] == "claimed"


def test_what_is_elsewhere_is_not_there_and_looking_is_not_working(
    installation: Installation, viewer: str, stranger: str
) -> None:
    [review_id] = opened(installation, a_question(NOW))
    path = f"/v1/reviews/{review_id}"
    assert call(installation, "GET", path, viewer).status_code == 200
    assert call(installation, "GET", "/v1/reviews", stranger).json()["reviews"] == []
    assert call(installation, "GET", path, stranger).status_code == 404
    assert call(installation, "GET", f"/v1/reviews/{uuid4()}", viewer).status_code == 404
    for act, body in (("claim", None), ("release", None), ("verdict", VERDICT)):
        assert call(installation, "POST", f"{path}/{act}", viewer, json=body).status_code == 403
        assert call(installation, "POST", f"{path}/{act}", stranger, json=body).status_code == 404


def test_the_queue_comes_page_by_page_the_one_due_first_first(installation: Installation, viewer: str) -> None:
    questions = [a_question(NOW, due=due) for due in (30_000, -60, 10_000)]
    ids = opened(installation, *questions, a_question(NOW, automation="lending"), a_question(NOW, queue="aml"))
    in_order, cursor = [], None
    while True:
        after = "" if cursor is None else f"&after={cursor}"
        page = call(installation, "GET", f"/v1/reviews?queue=fraud&limit=2{after}", viewer).json()
        in_order += [review["id"] for review in page["reviews"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert in_order == [ids[1], ids[2], ids[0]]
    [late] = call(installation, "GET", "/v1/reviews?overdue=true", viewer).json()["reviews"]
    assert (late["id"], late["overdue"]) == (ids[1], True)


@pytest.mark.parametrize("after", ["nonsense", "20261124T120000.000000p0000_x", "_", "p" * 100])
def test_a_place_that_is_none_is_named(installation: Installation, viewer: str, after: str) -> None:
    answer = call(installation, "GET", f"/v1/reviews?after={after}", viewer)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "query.after")


def test_a_claim_that_ran_out_is_shown_as_open(installation: Installation, reviewer: str, viewer: str) -> None:
    [review_id] = opened(installation, a_question(NOW))
    with installation.database.begin() as tx:
        earlier = NOW - reviews.CLAIM - timedelta(minutes=1)
        [review] = reviews.page(tx, reviews.ReviewFilter(), now=NOW)
        reviews.claim(tx, review.id, actor=Actor("gone"), now=earlier)
    shown = call(installation, "GET", f"/v1/reviews/{review_id}", viewer).json()
    assert (shown["state"], shown["claimed_by"], shown["claimed_until"]) == ("open", None, None)
    assert call(installation, "POST", f"/v1/reviews/{review_id}/claim", reviewer).status_code == 200
