"""The broker side of the connectors' contract: ways to bring it into each situation, around a publishing connector."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from andon.actions import Answer, AnswerKind, Connector, Delivery
from andon.kernel.ids import uuid7
from andon_demo.brokers import Broker
from brokers import Cut


class Published:
    """A connector whose actions say where to publish, like an automation's, with the broker under the test's control.

    A situation is for the next delivery only. First-time work, such as finding the broker, is done before.
    """

    repeat = property(lambda self: self.connector.repeat)

    def __init__(
        self, connector: Connector, broker: Broker, cut: Cut, *, there: Mapping[str, Any], missing: Mapping[str, Any]
    ) -> None:
        self.connector = connector
        self.keys_of_preparation: set[str] = set()
        self._broker = broker
        self._cut = cut
        self._there = there
        self._missing = missing
        self._next: list[Callable[[Delivery], Awaitable[Answer]]] = []

    async def deliver(self, delivery: Delivery) -> Answer:
        if self._next:
            return await self._next.pop(0)(delivery)
        return await self._deliver(delivery, self._there)

    async def close(self) -> None:
        await self.connector.close()

    def refuse(self) -> None:
        self._next.append(lambda delivery: self._deliver(delivery, self._missing))

    def fail(self) -> None:
        self._next.append(self._without_a_way)

    def keep_silent(self) -> None:
        self._next.append(self._asleep)

    def vanish(self) -> None:
        self._next.append(self._vanishing)

    async def _deliver(self, delivery: Delivery, options: Mapping[str, Any]) -> Answer:
        return await self.connector.deliver(replace(delivery, options=options))

    async def _without_a_way(self, delivery: Delivery) -> Answer:
        self._cut.cut()
        try:
            short = replace(delivery.destination, timeout=delivery.destination.timeout / 5)
            return await self._deliver(replace(delivery, destination=short), self._there)
        finally:
            self._cut.mend()

    async def _asleep(self, delivery: Delivery) -> Answer:
        await self._prepare(delivery)
        self._signal(signal.SIGSTOP)
        try:
            return await self._deliver(delivery, self._there)
        finally:
            self._signal(signal.SIGCONT)

    async def _vanishing(self, delivery: Delivery) -> Answer:
        await self._prepare(delivery)
        self._signal(signal.SIGSTOP)
        short = replace(delivery.destination, timeout=delivery.destination.timeout / 5)
        sending = asyncio.ensure_future(self._deliver(replace(delivery, destination=short), self._there))
        await asyncio.sleep(0.2)
        self._cut.cut()
        try:
            return await sending
        finally:
            self._cut.mend()
            self._signal(signal.SIGCONT)

    async def _prepare(self, delivery: Delivery) -> None:
        before = replace(delivery, key=uuid7(delivery.created_at))
        self.keys_of_preparation.add(str(before.key))
        short = replace(delivery.destination, timeout=delivery.destination.timeout / 5)
        for first in (before, replace(before, destination=short)):
            while (await self._deliver(first, self._there)).kind is not AnswerKind.DELIVERED:
                pass  # on a busy computer the way there may take longer than the time that the delivery has

    def _signal(self, number: int) -> None:
        """Send the broker a signal, and with SIGSTOP wait until all its threads have stopped.

        Until then they may answer.
        """
        assert self._broker.process is not None
        os.kill(self._broker.process.pid, number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self._broker.process.pid, os.WSTOPPED)
