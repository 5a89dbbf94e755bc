"""What follows a decision: a review or an action by its outcome, an answer for who waits, and a result for who hears all."""

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from andon.authoring import ActionSpec
from andon.decisions import consequences
from andon.decisions.domain import DELIVER_ACTION, OPEN_REVIEW
from andon.policies import REVIEW, Ruling
from andon.testing import decide
from automations import an_automation, payment

BANK, LOG = ActionSpec("webhook", "bank"), ActionSpec("kafka", "log")


@pytest.mark.parametrize("results", [None, LOG], ids=["nobody hears all", "all is told"])
@pytest.mark.parametrize("notify", [None, "partner"], ids=["nobody waits", "one waits"])
@pytest.mark.parametrize(
    ("outcome", "first"),
    [("pause", [(DELIVER_ACTION, "pause", "bank")]), ("hold", []), (REVIEW, [(OPEN_REVIEW, None, None)])],
    ids=["an action", "nothing declared", "a review"],
)
def test_each_of_them_has_a_message_of_its_own_and_no_other(
    outcome: str, first: list[Any], notify: str | None, results: ActionSpec | None
) -> None:
    automation = an_automation()
    (decided,) = decide(automation, [payment()], model=lambda _: 0.5)
    ruling = Ruling(outcome, "a rule", ())
    decision = replace(
        decided,
        request=replace(decided.request, notify=notify),
        judgement=replace(decided.judgement, ruling=ruling),
    )
    automation.actions, automation.results = {"pause": BANK}, results
    line: Any = SimpleNamespace(automation=automation, outcomes=("pause", "hold", REVIEW), followed={"pause", REVIEW})
    sent = [
        (message.topic, message.payload.get("action"), message.payload.get("destination"))
        for message in consequences.messages(line, decision)
    ]
    assert not any("amount" in str(message.payload) for message in consequences.messages(line, decision))
    assert {message.subject for message in consequences.messages(line, decision)} <= {decision.request.id}
    others = [(DELIVER_ACTION, "notify", "partner")] if notify else []
    others += [(DELIVER_ACTION, "result", "log")] if results else []
    assert sent == [*first, *others]
