"""One lane a destination: so many deliveries side by side, none while its breaker is open, and so no lane holds up another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from andon.actions.domain import Answer, AnswerKind, Breaker, BreakerState, is_up
from andon.actions.ports import Connector, Delivery, Destination
from andon.kernel.clock import Clock

_PROBE_WAIT = timedelta(seconds=1)
"""How long others wait while one delivery looks whether the receiver is back."""

_log = structlog.get_logger(__name__)


class Lane:
    """The way to one destination. `held` counts the deliveries that were claimed for it and are not settled."""

    def __init__(self, destination: Destination, clock: Clock, *, width: int) -> None:
        self.destination = destination
        self.held = 0
        self._clock = clock
        self._width = width
        self._slots = asyncio.Semaphore(width)
        self._breaker = Breaker()

    @property
    def is_full(self) -> bool:
        """Whether there is enough in hand to keep all slots busy, so that more should stay where it is."""
        return self.held >= self._width

    @property
    def breaker(self) -> BreakerState:
        """Where the breaker stands now."""
        return self._breaker.state(self._clock.now())

    def blocked_until(self) -> datetime | None:
        """Until when nothing may be sent; None if something may be."""
        now = self._clock.now()
        if not self._breaker.blocks(now):
            return None
        opens = self._breaker.open_until
        return opens if opens is not None and opens > now else now + _PROBE_WAIT

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a place among the deliveries that are sent side by side."""
        async with self._slots:
            yield

    def begin(self) -> None:
        """A delivery is let through; `answered` or `abandon` has to follow."""
        self._breaker = self._breaker.begun(self._clock.now())

    def abandon(self) -> None:
        """The delivery that was let through was not made."""
        self._breaker = self._breaker.abandoned()

    def answered(self, answer: Answer) -> None:
        """Learn from an answer whether the receiver works."""
        before = self.breaker
        self._breaker = self._breaker.answered() if is_up(answer) else self._breaker.failed(self._clock.now())
        if self.breaker is not before:
            _log.warning(
                "breaker moved", destination=self.destination.name, before=before.value, after=self.breaker.value
            )


async def ask(connector: Connector, delivery: Delivery) -> Answer:
    """One attempt by a connector. Whatever goes wrong inside it, the receiver may have got the delivery."""
    try:
        return await connector.deliver(delivery)
    except Exception as error:  # noqa: BLE001 - the edge to code of others; logged
        _log.exception(
            "connector failed",
            destination=delivery.destination.name,
            action_id=str(delivery.key),
            correlation_id=delivery.correlation_id,
        )
        return Answer(AnswerKind.UNKNOWN, f"the connector itself failed with {type(error).__name__}; see the log")
