"""When keys were last used, written by each process beside its work, so that idle keys can be seen."""

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
"""How late the list of keys may be."""


class UseTeller:
    """Writes down what a process's ring saw, every ten seconds and when it ends."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database, self._keys = database, keys
        self._told: dict[UUID, datetime] = {}

    async def run(self) -> None:
        """Tell until cancelled, and then what is left. What the database does not take now is told later."""
        await regularly(self.tell, seconds=SECONDS)

    async def tell(self) -> None:
        """Tell which keys were used since it was told last."""
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
