"""A line to an IMAP server that is opened when it is needed, and again after it broke.

Sessions block, so each line has a thread of its own: a server that is slow holds up nothing else of the process.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from andon.mail import FolderMissing, ImapServer, MailboxUnavailable, MailSession
from andon.streams import SourceUnavailable, StreamMissing

T = TypeVar("T")


class SessionLine:
    """One session, for one question at a time. A cancelled question ends in its thread, and holds the line."""

    def __init__(self, server: ImapServer) -> None:
        self._server = server
        self._thread: ThreadPoolExecutor | None = None
        self._session: MailSession | None = None
        self.can_wait = False
        """Whether the server tells of new mails by itself; known when it answered once."""

    async def ask(self, question: Callable[[MailSession], T]) -> T:
        """Ask the server. Raises SourceUnavailable, StreamMissing."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "imap")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, question)

    async def close(self) -> None:
        """Let go of the server, when the present question is answered."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._drop)
            thread.shutdown(wait=False)

    def _ask(self, question: Callable[[MailSession], T]) -> T:
        try:
            if self._session is None:
                self._session = MailSession(self._server)
                self.can_wait = self._session.can_wait
            return question(self._session)
        except FolderMissing as error:
            raise StreamMissing(str(error)) from error
        except MailboxUnavailable as error:
            self._drop()
            raise SourceUnavailable(str(error)) from error
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
