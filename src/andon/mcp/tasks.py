"""The Tasks extension of MCP: the form of a call that waits for a person, and which clients may get it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from andon.mcp.gateway_client import RemoteCall
from andon.mcp.jsonrpc import CLIENT_CAPABILITIES

TASKS = "io.modelcontextprotocol/tasks"
"""The extension's identifier, with which client and server declare that they support it."""

METHODS = ("tasks/get", "tasks/update", "tasks/cancel")

POLL_MILLISECONDS = 2_000
"""The interval at which clients are asked to poll."""

REQUIRED: dict[str, Any] = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
"""The data of the error for a client that did not declare the extension."""


def speaks_tasks(meta: Mapping[str, Any]) -> bool:
    """Return whether the client declared the extension in a request's `_meta`."""
    capabilities = meta.get(CLIENT_CAPABILITIES)
    extensions = capabilities.get("extensions") if isinstance(capabilities, Mapping) else None
    return isinstance(extensions, Mapping) and TASKS in extensions


def task_of(call: RemoteCall, status: str, *, message: str, now: datetime) -> dict[str, Any]:
    """Return a call as a task. The caller adds the payload of `completed`, `failed` and `input_required`."""
    created = _created(call, now)
    expires = _moment(call.expires_at)
    return {
        "taskId": call.id,
        "status": status,
        "statusMessage": message,
        "createdAt": _text(created),
        "lastUpdatedAt": _text(now),
        "ttlMs": None if expires is None else max(int((expires - created).total_seconds() * 1000), 0),
        "pollIntervalMs": POLL_MILLISECONDS,
    }


def _created(call: RemoteCall, now: datetime) -> datetime:
    """Return when a call was made: by the gateway's answer, otherwise by the time in its id."""
    said = _moment(call.whole.get("asked_at"))
    if said is not None:
        return said
    try:
        identifier = UUID(call.id)
    except ValueError:
        return now
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC) if identifier.version == 7 else now


def _moment(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
