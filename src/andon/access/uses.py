"""Times of last use of keys, written by each process in the background, so that idle keys can be found."""

import asyncio
from datetime import datetime
from uuid import UUID

import structlog

from andon.access import store
from andon.access.keyring import KeyRing
from andon.kernel.db import Database
from andon.kernel.errors import Unavailable
from andon.kernel.regularly import regularly

log = structlog.get_logger(__name__)

SECONDS = 10
"""The list of keys may lag by this many seconds."""


class UseTeller:
    """Stores when the keys that a process's ring saw were last used, every ten seconds and when the process ends."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database, self._keys = database, keys
        self._told: dict[UUID, datetime] = {}

    async def run(self) -> None:
        """Store uses until cancelled, then store the rest. Uses that cannot be stored now are stored later."""
        await regularly(self.tell, seconds=SECONDS)

    async def tell(self) -> None:
        """Store which keys were used since the last call."""
        try:
            await asyncio.to_thread(self._tell)
        except Unavailable as error:
            log.warning("keys.use_not_told", error=str(error))

    def _tell(self) -> None:
        used = {key_id: at for key_id, at in self._keys.used().items() if self._told.get(key_id) != at}
        if used:
            with self._database.begin() as tx:
                store.save_use(tx, used)
            self._told.update(used)
