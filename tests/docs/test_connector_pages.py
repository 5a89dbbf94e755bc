"""The pages about connectors: their settings and actions, as printed, reach a real counterpart."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from tests.contract.connectors.contract import a_delivery

import andon
from andon.actions import Answer, AnswerKind, Connector, Surroundings
from andon.authoring import ActionSpec
from andon.bootstrap.connecting import Kinds, destination_of
from andon.connectors.smtp import SmtpConnector
from andon.kernel import config
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon_demo.legacy import LegacyServer
from api import Api
from certificates import a_certificate
from control_rooms import AutomationAnywhere, PowerAutomate, Robocorp
from mailbox_server import Mailbox
from orchestrator import Orchestrator

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
DATA = {
    "id": "d-1",
    "reasons": ["HIGH_SCORE"],
    "score": 0.93,
    "input": {"payment_id": "p-7", "amount": 12.5, "card": "4111111111111111"},
}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


def deliver(
    root: Path,
    page: str,
    environment: Mapping[str, str],
    changes: Mapping[str, str],
    *,
    connector: Connector | None = None,
    example: tuple[int, int] = (0, -1),
) -> Answer:
    """Do what the page says, with the addresses of its example replaced by those of the test."""
    settings = blocks(page, "toml")[example[0]]
    for old, new in changes.items():
        assert old in settings
        settings = settings.replace(old, new)
    settings = re.sub(r"(\[destinations\.[\w-]+\]\n)", r"\1allow_private = true\n", settings, count=1)
    (root / "andon.toml").write_text(settings, encoding="utf-8")
    spec: ActionSpec = eval(blocks(page, "python")[example[1]], vars(andon))
    loaded, kinds = config.load(root, environment), Kinds(root)
    destination = destination_of(spec.destination, loaded.destinations[spec.destination], kinds, environment)
    kind = kinds[spec.connector]
    kind.options.model_validate(dict(spec.options), context={"root": root})
    used = connector or kind.connect(Surroundings(SystemClock(), root))

    async def run() -> Answer:
        try:
            return await used.deliver(a_delivery(destination, options=spec.options, data=DATA))
        finally:
            await used.close()

    return asyncio.run(run())


def test_call_an_http_api(tmp_path: Path) -> None:
    with Api("andon", "hush") as api:
        answer = deliver(tmp_path, "call-an-http-api.md", {"CORE_SECRET": "hush"}, {"https://core.example": api.url})
        assert answer.kind is AnswerKind.DELIVERED
        [request] = api.requests
    assert (request.method, request.path) == ("PUT", "/api/deliveries/p-7/pause")
    assert request.body == b'{"amount": 12.5, "because": ["HIGH_SCORE"], "decision": "d-1"}'


def test_send_mail(tmp_path: Path) -> None:
    shown, kept = a_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, kept)
    connector = SmtpConnector(SystemClock(), tls=ssl.create_default_context(cafile=str(shown)))
    with Mailbox(tls=context, password="hush") as mailbox:
        changes = {"mail.example:587": f"localhost:{mailbox.port}"}
        answer = deliver(tmp_path, "send-mail.md", {"MAIL_PASSWORD": "hush"}, changes, connector=connector)
        assert answer.kind is AnswerKind.DELIVERED, answer
        [mail] = mailbox.mails
    assert mail["Subject"] == "Payment p-7 is held"
    assert "Score 0.93, because of HIGH_SCORE." in str(mail.get_payload())


def test_write_to_a_database(tmp_path: Path, database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("CREATE TABLE holds (payment text, amount numeric, decided_by text)"))
        tx.execute(text(blocks("write-to-a-database.md", "sql")[0]))
    url = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    answer = deliver(tmp_path, "write-to-a-database.md", {"WAREHOUSE_URL": url}, {})
    assert answer.kind is AnswerKind.DELIVERED, answer
    with database.begin() as tx:
        assert tuple(tx.execute(text("SELECT payment, amount, decided_by FROM holds")).one()) == ("p-7", 12.5, "d-1")


def test_call_a_python_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "effects.py").write_text(blocks("call-a-python-function.md", "python")[0], encoding="utf-8")
    environment: dict[str, Any] = {"PROD_LEDGER_TOKEN": "hush"}
    answer = deliver(tmp_path, "call-a-python-function.md", environment, {})
    assert answer.kind is AnswerKind.DELIVERED, answer
    [held] = tmp_path.glob("held-*")
    assert held.read_text() == "12.5"


def test_run_a_robot_of_uipath(tmp_path: Path) -> None:
    with Orchestrator("0f1e2d3c-andon", "hush") as orchestrator:
        changes = {"https://cloud.uipath.com": orchestrator.url}
        answer = deliver(tmp_path, "run-a-robot.md", {"UIPATH_SECRET": "hush"}, changes, example=(1, 0))
        assert answer.kind is AnswerKind.WAITING, answer
        [item] = orchestrator.items.values()
    assert item["SpecificContent"] == {"Payment": "p-7", "Amount": 12.5}


def test_run_a_robot_of_automation_anywhere(tmp_path: Path) -> None:
    with AutomationAnywhere("andon", "hush") as room:
        changes = {"https://bank.my.automationanywhere.digital": room.url}
        environment = {"BOTS_KEY": "hush", "CALLBACK_SECRET": "hush"}
        answer = deliver(tmp_path, "run-a-robot.md", environment, changes, example=(0, 1))
        assert answer.kind is AnswerKind.WAITING, answer
        [order] = room.orders
    assert order["botInput"] == {"payment": {"type": "STRING", "string": "p-7"}}
    assert order["callbackInfo"]["url"].startswith("https://andon.bank.example/v1/actions/")


def test_run_a_robot_of_power_automate(tmp_path: Path) -> None:
    with PowerAutomate("0f1e2d3c-andon", "hush") as environment:
        changes = {
            "https://bank.crm4.dynamics.com": environment.url,
            "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token": f"{environment.url}/token",
        }
        given = {"FLOWS_SECRET": "hush", "CALLBACK_SECRET": "hush"}
        answer = deliver(tmp_path, "run-a-robot.md", given, changes, example=(2, 2))
        assert answer.kind is AnswerKind.WAITING, answer
        [session] = environment.sessions.values()
    assert session["order"]["connectionName"] == "desk"


def test_run_a_robot_of_robocorp(tmp_path: Path) -> None:
    with Robocorp("hush", workspace="b1c2d3") as room:
        changes = {"https://cloud.robocorp.com": room.url}
        answer = deliver(tmp_path, "run-a-robot.md", {"ROBOCORP_KEY": "hush"}, changes, example=(3, 3))
        assert answer.kind is AnswerKind.WAITING, answer
        [item] = room.items.values()
    assert item["payload"]["payment"] == "p-7"


@pytest.mark.browser
def test_drive_a_web_application(tmp_path: Path) -> None:
    with LegacyServer() as server:
        changes = {"https://cards.bank.example": server.url, "step_seconds = 20": "step_seconds = 20\nsandbox = false"}
        environment = {"CARDS_USER": server.bank.user, "CARDS_PASSWORD": server.bank.password}
        answer = deliver(tmp_path, "drive-a-web-application.md", environment, changes)
        assert answer.kind is AnswerKind.DELIVERED, answer
        [block] = server.bank.blocks
    assert (block.card, answer.result) == ("4111111111111111", {"block": "B-000001"})
