"""A tool call and its permit: their states and transitions. Pure, without a database or a clock."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import rfc8785

from andon.authoring import Toolbox
from andon.kernel.errors import Fault
from andon.policies import ALLOW, ASK, DENY, REVIEW
from andon.tools.errors import CallNotBegun, PermitUnusable, ToolCallInvalid


class CallState(StrEnum):
    """The state of a call. Only an `allowed` call has a permit, which is spent when the call is begun."""

    ALLOWED = "allowed"
    DENIED = "denied"
    """By the policy."""
    WAITING = "waiting"
    """For a person."""
    REFUSED = "refused"
    """By a person."""
    EXPIRED = "expired"
    BEGUN = "begun"
    UNKNOWN = "unknown"
    """Begun, with an unknown outcome: its caller did not report in time, or its delivery may have arrived."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One decided call. `id` is the id of its decision. `outcome` is the policy's: `allow`, `deny` or `ask`."""

    id: UUID
    toolbox: str
    tool: str
    digest: str
    caller: str
    agent: str
    run: str | None
    outcome: str
    rule: str
    reasons: tuple[str, ...]
    state: CallState
    asked_at: datetime
    expires_at: datetime | None
    approval: timedelta
    answered_by: str | None = None
    answered_at: datetime | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    result: Any = None
    error: str | None = None
    finish_by: datetime | None = None
    queue: str | None = None
    uses: int = 0
    """How often its permit was spent. More than once, where a call was never sent and got its permit back."""

    @property
    def by_person(self) -> bool:
        """Whether a person approved it."""
        return self.answered_by is not None and self.state is not CallState.REFUSED

    @property
    def is_vouched(self) -> bool:
        """Whether entries of the audit log vouch for it. The ledger alone proves a call that was only decided."""
        return self.answered_by is not None or self.uses > 0

    def at(self, now: datetime) -> "ToolCall":
        """Return the call in its state at a moment: expired if its time is over."""
        open_ = self.state in (CallState.ALLOWED, CallState.WAITING)
        if open_ and self.expires_at is not None and self.expires_at <= now:
            return replace(self, state=CallState.EXPIRED)
        return self

    def answered(self, outcome: str, by: str, at: datetime) -> "ToolCall":
        """Return the call with a person's verdict. A verdict that came too late changes nothing."""
        if self.at(at).state is not CallState.WAITING:
            return self.at(at)
        approved = outcome == ALLOW
        return replace(
            self,
            state=CallState.ALLOWED if approved else CallState.REFUSED,
            expires_at=at + self.approval if approved else None,
            answered_by=by,
            answered_at=at,
        )

    def begun(self, digest: str, now: datetime) -> "ToolCall":
        """Return the call with its permit spent. Raises PermitUnusable."""
        here = self.at(now)
        if here.state is not CallState.ALLOWED:
            raise PermitUnusable(f"Call {self.id} of {self.tool} is {here.state}{_WHY.get(here.state, '')}")
        if digest != self.digest:
            raise PermitUnusable(f"The permit of call {self.id} is for other arguments: its digest is {self.digest}")
        return replace(here, state=CallState.BEGUN, begun_at=now, uses=self.uses + 1)

    def watched(self, within: timedelta, queue: str, now: datetime) -> "ToolCall":
        """Return the call with the time by which its caller must report its end, and the queue to ask otherwise."""
        return replace(self, finish_by=now + within, queue=queue)

    def lost(self) -> "ToolCall":
        """Return the call with an unknown outcome, because its caller did not report its end in time."""
        return replace(self, state=CallState.UNKNOWN)

    def doubted(self, error: str) -> "ToolCall":
        """Return the call with an unknown outcome, because its delivery may or may not have arrived."""
        return replace(self, state=CallState.UNKNOWN, error=error)

    def ended(self, result: Any, error: str | None, *, sent: bool, now: datetime) -> "ToolCall":
        """Return the call with its end. Raises CallNotBegun.

        A call that failed before it was sent gets its permit back, unless its outcome had become unknown.
        """
        if self.state not in (CallState.BEGUN, CallState.UNKNOWN):
            raise CallNotBegun(f"Call {self.id} of {self.tool} is {self.at(now).state}")
        if error is not None and not sent and self.state is CallState.BEGUN:
            return replace(self, state=CallState.ALLOWED, begun_at=None, finish_by=None, error=error)
        state = CallState.DONE if error is None else CallState.FAILED
        return replace(self, state=state, ended_at=now, result=result, error=error)


DEEPEST = 64
"""The most levels of nesting of arguments and results."""


def require_shallow(value: Any, where: str) -> None:
    """Check that arguments or a result are nested at most DEEPEST levels. Raises ToolCallInvalid."""
    level, depth = [value], 0
    while level:
        if depth > DEEPEST:
            message = f"{where} may be nested {DEEPEST} levels deep, and is nested deeper"
            raise ToolCallInvalid(message, faults=[Fault(where, message)])
        inside = (one.values() if isinstance(one, Mapping) else one for one in level if isinstance(one, Mapping | list))
        level, depth = [one for some in inside for one in some], depth + 1


_WHY = {
    CallState.WAITING: ": a person has to approve it first",
    CallState.EXPIRED: ": ask again",
    CallState.BEGUN: ": its permit is spent",
    CallState.UNKNOWN: ": its permit is spent, and a person is asked whether it happened",
    CallState.DONE: ": its permit is spent",
    CallState.FAILED: ": its permit is spent",
}

_AT_FIRST = {ALLOW: CallState.ALLOWED, DENY: CallState.DENIED, REVIEW: CallState.WAITING}


def decided(
    call_id: UUID,
    box: Toolbox,
    given: Mapping[str, Any],
    *,
    caller: str,
    outcome: str,
    rule: str,
    reasons: tuple[str, ...],
    at: datetime,
) -> ToolCall:
    """Return the call that follows from a decision on an input `{tool, arguments, agent, run}`."""
    state = _AT_FIRST[outcome]
    lasts = {CallState.ALLOWED: box.approval, CallState.WAITING: box.review.due}.get(state)
    return ToolCall(
        id=call_id,
        toolbox=box.name,
        tool=given["tool"],
        digest=digest_of(given["arguments"]),
        caller=caller,
        agent=given["agent"],
        run=given.get("run"),
        outcome=ASK if outcome == REVIEW else outcome,
        rule=rule,
        reasons=reasons,
        state=state,
        asked_at=at,
        expires_at=None if lasts is None else at + lasts,
        approval=box.approval,
    )


def digest_of(arguments: Mapping[str, Any]) -> str:
    """Return the SHA-256 of arguments in canonical JSON (RFC 8785), in hex. Raises ToolCallInvalid."""
    try:
        return hashlib.sha256(rfc8785.dumps(dict(arguments))).hexdigest()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        message = f"The arguments have no canonical JSON: {error}"
        raise ToolCallInvalid(message, faults=[Fault("arguments", str(error))]) from None


def check_arguments(box: Toolbox, tool: str, arguments: Mapping[str, Any]) -> None:
    """Check a call against its tool's contract. Raises ToolCallInvalid, which names each fault."""
    found = box.find(tool)
    if found is None:
        known = ", ".join(box.tools)
        message = f"There is no tool {tool!r} in {box.name}; there are: {known}"
        raise ToolCallInvalid(message, faults=[Fault("tool", message)])
    require_shallow(arguments, "arguments")
    faults = [Fault(f"arguments.{where}" if where else "arguments", what) for where, what in found.faults_of(arguments)]
    if faults:
        told = "; ".join(f"{fault.where}: {fault.message}" for fault in faults)
        raise ToolCallInvalid(f"{tool} cannot be called with these arguments: {told}", faults=faults)
