"""Deliveries whose outcome nobody knows: each is a row of the review queue, and a person settles it."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import structs
from tests.integration.console.test_streams import post, visiting

from andon import actions, reviews, settling
from andon.access import Grant, Role
from andon.actions import ActionState
from andon.bootstrap.project import build_events
from andon.kernel import outbox
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.outbox import Message
from andon.reviews import ReviewFilter, ReviewTask
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation, install
from messages import an_action, bury

NOW = datetime.now(UTC)


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def unknown(installation: Installation) -> Message:
    decided = call(installation, "POST", DECIDE, installation.key("bank", CALLER), json=payment())
    message = structs.replace(an_action(NOW), subject=UUID(decided.json()["id"]))
    with installation.database.begin() as tx:
        outbox.add(tx, [message])
        outbox.settle(tx, message.id, outbox.MessageState.DEAD, now=NOW, error="unknown: no answer came")
    bury(installation.database, [an_action(NOW)], at=NOW, why="answered 422, its receiver is unknown: nobody")
    return message


def asked(installation: Installation) -> ReviewTask:
    """Run the worker's chore, and return the question."""
    with installation.database.begin() as tx:
        settling.ask_due(tx, NOW)
        [review] = reviews.page(tx, ReviewFilter(), now=NOW)
    return review


@pytest.mark.parametrize(
    ("answer", "state"),
    [("happened", ActionState.DONE), ("send again", ActionState.PENDING), ("give up", ActionState.DEAD)],
)
def test_a_person_finds_one_among_the_reviews_and_settles_it(
    installation: Installation, unknown: Message, answer: str, state: ActionState
) -> None:
    review = asked(installation)
    page = f"/reviews/{review.id}"
    with visiting(installation, Grant(Role.OPERATOR, "payments"), events=build_events(Settings())) as client:
        assert page in client.get("/reviews?automation=payments").text
        assert f"/actions/{unknown.id}" in client.get(page).text
        post(client, page, f"{page}/claim")
        verdict = {"outcome": answer, "reason": "looked in the card system"}
        assert post(client, page, f"{page}/verdict", **verdict).status_code == 303
        assert page not in client.get("/reviews").text
    with installation.database.begin() as tx:
        assert actions.get(tx, unknown.id).state is state


@pytest.mark.parametrize(
    ("settle", "field", "state"),
    [("confirm", "How you know", ActionState.DONE), ("resend", "it may be done twice", ActionState.PENDING)],
)
def test_one_that_is_settled_among_the_dead_letters_leaves_the_queue(
    installation: Installation, unknown: Message, settle: str, field: str, state: ActionState
) -> None:
    review = asked(installation)
    with visiting(installation, Grant(Role.OPERATOR, "payments"), events=build_events(Settings())) as client:
        page = f"/actions/{unknown.id}"
        assert page in client.get("/actions?because=unknown%3A&automation=payments").text
        assert field in client.get(page).text
        assert post(client, page, f"{page}/{settle}", reason="looked in the card system").status_code == 303
        assert "Nothing waits for a person" in client.get("/reviews").text
        assert "looked in the card system" in client.get("/reviews?show=withdrawn").text
        shown = client.get(f"/reviews/{review.id}").text
        assert "it was settled elsewhere" in shown
    with installation.database.begin() as tx:
        assert actions.get(tx, unknown.id).state is state


def test_an_event_that_was_sent_outside_is_asked_about_on_a_page_without_a_decision(
    installation: Installation,
) -> None:
    message = an_action(NOW, automation="")
    message = structs.replace(message, subject=message.id, payload={**message.payload, "event": {"type": "andon.x"}})
    with installation.database.begin() as tx:
        outbox.add(tx, [message])
        outbox.settle(tx, message.id, outbox.MessageState.DEAD, now=NOW, error="unknown: no answer came")
    review = asked(installation)
    with visiting(installation, Grant(Role.ADMIN)) as client:
        assert f"/reviews/{review.id}" in client.get("/reviews").text
        shown = client.get(f"/reviews/{review.id}")
        assert (shown.status_code, ">The question</h2>" in shown.text) == (200, True)
        assert "The whole decision" not in shown.text


def test_sending_many_again_leaves_it_out(installation: Installation, unknown: Message) -> None:
    with visiting(installation, Grant(Role.OPERATOR, "payments"), events=build_events(Settings())) as client:
        assert "Send all 1 again" in client.get("/actions").text
        post(client, "/actions", "/actions/resend", reason="the receiver is back")
    with installation.database.begin() as tx:
        assert actions.get(tx, unknown.id).is_unknown


def test_a_stranger_learns_nothing_of_it(installation: Installation, unknown: Message) -> None:
    review = asked(installation)
    with visiting(installation, Grant(Role.OPERATOR, "lending")) as client:
        assert str(review.id) not in client.get("/reviews").text
        assert str(review.id) not in client.get("/reviews?automation=payments").text
        assert client.get(f"/reviews/{review.id}").status_code == 404
        assert client.get(f"/actions/{unknown.id}").status_code == 404
