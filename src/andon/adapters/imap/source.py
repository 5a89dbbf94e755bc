"""Folders of a mailbox as a `Source`: a partition is a folder under one UIDVALIDITY, a position is a UID.

Reading marks, moves and deletes nothing: folders are opened read-only, and mails are fetched with PEEK. A server that
renumbers a folder creates a new partition; its mails are recognised by their headers, not by their UIDs.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from andon.adapters.imap.fetching import fetch
from andon.adapters.imap.session_thread import SessionThread
from andon.mail import FolderStatus, ImapServer, MailSession
from andon.streams import Arrival, ReadsMails, StreamMissing

LOOK_AGAIN_SECONDS = 60.0
"""Seconds between two looks at a folder, even with IDLE."""


@dataclass(slots=True)
class _Folder:
    """The known UIDs of one partition from `since` on, and the position from which it was last found empty."""

    uids: list[int] = field(default_factory=list)
    since: int | None = None
    quiet_from: int | None = None
    looked: float = 0.0


class ImapSource:
    """Reads folders of one mailbox.

    A single folder is watched with IDLE if `idle` is set and the server supports it. Otherwise folders are polled.
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
        self._surveying, self._reading = SessionThread(server), SessionThread(server)
        self._validities: dict[str, int] = {}
        self._known: dict[str, _Folder] = {}

    async def partitions(self) -> Sequence[str]:
        """Return each folder with its current UIDVALIDITY. Raises StreamMissing if a folder does not exist."""
        found = await self._surveying.ask(lambda session: [(name, session.status(name)) for name in self._folders])
        for folder, status in found:
            self._validities[folder] = status.validity
        return [partition_of(folder, status) for folder, status in found]

    async def start(self, partition: str) -> int:
        """Return the UID of the oldest mail; for an empty folder, the next UID."""

        def first(session: MailSession, folder: str, status: FolderStatus) -> int:
            session.open(folder)
            found = session.first_uid()
            return status.next_uid if found is None else found

        return await self._survey(partition, first)

    async def end(self, partition: str) -> int:
        """Return the UID of the next mail; 0 for a folder that was renumbered."""
        return await self._survey(partition, lambda _session, _folder, status: status.next_uid)

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the UID of the first mail that arrived at a moment or later."""

        def first(session: MailSession, folder: str, status: FolderStatus) -> int:
            session.open(folder)
            heads = session.heads(session.uids_since((moment - timedelta(days=1)).date()))
            later = [uid for uid, head in heads.items() if head.at is not None and head.at >= moment]
            return min(later, default=status.next_uid)

        return await self._survey(partition, first)

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return mails, starting at a UID."""
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
        """Close both connections."""
        await self._surveying.close()
        await self._reading.close()

    def _is_quiet(self, known: _Folder, position: int) -> bool:
        """Return whether a recent look found nothing from a UID on."""
        again = LOOK_AGAIN_SECONDS if self._tells else self._poll_seconds
        return known.quiet_from == position and monotonic() - known.looked < again

    @property
    def _tells(self) -> bool:
        return self._idle and self._reading.can_wait

    async def _wait(self, folder: str, validity: int, known: _Folder, left: float) -> bool:
        """Wait for new mails; return whether there may be some."""
        if self._tells and self._validities.get(folder, validity) == validity:

            def idle(session: MailSession) -> bool:
                session.open(folder)
                return session.wait(left)

            return await self._reading.ask(idle)
        due = known.looked + self._poll_seconds - monotonic()
        await asyncio.sleep(max(0.0, min(left, due)))
        return False

    def _take(self, session: MailSession, folder: str, validity: int, position: int, most: int) -> list[Arrival]:
        """Fetch the next mails."""
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
        """Return the UIDs, starting at one; the server is asked once the known ones are used up."""
        if known.since is not None and position >= known.since:
            left = known.uids[bisect_left(known.uids, position) :]
            if left:
                return left
        known.uids, known.since = session.uids_from(position), position
        return known.uids

    async def _survey(self, partition: str, work: Callable[[MailSession, str, FolderStatus], int]) -> int:
        folder, validity = parts_of(partition)
        if folder not in self._folders:
            raise StreamMissing(f"{folder} is not among the folders of this stream")

        def ask(session: MailSession) -> int:
            status = session.status(folder)
            return work(session, folder, status) if status.validity == validity else 0

        return await self._surveying.ask(ask)


def partition_of(folder: str, status: FolderStatus) -> str:
    """Return the name of a partition."""
    return f"{folder};{status.validity}"


def parts_of(partition: str) -> tuple[str, int]:
    """Return the folder and the UIDVALIDITY of a partition. Raises StreamMissing for another name."""
    folder, _, validity = partition.rpartition(";")
    if not folder or not validity.isdecimal():
        raise StreamMissing(f"{partition!r} is not a partition of a mailbox; expected FOLDER;UIDVALIDITY")
    return folder, int(validity)
