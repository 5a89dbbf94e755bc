"""A real HTTP server on loopback for fakes of robots' control rooms: routes by pattern, planned faults, a work log.

A subclass declares `routes`. A route that makes something does it by `making(key, make)`, which counts the key and
applies the next planned fault: a status (nothing is made), a delay, or the end of the connection after it was made.
"""

import json
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from receiver import Behaviour, HangUp, Reply, Slow


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body or b"null")

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Said:
    """An answer; `body` is JSON unless it is bytes."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Fault(Exception):
    """A planned fault ends the work on a request."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour


Route = tuple[str, str, Callable[..., Said]]
"""A method, a pattern of the path whose groups are arguments, and what answers."""


class FaultyServer:
    """Listens on a free port of 127.0.0.1 while the context lasts."""

    routes: ClassVar[Sequence[Route]] = ()

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.requests: list[Asked] = []
        self.lock = threading.RLock()
        self.on_made: Callable[[str], None] = lambda _: None
        self._plan: deque[Behaviour] = deque()
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, TimeoutError):
                    self.close_connection = True

            def _answer(self) -> None:
                outer._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - as the library calls them

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.05), daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def plan(self, *behaviours: Behaviour) -> None:
        """Plan what happens to the next requests that make something."""
        self._plan.extend(behaviours)

    def made(self, key: str) -> None:
        """Count something that is made under a key. Raises Fault if one is planned, after it was made or before."""
        with self.lock:
            behaviour = self._plan.popleft() if self._plan else None
            if isinstance(behaviour, Reply) and behaviour.status >= 300:
                raise Fault(behaviour)
            self.taken[key] += 1
        self.on_made(key)
        if behaviour is not None:
            raise Fault(behaviour)

    def making(self, key: str, make: Callable[[], Said]) -> Said:
        """Make something under a key unless a fault forbids it; afterwards the fault that was planned applies."""
        with self.lock:
            try:
                self.made(key)
            except Fault as fault:
                if isinstance(fault.behaviour, Reply) and fault.behaviour.status >= 300:
                    raise
                make()
                raise
            return make()

    def is_allowed(self, asked: Asked) -> bool:
        """Return whether a request is let in."""
        return True

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        parts = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.command, unquote(parts.path), dict(parse_qsl(parts.query)), headers, body)
        with self.lock:
            self.requests.append(asked)
        try:
            said = self._routed(asked)
        except Fault as fault:
            if isinstance(fault.behaviour, HangUp):
                handler.close_connection = True
                return
            if isinstance(fault.behaviour, Slow):
                self._closing.wait(fault.behaviour.seconds)
                handler.close_connection = True
                return
            said = Said(fault.behaviour.status, {"error": "planned"})
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        handler.send_response(said.status)
        for name, value in {"content-type": "application/json", **said.headers}.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _routed(self, asked: Asked) -> Said:
        for method, pattern, answer in self.routes:
            found = re.fullmatch(pattern, asked.path)
            if found is not None and method == asked.method:
                if not self.is_allowed(asked):
                    return Said(401, {"error": "unauthorized"})
                return answer(self, asked, *found.groups())
        return Said(404, {"error": f"no route for {asked.method} {asked.path}"})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
