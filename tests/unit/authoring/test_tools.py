"""Tools and toolboxes as declared: contracts of signatures, faults by name, what a policy without a model may say."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from andon import Automation, CallKey, Policy, Tool, Toolbox, testing
from andon.authoring import DeclarationInvalid
from andon.decisions import AutomationInvalid, InputInvalid
from andon.policies import PolicyInvalid, parse
from toolboxes import POLICY, a_toolbox, refund


def test_a_functions_parameters_are_its_contract_without_the_key() -> None:
    tool = Tool.of(refund)
    assert sorted(tool.schema["properties"]) == ["account", "amount"]
    assert tool.description == "Pay money back."
    assert tool.perform_now({"account": "a1", "amount": 2}, "k1") == "2 to a1 under k1"


def test_what_does_not_fit_is_named() -> None:
    faults = dict(Tool.of(refund).faults_of({"amount": float("inf"), "key": "mine"}))
    assert sorted(faults) == ["account", "amount", "key"]


def untyped(account) -> None:  # type: ignore[no-untyped-def]
    """Take anything."""


def many(*accounts: str) -> None:
    """Take any number."""


@pytest.mark.parametrize(
    ("tools", "more", "why"),
    [
        ([untyped], {}, "has no type"),
        ([many], {}, "cannot be passed by name"),
        ([refund, refund], {}, "the same name"),
        ([], {}, "it has no tools"),
        ([Tool("x")], {"model": "m"}, "model cannot be set for a toolbox"),
        ([Tool("x")], {"unfinished": timedelta()}, "unfinished must be a timedelta"),
        ([Tool("x")], {"unfinished": timedelta(hours=-1)}, "unfinished must be a timedelta above 0"),
        ([Tool("x")], {"unfinished": 3600}, "got 3600"),
    ],
    ids=["untyped", "unnamed", "twice", "none", "model", "unfinished", "unfinished-negative", "unfinished-number"],
)
def test_a_wrong_toolbox_is_refused(tools: list[Any], more: dict[str, Any], why: str) -> None:
    with pytest.raises(DeclarationInvalid, match=why):
        Toolbox("box", tools, policy=Policy.yaml(POLICY), **more)


def test_unlisted_tools_may_be_asked_for_where_that_is_said() -> None:
    policy = (
        "outcomes: [allow, deny]\nrules: [{id: read, when: 'input.tool == \"fs/read\"', then: allow}]\notherwise: deny"
    )
    box = Toolbox("files", unlisted=True, policy=Policy.yaml(policy))
    rows = [{"tool": tool, "arguments": {"path": "/"}, "agent": "x"} for tool in ("fs/read", "fs/write")]
    assert [made.outcome for made in testing.decide(box, rows)] == ["allow", "deny"]
    with pytest.raises(InputInvalid):
        testing.decide(a_toolbox(), [{"tool": "fly", "arguments": {}, "agent": "x"}])


def test_ask_is_another_word_for_review_in_a_policy_of_tools_only() -> None:
    asking = parse(POLICY, source="p")
    assert (asking.outcomes, asking.rules[2].then) == (("allow", "deny", "review"), "review")
    same = parse(
        POLICY.replace("ask", "review").replace("outcomes: [allow, deny, review]", "outcomes: [allow, deny, review]"),
        source="p",
    )
    assert same.version == asking.version
    other = parse("outcomes: [ask, sell]\nrules: [{id: a, when: 'true', then: ask}]\notherwise: sell", source="p")
    assert other.outcomes == ("ask", "sell")


class Mail(BaseModel):
    """What the automation takes."""

    words: int


RULES = "outcomes: [keep, drop, review]\nrules: [{id: short, when: '%s', then: drop}]\notherwise: keep"


def test_an_automation_without_a_model_decides_by_its_rules_alone() -> None:
    mails = Automation("mails", contract=Mail, policy=Policy.yaml(RULES % "input.words < 3"))
    first, second = testing.decide(mails, [{"words": 1}, {"words": 9}])
    assert (first.outcome, second.outcome, first.prediction) == ("drop", "keep", None)


def test_without_a_model_nothing_may_rest_on_one() -> None:
    mails = Automation("mails", contract=Mail, policy=Policy.yaml(RULES % "prediction.score > 0.5"))
    with pytest.raises(AutomationInvalid, match="there is no model"):
        testing.decide(mails, [{"words": 1}])
    with pytest.raises(DeclarationInvalid, match="without a model there is no fallback"):
        Automation("mails", contract=Mail, policy=Policy.yaml(RULES % "true"), fallback=("rules",))
    with pytest.raises((AutomationInvalid, PolicyInvalid), match=r"\[allow, deny, ask\]"):
        testing.decide(
            a_toolbox(policy=RULES % "true"), [{"tool": "balance", "arguments": {"account": "a"}, "agent": "x"}]
        )


def keyed(key: CallKey) -> str:
    """Return the key."""
    return key


def test_a_tool_without_arguments_takes_none() -> None:
    assert Tool.of(keyed).faults_of({}) == []
