"""Invented predictions of shadows, written like a gateway writes them."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from andon.kernel.db import Database
from andon.serving import SHADOW_SQL, ShadowPrediction, shadow_columns

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


POLICY = "0123456789ab"


def arm(version: int = 2, policy: str = POLICY) -> str:
    return f"fraud-risk@{version}+{policy}"


def said(
    number: int,
    version: int = 2,
    *,
    outcome: str = "release",
    score: float = 0.1,
    at: datetime = NOW,
    policy: str = POLICY,
) -> ShadowPrediction:
    found = (outcome, score, "ok", 1 - score, None, at)
    return ShadowPrediction(UUID(int=number), "payments", arm(version, policy), "fraud-risk", version, *found)


def failed(number: int, version: int = 2, *, at: datetime = NOW, policy: str = POLICY) -> ShadowPrediction:
    """Return a failure beside decision `number`."""
    found = (None, None, None, None, "no answer in time", at)
    return ShadowPrediction(UUID(int=number), "payments", arm(version, policy), "fraud-risk", version, *found)


def write(database: Database, *predictions: ShadowPrediction) -> None:
    """Write a batch."""

    async def run() -> None:
        connection = await database.connect()
        try:
            await connection.execute(SHADOW_SQL, *shadow_columns(predictions))
        finally:
            await connection.close()

    asyncio.run(run())
