"""What used idempotency keys got, asked of the ledger once for all callers who ask at the same time.

To ask for each by itself costs many times what a decision does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from andon import decisions
from andon.decisions import Decider, DecisionRecord, Idempotency, KeyReused
from andon.kernel.db import Database
from andon.kernel.grouping import Grouped

_Answer: TypeAlias = DecisionRecord | KeyReused


class FirstAnswers:
    """Use from one event loop."""

    def __init__(self, decider: Decider, database: Database) -> None:
        self._decider = decider
        self._database = database
        self._asked: Grouped[Idempotency, _Answer | None] = Grouped(self._ask)

    async def of(self, key: Idempotency) -> DecisionRecord | None:
        """The decision that a used key got, or None. Raises KeyReused if it was for another input, LedgerUnavailable, DatabaseUnavailable."""
        answer = await self._asked.add(key)
        if isinstance(answer, KeyReused):
            raise answer
        return answer

    async def _ask(self, keys: Sequence[Idempotency]) -> list[_Answer | None]:
        used = await self._decider.used(keys)
        known = [key for key in keys if (key.scope, key.key) in used]
        found = await asyncio.to_thread(self._read, known) if known else {}
        return [found.get((key.scope, key.key)) for key in keys]

    def _read(self, keys: Sequence[Idempotency]) -> Mapping[tuple[str, str], _Answer]:
        with self._database.begin() as tx:
            return decisions.first_answers(tx, keys)
