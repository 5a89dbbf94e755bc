"""Agents in procedures over a real database: each act is done once, approvals are waited for, costs are kept."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from agent_desks import a_desk
from andon import Limits, Procedure, agent, audit, cord, procedure, reviews, spending, tools
from andon.agents.language_models import LanguageModel
from andon.agents.replaying import replay, runs_in
from andon.authoring import Budget
from andon.bootstrap.project import build_events
from andon.bootstrap.tooling import WorkerDesk
from andon.cord import LineState
from andon.kernel import durable
from andon.kernel.config import LanguageModelSettings, Settings
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from andon.procedures import RunState
from andon.procedures.conducting import Conductor
from conducting import conducting, outcome, start, timeline, until
from lines import Installation, install
from people import LINE
from toolboxes import a_toolbox

BOX = a_toolbox()
MODELS = '''
import json
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.usage import RequestUsage

asked = []

def stub(messages, info):
    """Do what the prompt lists, one tool after the other, then say what was told."""
    asked.append(len(messages))
    prompt = next(p.content for m in messages for p in m.parts if p.part_kind == "user-prompt")
    wanted = json.loads(prompt)
    told = [p.content for m in messages for p in m.parts if isinstance(p, ToolReturnPart)]
    usage = RequestUsage(input_tokens=100, output_tokens=10)
    if len(told) < len(wanted):
        name, arguments = wanted[len(told)]
        return ModelResponse([ToolCallPart(name, arguments)], usage=usage)
    return ModelResponse([TextPart(json.dumps(told))], usage=usage)

def broken(messages, info):
    """Fail for good."""
    raise ValueError("no such model")

def refused(messages, info):
    """Reach nobody."""
    raise RuntimeError("no such server") from ConnectionRefusedError()

def lost(messages, info):
    """Lose the answer."""
    raise RuntimeError("the connection ended")
'''


@agent("worker", model="stub", toolbox=BOX, limits=Limits(steps=200))
def worker(data: Any) -> str:
    """Do what is listed."""
    return str(data["prompt"])


short = replace(worker, name="short", limits=Limits(steps=2), queue="stuck")
broken = replace(worker, name="broken", model="broken")
poor = replace(worker, name="poor", limits=Limits(money=0.04), queue="stuck")
unpriced = replace(broken, name="unpriced", limits=Limits(money=100.0), queue="stuck")


AGENTS = {spec.name: spec for spec in (worker, short, broken, poor, unpriced)}


@procedure("work")
async def work(p: Procedure, given: dict[str, Any]) -> Any:
    """Let an agent work."""
    return await p.agent(AGENTS[given.get("who", "worker")], given)


@procedure("pay")
async def pay(p: Procedure, given: dict[str, Any]) -> Any:
    """Call one tool without an agent."""
    return await p.call(BOX, "refund", {"account": "a1", "amount": given["amount"]})


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, BOX)


@pytest.fixture
def desk(installation: Installation, tmp_path: Path) -> WorkerDesk:
    (tmp_path / "models.py").write_text(MODELS)
    stub = LanguageModelSettings(provider="python", model="models.py:stub", input_price=1.0, output_price=10.0)
    failing = LanguageModelSettings(provider="python", model="models.py:broken")
    return a_desk(installation, tmp_path, stub=stub, broken=failing)


@pytest.fixture
def conductor(installation: Installation, desk: WorkerDesk) -> Iterator[Conductor]:
    with conducting(installation.database, work, pay, desk=desk) as conductor:
        yield conductor


def answer(database: Database, outcome: str, queue: str = "agents") -> None:
    """Give the verdict on the one review that waits in a queue."""
    now = datetime.now(UTC)
    with database.begin() as tx:
        reviews.open_due(tx, now=now)
        [review] = reviews.page(tx, reviews.ReviewFilter(queue=queue), now=now)
        reviews.claim(tx, review.id, actor=Actor("rita"), now=now)
        reviews.give_verdict(
            tx,
            review.id,
            outcome=outcome,
            reason="why not",
            actor=Actor("rita"),
            events=build_events(Settings()),
            now=now,
        )


def test_an_agent_calls_tools_and_each_act_is_a_step(installation: Installation, conductor: Conductor) -> None:
    asked = '[["balance", {"account": "a1"}], ["close_account", {"account": "a1"}], ["fly", {}]]'
    run = start(installation.database, conductor, "work", {"prompt": asked})
    assert until(installation.database, run).state is RunState.DONE, outcome(installation.database, run)
    told = outcome(installation.database, run)[0]
    assert '{"a1": 100.0}' in told
    assert "the policy denies it" in told
    kinds = [f"{one.kind}:{one.name}" for one in timeline(installation.database, run)]
    model = "model:worker"
    assert kinds == ["agent:worker", model, "tool:balance", model, "tool:close_account", model, model]
    with installation.database.begin() as tx:
        states = [(one.tool, one.state.value, one.run) for one in tools.page(tx, toolboxes=None, now=datetime.now(UTC))]
        spent = spending.of(tx, LINE, datetime.now(UTC).date(), datetime.now(UTC).date())
    assert states == [("close_account", "denied", str(run)), ("balance", "done", str(run))]
    assert [row.cost for row in spent] == [4 * (100 * 1_000 + 10 * 10_000)]


def test_an_approval_wakes_the_procedure_and_the_call_happens(installation: Installation, conductor: Conductor) -> None:
    run = start(installation.database, conductor, "pay", {"amount": 900})
    until(installation.database, run, RunState.WAITING)
    answer(installation.database, "allow")
    assert until(installation.database, run).state is RunState.DONE
    result = outcome(installation.database, run)[0]
    with installation.database.begin() as tx:
        [call] = tools.page(tx, toolboxes=None, now=datetime.now(UTC))
        actions = [entry.leaf.action for entry in audit.page(tx, subject=f"tool_call:{call.id}")]
    assert result == f"900 to a1 under {call.id}"
    assert (call.state.value, call.result, call.answered_by) == ("done", result, "rita")
    assert actions == ["tool.finish", "tool.begin", "tool.answer"]


def test_an_approved_call_does_not_happen_while_the_line_is_stopped(
    installation: Installation, conductor: Conductor
) -> None:
    database = installation.database
    run = start(database, conductor, "pay", {"amount": 900})
    until(database, run, RunState.WAITING)
    with database.begin() as tx:
        cord.pull(
            tx,
            "bank-tools",
            state=LineState.STOPPED,
            segment={},
            actor=Actor("olaf"),
            reason="something is wrong",
            events=build_events(Settings()),
            now=datetime.now(UTC),
        )
    answer(database, "allow")
    assert until(database, run).state is RunState.FAILED
    assert "refund was not carried out: the line bank-tools is stopped" in str(outcome(database, run)[1])
    with database.begin() as tx:
        [call] = tools.page(tx, toolboxes=None, now=datetime.now(UTC))
    assert call.state.value == "allowed"


def test_a_refused_call_fails_its_step(installation: Installation, conductor: Conductor) -> None:
    run = start(installation.database, conductor, "pay", {"amount": 900})
    until(installation.database, run, RunState.WAITING)
    answer(installation.database, "deny")
    assert until(installation.database, run).state is RunState.FAILED
    assert outcome(installation.database, run)[1] == "refund: refund was not carried out: a person refused it."


@pytest.mark.parametrize(
    ("who", "queue", "why"),
    [
        ("short", "stuck", "it took all of its 2 steps"),
        ("broken", LINE, "no such model"),
        ("poor", "stuck", "0.04 is left of the agent's spending limit"),
        ("unpriced", "stuck", "its model has no price"),
    ],
)
def test_what_stops_an_agent_is_told_to_a_person(
    installation: Installation, conductor: Conductor, who: str, queue: str, why: str
) -> None:
    asked = '[["balance", {"account": "a1"}], ["balance", {"account": "a2"}]]'
    run = start(installation.database, conductor, "work", {"prompt": asked, "who": who})
    until(installation.database, run, RunState.WAITING, within=30)
    with installation.database.begin() as tx:
        [review] = reviews.page(tx, reviews.ReviewFilter(queue=queue), now=datetime.now(UTC))
    assert why in str(review.question)
    answer(installation.database, "stop", queue)
    assert until(installation.database, run).state is RunState.FAILED


def test_storage_grows_with_the_conversation_not_with_its_square(
    installation: Installation, conductor: Conductor
) -> None:
    def stored(calls: int) -> int:
        asked = ", ".join(['["balance", {"account": "a1"}]'] * calls)
        run = start(installation.database, conductor, "work", {"prompt": f"[{asked}]"})
        assert until(installation.database, run, within=60).state is RunState.DONE
        with installation.database.begin() as tx:
            return sum(len(str(step.output)) for step in durable.steps(tx, run)[:-1])

    few, many = stored(10), stored(40)
    assert many / few == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(
    ("amount", "state", "booked", "told"),
    [
        (1.0, RunState.DONE, (200_000, 0), []),
        (0.04, RunState.WAITING, None, [f"The budget of {LINE} has 0.039600000 USD left"]),
    ],
    ids=["enough", "too little"],
)
def test_a_budget_pays_the_most_of_a_request_before_it_is_sent(
    installation: Installation,
    tmp_path: Path,
    amount: float,
    state: RunState,
    booked: tuple[int, int] | None,
    told: list[str],
) -> None:
    (tmp_path / "models.py").write_text(MODELS)
    stub = LanguageModelSettings(provider="python", model="models.py:stub", input_price=1.0, output_price=10.0)
    desk = a_desk(installation, tmp_path, budgets={LINE: Budget(amount)}, stub=stub)
    database = installation.database
    with conducting(database, work, desk=desk) as conductor:
        run = start(database, conductor, "work", {"prompt": "[]"})
        until(database, run, state)
    with database.begin() as tx:
        stands = spending.budget_state(tx, LINE, datetime.now(UTC))
        asked = reviews.page(tx, reviews.ReviewFilter(queue=LINE), now=datetime.now(UTC))
    assert booked == (None if stands is None else (stands.spent, stands.reserved))
    assert len(asked) == len(told)
    assert all(words in str(one.question) for words, one in zip(told, asked, strict=True))


@pytest.mark.parametrize(("failure", "reserved"), [("refused", False), ("lost", True)], ids=["never sent", "no answer"])
def test_a_request_that_may_have_been_paid_keeps_its_advance(
    installation: Installation, tmp_path: Path, failure: str, reserved: bool
) -> None:
    (tmp_path / "models.py").write_text(MODELS)
    failing = LanguageModelSettings(provider="python", model=f"models.py:{failure}", output_price=10.0)
    desk = a_desk(installation, tmp_path, budgets={LINE: Budget(1.0)}, broken=failing)
    database = installation.database
    with conducting(database, work, desk=desk) as conductor:
        run = start(database, conductor, "work", {"prompt": "[]", "who": "broken"})
        until(database, run, RunState.WAITING)
    with database.begin() as tx:
        stands = spending.budget_state(tx, LINE, datetime.now(UTC))
    assert stands is not None
    assert (stands.spent, stands.reserved > 0) == (0, reserved)


def test_a_run_is_run_again_on_recorded_results(
    installation: Installation, conductor: Conductor, desk: WorkerDesk
) -> None:
    asked = '[["balance", {"account": "a1"}], ["close_account", {"account": "a1"}]]'
    run = start(installation.database, conductor, "work", {"prompt": asked})
    assert until(installation.database, run).state is RunState.DONE
    with installation.database.begin() as tx:
        [recorded] = runs_in(durable.steps(tx, run))
        before = len(tools.page(tx, toolboxes=None, now=datetime.now(UTC)))
    assert (recorded.agent, recorded.instructions) == ("worker", "Do what is listed.")
    same = asyncio.run(replay(worker, recorded, desk.models.open("stub")))
    assert (same.difference, same.unknown) == ([], [])

    def greedy(messages: list[ModelMessage], info: Any) -> ModelResponse:
        del info
        if len(messages) == 1:
            return ModelResponse([ToolCallPart("refund", {"account": "a1", "amount": 5})])
        return ModelResponse([TextPart("done")])

    other = asyncio.run(replay(worker, recorded, LanguageModel(FunctionModel(greedy), 0, 0, 100)))
    assert other.unknown == ['refund {"account": "a1", "amount": 5}']
    assert '+refund {"account": "a1", "amount": 5}' in other.difference
    with installation.database.begin() as tx:
        assert len(tools.page(tx, toolboxes=None, now=datetime.now(UTC))) == before
