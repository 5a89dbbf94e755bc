"""What follows a request to block a card, rehearsed without a browser, a model or a mail server."""

import asyncio
from typing import Any

from andon.testing import Rehearsal, rehearse

from procedures import NOTICE, block_card

MAIL = {
    "subject": "Lost card",
    "text": "Please block my card ending in 4711.",
    "sender": "a@mail.example",
    "message_id": "m-1",
}


def rehearsed(**given: Any) -> Rehearsal:
    return asyncio.run(rehearse(block_card, {"id": "d-1", "outcome": "block-card", "input": MAIL}, **given))


DRAFT = {"reply-writer": ["your card is blocked"]}


def test_the_card_is_blocked_and_the_approved_answer_is_sent_once() -> None:
    seen = rehearsed(answers=["send"], results=DRAFT)
    assert seen.result == "blocked and answered"
    assert [event for _, event, _ in seen.delivered] == ["move", "block", "answer"]
    assert seen.delivered[1][2]["input"] == {"card": "4111111100004711"}
    assert seen.delivered[2][2]["input"]["answer"] == f"your card is blocked\n\n{NOTICE}"


def test_an_answer_that_is_not_approved_is_not_sent() -> None:
    seen = rehearsed(answers=["do not send"], results=DRAFT)
    assert (seen.result, len(seen.delivered)) == ("blocked, not answered", 2)


def test_where_the_robot_fails_a_person_blocks_the_card() -> None:
    seen = rehearsed(refuse=["block"], answers=["blocked", "send"], results=DRAFT)
    assert seen.result == "blocked and answered"
    seen = rehearsed(refuse=["block"], answers=["not to be blocked"], results=DRAFT)
    assert (seen.result, [event for _, event, _ in seen.delivered]) == ("not blocked", ["move"])
