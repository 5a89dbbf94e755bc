"""JSON-RPC messages of MCP as plain mappings: bounded reading, answers, digests."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import rfc8785

from andon.mcp.errors import McpMessageInvalid

Message = dict[str, Any]
"""A request, notification or response."""

LONGEST_MESSAGE = 16 * 1024 * 1024
"""The most bytes of one message."""

INVALID_REQUEST, INVALID_PARAMS, INTERNAL_ERROR = -32600, -32602, -32603
MISSING_CAPABILITY = -32021

PROTOCOL_VERSION = "io.modelcontextprotocol/protocolVersion"
CLIENT_INFO = "io.modelcontextprotocol/clientInfo"
CLIENT_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
"""Keys of `params._meta`: in protocol 2026-07-28 every request carries there what `initialize` carried before."""


def read(line: bytes) -> Message:
    """Return the message of one line. Raises McpMessageInvalid."""
    try:
        message = json.loads(line, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise McpMessageInvalid(f"A message must be one line of JSON: {error}") from error
    if isinstance(message, list):
        raise McpMessageInvalid("Batches are not accepted: send each message on its own line")
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise McpMessageInvalid('A message must be an object with "jsonrpc": "2.0"')
    if not isinstance(message.get("method", ""), str):
        raise McpMessageInvalid("The method of a message must be a string")
    if not isinstance(message.get("params", {}), dict):
        raise McpMessageInvalid("The params of a message must be an object")
    if "id" in message and (isinstance(message["id"], bool) or not isinstance(message["id"], str | int | None)):
        raise McpMessageInvalid("The id of a message must be a string or a whole number")
    return message


def written(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def is_request(message: Message) -> bool:
    """Return whether the message asks for an answer."""
    return "method" in message and message.get("id") is not None


def is_response(message: Message) -> bool:
    """Return whether the message answers a request."""
    return "method" not in message and message.get("id") is not None


def key_of(identifier: Any) -> str:
    """Return an id as a key that differs for 1 and "1"."""
    return json.dumps(identifier)


def meta_of(message: Message) -> Mapping[str, Any]:
    """Return `params._meta` of a message, empty where there is none."""
    meta = message.get("params", {}).get("_meta")
    return meta if isinstance(meta, dict) else {}


def is_modern(message: Message) -> bool:
    """Return whether a request speaks the stateless protocol, 2026-07-28 or later."""
    return PROTOCOL_VERSION in meta_of(message)


def result(request: Message, content: Mapping[str, Any]) -> Message:
    """Answer a request with a result, in the shape of its protocol generation."""
    shape = {"resultType": "complete", **content} if is_modern(request) else dict(content)
    return {"jsonrpc": "2.0", "id": request["id"], "result": shape}


def error(identifier: Any, code: int, text: str, data: Any = None) -> Message:
    """Answer a request with a JSON-RPC error."""
    fault = {"code": code, "message": text} | ({} if data is None else {"data": data})
    return {"jsonrpc": "2.0", "id": identifier, "error": fault}


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a value as canonical JSON (RFC 8785), in hex. Raises McpMessageInvalid."""
    try:
        return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as found:
        raise McpMessageInvalid(f"The arguments have no canonical form: {found}") from found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is out of range")
    return number
