"""The delivery loop: claim due actions from the outbox, attempt each, record the result, settle or retry later.

A claim is a lease of seconds that is renewed during the work, so another worker takes over the claims of a dead process
within seconds. `sending` handles one action, `lanes` a destination.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from andon import audit
from andon.actions import service, store
from andon.actions.domain import Disabled
from andon.actions.lanes import DestinationLane
from andon.actions.observing import DeliveryObserver, UnobservedDeliveries
from andon.actions.ports import Connector, Destination
from andon.actions.postbox import Claimed, Postbox, TakenMessages
from andon.actions.sending import Ending, Sender, later
from andon.actions.store import PostboxEntry
from andon.kernel.breaker import BreakerState
from andon.kernel.clock import Clock
from andon.kernel.db import Database, DatabaseUnavailable
from andon.kernel.events import Events
from andon.kernel.grouping import Grouped
from andon.kernel.identity import PLATFORM
from andon.kernel.lookout import REST_SECONDS
from andon.kernel.outbox import Message, MessageState

LEASE = timedelta(seconds=6)
CAPACITY = 2048
ELSEWHERE = 32
"""The number of messages for one unknown destination that are claimed together.

Other processes may know it; if none does, the messages become dead letters.
"""

_log = structlog.get_logger(__name__)
_random = random.Random()  # noqa: S311 - jitter, not a secret


class Deliveries:
    """Carries out actions. `connectors` are by kind ("webhook"), `destinations` by the name that actions use.

    Its owner pokes it when there may be something to do; otherwise it looks every REST_SECONDS.
    """

    def __init__(
        self,
        database: Database,
        connectors: Mapping[str, Connector],
        destinations: Mapping[str, Destination],
        clock: Clock,
        *,
        events: Events,
        observer: DeliveryObserver | None = None,
        share: Callable[[], float] = _random.random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._stopping = asyncio.Event()
        self._lanes = {
            name: DestinationLane(destination, clock, stopping=self._stopping)
            for name, destination in destinations.items()
        }
        self._observer = observer or UnobservedDeliveries()
        self._held: dict[UUID, Message] = {}
        self._postbox = Postbox(database, clock)
        self._events = events
        self._burials: Grouped[PostboxEntry, None] = Grouped(self._bury)
        self._chain = audit.Chain(uuid4())
        self._sender = Sender(
            self._postbox,
            connectors,
            self._lanes,
            clock,
            observer=self._observer,
            share=share,
            stopping=self._stopping,
        )
        self._wake = asyncio.Event()

    def poke(self) -> None:
        """Look now, because there may be something to do."""
        self._wake.set()

    async def run_round(self) -> int:
        """Deliver one batch of due actions; return how many were delivered. Raises DatabaseUnavailable."""
        async with self._renewing():
            taken = await self._take()
            return sum(await asyncio.gather(*(self._carry_out(one, taken.disabled) for one in taken.claimed)))

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set, then finish what is being sent and give back the rest."""
        waiting_to_stop = asyncio.create_task(self._stop_when(stop))
        try:
            async with self._renewing(), asyncio.TaskGroup() as under_way:
                while not self._stopping.is_set():
                    self._wake.clear()
                    taken = await self._take_patiently()
                    for one in taken.claimed:
                        under_way.create_task(self._carry_out(one, taken.disabled))
                    if not taken.claimed:
                        await self._rest(timedelta(seconds=REST_SECONDS))
        finally:
            waiting_to_stop.cancel()
            self._stopping.clear()

    def breakers(self) -> dict[str, BreakerState]:
        """Return the state of each destination's breaker now."""
        return {name: lane.breaker for name, lane in self._lanes.items()}

    def sending(self) -> dict[str, int]:
        """Return how many deliveries are under way to each destination now."""
        return {name: lane.sending for name, lane in self._lanes.items()}

    def retries_left(self) -> dict[str, int]:
        """Return how many retries each destination's budget allows now, if it has one."""
        return {name: left for name, lane in self._lanes.items() if (left := lane.retries_left) is not None}

    async def close(self) -> None:
        """Close all connectors that were used, and the database connections."""
        for connector in self._sender.used.values():
            await connector.close()
        await self._postbox.close()

    async def _take_patiently(self) -> TakenMessages:
        try:
            return await self._take()
        except DatabaseUnavailable as error:
            _log.warning("deliveries wait for the database", error=str(error))
            await self._rest(timedelta(seconds=1))
            return TakenMessages()

    async def _take(self) -> TakenMessages:
        """Claim messages where there is room."""
        if len(self._held) >= CAPACITY:
            return TakenMessages()
        rooms = [lane.room() for lane in self._lanes.values()]
        found = await self._postbox.take(rooms, elsewhere=ELSEWHERE, lease=LEASE)
        taken = [one for one in found.claimed if one.message.id not in self._held]
        for one in found.claimed:
            if (
                one.message.id in self._held
            ):  # our own lease expired while the database was away, and we are still working on it
                await self._postbox.write(later(one.message, self._clock.now() + LEASE).entry)
        for message in [one.message for one in taken]:
            self._held[message.id] = message
            if (lane := self._lane_of(message)) is not None:
                lane.hold(message)
        return TakenMessages(taken, found.disabled)

    async def _carry_out(self, claimed: Claimed, disabled: Mapping[str, Disabled]) -> bool:
        """Finish one claimed message and record the end; return whether it was delivered."""
        message = claimed.message
        try:
            ending = await self._sender.bring(claimed, disabled)
            if ending.disables is not None:
                await asyncio.to_thread(self._disable, ending.disables)
            if _is_death(ending.entry):
                await self._burials.add(ending.entry)
            else:
                await self._postbox.write(ending.entry)
        except DatabaseUnavailable as error:
            _log.warning(
                "delivery not written down, comes again",
                action_id=str(message.id),
                correlation_id=message.correlation_id,
                error=str(error),
            )
            return False
        finally:
            self._release(message)
        return self._settled(message, ending)

    def _settled(self, message: Message, ending: Ending) -> bool:
        if _is_death(ending.entry):
            self._observer.gave_up(str(message.payload.get("destination", "")))
        return ending.entry.conclusion is not None and ending.entry.conclusion.state is MessageState.DONE

    async def _bury(self, entries: Sequence[PostboxEntry]) -> list[None]:
        """Record new dead letters, and publish them in the same transaction. Raises DatabaseUnavailable."""

        def write(chain: audit.Chain) -> audit.Leaf:
            with self._database.begin() as tx:
                now = self._clock.now()
                service.bury(tx, entries, events=self._events, now=now)
                return store.vouch(tx, entries, chain=chain, now=now)

        chain, self._chain = self._chain, audit.Chain(uuid4())
        chain.advance(await asyncio.to_thread(write, chain))
        self._chain = chain  # only now: if the end is unknown, the chain is never used again
        return [None] * len(entries)

    def _release(self, message: Message) -> None:
        """Wake the loop when there is room for more."""
        was_full = len(self._held) >= CAPACITY
        del self._held[message.id]
        lane = self._lane_of(message)
        if (lane is not None and lane.release(message)) or was_full:
            self._wake.set()

    def _lane_of(self, message: Message) -> DestinationLane | None:
        return self._lanes.get(str(message.payload.get("destination", "")))

    async def _rest(self, span: timedelta) -> None:
        """Wait until there is room for more, `stop` is set, or `span` has passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(span.total_seconds()):
                await self._wake.wait()

    async def _stop_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping.set()
        self._wake.set()

    @asynccontextmanager
    async def _renewing(self) -> AsyncIterator[None]:
        renewals = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewals.cancel()
            with suppress(asyncio.CancelledError):
                await renewals

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            if self._held:
                try:
                    await self._postbox.renew(list(self._held.values()), until=self._clock.now() + LEASE)
                except DatabaseUnavailable as error:
                    _log.warning("claims not renewed", error=str(error))

    def _disable(self, gone: Disabled) -> None:
        with self._database.begin() as tx:
            service.disable_destination(tx, gone.name, actor=PLATFORM, reason=gone.reason, now=self._clock.now())


def _is_death(entry: PostboxEntry) -> bool:
    return entry.conclusion is not None and entry.conclusion.state is MessageState.DEAD
