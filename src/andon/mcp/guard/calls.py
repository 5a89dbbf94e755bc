"""Tool calls as the guard reads them, and as it forwards them for tasks."""

from typing import Any

from andon.kernel.errors import AndonError
from andon.mcp.errors import AndonRefused, McpMessageInvalid
from andon.mcp.jsonrpc import CLIENT_CAPABILITIES, Message, key_of, meta_of

_LONGEST_NAME = 100


def asked(message: Message) -> tuple[str, dict[str, Any]]:
    """Return the tool and the arguments of a call. Raises McpMessageInvalid."""
    params = message.get("params", {})
    tool, arguments = params.get("name"), params.get("arguments")
    if not isinstance(tool, str) or not tool:
        raise McpMessageInvalid("tools/call needs params.name, the name of a tool")
    if arguments is not None and not isinstance(arguments, dict):
        raise McpMessageInvalid("tools/call needs params.arguments as an object, if there are any")
    return tool, arguments or {}


def not_decided(refused: AndonError) -> str:
    """Return the reason why a call that could not be decided or begun is not made."""
    if isinstance(refused, AndonRefused):
        return f"Not allowed, nothing was done. {refused}"
    return f"Not allowed, because Andon did not answer; nothing was done. {refused}"


def asks_for_input(answer: Message) -> str | None:
    """Return the key of `requestState` if the server asks the client for input before the call continues."""
    found = answer.get("result")
    if isinstance(found, dict) and found.get("resultType") == "input_required":
        return key_of(found.get("requestState"))
    return None


def unattended(message: Message, identifier: str) -> Message:
    """Return a call as forwarded for a task, where no client can be asked or see progress."""
    meta = {key: value for key, value in meta_of(message).items() if key != "progressToken"}
    meta[CLIENT_CAPABILITIES] = {}
    return {**message, "id": identifier, "params": {**message["params"], "_meta": meta}}


def name_in(client_info: Any) -> str:
    """Return the name that a client gives itself; empty if there is none."""
    name = client_info.get("name") if isinstance(client_info, dict) else None
    return name[:_LONGEST_NAME] if isinstance(name, str) else ""
