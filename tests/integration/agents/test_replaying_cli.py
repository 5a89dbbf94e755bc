"""`andon replay` and `andon agent replay` on calls and a run that a real line and a real worker recorded."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from agent_desks import a_desk
from andon import Toolbox, reviews
from andon.bootstrap.installation import settings_here
from andon.bootstrap.project import build_events, load_automations
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from andon.procedures import RunState
from conducting import conducting, start, until
from lines import install
from replaying import andon

TOML = """
[project]
name = "bank"

[language_models.stub]
provider = "python"
model = "models.py:stub"

[language_models.away]
provider = "python"
model = "models.py:away"
"""

MODELS = '''
import json
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelResponse, SystemPromptPart, TextPart, ToolCallPart, ToolReturnPart

def stub(messages, info):
    """Look, pay twice and close; instructions that forbid to pay are obeyed."""
    instructions = next(p.content for m in messages for p in m.parts if isinstance(p, SystemPromptPart))
    told = [p.content for m in messages for p in m.parts if isinstance(p, ToolReturnPart)]
    wanted = [("balance", {"account": "a1"}), ("bank_pay", {"amount": 20}), ("bank_pay", {"amount": 900}),
              ("broken", {}), ("close_account", {"account": "a1"})]
    if "Pay nothing" in instructions:
        wanted = wanted[:1] + wanted[3:]
    if len(told) < len(wanted):
        return ModelResponse([ToolCallPart(*wanted[len(told)])])
    return ModelResponse([TextPart(json.dumps(told))])

def away(messages, info):
    raise ModelHTTPError(503, "away")
'''

AUTOMATION = '''
from typing import Any
from andon import Limits, Policy, Procedure, Review, Tool, Toolbox, agent, procedure

def balance(account: str) -> float:
    """Say what is in an account."""
    return 100.0

def pay(amount: float) -> str:
    """Pay."""
    return f"paid {amount:g}"

def broken() -> str:
    """Fail."""
    raise RuntimeError("out of order")

def close_account(account: str) -> None:
    """Close an account."""

@agent("worker", model="stub", limits=Limits(steps=50), toolbox=None)
def worker(data: Any) -> str:
    """Be quick."""
    return "go"

@procedure("work")
async def work(p: Procedure, given: dict[str, Any]) -> Any:
    return await p.agent(worker, given)

bank = Toolbox(
    "bank-tools", [balance, Tool.of(pay, name="bank/pay"), broken, close_account],
    policy=Policy.file("policy.yaml"), review=Review(queue="agents"), procedures=[work],
)
from dataclasses import replace
worker = replace(worker, toolbox=bank)
'''

POLICY = """
outcomes: [allow, deny, ask]
rules:
  - {id: harmless, when: 'input.tool == "balance" || input.tool == "broken"', then: allow}
  - {id: small, when: 'input.tool == "bank/pay" && input.arguments.amount <= 50', then: allow}
  - {id: large, when: 'input.tool == "bank/pay"', then: ask}
otherwise: deny
"""


def refuse(database: Database) -> None:
    now = datetime.now(UTC)
    with database.begin() as tx:
        reviews.open_due(tx, now=now)
        [review] = reviews.page(tx, reviews.ReviewFilter(queue="agents"), now=now)
        reviews.claim(tx, review.id, actor=Actor("rita"), now=now)
        reviews.give_verdict(
            tx,
            review.id,
            outcome="deny",
            reason="too much",
            actor=Actor("rita"),
            events=build_events(Settings()),
            now=now,
        )


@pytest.fixture
def recorded(standing: None, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """Return a finished run of an agent, in the folder of its project."""
    files = {"andon.toml": TOML, "models.py": MODELS, "automation.py": AUTOMATION, "policy.yaml": POLICY}
    files["stricter.yaml"] = POLICY.replace("<= 50", "<= 10")
    files["careful.md"] = "Pay nothing."
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    settings = settings_here()
    [bank] = load_automations(settings)
    assert isinstance(bank, Toolbox)
    installation = install(database, tmp_path, bank)
    desk = a_desk(installation, tmp_path, **settings.language_models)
    with conducting(database, *bank.procedures, desk=desk) as conductor:
        run = start(database, conductor, "work", {})
        until(database, run, RunState.WAITING, within=60)
        refuse(database)
        until(database, run, RunState.DONE, within=60)
    return run


def test_recorded_calls_are_decided_again_by_another_policy(recorded: UUID) -> None:
    assert "5 decisions of bank-tools decided again: 5 identical" in andon("replay", "bank-tools", "--verify")
    andon("replay", "bank-tools", "--policy", "stricter.yaml", "--json", "report.json")
    (flip,) = json.loads(Path("report.json").read_text())["flips"]
    assert (flip["before"], flip["after"], flip["decisions"]) == ("allow", "review", 1)


def test_a_recorded_run_is_run_again_with_other_instructions_and_models(recorded: UUID) -> None:
    run = str(recorded)
    shown = json.loads(andon("agent", "show", run, "--json"))
    begins = ['balance {"account": "a1"}', 'bank_pay {"amount": 20}']
    assert (shown["instructions"], shown["acts"][:2]) == ("Be quick.", begins)
    assert "bank/pay was not carried out: a person refused it." in shown["acts"][-1]
    assert "broken failed: RuntimeError: out of order" in shown["acts"][-1]
    assert andon("agent", "replay", run) == "no difference\n"
    told = andon("agent", "replay", run, "--prompt-file", "careful.md").splitlines()
    gone = [line for line in told if line.startswith("-bank_pay")]
    assert gone == ['-bank_pay {"amount": 20}', '-bank_pay {"amount": 900}']
    assert not [line for line in told if line.startswith("not in the recorded run")]
    assert "none.md" in andon("agent", "replay", run, "--prompt-file", "none.md", status=2)
    assert "stopped: its model gave no answer (ModelHTTPError" in andon("agent", "replay", run, "--model", "away")
    assert "there are: stub, away" in andon("agent", "replay", run, "--model", "nobody", status=2)
