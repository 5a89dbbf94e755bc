"""Runs: begin one or find the one that was killed, ask for its parts, end it."""

from datetime import datetime
from uuid import UUID

from andon import audit
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.scoring import store
from andon.scoring.domain import Run


def unfinished(tx: Tx, automation: str, digest: str) -> Run | None:
    """Return the run over these rows that has begun and not ended, or None."""
    return store.unfinished(tx, automation, digest)


def begin(tx: Tx, run: Run, actor: Actor) -> None:
    """Begin a run, and record it in the audit log."""
    store.add(tx, run)
    after = {"automation": run.automation, "source": run.source, "digest": run.digest, "rows": run.rows}
    audit.record(tx, actor=actor, action="scoring.begin", subject=_subject(run.id), at=run.begun_at, after=after)


def end(tx: Tx, run: Run, actor: Actor, *, now: datetime, refused: int) -> None:
    """End a run whose rows are all decided or refused and whose output is complete; record it in the audit log."""
    store.end(tx, run.id, now)
    after = {"rows": run.rows, "refused": refused}
    audit.record(tx, actor=actor, action="scoring.end", subject=_subject(run.id), at=now, after=after)


def give_up(tx: Tx, run: Run, actor: Actor, *, now: datetime) -> None:
    """End a run without its remaining rows: the next run over the same rows decides all of them again."""
    store.end(tx, run.id, now)
    audit.record(tx, actor=actor, action="scoring.give_up", subject=_subject(run.id), at=now)


def ask_part(tx: Tx, run: Run, number: int, now: datetime) -> datetime:
    """Return when a part was first asked for; if it never was, record `now` as that moment."""
    return store.asked_at(tx, run.id, number, now)


def begun_parts(tx: Tx, run: Run) -> dict[int, datetime]:
    """Return the parts that were asked for before, each with its moment."""
    return store.begun_parts(tx, run.id)


def _subject(run: UUID) -> str:
    return f"run:{run}"
