"""The guard's answers to calls that it did not forward, and its reports of those that it did."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from andon.mcp.errors import McpMessageInvalid
from andon.mcp.gateway_client import RemoteCall
from andon.mcp.jsonrpc import Message, digest_of, result

CALL = "andon/tool-call"
"""The key in `_meta` under which a result names the governed call."""


def refusal(request: Message, text: str, call: RemoteCall | None = None) -> Message:
    """Answer a tool call with a tool error, which the model reads."""
    return result(request, tool_error(text, call))


def tool_error(text: str, call: RemoteCall | None = None) -> dict[str, Any]:
    """Return the result of a call that was not made."""
    content: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": True}
    if call is not None:
        content["_meta"] = {CALL: {"id": call.id, "state": call.state, "reasons": list(call.reasons)}}
    return content


def why_not(call: RemoteCall) -> str:
    """Return why a decided call is not made."""
    codes = f" Reasons: {', '.join(call.reasons)}." if call.reasons else ""
    ended = {
        "denied": "The policy denies this call.",
        "refused": "A person refused this call.",
        "expired": "The approval of this call has expired.",
        "begun": "This call was begun before; its outcome is not known, and it is not repeated.",
        "unknown": "This call was begun before; its outcome is not known, and it is not repeated.",
        "done": "This call was made before and is not repeated.",
        "failed": "This call was made before and failed; it is not repeated.",
    }
    text = ended.get(call.state, f"This call is in the state {call.state!r}, in which it may not be made.")
    return f"{text}{codes} (Andon call {call.id})"


def still_waiting(call: RemoteCall) -> str:
    """Return the text that says that no person has decided yet."""
    review = f", review {call.review_id}" if call.review_id else ""
    return (
        "Waiting for a person to approve this call. Nothing was done. Call this tool again with the same arguments "
        f"to continue. (Andon call {call.id}{review})"
    )


def reported(answer: Message) -> Mapping[str, Any]:
    """Return the report of an answer: whether the call succeeded, and a digest, never the content."""
    if "error" in answer:
        code = answer["error"].get("code") if isinstance(answer["error"], dict) else None
        return {"error": f"The server answered with the JSON-RPC error {code}"}
    content = answer.get("result")
    digest = _digest(content)
    if isinstance(content, dict) and content.get("isError") is True:
        return {"error": f"The tool reported an error; SHA-256 of its result: {digest}"}
    return {"result": {"sha256": digest}}


def _digest(content: Any) -> str:
    """Return the digest of a result, even if it has no canonical form."""
    try:
        return digest_of(content)
    except McpMessageInvalid:
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
