"""The customers of the demo: asked about a paused transfer, they answer immediately; most confirm it as theirs."""

import asyncio
import json
from collections.abc import Iterable

from andon_demo.wire import Connection, request

CONNECTIONS = 4


class Customers:
    """Answers each question once. `answered` counts the accepted answers."""

    def __init__(self, url: str, key: str) -> None:
        self.answered = 0
        self._url = url
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        self._seen: set[str] = set()

    def answer(self, asked: Iterable[str]) -> None:
        """Answer the questions that are still open; `asked` are the waiting procedures."""
        new = [procedure for procedure in asked if procedure not in self._seen]
        if new:
            self._seen.update(new)
            asyncio.run(self._answer(new))

    async def _answer(self, procedures: list[str]) -> None:
        waiting = iter(procedures)

        async def one() -> None:
            connection = await Connection.to(self._url)
            for procedure in waiting:
                mine = int(procedure[-1], 16) < 12
                sent = request(
                    "POST",
                    f"{self._url}/v1/procedures/{procedure}/events/customer-answer",
                    headers=self._headers | {"Idempotency-Key": "answer"},
                    body=json.dumps({"data": {"mine": mine}}).encode(),
                )
                answer = await connection.send(sent)
                self.answered += answer.status == 201
            connection.close()

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
