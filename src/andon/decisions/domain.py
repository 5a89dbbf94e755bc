"""A decision and its parts: pure values, no database and no clock.

Each type with one instance per decision is a msgspec Struct: creating one takes a fifth of the time of a dataclass or a
named tuple. None is part of a cycle, so the garbage collector can skip them.

DecisionRequest -> features -> Prediction -> Risk -> Ruling  =  Decision  -> recorded as DecisionRow + DecisionRecord
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from andon.cord import LineState
from andon.models import RiskEvidence
from andon.policies import Ruling
from andon.serving import Assignment, Candidate, Prediction, arm_of, proven_arm

if TYPE_CHECKING:
    from andon.decisions.shape import DecisionRow

OPEN_REVIEW = "review.open"
DELIVER_ACTION = "action.deliver"
"""The topics of the outbox messages that a decision sets off."""

RECORDED = "decisions.record"
"""The audit action of a group commit; its body holds 16 bytes of id and 32 of digest for each decision."""


KEYS_KEPT = timedelta(hours=48)
"""The time for which a repeat under the same Idempotency-Key gets the first answer; 24 hours are promised."""

_LONGEST_KEY = 512
"""The most characters of a key; a digest stands for a longer one."""


class Idempotency(Struct, frozen=True, gc=False):
    """A caller's own key for one request; the same key with another `digest` of the input is an error."""

    scope: str
    key: str
    digest: bytes

    @classmethod
    def of(cls, automation: str, caller: str, key: str, raw: bytes) -> "Idempotency":
        """Return a caller's key for one automation and input."""
        return cls(f"{automation}/{caller}", key, sha256(raw).digest())

    @classmethod
    def of_event(cls, automation: str, source: str, event: str, raw: bytes) -> "Idempotency":
        """Return the key of an event for one automation, made from its source and id, whichever way it arrives."""
        key = f"{source} {event}"
        if len(key) > _LONGEST_KEY:
            key = sha256(key.encode()).hexdigest()
        return cls(f"{automation}/", key, sha256(raw).digest())


class Priority(IntEnum):
    """The priority of a request when not all can be decided: lower numbers go first."""

    INTERACTIVE = 0
    NORMAL = 1
    BULK = 2


class DecisionRequest(Struct, frozen=True, gc=False):
    """One thing to decide, admitted and validated.

    `raw` is the JSON text as received, `input` the result of reading it by the contract.

    `began_ns` is the monotonic clock (`time.perf_counter_ns`) at admission; the latency counts from there.
    `deadline_ns` is on the same clock; after it, no caller waits for the answer. `pinned` is the model version that a
    tester asked for, `notify` the destination that receives the whole answer. `happened_at` is the time of the event to
    decide on, if the sender gives it; windows then see it at that time. `arrived_at` is when the event arrived in the
    log from which it was read. A long wait there does not make it a late event.
    """

    id: UUID
    automation: str
    raw: bytes
    input: Mapping[str, Any]
    caller: str
    correlation_id: str
    asked_at: datetime
    began_ns: int
    traceparent: str | None = None
    idempotency: Idempotency | None = None
    from_intake: bool = False
    priority: Priority = Priority.INTERACTIVE
    deadline_ns: int | None = None
    pinned: int | None = None
    notify: str | None = None
    happened_at: datetime | None = None
    arrived_at: datetime | None = None

    @property
    def came_at(self) -> datetime:
        """The moment at which the request reached us, from which its lateness counts."""
        return self.arrived_at or self.asked_at

    @property
    def at(self) -> datetime:
        """The moment at which windows see the request."""
        return self.happened_at or self.asked_at


class ModelRef(Struct, frozen=True, gc=False):
    """The ModelVersion that predicted."""

    name: str
    version: int
    digest: str


class Risk(Struct, frozen=True, gc=False, cache_hash=True):
    """The risk gate's answer: `certain` if the confidence reaches the `threshold` that keeps the error under `target`.

    `revision` is the gate's; 0 if the gate was computed from the model's own held-out evidence.
    """

    certain: bool
    threshold: float
    target: float
    revision: int = 0


class Fallback(Struct, frozen=True, gc=False):
    """The fallback that answered instead of the assigned version, and the reason."""

    step: Annotated[str, Meta(description="The alias of another version, `rules` or `review`.")]
    because: Annotated[str, Meta(description="The reason why that version did not answer.")]


class Judgement(Struct, frozen=True, gc=False):
    """The pure part of a decision: the results of model and policy for one row of features."""

    prediction: Prediction | None
    risk: Risk
    ruling: Ruling
    fallback: Fallback | None = None
    state: LineState = LineState.AUTOMATIC


class Draw(Struct, frozen=True, gc=False, cache_hash=True):
    """The draw for a blind audit: the probability with which the decision is drawn, and whether it was."""

    probability: float = 0.0
    drawn: bool = False


NOT_DRAWN = Draw()
"""No blind audit."""


class Stages(Struct, frozen=True, gc=False, cache_hash=True):
    """The time that each stage of a batch took, in microseconds, its CPU time, and the decisions in it."""

    features: int = 0
    predict: int = 0
    policy: int = 0
    cpu: int = 0
    batch: int = 1


class Decision(Struct, frozen=True, gc=False):
    """One pass through the line, before it is recorded. `subject` is the keyed hash of the person or account, if known.

    Parts that many decisions of a batch share hash by value and remember the hash, so that `record.encode` writes each
    of them once.
    """

    request: DecisionRequest
    line: "LineRef"
    features: Mapping[str, Any]
    judgement: Judgement
    decided_at: datetime
    stages_us: Stages
    assignment: Assignment
    draw: Draw = NOT_DRAWN
    subject: bytes | None = None

    @property
    def outcome(self) -> str:
        """The outcome that the policy chose."""
        return self.judgement.ruling.outcome

    @property
    def rule(self) -> str:
        """The id of the rule that chose."""
        return self.judgement.ruling.rule

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reason codes of that rule."""
        return self.judgement.ruling.reasons

    @property
    def prediction(self) -> Prediction | None:
        """The model's prediction; None if there is none."""
        return self.judgement.prediction


class LineRef(Struct, frozen=True, gc=False, cache_hash=True, rename={"automation_version": "version"}):
    """The exact versions that made a decision. `arm` follows from the others and the gate of a candidate."""

    automation: str
    automation_version: int
    model: ModelRef
    policy_version: str
    arm: str = ""

    def __post_init__(self) -> None:
        name = arm_name(self.model.name, self.model.version, self.policy_version)
        if proven_arm(self.arm) != name:
            force_setattr(self, "arm", name)


def arm_name(model: str, version: int, policy_version: str, gate: float | None = None) -> str:
    """Name an arm: model, version and the first digits of the policy version, as in `fraud-risk@8+3f2a9c01d2e4`.

    A gate of its own follows, as in `fraud-risk@8+3f2a9c01d2e4~0.93`.
    """
    return arm_of(model, Candidate(version, policy_version[:12], gate), in_force="")


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """The whole recorded decision: its row and the canonical record that the audit chain proves."""

    row: "DecisionRow"
    writer: UUID
    seq: int
    salt: bytes
    record: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """A filter of decisions; None matches any. `automations` are those that the caller may see, `segment` is text."""

    automations: tuple[str, ...] | None = None
    automation: str | None = None
    outcome: str | None = None
    rule: str | None = None
    label: str | None = None
    model_version: int | None = None
    arm: str | None = None
    gate_revision: int | None = None
    line_state: LineState | None = None
    audit_drawn: bool | None = None
    segment: Mapping[str, str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request that was accepted and is not decided yet; with an `error` it never will be.

    With a `dead_event`, `raw` is that event's data, corrected or not, and not read yet.
    """

    id: UUID
    automation: str
    raw: bytes
    caller: str
    correlation_id: str
    traceparent: str | None
    idempotency_key: str | None
    received_at: datetime
    error: str | None
    notify: str | None = None
    dead_event: UUID | None = None
    mended: bool = False
    attempts: int = 0
    """The number of times that a worker took it, including those that ended without a result."""

    @property
    def idempotency(self) -> Idempotency | None:
        """The caller's own key, if the request had one."""
        if self.idempotency_key is None:
            return None
        return Idempotency.of(self.automation, self.caller, self.idempotency_key, self.raw)


@dataclass(frozen=True, slots=True)
class AutomationVersion:
    """An automation as it was deployed: everything that affects decisions, content-addressed, numbered by name."""

    name: str
    number: int
    digest: str
    description: Mapping[str, Any]
    deployed_by: str
    deployed_at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """One release of an automation: the newest says which version may decide. `before` is the version it replaced."""

    automation: str
    number: int
    version: int
    before: int | None
    released_by: str
    reason: str
    released_at: datetime


@dataclass(frozen=True, slots=True)
class Stats:
    """The performance of a line between two moments. Latencies are from admission to the commit, in milliseconds."""

    decisions: int
    automatic: int
    per_second: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    outcomes: Mapping[str, int]


LATENCY_BAND = 1.05
"""The ratio between the ends of a latency band: bands are five percent wide.

Band n holds latencies from LATENCY_BAND**n to LATENCY_BAND**(n+1) microseconds.
"""


@dataclass(frozen=True, slots=True)
class DecisionTally:
    """The decisions of one automation in one step of time, with their numbers by latency band."""

    at: datetime
    automation: str
    decisions: int
    automatic: int
    latencies: Mapping[int, int]


def latency_of(band: int) -> float:
    """Return the middle of a band, in milliseconds."""
    return float(LATENCY_BAND ** (band + 0.5)) / 1000


@dataclass(frozen=True, slots=True)
class HeldOutEvidence:
    """The held-out rows of one arm by confidence.

    `unjudged` names what the policy reads and the rows do not tell. With `because`, nothing is proven: the table counts
    no row. `alone` of the rows are decided by rules that ask no model; they are in no region.
    """

    table: RiskEvidence
    unjudged: tuple[str, ...] = ()
    because: str = ""
    alone: int = 0


NO_EVIDENCE = HeldOutEvidence(RiskEvidence(table=(), rows=0))
"""No held-out row: nothing is proven."""
