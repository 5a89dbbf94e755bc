"""What a key for one automation is not told of the others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from andon import actions, alerts, models
from andon.access import Grant, Role
from andon.alerts import Silenced
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from automations import an_automation
from calls import call
from lines import Installation, install
from messages import an_action, bury
from packages import a_package

NOW = datetime.now(UTC)
WHY = {"reason": "tidying"}


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, an_automation("payments"), an_automation("lending"))


def test_a_silence_of_another_automation_does_not_exist(installation: Installation) -> None:
    with installation.database.begin() as tx:
        which = Silenced("lending", None, None, None)
        made = alerts.silence(tx, which, until=NOW + timedelta(days=1), reason="x", actor=PLATFORM, now=NOW)
    local = installation.key("otto", Grant(Role.OPERATOR, "payments"))
    answers = [call(installation, "POST", f"/v1/silences/{one}/end", local, json=WHY) for one in (made.id, UUID(int=1))]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "SilenceNotFound")] * 2


def test_only_those_disabled_destinations_are_told_that_an_automation_uses(installation: Installation) -> None:
    bury(installation.database, [an_action(NOW, automation="lending")], at=NOW)
    with installation.database.begin() as tx:
        actions.disable_destination(tx, "bank", actor=PLATFORM, reason="gone", now=NOW)
    seen = {
        automation: [
            one["name"]
            for one in call(
                installation,
                "GET",
                "/v1/actions/destinations",
                installation.key(f"vera-{automation}", Grant(Role.VIEWER, automation)),
            ).json()
        ]
        for automation in ("payments", "lending", None)
    }
    assert seen == {"payments": [], "lending": ["bank"], None: ["bank"]}


def test_who_set_the_champion_of_a_shared_model_and_why_is_told_to_who_sees_all_its_users(
    installation: Installation, tmp_path: Path
) -> None:
    with installation.database.begin() as tx:
        package = a_package(tmp_path / "second", seed=7)
        models.register(tx, package, actor=PLATFORM, events=Events(), reason="x", now=NOW)
        models.set_alias(
            tx,
            "fraud-risk",
            models.CHAMPION,
            2,
            actor=Actor("lena of lending"),
            reason="lending lost money",
            events=Events(),
            now=NOW,
        )
    local = installation.key("vera", Grant(Role.VIEWER, "payments"))
    wide = installation.key("rita", Grant(Role.VIEWER))
    for path in ("history", "changes"):
        answers = [call(installation, "GET", f"/v1/automations/payments/{path}", key) for key in (local, wide)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert "lending" not in answers[0].text
        assert path == "changes" or "lending lost money" in answers[1].text


def test_an_address_with_a_slash_behind_it_leads_nowhere(installation: Installation) -> None:
    key = installation.key("vera", Grant(Role.VIEWER))
    answer = call(installation, "GET", "/v1/decisions/", key, headers={"Host": "evil.test"})
    assert answer.status_code == 404
    assert "evil.test" not in f"{answer.headers}{answer.text}"
