"""Calling a gateway's application from tests, without a socket: everything from the first header on is real."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from andon.gateway import create_app
from lines import Installation

T = TypeVar("T")

DECIDE = "/v1/automations/payments/decisions"


def calling(installation: Installation, work: Callable[[httpx.AsyncClient], Awaitable[T]], **limits: int) -> T:
    """Run `work` with a client of a new gateway."""

    async def run() -> T:
        gateway, side = installation.gateway(**limits)
        transport = httpx.ASGITransport(create_app(gateway, side), raise_app_exceptions=False)  # type: ignore[arg-type]
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await work(client)
        finally:
            await gateway.decider.close()

    return asyncio.run(run())


def call(installation: Installation, method: str, path: str, key: str | None = None, **request: Any) -> httpx.Response:
    """One call."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    headers |= request.pop("headers", {})

    async def work(client: httpx.AsyncClient) -> httpx.Response:
        return await client.request(method, path, headers=headers, **request)

    return calling(installation, work)
