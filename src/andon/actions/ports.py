"""The interface of a connector: one attempt to reach one outside system. The delivery loop does everything around it.

A connector sends at most once per call, under the given key, and reports honestly what it knows about the outcome. It
never raises for an outside failure, never retries, and never puts a secret into an answer.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr

from andon.actions.domain import Answer, AnswerKind, Repeat
from andon.kernel.addresses import AddressRefused
from andon.kernel.clock import Clock, SystemClock
from andon.kernel.outbox import MessageClaim

__all__ = [
    "Answer",
    "AnswerKind",
    "Connector",
    "Delivery",
    "Destination",
    "EventHead",
    "EvidenceKeeper",
    "EvidenceStep",
    "Inquiring",
    "Kind",
    "Repeat",
    "Shape",
    "Surroundings",
]

S = TypeVar("S", bound=BaseModel)


class Shape(BaseModel):
    """The base of a kind's action options and destination settings; undeclared fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Destination:
    """The address and policy of one outside system (`[destinations.NAME]` in andon.toml).

    `settings` holds the settings of each kind of connector (`[destinations.NAME.KIND]`), by kind. An `own` destination
    is this installation: it fails when the database is away, and then nothing is sent anyway, so it has no breaker
    and no retry budget.
    """

    name: str
    url: str = field(default="", repr=False)
    secrets: tuple[SecretStr, ...] = ()
    timeout: timedelta = timedelta(seconds=10)
    max_attempts: int = 12
    allow_private: bool = False
    repeat: Repeat | None = None
    max_concurrent: int = 32
    rate_per_second: float | None = None
    deadline: timedelta | None = None
    own: bool = False
    callback_url: str | None = None
    settings: Mapping[str, BaseModel] = field(default_factory=dict, hash=False, repr=False)

    def refuse_address(self, address: AddressRefused) -> Answer:
        """Return the answer for a host that resolves to a forbidden address."""
        return Answer(
            AnswerKind.REFUSED,
            f"the host resolves to {address}, which is not a public address; "
            f"if that is intended, set allow_private = true under [destinations.{self.name}]",
        )

    def settings_of(self, kind: str, shape: type[S]) -> S:
        """Return the settings in `[destinations.NAME.KIND]`, or the defaults."""
        found = self.settings.get(kind)
        return found if isinstance(found, shape) else shape()


@dataclass(frozen=True, slots=True)
class EventHead:
    """The attributes, without the data, of a CloudEvent that is not a decision."""

    type: str
    subject: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """The content of one attempt.

    `key` stays the same over all attempts, so a receiver can ignore repeats. `sent_at` is when the attempt began that
    an inquiry asks about, `sent_result` what the receiver returned then. `claim` is the worker's claim on the action,
    None outside of a worker.

    `recorded` says that the data is a decision of the ledger, where it can be read again. `data` is a decision, or the
    data of an event of Andon itself, which has an `event` head.
    """

    key: UUID
    destination: Destination
    automation: str
    action: str
    outcome: str
    data: Mapping[str, Any]
    created_at: datetime
    correlation_id: str
    traceparent: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    recorded: bool = False
    event: EventHead | None = None
    sent_at: datetime | None = None
    sent_result: Mapping[str, Any] = field(default_factory=dict)
    claim: MessageClaim | None = None


class Connector(Protocol):
    """The code that reaches one kind of outside system.

    `repeat` says whether receivers of this kind ignore a repeat; a destination may set its own.
    """

    @property
    def repeat(self) -> Repeat:
        """The policy for repeats under the same key, unless the destination sets its own."""
        ...

    async def deliver(self, delivery: Delivery) -> Answer:
        """Try once, within `delivery.destination.timeout`."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


@runtime_checkable
class Inquiring(Protocol):
    """A connector whose outside system can be asked whether it took a delivery."""

    def can_inquire(self, delivery: Delivery) -> bool:
        """Return whether this destination can be asked."""
        ...

    async def inquire(self, delivery: Delivery) -> Answer:
        """Ask, and send nothing.

        The answer is `delivered` (it took the key), `failed` (it certainly did not, so it is sent again), `refused` (it
        took the key and ended it without success), `waiting` (it works on it) or `unknown`.
        """
        ...


@dataclass(frozen=True, slots=True)
class EvidenceStep:
    """The evidence of one step of a script: what the page showed after it, without any secret.

    `look` says that the script only checked whether an earlier one succeeded, `commit` that the step cannot be undone.
    A step without `ended_at` was begun.
    """

    id: UUID
    action_id: UUID
    automation: str
    run: UUID
    look: bool
    number: int
    what: str
    commit: bool
    began_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    detail: str = ""
    digest: str | None = None
    picture: bytes | None = field(default=None, repr=False)
    picture_digest: str | None = None

    def ended(
        self, at: datetime, outcome: str, detail: str, *, digest: str | None = None, picture: bytes | None = None
    ) -> "EvidenceStep":
        """Return the step with its end. `digest` is that of the page, `picture` a JPEG."""
        return replace(self, ended_at=at, outcome=outcome, detail=detail, digest=digest, picture=picture)


class EvidenceKeeper(Protocol):
    """Keeps a record of what scripts did, and lets one script at a time act for each account."""

    def hold(self, account: str) -> AbstractAsyncContextManager[None]:
        """Wait until no other script acts for the account, then hold it."""
        ...

    async def begin(self, step: EvidenceStep, claim: MessageClaim | None) -> bool:
        """Record that a step is about to happen; return once that is committed.

        Returns False if another worker has claimed the action since, so the step must not happen.
        """
        ...

    async def keep(self, step: EvidenceStep) -> None:
        """Keep a step that ended."""
        ...

    async def committed_at(self, action_id: UUID) -> datetime | None:
        """Return when the last commit for an action was begun, None if none was."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The surroundings of a connector.

    They are the clock, the project's folder, the servers of `[connections.NAME]`, the starter of procedures in this
    process, and the keeper of evidence (None if there is none).
    """

    clock: Clock = field(default_factory=SystemClock)
    root: Path = field(default_factory=Path)
    connections: Mapping[str, Any] = field(default_factory=dict)
    procedures: Any = None
    evidence: EvidenceKeeper | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of connector, as its folder offers it under the name `KIND`; the folder's name is the kind's.

    `options` is the shape of an action's options, `settings` of `[destinations.NAME.KIND]`. `sends_events` says that it
    can also send events of Andon itself, as CloudEvents.
    """

    summary: str
    connect: Callable[[Surroundings], Connector]
    options: type[BaseModel] = Shape
    settings: type[BaseModel] = Shape
    needs_url: bool = True
    sends_events: bool = False
