"""The pages of an endpoint and of an automation: permissions, splits, and refusals at the form's field."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import lightgbm
import pytest
from tests.served import served

from andon import Automation, Policy, access, console, decisions, live, models, serving
from andon.access import Grant, KeyRing, Role
from andon.console.automation_view import force_of, shadows_of
from andon.kernel.clock import SystemClock
from andon.kernel.config import EndpointSettings, Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.ids import uuid7
from andon.live import ArmCounts, Process, Status, WaitingCounts
from andon.models import FeatureKind, FeatureSpec
from andon.serving import Candidate, TrafficSplit
from arms import shares_of
from automations import POLICY, Payment, an_automation, payment
from calls import DECIDE, call
from lines import OWNER, PEPPER, Installation, install
from packages import CLASSES, a_package, trained_on_python
from shadowing import failed, said, write

PAGE = "/endpoints/fraud-risk"
FORCE = "/automations/payments"


@dataclass
class Visitor:
    """Somebody who is signed in."""

    client: httpx.Client

    def see(self, path: str = PAGE) -> httpx.Response:
        return self.client.get(path)

    def split(self, share: dict[Any, str], *, shadow: tuple[int, ...] = (), reason: str = "try it") -> httpx.Response:
        """Fill in the form and send it."""
        page = self.see(FORCE).text
        fields = dict(re.findall(r'<input type="hidden" name="(csrf|seen)" value="([^"]*)"', page))
        form = {"candidate": [*map(str, share)], "share": [*share.values()], "shadow": [*map(str, shadow)]}
        return self.client.post(f"{FORCE}/split", data={**fields, **form, "reason": reason})

    def name(self, alias: str, version: int) -> httpx.Response:
        """Point an alias to a version, on the version's page."""
        page = f"/models/fraud-risk/{version}"
        fields = dict(re.findall(r'<input type="hidden" name="(csrf)" value="([^"]*)"', self.see(page).text))
        return self.client.post(f"{page}/aliases", data={**fields, "alias": alias, "reason": "try it"})


SignIn = Callable[..., Visitor]


@pytest.fixture
def installed(database: Database, tmp_path: Path) -> Installation:
    """Two automations on one model, which has three versions; the last needs what they do not give."""
    installed = install(database, tmp_path / "installed", an_automation(), an_automation("refunds"))
    with database.begin() as tx:
        models.register(
            tx, a_package(tmp_path / "2", seed=2), actor=OWNER, events=Events(), reason="x", now=installed.clock.now()
        )
        other = a_package_that_wants_an_age(tmp_path / "3")
        models.register(tx, other, actor=OWNER, events=Events(), reason="x", now=installed.clock.now())
    return installed


@pytest.fixture
def bank(installed: Installation) -> Database:
    return installed.database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


@pytest.fixture
def sign_in(bank: Database, settings: Settings) -> Iterator[SignIn]:
    clients: list[httpx.Client] = []
    app = console.create_app(settings, bank, SystemClock(), KeyRing(PEPPER), Events())
    with served(app) as address:

        def sign_in(*grants: Grant) -> Visitor:
            with bank.begin() as tx:
                _, token = access.create_key(
                    tx,
                    name=f"p{len(clients)}",
                    grants=grants,
                    expires_at=None,
                    actor=OWNER,
                    events=Events(),
                    reason="test",
                    pepper=PEPPER,
                    now=datetime.now(UTC),
                )
            client = httpx.Client(base_url=address, headers={"Origin": address})
            clients.append(client)
            assert client.post("/sign-in", data={"key": token, "next": "/"}).status_code == 303
            return Visitor(client)

        yield sign_in
        for client in clients:
            client.close()


def a_package_that_wants_an_age(folder: Path) -> Path:
    """Make a model with a feature that no automation here gives."""
    features = tuple(FeatureSpec(name, FeatureKind.NUMBER) for name in ("amount", "age"))
    rows = {"amount": [float(n) for n in range(200)], "age": [float(20 + n % 50) for n in range(200)]}
    labels = ["fraud" if n > 120 else "ok" for n in range(200)]
    data = lightgbm.Dataset(models.encode(features, rows), models.encode_labels(CLASSES, labels))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    known = (rows, labels)
    return models.pack(
        folder,
        name="fraud-risk",
        model=booster,
        features=features,
        classes=CLASSES,
        training=known,
        held_out=known,
        split="all rows train",
    )


def holding(database: Database) -> TrafficSplit:
    with database.begin() as tx:
        return serving.split_of(tx, "payments", "fraud-risk")


def told(database: Database, status: Status, *, number: int = 1) -> None:
    now = datetime.now(UTC)
    with database.begin() as tx:
        live.report(tx, Process(UUID(int=number), "gateway", "here", number, "0.1.0", now, now, status))


@pytest.mark.parametrize("role", [Role.OWNER, Role.OPERATOR])
def test_who_may_in_an_automation_splits_it(bank: Database, sign_in: SignIn, role: Role) -> None:
    answer = sign_in(Grant(role, "payments")).split({2: "12.5"}, reason="it is better")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{FORCE}?done=split-set")
    split = holding(bank)
    assert (split.shares, split.reason, split.number) == (shares_of({2: 12.5}), "it is better", 1)


def test_who_may_only_look_into_one_of_them_sees_that_one_and_splits_nothing(bank: Database, sign_in: SignIn) -> None:
    viewer = sign_in(Grant(Role.VIEWER, "payments"))
    page = viewer.see().text
    assert "payments" in page
    assert "refunds" not in page
    assert "and 1 that you may not see" in page
    assert "Your key may read this, but not change it" in viewer.see(FORCE).text
    token = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    form = {"csrf": token, "candidate": "2", "share": "5", "reason": "x"}
    assert viewer.client.post(f"{FORCE}/split", data=form).status_code == 403
    assert viewer.see("/automations/refunds").status_code == 403
    assert holding(bank).number == 0


def test_who_may_only_look_into_one_of_them_does_not_see_the_load_of_the_other(bank: Database, sign_in: SignIn) -> None:
    waiting = {"payments": WaitingCounts(interactive=4), "refunds": WaitingCounts(bulk=771)}
    told(bank, Status(60.0, {"payments": 1, "refunds": 1}, waiting=waiting, under_way=881))
    told(bank, Status(60.0, {"refunds": 1}, under_way=991), number=2002)
    pages = [sign_in(Grant(Role.VIEWER, "payments")).see().text, sign_in(Grant(Role.VIEWER)).see().text]
    mine, all_of_it = pages
    for figure in ("771 bulk", ">881<", ">991<", "<small>2002<"):
        assert figure in all_of_it
        assert figure not in mine
    assert "4 interactive" in mine


def test_a_stranger_finds_no_endpoint_and_a_program_no_page(bank: Database, sign_in: SignIn) -> None:
    stranger = sign_in(*(Grant(role, "elsewhere") for role in Role))
    assert stranger.see("/endpoints").status_code == 200
    assert "fraud-risk" not in stranger.see("/endpoints").text
    for path in (PAGE, f"/live{PAGE}"):
        assert stranger.see(path).status_code == 404
    assert stranger.see(FORCE).status_code == 403
    token = re.findall(r'name="csrf" value="([^"]+)"', stranger.see("/endpoints").text)[0]
    form = {"csrf": token, "candidate": "2", "share": "5", "reason": "x"}
    assert stranger.client.post(f"{FORCE}/split", data=form).status_code == 403
    program = sign_in(Grant(Role.CALLER))
    assert [program.see(path).status_code for path in ("/endpoints", "/live/endpoints", PAGE, FORCE)] == [403] * 4
    assert holding(bank).number == 0


def test_the_same_again_changes_nothing_and_says_so(bank: Database, sign_in: SignIn) -> None:
    ada = sign_in(Grant(Role.ADMIN))
    ada.split({2: "5"})
    assert ada.split({2: "5.0"}).headers["location"] == f"{FORCE}?done=split-same"
    assert ada.split({2: ""}, reason="all back").headers["location"] == f"{FORCE}?done=split-set"
    assert [holding(bank).number, dict(holding(bank).shares)] == [2, {}]


def test_a_version_that_needs_what_an_automation_does_not_give_is_refused_at_its_field(
    bank: Database, sign_in: SignIn
) -> None:
    answer = sign_in(Grant(Role.ADMIN)).split({3: "5"}, reason="a try")
    assert answer.status_code == 422
    assert "payments does not give &#39;age&#39;, which version 3 needs" in answer.text
    assert ">a try</textarea>" in answer.text
    assert holding(bank).number == 0


@pytest.mark.parametrize(
    ("share", "says"), [({2: "nan"}, "more than 0"), ({2: "-3"}, "more than 0"), ({2: "1e9"}, "at most 100")]
)
def test_what_is_no_share_is_refused(bank: Database, sign_in: SignIn, share: dict[int, str], says: str) -> None:
    answer = sign_in(Grant(Role.ADMIN)).split(share)
    assert answer.status_code == 422
    assert says in answer.text
    assert holding(bank).number == 0


def test_a_champion_that_answers_cannot_look_on_as_well(bank: Database, sign_in: SignIn) -> None:
    answer = sign_in(Grant(Role.OPERATOR)).split({2: "10"}, shadow=(1,))
    assert answer.status_code == 422
    assert "Version 1 cannot both answer and run as a shadow" in answer.text
    assert holding(bank).number == 0


def test_a_version_whose_environment_is_not_built_is_refused_with_the_command_that_builds_it(
    bank: Database, settings: Settings, tmp_path: Path, sign_in: SignIn
) -> None:
    settings.endpoints["fraud-risk"] = EndpointSettings(isolated=True)
    with bank.begin() as tx:
        package = trained_on_python("3.9.1", a_package(tmp_path / "4", seed=4))
        models.register(tx, package, actor=OWNER, events=Events(), reason="x", now=datetime.now(UTC))
    visitor = sign_in(Grant(Role.ADMIN))
    for answer in (visitor.split({4: "5"}), visitor.name("champion", 4)):
        assert answer.status_code == 422
        assert "andon models environment fraud-risk 4 --build" in answer.text
        assert ">try it</textarea>" in answer.text
    assert visitor.name("candidate", 4).status_code == 303
    assert holding(bank).number == 0
    with bank.begin() as tx:
        assert models.by_alias(tx, "fraud-risk", "champion").number == 1


def test_agreement_compares_what_a_shadow_said_with_what_was_decided(installed: Installation) -> None:
    now, bank = datetime.now(UTC), installed.database
    key = installed.key("kai", Grant(Role.CALLER))
    ids = [call(installed, "POST", DECIDE, key, json=payment(n)).raise_for_status().json()["id"] for n in range(4)]
    with bank.begin() as tx:
        outcomes = decisions.outcomes_of(tx, [UUID(i) for i in ids])
    assert len(outcomes) == 4
    policy = installed.deployment.lines["payments"].ref.policy_version
    agreeing = [
        replace(said(1, at=now, outcome=outcome, policy=policy), decision_id=i)
        for i, outcome in list(outcomes.items())[:3]
    ]
    apart = replace(said(1, at=now, outcome="something else", policy=policy), decision_id=UUID(ids[3]))
    write(bank, *agreeing, apart, replace(failed(1, at=now, policy=policy), decision_id=uuid7(now)))
    with bank.begin() as tx:
        looked_on = TrafficSplit("payments", "fraud-risk", 1, {}, (Candidate(2),))
        force = replace(force_of(tx, "payments"), split=looked_on)
        (shadow,) = shadows_of(tx, force, now)
        (nothing,) = shadows_of(tx, force, now + timedelta(days=2))
    assert (shadow.summary.count, shadow.summary.errors, shadow.compared, shadow.agreed) == (5, 1, 4, 3)
    assert shadow.agreement == 0.75
    assert nothing.agreement is None


def test_what_the_processes_serve_counts_not_what_was_deployed_last(bank: Database, sign_in: SignIn) -> None:
    """An automation that was changed and changed back, and one that was taken away."""
    moved = Automation("payments", contract=Payment, model="another-model", policy=Policy.yaml(POLICY))
    with bank.begin() as tx:
        decisions.deploy(tx, moved, actor=OWNER, now=datetime.now(UTC))
    ada = sign_in(Grant(Role.ADMIN))
    assert "another-model" in ada.see("/endpoints").text
    told(bank, Status(60.0, {"payments": 1}))
    listed = ada.see("/endpoints").text
    assert "another-model" not in listed
    assert "refunds" not in listed
    assert "payments" in listed


def test_figures_of_automations_that_are_not_ones_own_are_left_out(bank: Database, sign_in: SignIn) -> None:
    arms = tuple(
        ArmCounts(name, "fraud-risk", 1, count, {"whole": {band: count}})
        for name, count, band in (("payments", 60, 140), ("refunds", 600, 250))
    )
    told(bank, Status(60.0, {"payments": 1, "refunds": 1}, arms))
    assert "<dd>1 <small>/s</small></dd>" in sign_in(Grant(Role.VIEWER, "payments")).see().text
    assert "<dd>11 <small>/s</small></dd>" in sign_in(Grant(Role.VIEWER)).see().text


def test_words_from_processes_are_shown_as_text(bank: Database, sign_in: SignIn) -> None:
    now = datetime.now(UTC)
    with bank.begin() as tx:
        status = Status(60.0, {"payments": 1})
        live.report(tx, Process(UUID(int=1), "gateway", "<b>host</b>", 1, "<i>", now, now, status))
    page = sign_in(Grant(Role.ADMIN)).see().text
    assert "&lt;b&gt;host" in page
    assert "<b>host" not in page
