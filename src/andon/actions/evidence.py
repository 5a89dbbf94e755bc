"""Evidence of scripts in PostgreSQL, and locks of the accounts that scripts act for, across all workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from andon.actions import store
from andon.actions.errors import EvidenceNotFound
from andon.actions.ports import EvidenceStep
from andon.kernel import outbox
from andon.kernel.db import Database, Tx
from andon.kernel.outbox import MessageClaim

KEPT_AT_ONCE = 200
"""The number of pictures that one round of the chore removes."""

_LOOK_SECONDS = 0.2


class DatabaseEvidence:
    """Keeps evidence in the database. An account is held by a lock of a connection, which ends with the process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def hold(self, account: str) -> AsyncIterator[None]:
        """Wait until no other script acts for the account, then hold it. Raises DatabaseUnavailable."""
        digest = blake2b(account.encode(), digest_size=8, person=b"andon account").digest()
        number = int.from_bytes(digest, "big", signed=True)
        connection = await self._database.connect()
        try:
            asked = "SELECT pg_try_advisory_lock($1)"
            while not await connection.fetchval(asked, number):  # noqa: ASYNC110 - a lock has no event to wait for
                await asyncio.sleep(_LOOK_SECONDS)
            yield
        finally:
            connection.terminate()

    async def begin(self, step: EvidenceStep, claim: MessageClaim | None) -> bool:
        """Record that a step is about to happen, unless another worker has claimed the action since.

        Both happen in one transaction. So a later claimant finds every commit that may still happen.
        """

        def write() -> bool:
            with self._database.begin() as tx:
                if claim is not None and not outbox.holds(tx, claim):
                    return False
                store.begin_step(tx, step)
                return True

        return await asyncio.to_thread(write)

    async def keep(self, step: EvidenceStep) -> None:
        """Keep a step that ended."""

        def write() -> None:
            with self._database.begin() as tx:
                store.keep_step(tx, step)

        await asyncio.to_thread(write)

    async def committed_at(self, action_id: UUID) -> datetime | None:
        """Return when the last commit for an action was begun."""

        def read() -> datetime | None:
            with self._database.begin() as tx:
                return store.committed_at(tx, action_id)

        return await asyncio.to_thread(read)


def evidence_of(tx: Tx, action_id: UUID) -> list[EvidenceStep]:
    """Return all steps that scripts did for an action, oldest first, without their pictures."""
    return store.evidence_of(tx, action_id)


def picture_of(tx: Tx, action_id: UUID, step_id: UUID) -> bytes:
    """Return the picture of a step, a JPEG. Raises EvidenceNotFound."""
    picture = store.picture_of(tx, action_id, step_id)
    if picture is None:
        raise EvidenceNotFound(f"No picture of step {step_id}: there is no such step, or its picture is gone")
    return picture


def forget_pictures(tx: Tx, *, kept: timedelta, now: datetime) -> bool:
    """Remove pictures that were kept for long enough; their digests stay. Return whether there may be more."""
    return store.forget_pictures(tx, before=now - kept, limit=KEPT_AT_ONCE) == KEPT_AT_ONCE
