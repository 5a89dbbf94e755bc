"""A TCP proxy on loopback that fails as networks do: cuts connections, refuses new ones, stands still, loses answers.

with Proxy(port) as proxy: connect to 127.0.0.1:proxy.port, and let it misbehave. It runs in a thread of its own.
"""

import asyncio
import threading
from types import TracebackType
from typing import Self


class Proxy:
    """Passes on everything between a client and `target`, a port of this machine, until changed."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.refusing = False
        self.losing = False
        """Whether the next bytes of an answer end the connection: the request has arrived, its answer is lost."""
        self._loop = asyncio.new_event_loop()
        self._pipes: set[_Side] = set()
        self._running = asyncio.Event()
        self._running.set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def cut(self) -> None:
        """End all connections."""
        self._loop.call_soon_threadsafe(self._cut)

    def stand_still(self) -> None:
        """Pass on nothing."""
        self._loop.call_soon_threadsafe(self._hold, True)

    def go_on(self) -> None:
        """Behave again, and pass on what was held."""
        self.refusing = self.losing = False
        self._loop.call_soon_threadsafe(self._hold, False)

    def start(self) -> Self:
        """Listen."""
        self._thread.start()
        self._started.wait()
        return self

    def stop(self) -> None:
        """Listen no more and end all connections."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    __enter__ = start

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _cut(self) -> None:
        for side in list(self._pipes):
            side.transport.abort()

    def _hold(self, hold: bool) -> None:
        for side in list(self._pipes):
            side.hold(hold)
        if hold:
            self._running.clear()
        else:
            self._running.set()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(lambda: _Side(self), "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        """End all connections, also those that are being made."""
        making = asyncio.all_tasks() - {asyncio.current_task()}
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)
        while self._pipes:
            self._cut()
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # what was never told of its connection closes on the next turn of the loop


class _Side(asyncio.Protocol):
    """One end of a connection through the proxy; `answers` is the end at which the target is."""

    def __init__(self, proxy: Proxy, other: "_Side | None" = None) -> None:
        self._proxy = proxy
        self._other = other
        self._answers = other is not None
        self._held: list[bytes] = []
        self._holding = not proxy._running.is_set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._proxy._pipes.add(self)
        if self._other is not None:
            self._other._other = self
            self._other._send()
        elif self._proxy.refusing:
            transport.abort()
        else:
            asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: _Side(self._proxy, self), "127.0.0.1", self._proxy.target)
        except OSError:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._answers and self._proxy.losing:
            self.transport.abort()
            return
        self._held.append(data)
        self._send()

    def hold(self, hold: bool) -> None:
        """Pass on nothing for a while, or all that came meanwhile."""
        self._holding = hold
        self._send()

    def _send(self) -> None:
        if self._other is not None and not self._holding and self._held:
            self._other.transport.write(b"".join(self._held))
            self._held.clear()

    def connection_lost(self, _: Exception | None) -> None:
        self._proxy._pipes.discard(self)
        if self._other is not None:
            if self._held and not self._holding:
                self._send()
            self._other.transport.close()
