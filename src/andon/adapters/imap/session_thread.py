"""A connection to an IMAP server that opens on first use, and again after a failure.

IMAP sessions block. Each connection has its own thread, so a slow server delays nothing else in the process.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from andon.mail import FolderMissing, ImapServer, MailboxUnavailable, MailSession
from andon.streams import SourceUnavailable, StreamMissing

T = TypeVar("T")


class SessionThread:
    """One session, for one request at a time. A cancelled request still ends in its thread, and the next one waits."""

    def __init__(self, server: ImapServer) -> None:
        self._server = server
        self._thread: ThreadPoolExecutor | None = None
        self._session: MailSession | None = None
        self.can_wait = False
        """Whether the server supports IDLE; known after the first request."""

    async def ask(self, question: Callable[[MailSession], T]) -> T:
        """Run a request in the session. Raises SourceUnavailable, StreamMissing."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "imap")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, question)

    async def close(self) -> None:
        """Log out once the current request has ended."""
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
