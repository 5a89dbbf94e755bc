"""Acceptances: requests to decide later, put into the intake in one transaction for all concurrent callers.

One transaction for each request would cost many times as much as a decision.
"""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

from andon import decisions
from andon.decisions import DecisionRequest, KeyReused
from andon.kernel.db import UNFIT, Database, DatabaseUnavailable, Refusal
from andon.kernel.grouping import Grouped

_Kept: TypeAlias = UUID | KeyReused | DatabaseUnavailable | Refusal

_FLIGHTS = 4
"""Transactions at a time. One that waits for another with the same key delays only its own requests."""


class Acceptances:
    """Writes acceptances. Use it from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group: Grouped[DecisionRequest, _Kept] = Grouped(self._keep_all, flights=_FLIGHTS)

    async def of(self, request: DecisionRequest) -> UUID:
        """Keep a request and return the id of its decision. Under a used key that is the id of the first request.

        Raises KeyReused if the first request had another input, DatabaseUnavailable.
        """
        kept = await self._group.add(request)
        if isinstance(kept, Exception):
            raise kept
        return kept

    async def _keep_all(self, requests: Sequence[DecisionRequest]) -> list[_Kept]:
        return await asyncio.to_thread(self._keep, requests)

    def _keep(self, requests: Sequence[DecisionRequest]) -> list[_Kept]:
        try:
            with self._database.begin() as tx:
                new = decisions.accept_new(tx, requests)
        except UNFIT:  # PostgreSQL refused one of them; the others must not fail with it
            new = set()
        return [request.id if request.id in new else self._keep_one(request) for request in requests]

    def _keep_one(self, request: DecisionRequest) -> _Kept:
        try:
            with self._database.begin() as tx:
                return decisions.accept(tx, request)
        except (KeyReused, DatabaseUnavailable, *UNFIT) as error:
            return error
