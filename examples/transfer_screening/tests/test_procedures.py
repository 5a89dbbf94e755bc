"""The end of a paused transfer: released if the customer made it, confirmed otherwise, undone on failure."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from andon.testing import Rehearsal, rehearse

from procedures import pause_transfer

DECISION = {"id": "d-1", "outcome": "pause", "input": {"transfer_id": "t-1", "amount": 900.0}}


def paused(**given: Any) -> Rehearsal:
    return asyncio.run(rehearse(pause_transfer, DECISION, **given))


def told(seen: Rehearsal) -> list[str]:
    """Return the events that core banking received, in order."""
    return [event for _, event, _ in seen.delivered]


def test_a_transfer_that_the_customer_knows_is_released() -> None:
    seen = paused(events={"customer-answer": [{"mine": True}]})
    assert (seen.result, told(seen)) == ("release", ["pause", "notify-customer", "release"])
    assert seen.took == timedelta()


@pytest.mark.parametrize("answer", [{"mine": False}, "yes", None, {"mine": "true"}])
def test_any_other_answer_confirms_the_pause(answer: Any) -> None:
    seen = paused(events={"customer-answer": [answer]})
    assert (seen.result, told(seen)[-1]) == ("confirm", "confirm")


def test_silence_confirms_the_pause_after_two_days() -> None:
    seen = paused()
    assert (seen.result, seen.took) == ("confirm", timedelta(days=2))


@pytest.mark.parametrize("broken", ["notify-customer", "confirm"])
def test_what_cannot_be_ended_is_undone_so_no_transfer_stays_paused_unnoticed(broken: str) -> None:
    seen = paused(refuse=[broken])
    assert (told(seen)[-1], seen.steps[-1]) == ("release", "undo deliver:release")
    assert seen.error == f"{broken}: refused in the rehearsal"


def test_a_pause_that_was_refused_leaves_nothing_to_undo() -> None:
    seen = paused(refuse=["pause"])
    assert (told(seen), seen.error) == ([], "pause: refused in the rehearsal")


def test_core_banking_learns_which_transfer_and_which_procedure() -> None:
    ((destination, _, data), *_) = paused().delivered
    assert (destination, data["id"], data["transfer_id"]) == ("core-banking", "d-1", "t-1")
    assert data["procedure"]
