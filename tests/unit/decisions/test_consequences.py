"""Consequences of a decision: a review or an action by its outcome, an answer to its caller, a result for listeners."""

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from andon import BlindAudit, Truth
from andon.authoring import ActionSpec
from andon.decisions import consequences
from andon.decisions.domain import DELIVER_ACTION, OPEN_REVIEW, Draw
from andon.policies import REVIEW, Ruling
from andon.testing import decide
from automations import an_automation, payment

BANK, LOG = ActionSpec("webhook", "bank"), ActionSpec("kafka", "log")


def test_a_drawn_decision_asks_for_a_blind_review_beside_its_action_that_names_classes_and_nothing_it_decided() -> None:
    automation = an_automation()
    automation.audit, automation.truth = BlindAudit(1.0, queue="audits"), Truth({"pause": "1", "release": "honest"})
    (decided,) = decide(automation, [payment()], model=lambda _: 0.1)
    line: Any = SimpleNamespace(
        automation=automation, outcomes=("pause", "release", REVIEW), followed={"release", REVIEW}
    )
    assert [message.topic for message in consequences.messages(line, decided)] == [DELIVER_ACTION]
    drawn = replace(decided, draw=Draw(0.02, drawn=True))
    action, asked = consequences.messages(line, drawn)
    assert (action.topic, action.payload["action"]) == (DELIVER_ACTION, "release")
    assert decided.prediction is not None
    assert (asked.topic, asked.payload) == (
        OPEN_REVIEW,
        {
            "queue": "audits",
            "due_seconds": 2 * 86_400,
            "rule": "",
            "reasons": [],
            "outcomes": [*decided.prediction.probabilities, "honest"],
            "actions": {},
            "blind": True,
        },
    )


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
