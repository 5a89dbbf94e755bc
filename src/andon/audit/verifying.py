"""Verifications as operations: requested by anybody with the permission, done by a worker, read by their id."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, TypeAlias
from uuid import UUID

import structlog

from andon.audit.domain import Checkpoint, Report, Verification
from andon.audit.errors import TooManyVerifications, VerificationNotFound, VerificationRunning
from andon.audit.store import verifications as verification_store
from andon.kernel.clock import Clock
from andon.kernel.db import Database, Tx
from andon.kernel.errors import Unavailable
from andon.kernel.ids import uuid7
from andon.kernel.lookout import REST_SECONDS, first_of

log = structlog.get_logger(__name__)

MOST_OPEN = 16
"""The most verifications that may wait or be under way."""

MOST_DEATHS = 3
"""A verification is given up after this many workers died during it."""

LEASE = timedelta(seconds=30)
NOTED_SECONDS = 2.0
"""Seconds between two records of a verification's progress."""

BUSY_SECONDS = 5.0
"""Seconds until the next attempt while another process verifies the log."""

KEPT = timedelta(days=30)

VerifyLog: TypeAlias = Callable[[Tx, bytes | None, Callable[[int], None]], Report]
"""Verifies the log as a transaction sees it, given an anchor and a callback that counts the entries read."""

_DEADLY = f"the worker ended {MOST_DEATHS} times while it verified the audit log; see the worker's log"


def ask_for_verification(tx: Tx, *, asked_by: str, anchor: bytes | None, now: datetime) -> Verification:
    """Ask for a verification, or find the one with the same anchor that has not ended. Raises TooManyVerifications."""
    known = verification_store.find_open(tx, anchor)
    if known is not None:
        return known
    if verification_store.count_open(tx) >= MOST_OPEN:
        raise TooManyVerifications(retry_after=60)
    identifier = uuid7(now)
    verification_store.add(tx, identifier, asked_by, anchor, now)
    return get_verification(tx, identifier)


def get_verification(tx: Tx, identifier: UUID) -> Verification:
    """Return a requested verification. Raises VerificationNotFound."""
    found = verification_store.find(tx, identifier)
    if found is None:
        raise VerificationNotFound(f"No verification {identifier}")
    return found


class Verifier:
    """Does the requested verifications, one at a time, each by `verify` on a snapshot."""

    def __init__(self, database: Database, clock: Clock, verify: VerifyLog) -> None:
        self._database = database
        self._clock = clock
        self._verify_log = verify
        self._wake = asyncio.Event()

    def poke(self) -> None:
        """Wake the loop: there may be something to verify."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Verify until `stop` is set; a verification under way is then abandoned, and another worker restarts it."""
        while not stop.is_set():
            self._wake.clear()
            try:
                done = await asyncio.to_thread(self.run_round, stop.is_set)
            except Unavailable as error:
                log.warning("verification.interrupted", error=type(error).__name__)
                done = False
            if not done:
                await first_of(stop, self._wake, within=REST_SECONDS)

    def run_round(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Do one verification; return whether there was one."""
        now = self._clock.now()
        with self._database.begin() as tx:
            verification_store.forget(tx, now - KEPT)
            taken = verification_store.claim(tx, now, now + LEASE)
        if taken is None:
            return False
        if taken.attempts > MOST_DEATHS:
            self._end(taken, error=_DEADLY)
            return True
        try:
            report = self._verify(taken, stopped)
        except (VerificationRunning, _Stopped) as why:
            pause = timedelta(seconds=BUSY_SECONDS if isinstance(why, VerificationRunning) else 0)
            with self._database.begin() as tx:
                verification_store.give_back(tx, taken.id, self._clock.now() + pause)
            return False
        except Unavailable:
            raise
        except Exception as error:  # the edge of the loop: the operation keeps the failure, and the loop continues
            log.exception("verification.failed", verification=str(taken.id))
            self._end(taken, error=f"it failed with {type(error).__name__}; see the worker's log")
            return True
        self._end(taken, report=report_document(report))
        return True

    def _verify(self, taken: Verification, stopped: Callable[[], bool]) -> Report:
        read, noted_at = 0, monotonic()

        def progress(entries: int) -> None:
            nonlocal read, noted_at
            read += entries
            if stopped():
                raise _Stopped
            if monotonic() - noted_at >= NOTED_SECONDS:
                noted_at = monotonic()
                with self._database.begin() as tx:
                    verification_store.note(tx, taken.id, read, self._clock.now() + LEASE)

        with self._database.snapshot() as tx:
            return self._verify_log(tx, taken.anchor, progress)

    def _end(self, taken: Verification, *, report: Mapping[str, Any] | None = None, error: str | None = None) -> None:
        with self._database.begin() as tx:
            if report is not None:
                verification_store.note(tx, taken.id, report["entries"], self._clock.now())
            verification_store.end(tx, taken.id, self._clock.now(), report=report, error=error)


class _Stopped(Exception):
    """The worker must stop."""


def report_document(report: Report) -> dict[str, Any]:
    """Return a report as a JSON document."""
    return {
        "ok": report.ok,
        "entries": report.entries,
        "read": report.read,
        "chains": report.chains,
        "checkpoints": report.checkpoints,
        "unsealed": report.unsealed,
        "head": None if report.head is None else _checkpoint(report.head),
        "found": report.found,
        "findings": [
            {
                "harm": finding.harm.value,
                "message": finding.message,
                "writer": None if finding.writer is None else str(finding.writer),
                "seq": finding.seq,
                "checkpoint": finding.checkpoint,
                "action": finding.action,
                "subject": finding.subject,
            }
            for finding in report.findings
        ],
    }


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "number": checkpoint.number,
        "hash": checkpoint.hash.hex(),
        "at": checkpoint.at.isoformat(),
        "chains": checkpoint.chains,
        "entries": checkpoint.entries,
    }
