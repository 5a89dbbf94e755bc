"""Messages on byte streams: bytes that are no message are refused, and no message can be read in two ways."""

import asyncio
import json
from typing import Any

import pytest

from andon.mcp.channels import LineChannel
from andon.mcp.errors import McpMessageInvalid
from andon.mcp.jsonrpc import digest_of, key_of, read


class Sink:
    """What was written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


async def received(lines: bytes, *, answers: bool, limit: int = 65536) -> tuple[list[Any], list[Any]]:
    reader = asyncio.StreamReader(limit=limit)
    reader.feed_data(lines)
    reader.feed_eof()
    sink: Any = Sink()
    channel = LineChannel(reader, sink, answers=answers)
    messages = []
    while (message := await channel.receive()) is not None:
        messages.append(message)
    return messages, [json.loads(line) for line in sink.written.splitlines()]


PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


def test_a_line_that_is_no_message_is_answered_to_a_client_and_dropped_from_a_server() -> None:
    lines = b"Starting server...\n\n" + PING
    messages, answers = asyncio.run(received(lines, answers=True))
    assert [message["method"] for message in messages] == ["ping"]
    assert answers[0]["error"]["code"] == -32600
    assert asyncio.run(received(lines, answers=False)) == (messages, [])


def test_a_message_that_is_too_long_ends_the_conversation() -> None:
    messages, answers = asyncio.run(received(b'{"x":"' + b"x" * 200 + b'"}\n' + PING, answers=True, limit=64))
    assert messages == []
    assert "bytes at most" in answers[0]["error"]["message"]


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"[" + PING.strip() + b"]",
        b'"x"',
        b'{"id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":3}',
        b'{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}',
        b'{"jsonrpc":"2.0","id":true,"method":"x"}',
        b'{"jsonrpc":"2.0","id":1.5,"method":"x"}',
        b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":NaN}}',
        b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1e999}}',
        b"[" * 100_000,
        b"\xff",
    ],
    ids=range(12),
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(McpMessageInvalid):
        read(line)


def test_a_key_that_occurs_twice_has_one_value_for_the_decision_and_the_server() -> None:
    message = read(b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}')
    assert message == {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}


def test_ids_of_two_kinds_are_two_and_equal_arguments_are_one() -> None:
    assert key_of(1) != key_of("1")
    assert digest_of({"a": 1, "b": 2.0}) == digest_of({"b": 2, "a": 1})
