"""Requests that are decided later, put into the intake together with all that come at the same time.

A transaction for each by itself costs many times what a decision does.
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
"""Transactions at a time: one may wait for somebody else's that has to do with the same key, and holds up only those who came with it."""


class Acceptances:
    """Use from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: Grouped[DecisionRequest, _Kept] = Grouped(self._keep, flights=_FLIGHTS)

    async def of(self, request: DecisionRequest) -> UUID:
        """Keep a request; the id under which its decision will be found: of one with a used key, that of the first.

        Raises KeyReused if that was for another input, DatabaseUnavailable.
        """
        kept = await self._asked.add(request)
        if isinstance(kept, Exception):
            raise kept
        return kept

    async def _keep(self, requests: Sequence[DecisionRequest]) -> list[_Kept]:
        return await asyncio.to_thread(self._kept, requests)

    def _kept(self, requests: Sequence[DecisionRequest]) -> list[_Kept]:
        try:
            with self._database.begin() as tx:
                new = decisions.accept_new(tx, requests)
        except UNFIT:  # one that PostgreSQL refuses does not take the others with it
            new = set()
        return [request.id if request.id in new else self._alone(request) for request in requests]

    def _alone(self, request: DecisionRequest) -> _Kept:
        try:
            with self._database.begin() as tx:
                return decisions.accept(tx, request)
        except (KeyReused, DatabaseUnavailable, *UNFIT) as error:
            return error
