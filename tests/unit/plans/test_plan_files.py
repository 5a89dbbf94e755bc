"""A plan is written and read back whole; one that was edited, or is something else, is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from andon.plans import (
    AffectedAutomation,
    ChangePlan,
    FlippedOutcomes,
    NeededApproval,
    PlanFileInvalid,
    PlannedChange,
    lines_of_plan,
    read_plan,
    write_plan,
)
from andon.plans.domain import apart, moved

PLAN = ChangePlan(
    changes=(
        PlannedChange("champions.fraud-risk", None, 1, 2),
        PlannedChange("automations.payments.policy", "payments", "aaa", "bbb", ("-  old", "+  new")),
    ),
    state={"champions.fraud-risk": 1, "automations.payments.policy": "aaa", "payments, split": 0},
    made_at=datetime(2026, 12, 1, tzinfo=UTC),
    made_by="cli:ada",
    affected=(AffectedAutomation("payments", "fraud-risk", 12_345, 10_000, ("wires",)),),
    flipped=(FlippedOutcomes("payments", 1_000, 968, {"release → review": 30}, 2),),
    approvals=(NeededApproval("publish policies", "payments", ("owner", "admin")),),
)


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == PLAN


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["state"].update({"champions.fraud-risk": 7}),
        lambda plan: plan.update(andon_plan=2),
        lambda plan: plan.pop("changes"),
        lambda plan: plan["changes"][0].pop("place"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, change: object) -> None:
    assert callable(change)
    document = json.loads(json.dumps(PLAN.document()))
    change(document)
    (tmp_path / "plan.json").write_text(json.dumps(document))
    with pytest.raises(PlanFileInvalid):
        read_plan(tmp_path / "plan.json")


@pytest.mark.parametrize("text", [None, "no json", "[]", "{}"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PlanFileInvalid, match=r"plan\.json"):
        read_plan(tmp_path / "plan.json")


def test_what_moved_is_named_with_both_values() -> None:
    now = {**PLAN.state, "champions.fraud-risk": 3, "payments, release": 4}
    assert [(fault.where, fault.message) for fault in moved(PLAN.state, now)] == [
        ("champions.fraud-risk", "was 1, is 3"),
        ("payments, release", "was nothing, is 4"),
    ]


def test_what_would_come_out_otherwise_is_named() -> None:
    other = (replace(PLAN.changes[1], after="ccc"), PlannedChange("new", None, None, 1))
    assert [(fault.where, fault.message) for fault in apart(PLAN.changes, other)] == [
        ("champions.fraud-risk", "planned 2, but it would now become no change"),
        ("automations.payments.policy", "planned bbb, but it would now become ccc"),
        ("new", "planned no change, but it would now become 1"),
    ]


def test_a_plan_in_words() -> None:
    assert list(lines_of_plan(PLAN)) == [
        "champions.fraud-risk         1 → 2",
        "automations.payments.policy  aaa → bbb",
        "    -  old",
        "    +  new",
        "",
        "Who is affected",
        "    payments: 12,345 decisions in the last 7 days, 81% automatic; shares fraud-risk with wires",
        "",
        "The newest decisions, decided again",
        "    payments: of 1,000 decisions 968 keep their outcome; release → review 30; 2 can no longer be decided",
        "",
        "Needed",
        "    publish policies, within payments (owner, admin)",
    ]
