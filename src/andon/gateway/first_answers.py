"""What used idempotency keys got, asked of the ledger once for all callers who ask at the same time.

To ask for each by itself costs many times what a decision does.
"""

import asyncio
from collections.abc import Mapping, Sequence

from andon import decisions
from andon.decisions import Decider, DecisionRecord, FirstAnswer, Idempotency
from andon.kernel.db import Database
from andon.kernel.errors import AndonError
from andon.kernel.grouping import Grouped


class FirstAnswers:
    """Use from one event loop."""

    def __init__(self, decider: Decider, database: Database) -> None:
        self._decider = decider
        self._database = database
        self._asked: Grouped[Idempotency, FirstAnswer | None] = Grouped(self._ask)

    async def of(self, key: Idempotency) -> DecisionRecord | None:
        """The decision that a used key got, or None.

        Raises KeyReused if it was for another input, KeyInFlight if it waits in the intake, LedgerUnavailable, DatabaseUnavailable.
        """
        answer = await self._asked.add(key)
        if isinstance(answer, AndonError):
            raise answer
        return answer

    async def _ask(self, keys: Sequence[Idempotency]) -> list[FirstAnswer | None]:
        used = await self._decider.used(keys)
        known = [key for key in keys if (key.scope, key.key) in used]
        found = await asyncio.to_thread(self._read, known) if known else {}
        return [found.get((key.scope, key.key)) for key in keys]

    def _read(self, keys: Sequence[Idempotency]) -> Mapping[tuple[str, str], FirstAnswer]:
        with self._database.begin() as tx:
            return decisions.first_answers(tx, keys)
