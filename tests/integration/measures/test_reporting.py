"""`POST /v1/measures` and `GET /v1/automations/NAME/measures`: reports are ordered by when they became known."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy
from sqlalchemy import text
from tests.integration.measures.metering import decide, measured, shown, work

from andon import audit
from andon.access import Grant, Role
from andon.kernel.db import Database
from andon.measures import Meter
from calls import call
from lines import Installation, install

REPORT, SUMS = "/v1/measures", "/v1/automations/payments/measures"
OPERATOR = Grant(Role.OPERATOR, "payments")


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, measured())


def test_the_report_that_became_known_last_stands_in_whatever_order_they_come(installation: Installation) -> None:
    row, meter, olga = decide(installation), Meter(), installation.key("olga", OPERATOR)
    work(installation.database, meter, installation.clock.now())

    def report(value: float, days: int) -> Any:
        known_at = (row.decided_at - timedelta(days=days)).isoformat()
        rows = [{"decision_id": str(row.id), "measure": "refunded", "value": value, "known_at": known_at}]
        answer = call(installation, "POST", REPORT, olga, json=rows)
        assert answer.status_code == 200, answer.text
        work(installation.database, meter, installation.clock.now())
        return answer.json()

    assert report(5.5, days=1) == {"recorded": 1, "repeated": 0}
    assert report(5.5, days=1) == {"recorded": 0, "repeated": 1}
    assert report(99, days=2) == {"recorded": 1, "repeated": 0}
    assert shown(installation.database)["refunded"] == (1, 1, Decimal("5.5"))
    report(7, days=0)
    answer = call(installation, "GET", SUMS + "?by=version", olga).json()
    assert [one for one in answer["measures"] if one["measure"] == "refunded"] == [
        {
            "measure": "refunded",
            "unit": "EUR",
            "group": {"version": "fraud-risk@1"},
            "decisions": 1,
            "counted": 1,
            "total": 7.0,
        }
    ]
    with installation.database.begin() as tx:
        assert len(audit.page(tx, limit=10, action="measure.report")) == 3


def test_a_bad_row_names_its_field_and_records_nothing(installation: Installation) -> None:
    row, olga = decide(installation), installation.key("olga", OPERATOR)
    later = (row.decided_at + timedelta(days=1)).isoformat()
    good = {"decision_id": str(row.id), "measure": "refunded", "value": 1}
    bad: list[tuple[dict[str, Any], str]] = [
        ({"decision_id": str(uuid4())}, "1.decision_id"),
        ({"measure": "screened"}, "1.measure"),
        ({"value": 1e16}, "1.value"),
        ({"value": "1"}, "body.1.value.float"),
        ({"known_at": later}, "1.known_at"),
    ]
    for changed, where in bad:
        answer = call(installation, "POST", REPORT, olga, json=[good, good | changed])
        assert answer.status_code == 422, changed
        assert where in [fault["field"] for fault in answer.json()["errors"]]
    with installation.database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM measure_reports")).scalar_one() == 0


def test_strangers_learn_nothing_and_callers_may_not_report(installation: Installation) -> None:
    row = decide(installation)
    rows = [{"decision_id": str(row.id), "measure": "refunded", "value": 1}]
    stranger = installation.key("stranger", Grant(Role.OPERATOR, "lending"))
    unknown = [{**rows[0], "decision_id": str(UUID(int=0))}]
    told = [call(installation, "POST", REPORT, stranger, json=some) for some in (rows, unknown)]
    assert [one.status_code for one in told] == [422, 422]
    assert told[0].json()["detail"].replace(str(row.id), str(UUID(int=0))) == told[1].json()["detail"]
    assert call(installation, "GET", SUMS, stranger).status_code in (403, 404)
    viewer = installation.key("viewer", Grant(Role.VIEWER, "payments"))
    assert call(installation, "POST", REPORT, viewer, json=rows).status_code == 403
    assert call(installation, "GET", SUMS, viewer).status_code == 200
    assert (
        call(
            installation, "GET", "/v1/automations/nothing/measures", installation.key("a", Grant(Role.ADMIN))
        ).status_code
        == 404
    )


def test_reports_are_never_changed(installation: Installation) -> None:
    row, olga = decide(installation), installation.key("olga", OPERATOR)
    call(installation, "POST", REPORT, olga, json=[{"decision_id": str(row.id), "measure": "refunded", "value": 1}])
    for statement in (
        "UPDATE measure_reports SET value = 2",
        "DELETE FROM measure_reports",
        "TRUNCATE measure_reports",
    ):
        with pytest.raises(sqlalchemy.exc.DBAPIError, match="refused"), installation.database.begin() as tx:
            tx.execute(text(statement))
