"""The sources of the demo's events: a table of the bank, or a topic or stream of a real broker that the demo starts.

`opened(name)` gives the intake of a name for as long as the context lasts; its broker's process ends with it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Protocol

from andon_demo.stream import Transfer

NAMES = ("table", "nats", "kafka")
PARTITIONS = 4


class Sender(Protocol):
    """Tells the intake of transfers, each at the moment when it happens."""

    async def send(self, transfer: Transfer) -> None:
        """Tell of one; it need not have arrived when this returns."""
        ...

    async def arrived(self) -> None:
        """Wait until everything sent has arrived."""
        ...


class Intake(Protocol):
    """One kind of source, with places (tables, topics, streams) of events in it."""

    imports: str
    """What the project's automation needs from `andon` for its triggers."""
    definitions: str
    """Python that stands before the automation."""
    settings: str
    """What `andon.toml` has to say of it."""

    def trigger(self, place: str) -> str:
        """Return the declaration of a trigger that reads a place, in Python."""
        ...

    def stream(self, place: str) -> str:
        """Return Andon's name of this stream."""
        ...

    def prepare(self, place: str, url: str) -> None:
        """Make the place. `url` is Andon's database."""
        ...

    def sending(self, place: str, url: str) -> AbstractAsyncContextManager[Sender]:
        """Return a sender of transfers, open as long as the context lasts."""
        ...

    def cpu_seconds(self) -> float:
        """Return the CPU time of the broker; zero without one of its own."""
        ...


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Intake]:
    """Open the intake of a name; what it keeps is in `folder`."""
    opener: Callable[[Path], AbstractContextManager[Intake]] = import_module(f"andon_demo.intakes.{name}").opened
    with opener(folder) as intake:
        yield intake


def part_of(transfer: Transfer) -> int:
    """Which part of a place an account's transfers go to: always the same, so that they stay in order."""
    return sum(transfer.account.encode()) % PARTITIONS


KINDS: Mapping[str, str] = {
    "table": "a table of the bank",
    "nats": "a NATS JetStream stream",
    "kafka": "a Kafka topic",
}
"""In words."""
