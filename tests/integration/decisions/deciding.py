"""Deciding with arms of the test's own on a real ledger."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import text

from andon import decisions
from andon.decisions import (
    BatchWatcher,
    Controls,
    Decider,
    Decision,
    DecisionRecord,
    DecisionRequest,
    Line,
    Payer,
    Traffic,
)
from andon.serving import PredictionTimedOut
from arms import line_of
from automations import an_automation
from lines import Installation

T = TypeVar("T")


class Counted:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.decided = self.expired_requests = self.failures = 0
        self.shadows: list[tuple[int, int]] = []

    def batch(self, reports: Sequence[Any]) -> None:
        self.decided += sum(len(report.judgements) for report in reports)

    def failed(self, transient: bool, requests: int) -> None:
        del transient
        self.failures += requests

    def expired(self, automation: str, requests: int) -> None:
        del automation
        self.expired_requests += requests

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        del automation
        self.shadows.append((run, dropped))


def a_line(installation: Installation, given: Traffic, name: str = "payments", *, windows: bool = False) -> Line:
    return line_of(an_automation(name, windows=windows), given)


def deciding(
    installation: Installation,
    lines: Sequence[Line],
    work: Callable[[Decider], Awaitable[T]],
    *,
    watcher: BatchWatcher | None = None,
    purse: Payer | None = None,
    controls: Controls | None = None,
    within: float = 20.0,
) -> T:
    """Run `work` with a decider over these lines, and close it."""
    by_name = {line.automation.name: line for line in lines}

    async def run() -> T:
        decider = Decider(
            installation.database,
            lambda: by_name,
            clock=installation.clock,
            controls=controls or Controls({}),
            watcher=watcher or Counted(),
            purse=purse,
        )
        async with asyncio.timeout(within):
            try:
                return await work(decider)
            finally:
                await decider.close()

    return asyncio.run(run())


def recorded(installation: Installation, automation: str = "payments") -> list[DecisionRecord]:
    """All of the ledger, oldest first."""
    with installation.database.begin() as tx:
        return list(reversed(decisions.newest(tx, automation, 10_000)))


def shadows(installation: Installation) -> list[Any]:
    with installation.database.begin() as tx:
        return list(tx.execute(text("SELECT * FROM shadow_predictions ORDER BY decision_id, model_version")))


def outcome(decision: Decision | None) -> str:
    assert decision is not None
    return decision.outcome


def late() -> Exception:
    """Return the error of a version that was given too little time."""
    return PredictionTimedOut("no answer in time")


async def all_of(decider: Decider, requests: Sequence[DecisionRequest]) -> list[Decision | None]:
    """All of them, asked at once."""
    return list(await asyncio.gather(*(decider.decide(request) for request in requests)))
