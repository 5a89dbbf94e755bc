"""Operations on decisions except deciding: read them, accept requests for later, deploy versions, clean up."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import structlog

from andon import audit
from andon.authoring import Automation
from andon.decisions import assembly, consequences
from andon.decisions.domain import (
    KEYS_KEPT,
    AutomationVersion,
    DecisionFilter,
    DecisionRecord,
    DecisionRequest,
    DecisionTally,
    Idempotency,
    Stats,
    WaitingRequest,
)
from andon.decisions.errors import AutomationNotFound, DecisionNotFound, KeyInFlight, KeyReused
from andon.decisions.shape import DecisionRow
from andon.decisions.store import days, intake, keys, reading, spans, versions
from andon.decisions.vouched import AUTOMATION_VERSIONS, SENT
from andon.kernel import outbox
from andon.kernel.db import Tx, announce
from andon.kernel.errors import AndonError
from andon.kernel.identity import PLATFORM, Actor

log = structlog.get_logger(__name__)

FirstAnswer: TypeAlias = DecisionRecord | KeyReused | KeyInFlight

DAYS_AHEAD = 3
"""The number of days ahead for which partitions of the ledger are created."""


def get(tx: Tx, decision_id: UUID) -> DecisionRecord:
    """Return one decision, complete. Raises DecisionNotFound."""
    found = reading.find(tx, decision_id)
    if found is None:
        raise DecisionNotFound(f"No decision {decision_id}")
    return found


def find(tx: Tx, decision_id: UUID) -> DecisionRecord | None:
    """Return one decision, complete, or None."""
    return reading.find(tx, decision_id)


def page(tx: Tx, wanted: DecisionFilter, *, limit: int, before: UUID | None = None) -> list[DecisionRow]:
    """Return decisions, newest first, older than `before`."""
    return reading.page(tx, wanted, limit=limit, before=before)


def following(
    tx: Tx, automation: str, since: datetime, until: datetime, *, limit: int, after: UUID | None = None
) -> list[DecisionRecord]:
    """Return an automation's decisions requested between two moments, complete, oldest first, after `after`."""
    return reading.following(tx, automation, since, until, limit=limit, after=after)


def with_input(
    tx: Tx, automation: str, field: str, value: str, *, since: datetime, until: datetime, limit: int
) -> list[DecisionRecord]:
    """Return the newest decisions requested between two moments whose input has this value in a field."""
    return reading.with_input(tx, automation, field, value, since, until, limit)


def stats(tx: Tx, since: datetime, until: datetime, automations: Sequence[str] | None = None) -> Stats:
    """Return the performance between two moments, over the named automations or all."""
    return reading.stats(tx, since, until, automations)


def tallies(tx: Tx, *, since: datetime, until: datetime, step: timedelta) -> list[DecisionTally]:
    """Return the number of decisions and their latencies, for each step of time (from 1970) and automation."""
    return reading.tallies(tx, since, until, step)


def first_answer(tx: Tx, key: Idempotency) -> DecisionRecord | None:
    """Return the decision of a used key, or None.

    Raises KeyReused if the key was used for another input, KeyInFlight if its request still waits.
    """
    answer = first_answers(tx, [key]).get((key.scope, key.key))
    if isinstance(answer, AndonError):
        raise answer
    return answer


def first_answers(tx: Tx, asked: Sequence[Idempotency]) -> dict[tuple[str, str], FirstAnswer]:
    """Return the decisions of used keys, by scope and key.

    In place of a decision there is KeyReused if the key was used for another input, KeyInFlight if its request still
    waits.
    """
    used = keys.used(tx, asked)
    digests = {(key.scope, key.key): key.digest for key in asked}
    recorded = reading.find_all(tx, [decision_id for digest, decision_id in used.values()])
    return {
        place: KeyReused() if digest != digests[place] else recorded.get(decision_id) or KeyInFlight(retry_after=1)
        for place, (digest, decision_id) in used.items()
    }


def holders(tx: Tx, used: Sequence[Idempotency]) -> dict[tuple[str, str], UUID]:
    """Return the decisions that used keys have or wait for, by scope and key."""
    return {place: holder for place, (_, holder) in keys.used(tx, used).items()}


def accept(tx: Tx, request: DecisionRequest) -> UUID:
    """Keep a validated request to be decided soon; return the id of its future decision.

    The same idempotency key again gives the same id; raises KeyReused if the input differs.
    """
    key = request.idempotency
    while key is not None and not keys.reserve(tx, [request]):
        first = keys.used(tx, [key]).get((key.scope, key.key))
        if first is None:  # it was released just now
            continue
        digest, identifier = first
        if digest != key.digest:
            raise KeyReused()
        return identifier
    intake.accept_all(tx, [request])
    return request.id


def accept_new(tx: Tx, requests: Sequence[DecisionRequest]) -> set[UUID]:
    """Keep the requests without an idempotency key or with an unused one; return their ids.

    `accept` reports on the others.
    """
    reserved = keys.reserve(tx, requests)
    new = [request for request in requests if request.idempotency is None or request.id in reserved]
    intake.accept_all(tx, new)
    return {request.id for request in new}


def accept_again(
    tx: Tx,
    identifier: UUID,
    *,
    automation: str,
    raw: bytes,
    caller: str,
    correlation_id: str,
    traceparent: str | None,
    dead_event: UUID,
    mended: bool,
    now: datetime,
) -> None:
    """Keep an event that could not be decided for another attempt; the worker that takes it reads it first."""
    intake.accept(
        tx,
        {
            "id": identifier,
            "automation": automation,
            "raw": raw,
            "caller": caller,
            "correlation_id": correlation_id,
            "traceparent": traceparent,
            "received_at": now,
            "dead_event": dead_event,
            "mended": mended,
        },
    )


def withdraw(tx: Tx, decision_id: UUID) -> None:
    """Withdraw a waiting request."""
    intake.withdraw(tx, decision_id)


def find_waiting(tx: Tx, decision_id: UUID) -> WaitingRequest | None:
    """Return a request that waits to be decided, or None."""
    return intake.find(tx, decision_id)


def claim(tx: Tx, automations: Sequence[str], *, limit: int, now: datetime, lease: timedelta) -> list[WaitingRequest]:
    """Take the oldest waiting requests of these automations; undecided ones are free again when the lease ends.

    A request that was taken before, by a worker that died, is taken alone: if it killed that worker, no other request
    suffers.
    """
    suspect = intake.claim(tx, automations, limit=1, now=now, lease=lease, suspect=True)
    return suspect or intake.claim(tx, automations, limit=limit, now=now, lease=lease)


def keep_claimed(tx: Tx, ids: Sequence[UUID], *, until: datetime) -> None:
    """Extend the lease on requests that are being decided."""
    intake.keep_claimed(tx, ids, until)


def give_back(tx: Tx, ids: Sequence[UUID]) -> None:
    """Free requests that were taken and could not be tried because the database was away."""
    intake.give_back(tx, ids)


def fail(tx: Tx, decision_id: UUID, error: str, *, now: datetime) -> None:
    """Record why a waiting request can never be decided; the caller can read it, or its destination receives it.

    Its idempotency key is free again.
    """
    failed = intake.fail(tx, decision_id, error, now)
    if failed is None:
        return
    if failed.idempotency is not None:
        keys.release(tx, failed.idempotency, decision_id)
    if failed.notify is not None:
        outbox.add(tx, [told := consequences.failure(failed, failed.notify, now)])
        audit.record(
            tx,
            actor=PLATFORM,
            action="decision.fail",
            subject=f"decision:{decision_id}",
            at=now,
            rows=[SENT.row(told.id)],
        )


def deploy(tx: Tx, automation: Automation, *, actor: Actor, now: datetime) -> AutomationVersion:
    """Return the version of an automation as it is now; a new one, audited and announced, if its content is new."""
    description = assembly.describe(automation)
    digest = assembly.digest_of(description)
    known = versions.by_digest(tx, automation.name, digest)
    if known is not None:
        return known
    versions.lock(tx, automation.name)
    known = versions.by_digest(tx, automation.name, digest)
    if known is not None:
        return known
    number = versions.next_number(tx, automation.name)
    deployed = AutomationVersion(automation.name, number, digest, description, actor.name, now)
    versions.add(tx, deployed)
    audit.record(
        tx,
        actor=actor,
        action="automation.deploy",
        subject=f"automation:{automation.name}",
        at=now,
        after={"version": number, "digest": digest},
        rows=[AUTOMATION_VERSIONS.row(automation.name, number)],
    )
    announce(tx, "automations")
    return deployed


def automations(tx: Tx) -> list[str]:
    """Return the names of all automations that were ever deployed."""
    return versions.automations(tx)


def newest_versions(tx: Tx) -> list[AutomationVersion]:
    """Return the newest version of every automation that was ever deployed, by name."""
    return versions.newest(tx)


def deployed_versions(tx: Tx, name: str) -> list[AutomationVersion]:
    """Return every version of one automation that was ever deployed, oldest first."""
    return versions.deployed(tx, name)


def rows_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, DecisionRow]:
    """Return the rows of these decisions by id; missing ones are left out."""
    return reading.rows_of(tx, ids) if ids else {}


def records_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, DecisionRecord]:
    """Return the whole records of these decisions; missing ones are left out."""
    return reading.find_all(tx, ids)


def sample(tx: Tx, automation: str, outcome: str, since: datetime, until: datetime, *, limit: int) -> list[DecisionRow]:
    """Return decisions with an outcome that were requested between two moments.

    If there are more than `limit`, it always returns the same random sample.
    """
    return reading.sample(tx, automation, outcome, since, until, limit)


def outcomes_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Return the outcomes by the decisions' ids; missing ones are left out."""
    return reading.outcomes_of(tx, ids) if ids else {}


def scores_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, float | None]:
    """Return the model's scores by the decisions' ids; missing ones are left out.

    A score is None if the model gave none.
    """
    return reading.scores_of(tx, ids) if ids else {}


def declaring(tx: Tx, part: str) -> Mapping[str, datetime]:
    """Return the automations with a version that describes a part, such as `measures`.

    Each has the time when the first such version was deployed.
    """
    return versions.declaring(tx, part)


def version(tx: Tx, name: str, number: int) -> AutomationVersion:
    """Return one deployed version. Raises AutomationNotFound."""
    found = versions.find(tx, name, number)
    if found is None:
        raise AutomationNotFound(f"{name} has no version {number}")
    return found


def newest(tx: Tx, automation: str, limit: int) -> list[DecisionRecord]:
    """Return the last decisions of an automation, complete, newest first."""
    return reading.newest(tx, automation, limit)


def between(tx: Tx, first: UUID, last: UUID) -> list[DecisionRecord]:
    """Return the decisions with ids from `first` to `last`, complete, in order."""
    return reading.between(tx, first, last)


def cuts(
    tx: Tx, since: datetime, until: datetime, *, size: int, newest: tuple[str, int] | None = None
) -> Sequence[UUID]:
    """Return the ids at which parts of `size` decisions begin, then the id at which the last part ends.

    The parts hold the decisions of all automations between two moments. With `newest`, an automation and a number, the
    parts go back only as far as that many of its newest decisions.
    """
    return spans.cuts(tx, since, until, size, newest=newest)


def recorded_between(tx: Tx, automation: str, first: UUID, end: UUID) -> list[bytes]:
    """Return the records of an automation's decisions with ids from `first` to before `end`, for a `RecordReader`."""
    return spans.records(tx, automation, first, end)


def versions_between(tx: Tx, automation: str, first: UUID, end: UUID) -> list[AutomationVersion]:
    """Return the versions of an automation that made decisions with ids from `first` to before `end`."""
    return [version(tx, automation, number) for number in spans.versions(tx, automation, first, end)]


def plan_days(tx: Tx, now: datetime) -> None:
    """Create the missing partitions of the ledger for today and the next days.

    A day that was not planned in time stays in `decisions_unplanned`: decisions are never moved, and are found there as
    well. No decision waits for this call. It gives up while a long query on the ledger is under way, and raises
    DatabaseUnavailable then: the next call may succeed.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for ahead in range(DAYS_AHEAD + 1):
        day = midnight + timedelta(days=ahead)
        if not days.plan(tx, day):
            log.warning("ledger.day_stays_unplanned", day=f"{day:%Y-%m-%d}")


def keep_house(tx: Tx, now: datetime, *, failed_kept: timedelta) -> None:
    """Delete old idempotency keys, and requests that failed more than `failed_kept` ago."""
    keys.forget(tx, now - KEYS_KEPT)
    intake.forget_failed(tx, now - failed_kept)


def waiting_sql() -> str:
    """Return an SQL expression: whether an accepted request waits to be decided."""
    return intake.IS_WAITING


def count_waiting(tx: Tx) -> int:
    """Return how many accepted requests wait to be decided."""
    return intake.count(tx)
