"""Arms for tests of the serving core: versions with fixed answers, here or elsewhere, and lines of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import perf_counter_ns
from typing import Any, TypeAlias

from pydantic_core import to_json

from andon import Automation
from andon.decisions import Arm, DecisionRequest, Gate, Line, LineRef, ModelRef, Priority, Traffic, compile_policy
from andon.kernel.ids import uuid7
from andon.serving import Candidate, Prediction, TrafficSplit
from andon.testing import START

Score: TypeAlias = Callable[[Mapping[str, Any]], float]
"""The score of a row; may raise PredictionFailed."""


def says(score: float) -> Score:
    """Return a score that is the same for every row."""
    return lambda _: score


def prediction_of(score: float) -> Prediction:
    label, confidence = ("fraud", score) if score > 0.5 else ("ok", 1 - score)
    return Prediction(score, label, confidence, {"ok": 1 - score, "fraud": score})


class Here:
    """A version in this process. `asked` counts the rows of each call."""

    inline = True
    capacity = 1
    max_batch = 512

    def __init__(self, score: Score) -> None:
        self._score = score
        self.asked: list[int] = []

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        self.asked.append(len(rows))
        return [prediction_of(self._score(row)) for row in rows]

    async def predict_soon(self, rows: Sequence[Mapping[str, Any]], *, within: float) -> list[Prediction]:
        del within
        return self.predict(rows)

    def take_cpu_us(self) -> int:
        return 0


class Elsewhere(Here):
    """A version that is waited for. It answers while `open`, and otherwise not before it is opened again.

    As a real one it gives up when the time is over, with `late`.
    """

    inline = False

    def __init__(self, score: Score, *, late: Callable[[], Exception], capacity: int = 2, max_batch: int = 64) -> None:
        super().__init__(score)
        self.capacity = capacity
        self.max_batch = max_batch
        self.open = asyncio.Event()
        self.open.set()
        self.within: list[float] = []
        self.under_way = self.most_under_way = 0
        self.closed = False
        self._late = late

    async def predict_soon(self, rows: Sequence[Mapping[str, Any]], *, within: float) -> list[Prediction]:
        self.within.append(within)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.wait_for(self.open.wait(), within)
        except TimeoutError:
            raise self._late() from None
        finally:
            self.under_way -= 1
        return self.predict(rows)

    async def close(self) -> None:
        self.closed = True
        self.open.set()


def arm(version: int, loaded: Any, *, threshold: float = 0.0, automation: str = "payments") -> Arm:
    ref = LineRef(automation, 1, ModelRef("fraud-risk", version, f"digest-{version}"), "policy-1")
    return Arm(ref, loaded, Gate(threshold, 0.01))


def shares_of(percent: Mapping[int, float]) -> dict[Candidate, float]:
    """Shares of versions by the policy in force."""
    return {Candidate(version): share for version, share in percent.items()}


def traffic(champion: Arm, *others: Arm, fallbacks: Sequence[tuple[str, Arm | None]] = (), **split: Any) -> Traffic:
    """Return the champion with other arms; `split` are the fields of a TrafficSplit, versions by their numbers."""
    arms = {
        Candidate(one.version): one for one in (champion, *others, *(one for _, one in fallbacks if one is not None))
    }
    number = 7 if split else 0
    split["shares"] = shares_of(split.get("shares", {}))
    split["shadows"] = tuple(map(Candidate, split.get("shadows", ())))
    given = TrafficSplit(champion.ref.automation, "fraud-risk", number, **split)
    shadows = tuple(arms[one] for one in given.shadows)
    return Traffic(champion, given, arms, shadows, tuple(fallbacks))


def line_of(automation: Automation, given: Traffic) -> Line:
    table, compiled = compile_policy(automation)
    return Line(automation, traffic=given, policy=compiled, outcomes=table.outcomes)


def request_of(line: Line, row: Mapping[str, Any], *, at: datetime = START, **more: Any) -> DecisionRequest:
    """One request; `within` are the seconds until its caller goes away."""
    raw, began = to_json(row), perf_counter_ns()
    within = more.pop("within", None)
    identifier = more.pop("id", None) or uuid7(at)
    return DecisionRequest(
        id=identifier,
        automation=line.automation.name,
        raw=raw,
        input=line.contract.read(raw),
        caller="bank",
        correlation_id=str(identifier),
        asked_at=at,
        began_ns=began,
        deadline_ns=None if within is None else began + int(within * 1e9),
        priority=more.pop("priority", Priority.INTERACTIVE),
        **more,
    )
