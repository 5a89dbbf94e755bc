"""The line of the benchmark of agents: the bank's tools, a line that decides their calls, procedures that call them.

`python -m benchmarks.agents_line URL FOLDER SECONDS` is a worker: it prints `ready`, and ends with its standard input.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from andon import CallKey, Limits, Policy, Procedure, Review, StepFailed, Toolbox, agent, procedure
from andon.bootstrap.measures import Measures
from andon.bootstrap.tooling import WorkerDesk
from andon.decisions import Decider, Deployment, Unwatched
from andon.kernel.clock import SystemClock
from andon.kernel.config import LanguageModelSettings, Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.logs import configure_logs
from andon.procedures.conducting import Conductor
from andon.spending import Advances

BOX = "bank-tools"
LONG_LEASE, SHORT_LEASE = timedelta(minutes=1), timedelta(seconds=2)
"""The short lease is for workers that are killed, so that the next one soon continues their runs."""
SMALL = 50
POLICY = f"""
outcomes: [allow, deny, ask]
rules:
  - {{id: look, when: 'input.tool == "balance"', then: allow}}
  - id: small
    when: input.tool == "refund" && input.arguments.amount > 0 && input.arguments.amount <= {SMALL}
    then: allow
  - {{id: large, when: 'input.tool == "refund" && input.arguments.amount > 0', then: ask}}
otherwise: deny
"""
EFFECTS = (
    "CREATE TABLE IF NOT EXISTS effects (key text PRIMARY KEY, tool text NOT NULL, account text NOT NULL, "
    "amount double precision NOT NULL, times integer NOT NULL DEFAULT 1)"
)
EFFECT = (
    "INSERT INTO effects VALUES (:key, :tool, :account, :amount) "
    "ON CONFLICT (key) DO UPDATE SET times = effects.times + 1"
)

outside: Database | None = None
pause = 0.0


def happen(key: str, tool: str, account: str, amount: float) -> None:
    """Record an outside effect under its key."""
    if pause:
        time.sleep(pause)
    if outside is not None:
        with outside.begin() as tx:
            tx.execute(text(EFFECT), {"key": key, "tool": tool, "account": account, "amount": amount})


def balance(account: str) -> float:
    """Return the balance of an account."""
    return float(len(account))


def refund(account: str, amount: float, key: CallKey) -> str:
    """Pay money back."""
    happen(key, "refund", account, amount)
    return f"paid {amount:g}"


def close_account(account: str, key: CallKey) -> str:
    """Close an account permanently."""
    happen(key, "close_account", account, 0)
    return "closed"


bank = Toolbox(BOX, [balance, refund, close_account], policy=Policy.yaml(POLICY), review=Review(queue="agents"))


def add(number: int) -> int:
    """Do almost nothing, in a step without a policy."""
    return number + 1


@procedure("plain-steps")
async def plain_steps(p: Procedure, given: dict[str, Any]) -> int:
    """Take steps one after the other."""
    number = 0
    for _ in range(int(given["count"])):
        number = await p.step(add, number)
    return number


@procedure("governed-calls")
async def governed_calls(p: Procedure, given: dict[str, Any]) -> None:
    """Call a tool as many times."""
    for _ in range(int(given["count"])):
        await p.call(bank, "balance", {"account": "a"})


@procedure("hundred-calls")
async def hundred_calls(p: Procedure, given: dict[str, Any]) -> None:
    """Call tools, some of which need an approval or are denied; the account names the call."""
    for number in range(int(given["count"])):
        account = f"{given['run']}/{number}"
        tool, arguments = call_of(number, account)
        try:
            await p.call(bank, tool, arguments)
        except StepFailed:
            continue


def call_of(number: int, account: str) -> tuple[str, dict[str, Any]]:
    """Return the call with this number of a run: mostly allowed, every tenth needs approval, every seventh denied."""
    if number % 10 == 5:
        return "refund", {"account": account, "amount": 100 + number}
    if number % 7 == 3:
        return "close_account", {"account": account}
    return "refund", {"account": account, "amount": 1 + number % SMALL}


@agent("clerk", model="gullible", toolbox=bank, limits=Limits(steps=1000, tokens=10_000_000))
def clerk(mail: str) -> str:
    """You answer a bank's mails with the bank's tools."""
    return mail


@procedure("answer-mail")
async def answer_mail(p: Procedure, given: dict[str, Any]) -> Any:
    """Let the clerk answer."""
    return await p.agent(clerk, given["mail"])


SPECS = (plain_steps, governed_calls, hundred_calls, answer_mail)


@contextmanager
def a_worker(url: str, folder: Path, *, seconds: float = 0.0, lease: timedelta = LONG_LEASE) -> Iterator[Conductor]:
    """Run procedures, and decide their calls, until the context ends. Each effect takes this many seconds."""
    global outside, pause
    database, clock = Database(url, pool_size=8), SystemClock()
    outside, pause = Database(url), seconds
    deployment = Deployment(database, [bank], cache=folder / "models", clock=clock, events=Events())
    deployment.refresh()
    for problem in deployment.problems.values():
        raise problem

    def decider() -> Decider:
        return Decider(
            database, lambda: deployment.lines, clock=clock, controls=deployment.controls, watcher=Unwatched()
        )

    models = {"gullible": LanguageModelSettings(provider="python", model="agents_model.py:gullible")}
    settings = Settings(root=Path(__file__).parent, language_models=models)

    desk = WorkerDesk(
        settings,
        database,
        decider,
        lambda: deployment.lines,
        clock=clock,
        metrics=Measures().tools,
        advances=Advances({}, "USD", Events()),
    )
    conductor = Conductor(database, SPECS, clock, desk=desk, lease=lease)
    conductor.launch()
    try:
        yield conductor
    finally:
        conductor.close()
        outside.close()
        database.close()


def main(url: str, folder: str, lease: str) -> None:
    """Work until standard input ends."""
    configure_logs("worker", "error")
    with a_worker(url, Path(folder), seconds=0.01, lease=timedelta(seconds=float(lease))):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
