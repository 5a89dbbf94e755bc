"""The pages of rollouts: permissions, starts and moves with a reason, refusals on the page without lost input."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html import unescape
from uuid import uuid4

import httpx
import pytest
from tests.served import served

from andon import console, policies, rollouts, serving, webhook
from andon.access import Grant, KeyRing, Role
from andon.authoring import Guardrail
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from andon.rollouts import RolloutState
from andon.serving import TrafficLease
from automations import POLICY
from lines import PEPPER
from rolling import QUICK, RolledLine, a_forgiving_line, a_rolled_line

START = "/rollouts/start"
SHADOW = replace(QUICK, kind="shadow", steps=())


@pytest.fixture(scope="module")
def installed(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> RolledLine:
    automation = a_forgiving_line(actions={"pause": webhook("bank")})
    return a_rolled_line(module_database, tmp_path_factory.mktemp("rolled"), automation)


@pytest.fixture
def line(installed: RolledLine) -> Iterator[RolledLine]:
    """Yield the line, without a rollout under way."""
    yield installed
    with installed.database.begin() as tx:
        under_way = rollouts.open_rollouts(tx)
    if under_way:
        installed.act(rollouts.abort)


def page_of(line: RolledLine) -> str:
    """Return the address of the newest rollout."""
    return f"/rollouts/payments/{line.rollout.number}"


@dataclass
class Visitor:
    """Somebody who is signed in."""

    client: httpx.Client

    def see(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def send(self, path: str, **form: str) -> httpx.Response:
        """Fill in a form of this session."""
        token = re.findall(r'name="csrf" value="([^"]+)"', self.see("/rollouts").text)[0]
        return self.client.post(path, data={"csrf": token, **form})

    def start(self, **form: str) -> httpx.Response:
        """Ask what it would take, and start what was forecast."""
        typed = {"automation": "payments", "reason": "trained anew", **form}
        shown = self.send(START, step="forecast", **typed)
        seen = re.findall(r'name="seen" value="([^"]*)"', shown.text)
        return self.send(START, step="start", seen=seen[0], **typed) if seen and seen[0] else shown


SignIn = Callable[..., Visitor]


@pytest.fixture
def sign_in(line: RolledLine) -> Iterator[SignIn]:
    clients: list[httpx.Client] = []
    app = console.create_app(Settings(), line.database, line.installation.clock, KeyRing(PEPPER), line.events)
    with served(app) as address:

        def sign_in(*grants: Grant, name: str = "") -> Visitor:
            token = line.installation.key(name or f"somebody-{uuid4().hex}", *grants)
            client = httpx.Client(base_url=address, headers={"Origin": address})
            clients.append(client)
            assert client.post("/sign-in", data={"key": token, "next": "/"}).status_code == 303
            return Visitor(client)

        yield sign_in
        for client in clients:
            client.close()


def test_an_operator_starts_one_that_was_forecast_and_everybody_is_told_of_it(
    line: RolledLine, sign_in: SignIn
) -> None:
    otto = sign_in(Grant(Role.OPERATOR, "payments"), name="otto")
    blind = otto.send(START, automation="payments", version="2", step="start", reason="trained anew")
    assert blind.status_code == 200
    assert "What it takes" in blind.text
    assert ">trained anew</textarea>" in blind.text
    watched = {"guardrail": "latency-p99", "margin": "30", "required": "latency-p99"}
    started = otto.start(version="2", steps="20, 100", **watched)
    page = page_of(line)
    assert (started.status_code, started.headers["location"]) == (303, f"{page}?done=rollout-started")
    assert (line.rollout.started_by, line.rollout.candidate.version) == ("otto", 2)
    assert line.rollout.plan.steps == (20.0, 100.0)
    assert Guardrail("latency-p99", 0.3, required=True) in line.rollout.plan.guardrails
    assert "the latency that 99% of answers meet" in otto.see(page).text
    for path in ("/", "/automations/payments", "/rollouts", START + "?automation=payments"):
        assert f'href="{page}"' in otto.see(path).text, path
    again = otto.start(version="3")
    assert again.status_code == 409
    assert "is under way, started by otto: “trained anew" in again.text
    assert '<option value="3" selected>' in again.text


def test_a_gate_is_a_candidate_too_and_one_that_is_not_proven_is_refused_at_its_field(
    line: RolledLine, sign_in: SignIn
) -> None:
    otto = sign_in(Grant(Role.OPERATOR, "payments"))
    for wrong, says in (("much", "A confidence is a number"), ("2.5", "from 0 to 1 with at most six decimals")):
        refused = otto.start(gate=wrong)
        assert (refused.status_code, says in refused.text) == (422, True), refused.text
        assert 'name="gate" inputmode="decimal" maxlength="9" autocomplete="off" value="' + wrong in refused.text
        assert 'placeholder="as proven" aria-invalid="true"' in refused.text
    assert otto.start(gate="0.93").status_code == 303
    assert str(line.rollout.candidate) == "1~0.93"
    assert "automatic from a confidence of 0.93" in otto.see(page_of(line)).text


def test_only_a_key_that_may_publish_rolls_out_a_policy_and_a_wrong_one_is_refused_whole(
    line: RolledLine, sign_in: SignIn
) -> None:
    text = POLICY.replace("0.3", "0.25")
    assert sign_in(Grant(Role.OPERATOR, "payments")).start(policy="new", text=text).status_code == 403
    olga = sign_in(Grant(Role.OWNER, "payments"))
    for wrong, says in (
        ("rules: [", "policy"),
        (text.replace("input.country", "input.planet"), "input.planet"),
        (text.replace("pause", "hold"), "outcome &#39;pause&#39; is used by payments"),
        (text.replace("unproven: true, ", ""), "without proof"),
    ):
        refused = olga.start(policy="new", text=wrong)
        assert (refused.status_code, says in refused.text) == (422, True), says
    asked = olga.send(
        START, automation="payments", policy="new", text=f"\r\n{text}\r\n", reason="x", step="forecast"
    ).text
    shown = {name: re.findall(rf'name="{name}"[^>]*>([^<]*)</textarea>', asked)[0] for name in ("text", "reason")}
    seen = re.findall(r'name="seen" value="([^"]+)"', asked)[0]
    sent = {"text": unescape(shown["text"]), "reason": shown["reason"], "policy": "new", "seen": seen}
    assert olga.send(START, automation="payments", step="start", **sent).status_code == 303
    candidate = line.rollout.candidate
    with line.database.begin() as tx:
        published = {one.version: one.text for one in policies.list_versions(tx, "payments")}
    assert candidate.version == 1
    assert published[candidate.policy].strip() == text.strip()
    assert len(published) == 2


def test_who_may_steps_in_with_a_reason_and_what_is_refused_is_told_on_the_page(
    line: RolledLine, sign_in: SignIn
) -> None:
    line.start(2, plan=replace(SHADOW, approval=True, four_eyes=True), actor=Actor("otilia"))
    page = page_of(line)
    operator = sign_in(Grant(Role.OPERATOR, "payments"))
    assert re.findall(r'name="what" value="(\w+)"', operator.see(page).text) == ["abort"]
    assert operator.send(page, what="approve", reason="x").status_code == 403
    himself = sign_in(Grant(Role.OWNER, "payments"), name="otilia")
    refused = himself.send(page, what="approve", reason="I am sure")
    assert refused.status_code == 403
    assert "somebody else must do that" in refused.text
    assert ">I am sure</textarea>" in refused.text
    olga = sign_in(Grant(Role.OWNER, "payments"), name="olga")
    assert olga.send(page, what="approve", reason="<fine>").headers["location"] == f"{page}?done=rollout-approve"
    assert "&lt;fine&gt;" in olga.see(page).text
    for what, reason, says in (
        ("resume", "go", "is running"),
        ("pause", " ", "A reason is required"),
        ("explode", "now", "Choose an action"),
    ):
        answer = olga.send(page, what=what, reason=reason)
        assert answer.status_code in (409, 422)
        assert says in answer.text
        assert f">{reason}</textarea>" in answer.text
    assert operator.send(page, what="pause", reason="month's end").status_code == 303
    assert line.rollout.state is RolloutState.PAUSED
    assert operator.send(page, what="resume", reason="it is over").status_code == 303
    assert operator.send(page, what="abort", reason="odd reasons").status_code == 303
    over = olga.send(page, what="abort", reason="me too")
    assert over.status_code == 409
    assert "odd reasons" in over.text
    assert (line.rollout.state, line.rollout.why) == (RolloutState.ABORTED, "odd reasons")


def test_a_reader_has_no_button_a_stranger_no_page_and_a_forged_form_changes_nothing(
    line: RolledLine, sign_in: SignIn
) -> None:
    line.start(2)
    page, viewer = page_of(line), sign_in(Grant(Role.VIEWER, "payments"))
    assert "Your key may read it, but not change it." in viewer.see(page).text
    assert 'name="what"' not in viewer.see(page).text
    assert "Start a rollout" not in viewer.see("/rollouts").text
    assert viewer.see(f"{START}?automation=payments").status_code == 403
    for path, form in ((page, {"what": "abort"}), (START, {"automation": "payments", "step": "forecast"})):
        assert viewer.send(path, reason="x", **form).status_code == 403
    stranger = sign_in(Grant(Role.OWNER, "elsewhere"))
    assert "payments" not in stranger.see("/rollouts").text
    for path in (page, f"/live{page}", f"/live{page}/forecast"):
        assert stranger.see(path).status_code == 403
    assert stranger.send(page, what="abort", reason="x").status_code == 403
    owner = sign_in(Grant(Role.OWNER, "payments"))
    assert owner.client.post(page, data={"what": "abort", "reason": "x", "csrf": "guess"}).status_code == 403
    assert owner.see("/rollouts/payments/1000").status_code == 404
    assert line.rollout.state is RolloutState.RUNNING
    live = owner.see(f"/live{page}").text
    assert {"standing", "guardrails", "buttons", "steps"} <= set(re.findall(r'id="([\w-]+)"[^>]*hx-swap-oob', live))


def test_open_ones_stand_first(line: RolledLine, sign_in: SignIn) -> None:
    line.start(2)
    line.act(rollouts.abort)
    line.start(3)
    listed = sign_in(Grant(Role.VIEWER)).see("/rollouts").text
    numbers = [int(one) for one in re.findall(r'href="/rollouts/payments/(\d+)"', listed)]
    assert numbers[:2] == [line.rollout.number, line.rollout.number - 1]


def test_a_rollout_that_no_worker_watches_says_that_its_candidate_has_no_traffic(
    line: RolledLine, sign_in: SignIn
) -> None:
    started = line.start(2)
    viewer = sign_in(Grant(Role.VIEWER, "payments"))
    assert "No worker has watched it" not in viewer.see(page_of(line)).text
    with line.database.begin() as tx:
        serving.set_lease(tx, TrafficLease("payments", started.split, "worker", line.now))
    assert "No worker has watched it since" in viewer.see(f"/live{page_of(line)}").text


def test_the_pages_of_an_experiment_show_its_arms_and_stop_it(line: RolledLine, sign_in: SignIn) -> None:
    otto = sign_in(Grant(Role.OPERATOR, "payments"))
    typed = {"automation": "payments", "version": "2", "policy": "", "share": "", "reason": "which is better?"}
    typed |= {
        "measure": "overrides",
        "better": "lower",
        "allocation": "fixed",
        "unit": "",
        "most_decisions": "",
        "until": "",
    }
    shown = otto.send("/experiments/start", step="forecast", **typed)
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', shown.text)
    started = otto.send("/experiments/start", step="start", seen=seen, **typed)
    page = started.headers["location"].partition("?")[0]
    refused = otto.start(version="3")
    assert refused.status_code == 409
    assert "andon experiment stop payments" in unescape(refused.text)
    for address in ("/experiments", page, f"/live{page}"):
        answer = otto.see(address)
        assert answer.status_code == 200, address
    assert "Known so far, at the 95% level" in otto.see(page).text
    assert otto.send(page, what="stop", reason="enough").status_code == 303
    assert "enough" in otto.see(page).text
