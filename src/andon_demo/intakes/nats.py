"""Transfers on a NATS JetStream stream, on subjects below the stream's name."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import nats
import psutil
from nats.aio.client import Client
from nats.js.api import PubAck

from andon_demo.brokers import Broker, nats_server
from andon_demo.intakes import PARTITIONS, part_of
from andon_demo.stream import Transfer


class NatsIntake:
    """A stream for each place, with enough subjects for workers to share it."""

    imports = "nats"
    definitions = ""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.settings = f'[connections.nats]\nkind = "nats"\nservers = ["nats://{broker.address}"]\n'

    def trigger(self, place: str) -> str:
        """Return a trigger; each subject is read by one worker at a time."""
        subjects = ", ".join(f'"{place}.{part}"' for part in range(PARTITIONS))
        return f'nats("{place.upper()}", subjects=({subjects}))'

    def stream(self, place: str) -> str:
        """Return the name, that of the stream in NATS."""
        return f"nats:{place.upper()}"

    def prepare(self, place: str, url: str) -> None:
        """Create the stream."""
        del url

        async def make() -> None:
            client = await nats.connect(f"nats://{self._broker.address}")
            await client.jetstream().add_stream(name=place.upper(), subjects=[f"{place}.>"])
            await client.close()

        asyncio.run(make())

    @asynccontextmanager
    async def sending(self, place: str, url: str) -> AsyncIterator["_Sender"]:
        """Send with a client of the bank's own."""
        del url
        client = await nats.connect(f"nats://{self._broker.address}")
        sender = _Sender(client, place)
        try:
            yield sender
            await sender.arrived()
        finally:
            await client.close()

    def cpu_seconds(self) -> float:
        """Return the server's CPU time."""
        assert self._broker.process is not None
        times = psutil.Process(self._broker.process.pid).cpu_times()
        return float(times.user + times.system)


class _Sender:
    """Sends messages without waiting for each acknowledgement."""

    def __init__(self, client: Client, place: str) -> None:
        self._js = client.jetstream()
        self._place = place
        self._last: list[asyncio.Future[PubAck]] = []

    async def send(self, transfer: Transfer) -> None:
        """Send a transfer on the subject of its account, so that they stay in order."""
        self._last.append(await self._js.publish_async(f"{self._place}.{part_of(transfer)}", transfer.body))

    async def arrived(self) -> None:
        """Wait until the stream has acknowledged everything."""
        sent, self._last = self._last, []
        await asyncio.gather(*sent)


@contextmanager
def opened(folder: Path) -> Iterator[NatsIntake]:
    """Run the server on a free port of this machine."""
    with nats_server(folder, sync=False) as broker:
        yield NatsIntake(broker)
