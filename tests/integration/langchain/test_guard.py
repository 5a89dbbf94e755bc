"""An existing LangChain agent behind a guard: its tools run when a toolbox allows the call, and never else."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from starlette.testclient import TestClient

from andon import reviews, tools
from andon.bootstrap.project import build_events
from andon.kernel.config import Settings
from andon.kernel.identity import Actor
from andon.langchain import Gatehouse, from_langchain, governed_tools, guard
from lines import Installation

BOX = "bank-tools"
paid: list[tuple[str, float]] = []


@tool
def refund(account: str, amount: float) -> str:
    """Pay money back."""
    paid.append((account, amount))
    return f"{amount:g} paid"


@tool
def close_account(account: str) -> str:
    """Close an account."""
    paid.append((account, -1))
    return "closed"


class Model(GenericFakeChatModel):
    """A model that says what a test scripted."""

    def bind_tools(self, tools: Any, **more: Any) -> "Model":
        """Know the tools already."""
        return self


@pytest.fixture(autouse=True)
def nothing_paid() -> None:
    paid.clear()


def told_by(client: TestClient, key: str, *calls: tuple[str, dict[str, Any]], **more: Any) -> list[ToolMessage]:
    """Run an agent that makes these calls, and return what its tools said."""
    asked = [
        AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"c{number}"}])
        for number, (name, args) in enumerate(calls)
    ]
    model = Model(messages=iter([*asked, AIMessage("done")]))
    agent = create_agent(
        model, [refund, close_account], middleware=[guard("http://gateway", key, BOX, client=client, **more)]
    )
    answered = agent.invoke({"messages": [("user", "help me")]})
    return [one for one in answered["messages"] if isinstance(one, ToolMessage)]


def test_only_allowed_tools_run_and_the_model_reads_why(
    client: TestClient, installation: Installation, key: str
) -> None:
    told = told_by(
        client, key, ("refund", {"account": "a1", "amount": 20}), ("close_account", {"account": "a1"}),
        ("refund", {"account": "a1"}),
    )  # fmt: skip
    assert paid == [("a1", 20)]
    assert [(one.status, str(one.content).partition(" (")[0]) for one in told[:2]] == [
        ("success", "20 paid"),
        ("error", "close_account was not carried out: the policy denies it"),
    ]
    assert (told[2].status, "arguments.amount" in str(told[2].content)) == ("error", True)
    with installation.database.begin() as tx:
        states = [one.state.value for one in tools.page(tx, toolboxes=[BOX], now=datetime.now(UTC))]
    assert states == ["denied", "done"]


def test_an_approval_lets_the_call_go_on(client: TestClient, installation: Installation, key: str) -> None:
    def approve(seconds: float) -> None:
        now = datetime.now(UTC)
        with installation.database.begin() as tx:
            reviews.open_due(tx, now=now)
            [review] = reviews.page(tx, reviews.ReviewFilter(queue="agents"), now=now)
            reviews.claim(tx, review.id, actor=Actor("rita"), now=now)
            reviews.give_verdict(
                tx,
                review.id,
                outcome="allow",
                reason="fine",
                actor=Actor("rita"),
                events=build_events(Settings()),
                now=now,
            )

    [told] = told_by(client, key, ("refund", {"account": "a1", "amount": 900}), sleep=approve)
    assert (told.content, paid) == ("900 paid", [("a1", 900)])


def test_patience_ends_with_an_answer(client: TestClient, key: str) -> None:
    [told] = told_by(client, key, ("refund", {"account": "a1", "amount": 900}), wait=timedelta())
    assert (told.status, "nobody has approved it yet" in str(told.content), paid) == ("error", True, [])


def test_a_langgraph_node_is_guarded_the_same_way(client: TestClient, key: str) -> None:
    guarding = guard("http://gateway", key, BOX, client=client)
    node = ToolNode([close_account], wrap_tool_call=guarding.wrap_tool_call)
    asked = AIMessage("", tool_calls=[{"name": "close_account", "args": {"account": "a1"}, "id": "c1"}])
    graph = StateGraph(MessagesState)
    graph.add_node("tools", node)
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    answered = graph.compile().invoke({"messages": [asked]})
    assert "the policy denies it" in str(answered["messages"][-1].content)
    assert paid == []


def test_a_toolboxs_tools_are_langchains(client: TestClient, key: str) -> None:
    house = Gatehouse("http://gateway", key, BOX, agent="lang", client=client, wait=timedelta())
    found = {
        one.name: one for one in governed_tools(house, {"refund": lambda account, amount: f"{amount} to {account}"})
    }
    assert sorted(found) == ["notify", "refund"]
    assert found["refund"].invoke({"account": "a1", "amount": 20}) == "20 to a1"
    assert "was not carried out" in found["refund"].invoke({"account": "a1", "amount": 60})


def test_a_langchain_tool_is_one_of_a_toolbox() -> None:
    governed = from_langchain(refund)
    assert (governed.name, governed.description) == ("refund", "Pay money back.")
    assert governed.faults_of({"account": "a1"})[0][0] == "amount"
    assert asyncio.run(governed.perform({"account": "a1", "amount": 3}, "key")) == "3 paid"
