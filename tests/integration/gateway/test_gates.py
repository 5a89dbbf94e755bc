"""Gate revisions: made when an arm first answers, named by each decision, narrowed by people, expired by time."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from andon import MaxError, gates, models
from andon.access import Grant, Role
from andon.authoring import Automation
from andon.decisions import get
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.models import ModelTrial
from andon.serving import tried_with
from automations import an_automation, payment
from calls import call
from lines import OWNER, Installation, install, register_champion
from packages import a_package

OPERATOR = Grant(Role.OPERATOR)
GATES, DECIDE = "/v1/automations/gated/gates", "/v1/automations/gated/decisions"


def gated() -> Automation:
    automation = an_automation("gated")
    automation.risk = MaxError(0.2)
    return automation


def decided(installation: Installation, bank: str) -> tuple[int, bool]:
    """Return the gate revision that a decision names, and whether the gate let it through."""
    installation.deployment.refresh_controls()
    answer = call(installation, "POST", DECIDE, bank, json=payment()).json()
    with installation.database.begin() as tx:
        record = get(tx, UUID(answer["id"]))
    return record.row.gate_revision, record.row.certain


def test_a_gate_is_narrowed_and_holds_until_it_expires(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, gated())
    bank, olga = installation.key("bank", Grant(Role.CALLER)), installation.key("olga", OPERATOR)
    (first,) = call(installation, "GET", GATES, olga).json()
    assert (first["revision"], first["origin"], first["in_force"], first["by"]) == (1, "held_out", True, "andon")
    assert first["evidence"]["rows"] > 0
    assert decided(installation, bank) == (1, True)
    narrower = {"arm": first["arm"], "threshold": 2.0, "reason": "odd scores"}
    made = call(installation, "POST", GATES, olga, json=narrower)
    assert (made.status_code, made.json()["revision"], made.json()["in_force"]) == (201, 2, True)
    assert decided(installation, bank) == (2, False)
    listed = call(installation, "GET", GATES, olga).json()
    assert [(one["revision"], one["in_force"]) for one in listed] == [(2, True), (1, False)]


def test_after_a_rollback_the_gates_of_the_former_champion_hold_nothing(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, gated())
    olga = installation.key("olga", OPERATOR)
    second = register_champion(database, a_package(tmp_path / "second", seed=2))
    with database.begin() as tx:
        models.note_trial(tx, ModelTrial(second.digest, tried_with(second.manifest), True, ""))
    installation.deployment.refresh()
    newer, older = call(installation, "GET", GATES, olga).json()
    assert [(newer["in_force"], older["in_force"])] == [(True, False)]
    with database.begin() as tx:
        models.set_alias(
            tx,
            "fraud-risk",
            "champion",
            1,
            actor=OWNER,
            events=Events(),
            reason="roll back",
            now=installation.clock.now(),
        )
    listed = call(installation, "GET", GATES, olga).json()
    assert [(one["arm"], one["in_force"]) for one in listed] == [(newer["arm"], False), (older["arm"], True)]
    idle = {"arm": newer["arm"], "threshold": 2.0, "reason": "before it returns"}
    assert call(installation, "POST", GATES, olga, json=idle).json()["in_force"] is False


def test_when_a_revision_expires_what_was_proven_before_holds_again(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, gated())
    bank = installation.key("bank", Grant(Role.CALLER))
    arm = installation.deployment.lines["gated"].traffic.champion
    now = installation.clock.now()
    with database.begin() as tx:
        gates.narrow(
            tx,
            "gated",
            arm.name,
            threshold=2.0,
            actor=OWNER,
            reason="for a moment",
            events=Events(),
            now=now,
            expires_at=now + timedelta(hours=1),
        )
    assert decided(installation, bank) == (2, False)
    control = installation.deployment.controls.of("gated")
    assert control.gate(arm.name, arm.gate, now + timedelta(minutes=59)).revision == 2
    assert control.gate(arm.name, arm.gate, now + timedelta(hours=1)).revision == 1


def test_less_than_is_proven_cannot_be_asked_for(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, gated())
    olga, viewer = installation.key("olga", OPERATOR), installation.key("v", Grant(Role.VIEWER))
    (first,) = call(installation, "GET", GATES, olga).json()
    lower = {"arm": first["arm"], "threshold": first["threshold"] / 2, "reason": "more automation"}
    refused = call(installation, "POST", GATES, olga, json=lower)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "threshold")
    unknown = call(installation, "POST", GATES, olga, json={**lower, "arm": "fraud-risk@99+abc", "threshold": 2.0})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "arm")
    assert call(installation, "POST", GATES, viewer, json={**lower, "threshold": 2.0}).status_code == 403


def test_processes_that_start_together_make_one_revision(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, gated())
    for _ in range(3):
        installation.deployment.refresh()
    with database.begin() as tx:
        assert [one.revision for one in gates.page(tx, "gated")] == [1]
