"""Runs: begin one or find the one that was killed, ask for its parts, end it."""

from datetime import datetime
from uuid import UUID

from andon import audit
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.scoring import store
from andon.scoring.domain import Run


def unfinished(tx: Tx, automation: str, digest: str) -> Run | None:
    """The run over these rows that was begun and has not come to its end, or None."""
    return store.unfinished(tx, automation, digest)


def begin(tx: Tx, run: Run, actor: Actor) -> None:
    """A run begins, and the audit log says so."""
    store.add(tx, run)
    after = {"automation": run.automation, "source": run.source, "digest": run.digest, "rows": run.rows}
    audit.record(tx, actor=actor, action="scoring.begin", subject=_subject(run.id), at=run.begun_at, after=after)


def end(tx: Tx, run: Run, actor: Actor, *, now: datetime, refused: int) -> None:
    """All rows are decided or refused, and the output stands."""
    store.end(tx, run.id, now)
    after = {"rows": run.rows, "refused": refused}
    audit.record(tx, actor=actor, action="scoring.end", subject=_subject(run.id), at=now, after=after)


def give_up(tx: Tx, run: Run, actor: Actor, *, now: datetime) -> None:
    """The rest of a run shall not be decided: the next run over the same rows decides all of them anew."""
    store.end(tx, run.id, now)
    audit.record(tx, actor=actor, action="scoring.give_up", subject=_subject(run.id), at=now)


def ask_part(tx: Tx, run: Run, number: int, now: datetime) -> datetime:
    """The moment at which a part was first asked for; from now on it is this one."""
    return store.asked_at(tx, run.id, number, now)


def begun_parts(tx: Tx, run: Run) -> dict[int, datetime]:
    """The parts that were asked for before, and when."""
    return store.begun_parts(tx, run.id)


def _subject(run: UUID) -> str:
    return f"run:{run}"
