"""A server for the load generators: it answers the n-th request as a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from andon_demo.line import free_ports

RIGHT = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"score":0.5}'
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"


@asynccontextmanager
async def replying(answer_of: Callable[[int, bytes], bytes | None]) -> AsyncIterator[str]:
    """Its address. It answers by the number of a request and its body; None closes the connection instead."""
    numbers = count()
    serving: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
                answer = answer_of(next(numbers), await reader.readexactly(length))
                if answer is None:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    (port,) = free_ports(1)
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}/"
        await asyncio.gather(*serving)  # all callers are gone
