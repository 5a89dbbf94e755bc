"""The sources of the demo's events: a table of the bank, or a topic or stream of a real broker that the demo starts.

`opened(name)` returns the intake of this name for the length of the context; its broker's process ends with it.
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
    """Sends transfers to the intake, each at the moment when it happens."""

    async def send(self, transfer: Transfer) -> None:
        """Send a transfer; it may arrive after this returns."""
        ...

    async def arrived(self) -> None:
        """Wait until everything sent has arrived."""
        ...


class Intake(Protocol):
    """One kind of source, with places (tables, topics, streams) of events in it."""

    imports: str
    """The names that the project's automation imports from `andon` for its triggers."""
    definitions: str
    """Python code in front of the automation."""
    settings: str
    """The lines for `andon.toml`."""

    def trigger(self, place: str) -> str:
        """Return the declaration of a trigger that reads a place, in Python."""
        ...

    def stream(self, place: str) -> str:
        """Return Andon's name of this stream."""
        ...

    def prepare(self, place: str, url: str) -> None:
        """Create the place. `url` is Andon's database."""
        ...

    def sending(self, place: str, url: str) -> AbstractAsyncContextManager[Sender]:
        """Return a sender of transfers, open for the length of the context."""
        ...

    def cpu_seconds(self) -> float:
        """Return the CPU time of the broker; zero if there is none."""
        ...


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Intake]:
    """Open the intake of this name, with its data in `folder`."""
    opener: Callable[[Path], AbstractContextManager[Intake]] = import_module(f"andon_demo.intakes.{name}").opened
    with opener(folder) as intake:
        yield intake


def part_of(transfer: Transfer) -> int:
    """Return the part of a place for an account's transfers: always the same, so that they stay in order."""
    return sum(transfer.account.encode()) % PARTITIONS


KINDS: Mapping[str, str] = {
    "table": "a table of the bank",
    "nats": "a NATS JetStream stream",
    "kafka": "a Kafka topic",
}
"""In words."""
