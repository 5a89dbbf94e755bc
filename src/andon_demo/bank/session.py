"""A session with the gateway: JSON calls on one connection, which is opened again when the gateway has closed it."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from andon_demo.line import LineFailed
from andon_demo.wire import Connection, ConnectionLost, request


class Session:
    """One caller with one connection; one call at a time."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        self._connection: Connection | None = None

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Send one call and return its answer. Raises LineFailed if it is refused or not answered."""
        payload = b"" if body is None else json.dumps(body).encode()
        sent = request(method, f"{self._url}{path}", headers=self._headers, body=payload)
        try:
            answer = await self._sent(sent)
        except (ConnectionLost, TimeoutError, OSError) as error:
            raise LineFailed(f"{method} {path} was not answered: {type(error).__name__}") from error
        if answer.status >= 300:
            what = f"{method} {urlsplit(path).path} answered {answer.status}"
            raise LineFailed(f"{what}: {answer.body[:500].decode(errors='replace')}")
        return json.loads(answer.body)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    async def _sent(self, sent: bytes) -> Any:
        if self._connection is not None:
            try:
                return await self._connection.send(sent)
            except ConnectionLost:  # idle for too long
                await asyncio.sleep(0)
        self._connection = await Connection.to(self._url)
        return await self._connection.send(sent)
