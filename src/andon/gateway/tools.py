"""Routes of tools: the tools of a toolbox, the calls that agents ask for, and their permits."""

from datetime import datetime
from time import perf_counter_ns
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from andon import tools
from andon.access import Permission, Principal
from andon.authoring import ActionSpec, Tool, Toolbox
from andon.decisions import AutomationNotFound, Line
from andon.gateway.dependencies import Caller, Db, Gateway, Now, Parts
from andon.gateway.headers import correlation_of, key_of, traceparent_of_headers
from andon.gateway.tool_calling import ToolCalling
from andon.kernel.db import Tx
from andon.tools import CallState, ToolboxNotFound, ToolCall, ToolCallNotFound

router = APIRouter(tags=["tools"])


class ToolOut(BaseModel):
    """One tool. `delivered`: Andon carries out its calls once they are begun; otherwise the caller does."""

    name: str
    description: str
    schema_: dict[str, Any] = Field(serialization_alias="schema", description="JSON Schema of the arguments.")
    delivered: bool


class ToolboxOut(BaseModel):
    """A toolbox. `unlisted`: calls of unlisted tools are decided as well."""

    name: str
    unlisted: bool
    tools: list[ToolOut]


class ToolboxesOut(BaseModel):
    """The toolboxes that the caller may call or look at."""

    toolboxes: list[ToolboxOut]


class CallIn(BaseModel):
    """The call that an agent wants to make. `run` groups the calls of one run of the agent."""

    model_config = ConfigDict(extra="forbid")

    tool: str = Field(max_length=128)
    arguments: dict[str, Any]
    agent: str = Field(min_length=1, max_length=200)
    run: str | None = Field(default=None, max_length=200)


class ToolCallOut(BaseModel):
    """A decided call; `id` is its decision's. Only an `allowed` call may begin, with `digest`, before `expires_at`."""

    id: UUID
    toolbox: str
    tool: str
    agent: str
    run: str | None
    state: CallState
    digest: str = Field(description="SHA-256 of the arguments' canonical JSON (RFC 8785), in hex.")
    outcome: str = Field(description="The policy's outcome: allow, deny or ask.")
    rule: str
    reasons: list[str]
    review_id: UUID | None = Field(description="The review that asks a person, once a worker has opened it.")
    question_id: UUID | None = Field(description="The review that asks whether it happened, if that became unknown.")
    asked_at: datetime
    expires_at: datetime | None
    finish_by: datetime | None = Field(description="When the outcome of a begun call becomes `unknown`.")
    answered_by: str | None
    uses: int = Field(description="How often the permit was spent; more than once if a call was never sent.")
    result: Any
    error: str | None


class ToolCallsOut(BaseModel):
    """A page of calls, newest first; `next` is the `before` of the following page."""

    calls: list[ToolCallOut]
    next: UUID | None


class BeginIn(BaseModel):
    """The digest of the arguments with which the call is carried out."""

    model_config = ConfigDict(extra="forbid")

    digest: str = Field(pattern="^[0-9a-f]{64}$")


class FinishIn(BaseModel):
    """The end of a call. With an error and `sent` false, it was never sent, and its permit can be spent again."""

    model_config = ConfigDict(extra="forbid")

    result: Any = None
    error: str | None = Field(default=None, min_length=1, max_length=2000)
    sent: bool = True


@router.get("/v1/toolboxes", operation_id="list_toolboxes")
def index(caller: Caller, gateway: Parts) -> ToolboxesOut:
    """List the toolboxes that the caller may call or look at."""
    found = [box for box in map(_box_of, gateway.lines.values()) if box is not None and _sees(caller, box.name)]
    return ToolboxesOut(toolboxes=[_shown_box(box) for box in sorted(found, key=lambda box: box.name)])


@router.get("/v1/toolboxes/{name}", operation_id="get_toolbox")
def show_toolbox(name: str, caller: Caller, gateway: Parts) -> ToolboxOut:
    """Show one toolbox with its tools."""
    return _shown_box(_toolbox(gateway, name, caller))


@router.post("/v1/toolboxes/{name}/calls", operation_id="call_tool")
async def call(
    name: str,
    wanted: CallIn,
    request: Request,
    response: Response,
    caller: Caller,
    gateway: Parts,
    now: Now,
    idempotency_key: Annotated[  # noqa: ARG001 - described here; `key_of` reads and checks it
        str | None, Header(description="Repeating a key returns the first answer.")
    ] = None,
) -> ToolCallOut:
    """Decide a call: `allowed` may be begun, `waiting` waits for a person, `denied` may not happen."""
    caller.require(Permission.CALL_TOOLS, name)
    box = _toolbox(gateway, name, caller)
    headers = dict(request.headers)
    calling = ToolCalling(gateway)
    made, repeated = await calling.decide(
        box,
        wanted.model_dump(),
        caller=caller,
        key=key_of(headers),
        correlation=correlation_of(headers, ""),
        traceparent=traceparent_of_headers(headers),
        now=now,
        began_ns=perf_counter_ns(),
    )
    response.headers["Location"] = f"/v1/tool-calls/{made.id}"
    if repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return await gateway.in_thread(lambda tx: _shown(tx, made))


@router.get("/v1/toolboxes/{name}/calls", operation_id="list_tool_calls")
def list_calls(
    name: str,
    caller: Caller,
    gateway: Parts,
    db: Db,
    now: Now,
    state: CallState | None = None,
    run: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: UUID | None = None,
) -> ToolCallsOut:
    """List the calls of a toolbox, newest first. A caller who may not read its decisions sees only its own calls."""
    _toolbox(gateway, name, caller)
    own = None if caller.may(Permission.READ_DECISIONS, name) else caller.name
    with db.begin() as tx:
        found = tools.page(tx, toolboxes=[name], now=now, caller=own, state=state, run=run, limit=limit, before=before)
        shown = [_shown(tx, one) for one in found]
    return ToolCallsOut(calls=shown, next=found[-1].id if len(found) == limit else None)


@router.get("/v1/tool-calls/{call_id}", operation_id="get_tool_call")
def show(call_id: UUID, caller: Caller, db: Db, now: Now) -> ToolCallOut:
    """Show one call in its present state."""
    with db.begin() as tx:
        found = tools.get(tx, call_id, now)
        if found.caller != caller.name and not caller.may(Permission.READ_DECISIONS, found.toolbox):
            raise ToolCallNotFound(f"No call {call_id}")
        return _shown(tx, found)


@router.post("/v1/tool-calls/{call_id}/begin", operation_id="begin_tool_call")
def begin(call_id: UUID, wanted: BeginIn, caller: Caller, gateway: Parts, db: Db, now: Now) -> ToolCallOut:
    """Begin a call: its permit is spent, exactly once. Andon then delivers the call if the tool is `delivered`."""
    with db.begin() as tx:
        found = tools.get(tx, call_id, now)
        if found.caller != caller.name:
            raise ToolCallNotFound(f"No call {call_id}")
        caller.require(Permission.CALL_TOOLS, found.toolbox)
        box = _toolbox(gateway, found.toolbox, caller)
        tool = box.find(found.tool)
        via = tool.via if tool is not None and isinstance(tool.via, ActionSpec) else None
        begun = tools.begin(tx, call_id, wanted.digest, caller=caller.name, via=via, finisher=box, now=now)
        return _shown(tx, begun)


@router.post("/v1/tool-calls/{call_id}/finish", operation_id="finish_tool_call")
def finish(call_id: UUID, ended: FinishIn, caller: Caller, gateway: Parts, db: Db, now: Now) -> ToolCallOut:
    """Report how a call ended that the caller carried out, even if its outcome has become `unknown` meanwhile."""
    with db.begin() as tx:
        caller.require(Permission.CALL_TOOLS, tools.get(tx, call_id, now).toolbox)
        done = tools.finish(
            tx, call_id, result=ended.result, error=ended.error, sent=ended.sent, caller=caller.name, now=now
        )
        shown = _shown(tx, done)
    if gateway.tools is not None:
        gateway.tools.ended(done)
    return shown


def _box_of(line: Line | None) -> Toolbox | None:
    return line.automation if line is not None and isinstance(line.automation, Toolbox) else None


def _sees(caller: Principal, name: str) -> bool:
    return caller.may(Permission.CALL_TOOLS, name) or caller.may(Permission.READ_AUTOMATIONS, name)


def _toolbox(gateway: Gateway, name: str, caller: Principal) -> Toolbox:
    """Return a toolbox by name. Raises ToolboxNotFound, also for one that the caller may not see, and NotReady."""
    missing = ToolboxNotFound(f"No toolbox {name!r} is deployed here")
    if not _sees(caller, name):
        raise missing
    try:
        box = _box_of(gateway.line(name))
    except AutomationNotFound:
        raise missing from None
    if box is None:
        raise missing
    return box


def _shown_box(box: Toolbox) -> ToolboxOut:
    return ToolboxOut(name=box.name, unlisted=box.unlisted, tools=[_shown_tool(one) for one in box.tools.values()])


def _shown_tool(tool: Tool) -> ToolOut:
    delivered = isinstance(tool.via, ActionSpec)
    return ToolOut(name=tool.name, description=tool.description, schema_=tool.schema, delivered=delivered)


def _shown(tx: Tx, call: ToolCall) -> ToolCallOut:
    return ToolCallOut(
        id=call.id,
        toolbox=call.toolbox,
        tool=call.tool,
        agent=call.agent,
        run=call.run,
        state=call.state,
        digest=call.digest,
        outcome=call.outcome,
        rule=call.rule,
        reasons=list(call.reasons),
        review_id=tools.review_of(tx, call),
        question_id=tools.question_of(tx, call),
        asked_at=call.asked_at,
        expires_at=call.expires_at,
        finish_by=call.finish_by,
        answered_by=call.answered_by,
        uses=call.uses,
        result=call.result,
        error=call.error,
    )
