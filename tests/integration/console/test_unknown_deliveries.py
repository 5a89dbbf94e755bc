"""Deliveries whose result nobody knows: the reviews page names them, and a person confirms them or sends them again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.console.test_streams import post, visiting

from andon import actions
from andon.access import Grant, Role
from andon.actions import ActionState
from andon.kernel.db import Database
from andon.kernel.outbox import Message
from lines import Installation, install
from messages import an_action, bury

NOW = datetime.now(UTC)


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def unknown(installation: Installation) -> Message:
    message = an_action(NOW)
    bury(installation.database, [message], at=NOW, why="unknown: no answer came")
    bury(installation.database, [an_action(NOW)], at=NOW, why="answered 422, its receiver is unknown: nobody")
    return message


@pytest.mark.parametrize(
    ("settle", "field", "state"),
    [("confirm", "How you know", ActionState.DONE), ("resend", "it may be done twice", ActionState.PENDING)],
)
def test_a_person_finds_one_among_the_reviews_and_settles_it(
    installation: Installation, unknown: Message, settle: str, field: str, state: ActionState
) -> None:
    with visiting(installation, Grant(Role.OPERATOR, "payments")) as client:
        reviews = client.get("/reviews?automation=payments").text
        assert "1 delivery waits" in reviews
        assert "/actions?because=unknown%3A&amp;automation=payments" in reviews
        page = f"/actions/{unknown.id}"
        assert page in client.get("/actions?because=unknown%3A&automation=payments").text
        assert field in client.get(page).text
        assert post(client, page, f"{page}/{settle}", reason="looked in the card system").status_code == 303
        assert "delivery waits" not in client.get("/reviews").text
    with installation.database.begin() as tx:
        assert actions.get(tx, unknown.id).state is state


def test_sending_many_again_leaves_it_out(installation: Installation, unknown: Message) -> None:
    with visiting(installation, Grant(Role.OPERATOR, "payments")) as client:
        assert "Send all 1 again" in client.get("/actions").text
        post(client, "/actions", "/actions/resend", reason="the receiver is back")
    with installation.database.begin() as tx:
        assert actions.get(tx, unknown.id).is_unknown


def test_a_stranger_learns_nothing_of_it(installation: Installation, unknown: Message) -> None:
    with visiting(installation, Grant(Role.OPERATOR, "lending")) as client:
        assert "delivery waits" not in client.get("/reviews").text
        assert "delivery waits" not in client.get("/reviews?automation=payments").text
        assert client.get(f"/actions/{unknown.id}").status_code == 404
