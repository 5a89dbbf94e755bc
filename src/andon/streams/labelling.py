"""Streams of labels: read like all others, and recorded as labels in the commit that moves the stream.

A request's input is then a report about an earlier decision. Nothing is decided.
"""

import asyncio
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any
from uuid import UUID

from andon import audit, labels
from andon.authoring import Automation, Trigger
from andon.decisions import Alongside, DecisionRequest, Fenced, WriterChains
from andon.kernel.clock import Clock
from andon.kernel.db import Database, RowsChanged, Tx, run_plain
from andon.kernel.errors import AndonError, Invalid
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.labels import Fate, LabelInvalid, Settled, TruthReport


class ReportContract:
    """The contract of a stream of labels: a row of `andon labels import`."""

    def read(self, raw: bytes) -> Mapping[str, Any]:
        """Read one report. Raises LabelInvalid."""
        return labels.report_of(raw).model_dump()


class LabelWriter:
    """Records batches of reports on one automation's decisions, each in one commit with the sender's own writes."""

    def __init__(self, database: Database, automation: str, *, events: Events, clock: Clock) -> None:
        self._database = database
        self._automation = automation
        self._events = events
        self._clock = clock
        self._chains = WriterChains()
        self._turn = Lock()  # a cancelled batch is still being recorded when the stream begins anew

    async def decide(self, requests: Sequence[DecisionRequest], alongside: Alongside) -> set[UUID]:
        """Record these together with `alongside`, even if there are none; return the ids with a new statement.

        Raises DatabaseUnavailable, and Fenced if `alongside` is refused.
        """
        return await asyncio.to_thread(self._record_in_turn, requests, alongside)

    def record(self, tx: Tx, requests: Sequence[DecisionRequest]) -> list[Settled]:
        """Record these reports. One without a time became known at the time of its event."""
        reports = [_dated(request) for request in requests]
        return labels.record_all(
            tx,
            reports,
            actor=Actor(requests[0].caller),
            events=self._events,
            now=self._clock.now(),
            allowed=self._allowed,
        )

    def _record_in_turn(self, requests: Sequence[DecisionRequest], alongside: Alongside) -> set[UUID]:
        with self._turn:
            return self._record(requests, alongside)

    def _record(self, requests: Sequence[DecisionRequest], alongside: Alongside) -> set[UUID]:
        try:
            with self._database.begin() as tx:
                settled = self.record(tx, requests) if requests else []
                ends = dict(zip((request.id for request in requests), settled, strict=True))
                recorded = {identifier for identifier, end in ends.items() if end.fate is Fate.RECORDED}
                refused = {identifier: refusal(end.error) for identifier, end in ends.items() if end.error is not None}
                for statement in alongside.statements(recorded, refused):
                    run_plain(tx, *statement)
                leaf = self._chains.beside(alongside)
                if leaf is not None:
                    run_plain(tx, audit.insert_sql(1), audit.values_of(leaf))
        except RowsChanged as error:
            raise Fenced(error.missing) from error
        except Exception:  # the leaf may or may not be committed, so nothing may follow it
            self._chains.renew()
            raise
        self._chains.advance(None, leaf)
        return recorded

    def _allowed(self, automation: str, report: TruthReport) -> AndonError | None:
        return None if automation == self._automation else labels.not_found(report)


def refusal(error: AndonError) -> Invalid:
    """Return the reason why a report is dead: naming no decision is as bad as naming an unknown one."""
    return error if isinstance(error, Invalid) else LabelInvalid(str(error), faults=error.faults)


def reporting(automation: Automation, stream: str) -> Trigger | None:
    """Return the trigger of a stream of labels; None for any other stream."""
    return next((trigger for trigger in automation.reported if trigger.name == stream), None)


def _dated(request: DecisionRequest) -> TruthReport:
    report = TruthReport.model_construct(**request.input)
    return report if report.known_at else report.model_copy(update={"known_at": request.happened_at})
