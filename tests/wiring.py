"""A wire connection driven by bytes on a transport in memory, in front of an application that echoes requests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

import uvicorn

from andon.wire import DirectRoute, Parking, Reply
from andon.wire.connection import WireConnection
from andon.wire.state import WireState

ROUTE = "/v1/automations/{}/decisions"


class EchoHead(NamedTuple):
    """What was read of a head."""

    name: str
    headers: Mapping[str, str]


class Echo:
    """Takes the hot route directly, at once or a little later by the body, and everything by ASGI alike.

    A body that begins with `later` is answered after a few turns of the loop.
    """

    limit = 100_000

    def __init__(self) -> None:
        self.direct: DirectRoute[EchoHead] = self
        self.overload = self
        self.shedding = False
        self.crowded = True
        self.ways: list[str] = []

    def tally(self, automation: str, times: int) -> None:
        self.ways += ["shed"] * times

    def automation_of(self, url: bytes) -> str | None:
        parts = url.decode("latin-1").split("/")
        return parts[3] if url.startswith(b"/v1/automations/") and url.endswith(b"/decisions") else None

    def begin(self, automation: str, headers: Mapping[str, str], body: bytes, reply: Reply) -> EchoHead | None:
        self.ways.append("direct")
        head = EchoHead(automation, headers)
        self._take(head, body, reply)
        return head if "x-own" not in headers else None

    def again(self, head: EchoHead, body: bytes, reply: Reply) -> None:
        self.ways.append("again")
        self._take(head, body, reply)

    def _take(self, head: EchoHead, body: bytes, reply: Reply) -> None:
        said = told(ROUTE.format(head.name), head.headers.get("authorization", ""), body)
        tell = partial(reply, 200, "content-type: text/plain\r\n", said)
        self._answer(tell, 3 if body.startswith(b"later") else 0)

    def _answer(self, tell: Callable[[], None], turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._answer, tell, turns - 1)
        else:
            tell()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.ways.append("asgi")
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = dict(scope["headers"])
        said = told(scope["path"], headers.get(b"authorization", b"").decode(), body)
        length = str(len(said)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": said})


def told(path: str, authorization: str, body: bytes) -> bytes:
    """Return the application's answer."""
    return f"{path}|{authorization}|".encode() + body


class Memory(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = False

    def write(self, data: Any) -> None:
        assert not self.closing, "written after the end"
        self.written += data

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        del name
        return default

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def connected(app: Any, **settings: Any) -> tuple[WireConnection, Memory]:
    """Return a new connection; call within a running loop."""
    config = uvicorn.Config(app, log_level="critical", lifespan="off", **settings)
    config.load()
    config.loaded_app = app
    connection = WireConnection(config=config, server_state=WireState(), app_state={}, _loop=asyncio.get_running_loop())
    transport = Memory()
    connection.connection_made(transport)
    return connection, transport


async def settle(turns: int = 40) -> None:
    """Let all that can go on go on."""
    for _ in range(turns):
        await asyncio.sleep(0)


def answers_in(written: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Parse what was written into answers: status, headers, body. Fails on anything but HTTP."""
    answers = []
    while written:
        head, _, rest = written.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = line.split(" ", 2)
        assert version == "HTTP/1.1", line
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
        length = int(headers["content-length"])
        assert len(rest) >= length, "cut short"
        answers.append((int(status), headers, rest[:length]))
        written = rest[length:]
    return answers


@asynccontextmanager
async def serving(app: Any, parking: Parking | None = None) -> AsyncIterator[tuple[int, WireState]]:
    """Yield the port of a server of such connections, and their shared state."""
    config = uvicorn.Config(app, log_level="critical", lifespan="off")
    config.load()
    config.loaded_app = app
    loop, state = asyncio.get_running_loop(), WireState()
    state.parking = parking
    server = await loop.create_server(
        lambda: WireConnection(config=config, server_state=state, app_state={}, _loop=loop), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1], state
