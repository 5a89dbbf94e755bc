"""The recorder: a relay that notes which tools a client calls, and the kinds of their arguments. It changes nothing."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from andon.mcp.guard.relay import Relay
from andon.mcp.jsonrpc import Message, is_request, is_response, key_of

_MOST_TOOLS = 2_000
_MOST_ARGUMENTS = 200
_LONGEST_NAME = 200


@dataclass
class ToolSeen:
    """A tool as its server describes it, and the kinds of values it was called with, by argument."""

    name: str
    annotations: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)
    calls: int = 0
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)

    def called(self, arguments: Mapping[str, Any]) -> None:
        """Count a call. Only booleans and values listed in the server's schema are kept."""
        self.calls += 1
        for name, value in list(arguments.items())[:_MOST_ARGUMENTS]:
            self.kinds.setdefault(name[:_LONGEST_NAME], Counter())[_kind(value)] += 1
            if isinstance(value, bool) or value in self._listed(name):
                self.words.setdefault(name[:_LONGEST_NAME], set()).add(str(value).lower())

    def _listed(self, name: str) -> list[str]:
        """Return the values that the schema names for an argument."""
        properties = self.schema.get("properties")
        found = properties.get(name) if isinstance(properties, Mapping) else None
        listed = found.get("enum") if isinstance(found, Mapping) else None
        return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


class ToolRecorder(Relay):
    """Notes the tools of one server as one client uses them."""

    def __init__(self, *channels: Any) -> None:
        super().__init__(*channels)
        self.tools: dict[str, ToolSeen] = {}
        self._lists: set[str] = set()

    async def on_client(self, message: Message) -> None:
        """Note a call, and pass it on."""
        if message.get("method") == "tools/list" and is_request(message):
            self._lists.add(key_of(message["id"]))
        if message.get("method") == "tools/call":
            params = message.get("params", {})
            name, arguments = params.get("name"), params.get("arguments")
            if isinstance(name, str) and (tool := self._tool(name)) is not None:
                tool.called(arguments if isinstance(arguments, dict) else {})
        await super().on_client(message)

    async def on_server(self, message: Message) -> None:
        """Note the descriptions in a list of tools, and pass it on."""
        if is_response(message) and key_of(message["id"]) in self._lists:
            self._lists.discard(key_of(message["id"]))
            found = message.get("result")
            listed = found.get("tools") if isinstance(found, dict) else None
            for one in listed if isinstance(listed, list) else []:
                self._describe(one)
        await super().on_server(message)

    def _describe(self, listed: Any) -> None:
        if not isinstance(listed, dict) or not isinstance(listed.get("name"), str):
            return
        if (tool := self._tool(listed["name"])) is not None:
            annotations, schema = listed.get("annotations"), listed.get("inputSchema")
            tool.annotations = annotations if isinstance(annotations, dict) else {}
            tool.schema = schema if isinstance(schema, dict) else {}

    def _tool(self, name: str) -> ToolSeen | None:
        if name not in self.tools and (len(self.tools) >= _MOST_TOOLS or len(name) > _LONGEST_NAME):
            return None
        return self.tools.setdefault(name, ToolSeen(name))


def _kind(value: Any) -> str:
    """Return the JSON kind of a value."""
    kinds = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return kinds.get(type(value), "null")
