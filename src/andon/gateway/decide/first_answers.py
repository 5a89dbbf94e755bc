"""First answers of used idempotency keys, read from the ledger in one query for all concurrent callers.

One query for each key would cost many times as much as a decision.
"""

import asyncio
from collections.abc import Mapping, Sequence

from andon import decisions
from andon.decisions import Decider, DecisionRecord, FirstAnswer, Idempotency
from andon.kernel.db import Database
from andon.kernel.errors import AndonError
from andon.kernel.grouping import Grouped


class FirstAnswers:
    """Reads first answers. Use it from one event loop."""

    def __init__(self, decider: Decider, database: Database) -> None:
        self._decider = decider
        self._database = database
        self._group: Grouped[Idempotency, FirstAnswer | None] = Grouped(self._read_all)

    async def of(self, key: Idempotency) -> DecisionRecord | None:
        """Find the decision under a used key; None if the key is new.

        Raises KeyReused if it had another input, KeyInFlight if it waits in the intake, LedgerUnavailable,
        DatabaseUnavailable.
        """
        answer = await self._group.add(key)
        if isinstance(answer, AndonError):
            raise answer
        return answer

    async def _read_all(self, keys: Sequence[Idempotency]) -> list[FirstAnswer | None]:
        used = await self._decider.used(keys)
        known = [key for key in keys if (key.scope, key.key) in used]
        found = await asyncio.to_thread(self._read, known) if known else {}
        return [found.get((key.scope, key.key)) for key in keys]

    def _read(self, keys: Sequence[Idempotency]) -> Mapping[tuple[str, str], FirstAnswer]:
        with self._database.begin() as tx:
            return decisions.first_answers(tx, keys)
