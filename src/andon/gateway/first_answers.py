"""What used idempotency keys got, asked of the ledger once for all callers who ask at the same time.

To ask for each by itself costs many times what a decision does. So while one question is under way, who comes waits for the next.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from andon import decisions
from andon.decisions import Decider, DecisionRecord, Idempotency, KeyReused
from andon.kernel.db import Database

_Asked: TypeAlias = tuple[Idempotency, "asyncio.Future[DecisionRecord | None]"]
_Found: TypeAlias = Mapping[tuple[str, str], DecisionRecord | KeyReused]


class FirstAnswers:
    """Use from one event loop."""

    def __init__(self, decider: Decider, database: Database) -> None:
        self._decider = decider
        self._database = database
        self._asked: list[_Asked] = []
        self._asking: asyncio.Task[None] | None = None

    async def of(self, key: Idempotency) -> DecisionRecord | None:
        """The decision that a used key got, or None. Raises KeyReused if it was for another input, LedgerUnavailable, DatabaseUnavailable."""
        answer: asyncio.Future[DecisionRecord | None] = asyncio.get_running_loop().create_future()
        self._asked.append((key, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                await self._answer(asked)
        finally:
            self._asking = None

    async def _answer(self, asked: Sequence[_Asked]) -> None:
        try:
            used = await self._decider.used([key for key, _ in asked])
            known = [key for key, _ in asked if (key.scope, key.key) in used]
            found = await asyncio.to_thread(self._read, known) if known else {}
        except Exception as error:  # noqa: BLE001 - told to everybody who asked
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
        else:
            _tell(asked, found)

    def _read(self, keys: Sequence[Idempotency]) -> _Found:
        by_scope: defaultdict[str, list[Idempotency]] = defaultdict(list)
        for key in keys:
            by_scope[key.scope].append(key)
        with self._database.begin() as tx:
            return {
                (scope, key): answer
                for scope, together in by_scope.items()
                for key, answer in decisions.first_answers(tx, together).items()
            }


def _tell(asked: Sequence[_Asked], found: _Found) -> None:
    for key, answer in asked:
        first = found.get((key.scope, key.key))
        if answer.done():  # the caller went away
            continue
        if isinstance(first, KeyReused):
            answer.set_exception(first)
        else:
            answer.set_result(first)
