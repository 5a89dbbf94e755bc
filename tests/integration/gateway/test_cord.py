"""The cord over HTTP: operators pull it, owners release it; decisions follow without a worker or a reload of models."""

from uuid import UUID

import pytest

from andon.access import Grant, Role
from andon.decisions import get
from automations import payment
from calls import DECIDE, call
from lines import ADMIN, CALLER, Installation

CORD = "/v1/automations/payments/cord"
OPERATOR, OWNER, STRANGER = (
    Grant(Role.OPERATOR, "payments"),
    Grant(Role.OWNER, "payments"),
    Grant(Role.OWNER, "other"),
)


def decided(installation: Installation, bank: str, **fields: object) -> dict[str, object]:
    installation.deployment.refresh_controls()  # what a process does when it hears of "cord"
    answer = call(installation, "POST", DECIDE, bank, json=payment(**fields))
    assert answer.status_code == 200
    return dict(answer.json())


def test_an_operator_pulls_and_an_owner_releases(installation: Installation) -> None:
    bank, olga, omar = (
        installation.key("bank", CALLER),
        installation.key("olga", OPERATOR),
        installation.key("omar", OWNER),
    )
    before = str(decided(installation, bank)["outcome"])
    assert before != "review"
    pulled = call(installation, "POST", f"{CORD}:pull", olga, json={"reason": "complaints"}).json()
    assert (pulled["state"], pulled["in_force"][0]["by"]) == ("supervised", "olga")
    held = decided(installation, bank)
    assert (held["outcome"], held["rule"]) == ("review", "line-supervised")
    refused = call(installation, "POST", f"{CORD}:release", olga, json={"reason": "all is well"})
    assert refused.status_code == 403
    released = call(installation, "POST", f"{CORD}:release", omar, json={"reason": "cause found"}).json()
    assert (released["state"], released["in_force"]) == ("automatic", [])
    assert decided(installation, bank)["outcome"] == before
    history = call(installation, "GET", f"{CORD}/history", olga).json()
    assert [(one["before"], one["state"], one["reason"]) for one in history] == [
        ("supervised", "automatic", "cause found"),
        ("automatic", "supervised", "complaints"),
    ]
    audited = call(installation, "GET", "/v1/audit/entries?limit=9", installation.key("a", ADMIN)).json()["entries"]
    assert [one["action"] for one in audited if one["action"] == "line.state"] == ["line.state"] * 2


def test_a_segment_is_held_and_the_rest_goes_on(installation: Installation) -> None:
    bank, olga = installation.key("bank", CALLER), installation.key("olga", OPERATOR)
    pull = {"state": "stopped", "segment": {"country": "AT"}, "reason": "new rules in Austria"}
    assert call(installation, "POST", f"{CORD}:pull", olga, json=pull).status_code == 200
    assert decided(installation, bank, country="DE")["rule"] == "safe"
    stopped = decided(installation, bank, country="AT")
    assert (stopped["outcome"], stopped["rule"], stopped["score"]) == ("review", "line-stopped", None)


def test_each_decision_says_in_which_state_it_was_made(installation: Installation) -> None:
    bank, olga = installation.key("bank", CALLER), installation.key("olga", OPERATOR)
    call(installation, "POST", f"{CORD}:pull", olga, json={"reason": "drill"})
    identifier = UUID(str(decided(installation, bank)["id"]))
    with installation.database.begin() as tx:
        assert get(tx, identifier).row.line_state == "supervised"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"state": "automatic", "reason": "drill"}, "state"),
        ({"state": "supervised", "reason": " "}, "reason"),
        ({"segment": {"colour": "red"}, "reason": "drill"}, "segment.colour"),
        ({"segment": {"amount": "much"}, "reason": "drill"}, "segment.amount"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field_and_nothing_changes(
    installation: Installation, body: dict[str, object], where: str
) -> None:
    olga = installation.key("olga", OPERATOR)
    refused = call(installation, "POST", f"{CORD}:pull", olga, json=body)
    assert refused.status_code == 422
    assert where in {fault["field"] for fault in refused.json()["errors"]}
    assert call(installation, "GET", CORD, olga).json()["in_force"] == []


def test_the_stranger_may_neither_look_nor_pull(installation: Installation) -> None:
    stranger, reviewer = installation.key("s", STRANGER), installation.key("r", Grant(Role.REVIEWER, "payments"))
    assert call(installation, "GET", CORD, stranger).status_code == 403
    for somebody in (stranger, reviewer):
        assert call(installation, "POST", f"{CORD}:pull", somebody, json={"reason": "x"}).status_code == 403
    assert call(installation, "GET", CORD, reviewer).status_code == 200


def test_an_automation_that_was_never_deployed_has_no_cord(installation: Installation) -> None:
    admin = installation.key("admin", Grant(Role.ADMIN))
    assert call(installation, "GET", "/v1/automations/nobody/cord", admin).status_code == 404
    pulled = call(installation, "POST", "/v1/automations/nobody/cord:pull", admin, json={"reason": "x"})
    assert pulled.status_code == 404
