"""A TCP proxy on loopback between a client and a real server, which cuts or holds the connection at a given moment.

    with Proxy("127.0.0.1", 5432) as proxy:
        proxy.cut_before(b"COMMIT")       # the server never gets it
        proxy.cut_after(b"COMMIT")        # it gets it, its answer is lost
        proxy.hold_after(b"COMMIT")       # it gets it, its answer never comes

Each is for the next connection that sends those bytes, once.
"""

import asyncio
import threading
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Self


class Proxy:
    """Forwards to `host`:`port` from a free `port` of its own while the context lasts."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self._server = host, port
        self._plan: deque[tuple[str, bytes]] = deque()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def cut_before(self, mark: bytes) -> None:
        """End the connection instead of passing the mark on."""
        self._plan.append(("before", mark))

    def cut_after(self, mark: bytes) -> None:
        """Pass the mark on, wait until the server has answered, and end the connection without its answer."""
        self._plan.append(("after", mark))

    def hold_after(self, mark: bytes) -> None:
        """Pass the mark on, and nothing that the server says from then on."""
        self._plan.append(("hold", mark))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopped.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        behind_reader, behind_writer = await asyncio.open_connection(*self._server)
        muted = asyncio.Event()
        answered = asyncio.Event()
        back = asyncio.create_task(self._back(behind_reader, writer, muted, answered))
        try:
            while data := await reader.read(65536):
                what = self._planned(data)
                if what == "before":
                    break
                if what is not None:
                    muted.set()
                behind_writer.write(data)
                if what == "after":
                    await answered.wait()
                    break
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            back.cancel()
            for one in (writer, behind_writer):
                one.transport.abort()
            with suppress(asyncio.CancelledError):
                await back
            self._tasks.discard(task)

    async def _back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, muted: asyncio.Event, answered: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if muted.is_set():
                    answered.set()
                else:
                    writer.write(data)
        if not muted.is_set():
            writer.close()

    def _planned(self, data: bytes) -> str | None:
        if self._plan and self._plan[0][1] in data:
            return self._plan.popleft()[0]
        return None

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def close(self) -> None:
        """End all connections and take no more."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
