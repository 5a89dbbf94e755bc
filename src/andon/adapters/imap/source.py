"""Folders of a mailbox as a `Source`: a partition is a folder under one UIDVALIDITY, a position is a UID.

Nothing is marked, moved or deleted: mails are fetched with PEEK from folders opened to read only. A server that gives
the numbers of a folder anew makes a new partition; the mails in it are recognised by who sent them, not by number.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from andon.adapters.imap.fetching import fetch
from andon.adapters.imap.line import SessionLine
from andon.mail import FolderStatus, ImapServer, MailSession
from andon.streams import Arrival, ReadsMails, StreamMissing

LOOK_AGAIN_SECONDS = 60.0
"""A folder is looked at so often even if the server said that it would tell of new mails."""


@dataclass(slots=True)
class _Folder:
    """What is known of one partition: its mails from number `since` on, and when it was last found empty from `at`."""

    uids: list[int] = field(default_factory=list)
    since: int | None = None
    quiet_from: int | None = None
    looked: float = 0.0


class ImapSource:
    """Reads folders of one mailbox.

    The server tells of new mails in a single folder (IDLE) if it can and `idle` is set; else it is asked again.
    """

    def __init__(
        self,
        server: ImapServer,
        folders: Sequence[str],
        reader: ReadsMails,
        *,
        poll_seconds: float = 5.0,
        idle: bool = True,
    ) -> None:
        self._folders = tuple(folders)
        self._idle = idle and len(self._folders) == 1
        self._reader = reader
        self._poll_seconds = poll_seconds
        self._surveying, self._reading = SessionLine(server), SessionLine(server)
        self._validities: dict[str, int] = {}
        self._known: dict[str, _Folder] = {}

    async def partitions(self) -> Sequence[str]:
        """Return each folder with its present UIDVALIDITY. Raises StreamMissing if one is not there."""
        found = await self._surveying.ask(lambda session: [(name, session.status(name)) for name in self._folders])
        for folder, status in found:
            self._validities[folder] = status.validity
        return [partition_of(folder, status) for folder, status in found]

    async def start(self, partition: str) -> int:
        """Return the number of the oldest mail, or of the first one to come."""

        def first(session: MailSession, folder: str, status: FolderStatus) -> int:
            session.open(folder)
            found = session.first_uid()
            return status.next_uid if found is None else found

        return await self._survey(partition, first)

    async def end(self, partition: str) -> int:
        """Return the number that the next mail gets; 0 for a folder whose numbers were given anew."""
        return await self._survey(partition, lambda _session, _folder, status: status.next_uid)

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the number of the first mail that came then or later."""

        def first(session: MailSession, folder: str, status: FolderStatus) -> int:
            session.open(folder)
            heads = session.heads(session.uids_since((moment - timedelta(days=1)).date()))
            later = [uid for uid, head in heads.items() if head.at is not None and head.at >= moment]
            return min(later, default=status.next_uid)

        return await self._survey(partition, first)

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return mails from a number on."""
        folder, validity = parts_of(partition)
        until = monotonic() + wait
        known = self._known.setdefault(partition, _Folder())
        while True:
            if not self._is_quiet(known, position):
                found = await self._reading.ask(lambda session: self._take(session, folder, validity, position, most))
                if found:
                    return found
                known.quiet_from, known.looked = position, monotonic()
            left = until - monotonic()
            if left <= 0:
                return []
            if await self._wait(folder, validity, known, left):
                known.quiet_from = None

    async def close(self) -> None:
        """Let go of the server."""
        await self._surveying.close()
        await self._reading.close()

    def _is_quiet(self, known: _Folder, position: int) -> bool:
        """Return whether there was nothing from a number on a moment ago."""
        again = LOOK_AGAIN_SECONDS if self._tells else self._poll_seconds
        return known.quiet_from == position and monotonic() - known.looked < again

    @property
    def _tells(self) -> bool:
        return self._idle and self._reading.can_wait

    async def _wait(self, folder: str, validity: int, known: _Folder, left: float) -> bool:
        """Wait for something new; return whether there may be."""
        if self._tells and self._validities.get(folder, validity) == validity:

            def idle(session: MailSession) -> bool:
                session.open(folder)
                return session.wait(left)

            return await self._reading.ask(idle)
        due = known.looked + self._poll_seconds - monotonic()
        await asyncio.sleep(max(0.0, min(left, due)))
        return False

    def _take(self, session: MailSession, folder: str, validity: int, position: int, most: int) -> list[Arrival]:
        """Fetch the next mails that are there."""
        if session.open(folder) != validity and session.reopen(folder) != validity:
            return []
        known = self._known[partition_of(folder, FolderStatus(validity, 0))]
        while True:
            uids = self._uids(session, known, position)[:most]
            if not uids:
                return []
            found = fetch(session, folder, uids, self._reader)
            if found:
                return self._reader.arrivals(found)
            position = uids[-1] + 1  # they were deleted or moved away meanwhile

    def _uids(self, session: MailSession, known: _Folder, position: int) -> list[int]:
        """Return the numbers of the mails from one on; the server is asked when those it named are used up."""
        if known.since is not None and position >= known.since:
            left = known.uids[bisect_left(known.uids, position) :]
            if left:
                return left
        known.uids, known.since = session.uids_from(position), position
        return known.uids

    async def _survey(self, partition: str, work: Callable[[MailSession, str, FolderStatus], int]) -> int:
        folder, validity = parts_of(partition)
        if folder not in self._folders:
            raise StreamMissing(f"{folder} is not one of the folders that are read")

        def ask(session: MailSession) -> int:
            status = session.status(folder)
            return work(session, folder, status) if status.validity == validity else 0

        return await self._surveying.ask(ask)


def partition_of(folder: str, status: FolderStatus) -> str:
    """Return the name of a partition."""
    return f"{folder};{status.validity}"


def parts_of(partition: str) -> tuple[str, int]:
    """Return the folder and the UIDVALIDITY of a partition. Raises StreamMissing if it is none."""
    folder, _, validity = partition.rpartition(";")
    if not folder or not validity.isdecimal():
        raise StreamMissing(f"{partition!r} is no folder with a UIDVALIDITY")
    return folder, int(validity)
