"""Only proxies that are declared are believed about a caller's address."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from andon.wire import HttpServer


async def say_client(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the caller's address and the scheme."""
    body = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [
        ((), "http 127.0.0.1"),
        (("10.0.0.0/8",), "http 127.0.0.1"),
        (("127.0.0.1",), "https 192.0.2.7"),
        (("127.0.0.0/8",), "https 192.0.2.7"),
    ],
)
def test_a_forwarded_address_counts_if_a_declared_proxy_says_it(proxies: Sequence[str], seen: str) -> None:
    async def ask() -> str:
        server = HttpServer(say_client, host="127.0.0.1", port=0, ending=lambda: None, proxies=proxies)
        with socket.create_server(("127.0.0.1", 0)) as door:
            serving = asyncio.create_task(server.serve(sockets=[door]))
            headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"http://127.0.0.1:{door.getsockname()[1]}/", headers=headers)
            server.should_exit = True
            await serving
        return answer.text

    assert asyncio.run(ask()) == seen
