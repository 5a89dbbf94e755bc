"""A folder of a mail service as a log: services such as Microsoft Graph and Gmail name mails, but do not number them.

The reader of the folder asks the service what was added, and PostgreSQL numbers the mails in the order in which they
were found. The numbers never change, so any reader can read any position again. Mails that the service has deleted
since are skipped.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Protocol, TypeVar

from andon.kernel.db import Database, Tx
from andon.streams.errors import StreamMissing
from andon.streams.mails import RawMail, ReadsMails
from andon.streams.ports import Arrival
from andon.streams.store import mail_log
from andon.streams.store.mail_log import LoggedMail

T = TypeVar("T")

AT_ONCE = 4
"""Mails that are fetched concurrently."""

BATCH = 20
"""Mails of one read, so that their bytes fit into memory."""


@dataclass(frozen=True, slots=True)
class AddedMails:
    """Mails that were added to a folder, by id and arrival, oldest first. The next request starts at `token`."""

    mails: Sequence[tuple[str, datetime]]
    token: str | None
    more: bool = False
    """Whether more can be requested immediately."""


@dataclass(frozen=True, slots=True)
class RemoteMail:
    """The bytes of a mail; for one that is too large only the beginning, with the reason."""

    data: bytes
    at: datetime | None = None
    refused: str | None = None


class MailService(Protocol):
    """One folder of a mailbox at a service. Raises SourceUnavailable, StreamMissing."""

    async def check(self) -> None:
        """Check the folder. Raises StreamMissing if it does not exist."""
        ...

    async def added(self, token: str | None) -> AddedMails:
        """Return the mails added since a token; all mails if there is no token or the service forgot it."""
        ...

    async def fetch(self, identifier: str, *, max_bytes: int) -> RemoteMail | None:
        """Return a mail as it arrived, without marking it; None if it is gone."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class MailLogSource:
    """Reads one folder of a mail service. `mailbox` names it in the database."""

    def __init__(
        self,
        service: MailService,
        reader: ReadsMails,
        database: Database,
        *,
        mailbox: str,
        folder: str,
        poll_seconds: float,
    ) -> None:
        self._service = service
        self._reader = reader
        self._database = database
        self._place = (mailbox, folder)
        self._poll_seconds = poll_seconds
        self._asked = 0.0
        self._asking = asyncio.Lock()

    async def partitions(self) -> Sequence[str]:
        """Return the folder. Raises StreamMissing if it does not exist."""
        await self._service.check()
        await self._in_thread(lambda tx: mail_log.make(tx, *self._place))
        return [self._place[1]]

    async def start(self, partition: str) -> int:
        """Return the position of the first mail that was found."""
        self._require(partition)
        return 0

    async def end(self, partition: str) -> int:
        """Return the position after the last mail that was found."""
        self._require(partition)
        return await self._in_thread(lambda tx: mail_log.length(tx, *self._place))

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the position of the first mail that arrived then or later."""
        self._require(partition)
        await self._ask()

        def first(tx: Tx) -> int:
            found = mail_log.since(tx, *self._place, moment)
            return mail_log.length(tx, *self._place) if found is None else found

        return await self._in_thread(first)

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return mails from a position on."""
        self._require(partition)
        until = monotonic() + wait
        while True:
            at = position
            while found := await self._in_thread(partial(self._logged, at, most)):
                arrivals = await self._arrivals(found)
                if arrivals:
                    return arrivals
                at = found[-1].position + 1  # all of these were deleted meanwhile
            due = self._asked + self._poll_seconds - monotonic()
            left = until - monotonic()
            if due <= 0:
                await self._ask()
            elif left <= 0:
                return []
            else:
                await asyncio.sleep(min(due, left))

    async def close(self) -> None:
        """Close the service."""
        await self._service.close()

    async def _ask(self) -> None:
        """Ask the service for added mails, and number them."""
        async with self._asking:
            self._asked = monotonic()
            more = True
            while more:
                since = await self._in_thread(self._token)
                added = await self._service.added(since)
                mine = await self._in_thread(partial(self._append, added, since))
                more = added.more or not mine

    def _token(self, tx: Tx) -> str | None:
        mail_log.make(tx, *self._place)
        return mail_log.token(tx, *self._place)

    def _append(self, added: AddedMails, since: str | None, tx: Tx) -> bool:
        return mail_log.append(tx, *self._place, added.mails, since=since, token=added.token)

    def _logged(self, position: int, most: int, tx: Tx) -> list[LoggedMail]:
        return mail_log.read(tx, *self._place, position, min(most, BATCH))

    async def _arrivals(self, logged: Sequence[LoggedMail]) -> list[Arrival]:
        """Fetch mails, as many as memory may hold at once."""
        found: list[RawMail] = []
        for begin in range(0, len(logged), AT_ONCE):
            some = logged[begin : begin + AT_ONCE]
            fetched = await asyncio.gather(
                *(self._service.fetch(one.remote_id, max_bytes=self._reader.max_bytes) for one in some)
            )
            found += [
                RawMail(one.position, self._place[1], mail.data, mail.at or one.arrived_at, mail.refused)
                for one, mail in zip(some, fetched, strict=True)
                if mail is not None
            ]
            if sum(len(mail.data) for mail in found) > self._reader.max_bytes:
                break
        return await asyncio.to_thread(self._reader.arrivals, found) if found else []

    def _require(self, partition: str) -> None:
        if partition != self._place[1]:
            raise StreamMissing(f"{self._place[0]} has no partition {partition!r}")

    async def _in_thread(self, work: Callable[[Tx], T]) -> T:
        def transaction() -> T:
            with self._database.begin() as tx:
                return work(tx)

        return await asyncio.to_thread(transaction)
