"""Spending over HTTP: the owner and the operator read what their automation costs, a stranger does not."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.spending.recorded import TODAY, YESTERDAY, record

from andon.access import Grant, Role
from andon.kernel.db import Database
from calls import call
from lines import Installation, install

PATH = "/v1/automations/payments/spending"


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.mark.parametrize("role", [Role.OWNER, Role.OPERATOR])
def test_what_was_spent_is_told_by_day_and_version_with_its_idle_share(installation: Installation, role: Role) -> None:
    record(installation.database)
    told = call(installation, "GET", PATH, installation.key("olga", Grant(role, "payments"))).json()
    rows = [(day["day"], day["version"], day["decisions"], day["cost"], day["idle_cost"]) for day in told["days"]]
    assert rows == [
        (str(TODAY), 1, 30, "0.003000000", "0.003000000"),
        (str(TODAY), 2, 10, "0.001000000", "0.001000000"),
        (str(YESTERDAY), 1, 10, "0.002000000", "0.008000000"),
    ]
    [total] = told["total"]
    assert (total["decisions"], total["cost"], total["cpu_seconds"]) == (50, "0.006000000", 6.0)
    budget = told["budget"]
    assert (budget["amount"], budget["spent"], budget["reserved"]) == ("1.000000000", "0.850000000", "0.000000000")
    assert (budget["standing"], budget["used_ratio"], budget["spent_at"]) == ("nearly spent", 0.85, None)
    assert budget["nearly_spent_at"] is not None


def test_days_can_be_chosen_and_wrong_ones_are_refused(installation: Installation) -> None:
    record(installation.database)
    key = installation.key("otto", Grant(Role.OPERATOR, "payments"))
    told = call(installation, "GET", f"{PATH}?since={YESTERDAY}&until={YESTERDAY}", key).json()
    assert [day["day"] for day in told["days"]] == [str(YESTERDAY)]
    refused = call(installation, "GET", f"{PATH}?since={TODAY}&until={YESTERDAY}", key)
    assert (refused.status_code, refused.json()["code"]) == (422, "SpanInvalid")
    long_ago = TODAY - timedelta(days=500)
    assert call(installation, "GET", f"{PATH}?since={long_ago}", key).status_code == 422
    for no_day in ("yesterday", "0", "1764028800", f"{TODAY}T00:00:00"):
        refused = call(installation, "GET", f"{PATH}?until={no_day}", key)
        assert (refused.status_code, refused.json()["code"]) == (422, "RequestInvalid")


def test_a_stranger_and_nobody_read_nothing(installation: Installation) -> None:
    record(installation.database)
    stranger = installation.key("stan", *(Grant(role, "lending") for role in Role))
    assert call(installation, "GET", PATH, stranger).status_code == 403
    assert call(installation, "GET", PATH, installation.key("cal", Grant(Role.CALLER, "payments"))).status_code == 403
    assert call(installation, "GET", PATH).status_code == 401


def test_an_automation_that_is_gone_still_tells_what_it_spent_and_one_that_never_was_is_not_found(
    installation: Installation,
) -> None:
    record(installation.database)
    admin = installation.key("ada", Grant(Role.ADMIN))
    gone = call(installation, "GET", "/v1/automations/lending/spending", admin).json()
    assert (gone["budget"], [day["decisions"] for day in gone["days"]]) == (None, [40])
    assert call(installation, "GET", "/v1/automations/never/spending", admin).status_code == 404
