"""The rules of delivering, with no database, network or clock: when to try again, when to pause, when to give up."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from andon.kernel.breaker import BreakerState

BACKOFF_BASE = timedelta(seconds=1)
BACKOFF_CAP = timedelta(hours=1)
RETRY_AFTER_CAP = timedelta(days=1)
"""The longest `Retry-After` that is honoured, so that a receiver's wrong clock does not park an action forever."""

POLL = timedelta(seconds=5)
"""The wait before a receiver that works on a delivery is asked for the result."""

LONGEST_WORK = timedelta(hours=24)
"""The longest wait for the end of a delivery at a destination without a deadline."""

BREAKER_FAILURES = 5
BREAKER_PAUSE = timedelta(seconds=5)
BREAKER_PAUSE_CAP = timedelta(seconds=30)


class AnswerKind(StrEnum):
    """The possible results of an attempt."""

    DELIVERED = "delivered"
    """The receiver took it."""
    REFUSED = "refused"
    """The receiver will never take it as it is."""
    FAILED = "failed"
    """The receiver did not take it; it may take the same later."""
    UNKNOWN = "unknown"
    """The receiver may or may not have taken it."""
    WAITING = "waiting"
    """The receiver works on it, or it is too early to tell: Andon asks again, and sends nothing."""


class Repeat(StrEnum):
    """The policy for repeats under the same key when the outcome of the first attempt is unknown."""

    IDEMPOTENT = "idempotent"
    """The receiver ignores a repeat."""
    NEVER = "never"
    """It might be done twice: a person finds out and decides."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one attempt.

    `detail` is short and for people. `disable` says that the destination is permanently gone; `final`, for an unknown
    answer, that asking again would not help. `result` is what the receiver returned, a small JSON object that is kept
    with the attempt.
    """

    kind: AnswerKind
    detail: str = ""
    status: int | None = None
    retry_after: timedelta | None = None
    disable: bool = False
    final: bool = False
    result: Mapping[str, Any] | None = None


def backoff(attempt: int, share: float) -> timedelta:
    """Return the wait after attempt number `attempt` (from 1), a random `share` (0 to 1) of a span.

    The span doubles up to the cap. Full jitter: deliveries that failed together do not return together.
    """
    doublings = min(attempt - 1, 32)
    span: timedelta = min(BACKOFF_BASE * 2**doublings, BACKOFF_CAP)
    return span * share


@dataclass(frozen=True, slots=True)
class Again:
    """The delivery is due again after `wait`; with `asks`, only to ask for its result."""

    wait: timedelta
    asks: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The delivery becomes a dead letter, because of `why`."""

    why: str


def follow_up(
    answer: Answer, *, attempt: int, max_attempts: int, share: float, repeatable: bool = True
) -> Again | GiveUp | None:
    """Return what follows an answer to attempt number `attempt`; None when the action is done.

    `repeatable` says that another attempt may follow an unknown answer: the receiver ignores repeats, or is asked
    first.
    """
    if answer.kind is AnswerKind.DELIVERED:
        return None
    if answer.kind is AnswerKind.REFUSED or answer.disable:
        return GiveUp(answer.detail)
    if answer.kind is AnswerKind.UNKNOWN and (answer.final or not repeatable):
        return GiveUp(undecided(answer.detail))
    if answer.kind is AnswerKind.WAITING:
        return Again(min(answer.retry_after or POLL, RETRY_AFTER_CAP), asks=True)
    if attempt >= max_attempts:
        return GiveUp(f"gave up after {attempt} attempts; the last: {answer.kind}: {answer.detail}")
    asked = min(answer.retry_after or timedelta(), RETRY_AFTER_CAP)
    return Again(max(backoff(attempt, share), asked))


RESULT_LIMIT = 16 * 1024
"""The largest result that is kept, in bytes of JSON."""


def kept_result(result: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a receiver's result as it is kept. A note replaces one that is too large or not JSON."""
    if result is None:
        return None
    try:
        kept = {str(name): _storable(value) for name, value in result.items()}
        size = len(json.dumps(kept, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError):
        return {"left_out": "the result is not JSON"}
    return kept if size <= RESULT_LIMIT else {"left_out": f"the result has more than {RESULT_LIMIT} bytes"}


def _storable(value: Any) -> Any:
    """Return a JSON value without the characters that PostgreSQL cannot store."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(str(name)): _storable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    return value


UNKNOWN = "unknown: "
"""The beginning of the last error of a dead letter whose receiver may or may not have taken it."""


def undecided(detail: str) -> str:
    """Return the last error of a dead letter that must not be repeated before a person has found out."""
    return (
        f"{UNKNOWN}{detail}. Sending it again might do it twice, so find out whether the receiver took it: "
        "confirm it if it did, send it again if it did not"
    )


@dataclass(frozen=True, slots=True)
class Breaker:
    """Stops sending to a destination that fails repeatedly, and probes from time to time whether it is back.

    Each failed probe doubles the pause, up to a cap.
    """

    failures: int = 0
    open_until: datetime | None = None
    pause: timedelta = BREAKER_PAUSE
    probing: bool = False

    def state(self, now: datetime) -> BreakerState:
        """Return the state of the breaker at the moment `now`."""
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN

    def blocks(self, now: datetime) -> bool:
        """Return whether a delivery has to wait."""
        state = self.state(now)
        return state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and self.probing)

    def begun(self, now: datetime) -> "Breaker":
        """Record a delivery that was let through; while half-open it is the only one."""
        return replace(self, probing=True) if self.state(now) is BreakerState.HALF_OPEN else self

    def answered(self) -> "Breaker":
        """Record any answer of the receiver: the breaker closes, and all failures are forgotten."""
        return Breaker()

    def failed(self, now: datetime) -> "Breaker":
        """Record a delivery without a useful answer. Too many in a row open the breaker, as does a failed probe."""
        match self.state(now):
            case BreakerState.OPEN:
                return self
            case BreakerState.HALF_OPEN if not self.probing:
                return self  # begun before the breaker opened, and only now given up: not a probe
            case BreakerState.HALF_OPEN:
                pause = min(self.pause * 2, BREAKER_PAUSE_CAP)
                return Breaker(failures=self.failures + 1, open_until=now + pause, pause=pause)
            case BreakerState.CLOSED:
                failures = self.failures + 1
                opens = failures >= BREAKER_FAILURES
                return replace(self, failures=failures, open_until=now + self.pause if opens else None)

    def abandoned(self) -> "Breaker":
        """Record a delivery that ended before it had an answer; the next may probe instead."""
        return replace(self, probing=False)


def is_up(answer: Answer) -> bool:
    """Return whether an answer shows that the receiver works: it took the delivery, or definitely rejected it."""
    return answer.kind in (AnswerKind.DELIVERED, AnswerKind.REFUSED, AnswerKind.WAITING)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at an action. Without an answer it is under way, or its process died: the receiver may have got it.

    An inquiry sends nothing: it asks the receiver whether an earlier attempt arrived (`failed`: certainly not).
    """

    id: UUID
    number: int
    began_at: datetime
    ended_at: datetime | None = None
    kind: AnswerKind | None = None
    status: int | None = None
    detail: str = ""
    inquiry: bool = False
    result: Mapping[str, Any] | None = None


class ActionState(StrEnum):
    """The states of an action. A dead one stays dead until a person sends it again."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Action:
    """A durable outside effect. `id` is the key under which the receiver gets it, however often.

    It follows a decision, or (without `decision_id`) it sends an event of Andon itself outside. `revived_at` is when a
    person last sent it again.
    """

    id: UUID
    decision_id: UUID | None
    automation: str
    action: str
    outcome: str
    connector: str
    destination: str
    state: ActionState
    attempts: int
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None
    last_error: str | None
    correlation_id: str
    revived_at: datetime | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether it is a dead letter whose receiver may or may not have taken it."""
        return self.state is ActionState.DEAD and (self.last_error or "").startswith(UNKNOWN)


@dataclass(frozen=True, slots=True)
class Disabled:
    """A disabled destination, since when and why."""

    name: str
    disabled_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ActionSelection:
    """A selection of actions; None matches any.

    `because` is a part of the last error; times are those of creation.
    """

    automations: Sequence[str] | None = None
    destination: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    because: str | None = None

    @property
    def names_unknown(self) -> bool:
        """Whether `because` names the dead letters whose receivers may or may not have taken them."""
        because, name = (self.because or "").strip().casefold(), UNKNOWN.strip()
        return because.startswith(name) or because == name.rstrip(":")

    def told(self) -> dict[str, Any]:
        """Return the filters that are set, for the audit log."""
        said = {
            "automations": None if self.automations is None else sorted(self.automations),
            "destination": self.destination,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "because": self.because,
        }
        return {name: value for name, value in said.items() if value is not None}
