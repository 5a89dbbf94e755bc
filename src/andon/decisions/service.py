"""Operations on decisions besides deciding: read them, accept requests for later, deploy versions, keep house."""

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
"""Partitions of the ledger are made this many days before they are needed."""


def get(tx: Tx, decision_id: UUID) -> DecisionRecord:
    """One decision, whole. Raises DecisionNotFound."""
    found = reading.find(tx, decision_id)
    if found is None:
        raise DecisionNotFound(f"No decision {decision_id}")
    return found


def find(tx: Tx, decision_id: UUID) -> DecisionRecord | None:
    """One decision, whole, or None."""
    return reading.find(tx, decision_id)


def page(tx: Tx, wanted: DecisionFilter, *, limit: int, before: UUID | None = None) -> list[DecisionRow]:
    """Decisions, newest first, older than `before`."""
    return reading.page(tx, wanted, limit=limit, before=before)


def following(
    tx: Tx, automation: str, since: datetime, until: datetime, *, limit: int, after: UUID | None = None
) -> list[DecisionRecord]:
    """Decisions of an automation that were asked for between two moments, whole, oldest first, those after `after`."""
    return reading.following(tx, automation, since, until, limit=limit, after=after)


def with_input(
    tx: Tx, automation: str, field: str, value: str, *, since: datetime, until: datetime, limit: int
) -> list[DecisionRecord]:
    """Return the newest decisions asked for between two moments whose input has this value in a field."""
    return reading.with_input(tx, automation, field, value, since, until, limit)


def stats(tx: Tx, since: datetime, until: datetime, automations: Sequence[str] | None = None) -> Stats:
    """How the line did between two moments, over the named automations or all."""
    return reading.stats(tx, since, until, automations)


def tallies(tx: Tx, *, since: datetime, until: datetime, step: timedelta) -> list[DecisionTally]:
    """For each step of time (counted from 1970) and automation that had decisions: how many, and how long they took."""
    return reading.tallies(tx, since, until, step)


def first_answer(tx: Tx, key: Idempotency) -> DecisionRecord | None:
    """Return the decision that a used key got, or None.

    Raises KeyReused if it was for another input, KeyInFlight if it still waits.
    """
    answer = first_answers(tx, [key]).get((key.scope, key.key))
    if isinstance(answer, AndonError):
        raise answer
    return answer


def first_answers(tx: Tx, asked: Sequence[Idempotency]) -> dict[tuple[str, str], FirstAnswer]:
    """Return what used keys got, by scope and key.

    In place of a decision it is KeyReused if the key was used for another input, KeyInFlight if its request still
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
    """Which decision used keys got or wait for, by scope and key."""
    return {place: holder for place, (_, holder) in keys.used(tx, used).items()}


def accept(tx: Tx, request: DecisionRequest) -> UUID:
    """Keep a validated request to be decided soon; the id under which its decision will be found.

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
    """Keep those of these requests whose idempotency key, if they have one, was never used; return their ids.

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
    """Keep an event that could not be decided to be tried again; who takes it reads it first."""
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
    """Take a waiting request back."""
    intake.withdraw(tx, decision_id)


def find_waiting(tx: Tx, decision_id: UUID) -> WaitingRequest | None:
    """Return a request that waits to be decided, or None."""
    return intake.find(tx, decision_id)


def claim(tx: Tx, automations: Sequence[str], *, limit: int, now: datetime, lease: timedelta) -> list[WaitingRequest]:
    """Take the oldest waiting requests of these automations; they are free again when the lease ends undecided.

    A request that was taken before, by a worker that ended, is taken alone: if it ended that worker, it takes no other
    request along.
    """
    suspect = intake.claim(tx, automations, limit=1, now=now, lease=lease, suspect=True)
    return suspect or intake.claim(tx, automations, limit=limit, now=now, lease=lease)


def keep_claimed(tx: Tx, ids: Sequence[UUID], *, until: datetime) -> None:
    """Keep requests that are being decided from other workers for longer."""
    intake.keep_claimed(tx, ids, until)


def give_back(tx: Tx, ids: Sequence[UUID]) -> None:
    """Free requests that were taken and could not be tried, as the database was away."""
    intake.give_back(tx, ids)


def fail(tx: Tx, decision_id: UUID, error: str, *, now: datetime) -> None:
    """Say why a waiting request can never be decided; who asked will find it there, or is told where it asked to be.

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
    """Return the version of an automation as it stands; a new one, audited and announced, if its content is new."""
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
    """Every version of one automation that was ever deployed, oldest first."""
    return versions.deployed(tx, name)


def rows_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, DecisionRow]:
    """Return the rows of these decisions by id; missing ones are left out."""
    return reading.rows_of(tx, ids) if ids else {}


def records_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, DecisionRecord]:
    """Return the whole records of these decisions; missing ones are left out."""
    return reading.find_all(tx, ids)


def sample(tx: Tx, automation: str, outcome: str, since: datetime, until: datetime, *, limit: int) -> list[DecisionRow]:
    """Return decisions with an outcome that were asked for between two moments.

    Of more than `limit`, it returns always the same random ones.
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
    """One deployed version. Raises AutomationNotFound."""
    found = versions.find(tx, name, number)
    if found is None:
        raise AutomationNotFound(f"{name} has no version {number}")
    return found


def newest(tx: Tx, automation: str, limit: int) -> list[DecisionRecord]:
    """Return the last decisions of an automation, whole, newest first."""
    return reading.newest(tx, automation, limit)


def between(tx: Tx, first: UUID, last: UUID) -> list[DecisionRecord]:
    """Return the decisions with ids from `first` to `last`, whole, in their order."""
    return reading.between(tx, first, last)


def cuts(
    tx: Tx, since: datetime, until: datetime, *, size: int, newest: tuple[str, int] | None = None
) -> Sequence[UUID]:
    """Return the ids at which parts of `size` decisions begin, then the id at which the last part ends.

    The parts hold the decisions of all automations between two moments. `newest` is an automation and a number: then
    the parts go back only to its newest so many decisions.
    """
    return spans.cuts(tx, since, until, size, newest=newest)


def recorded_between(tx: Tx, automation: str, first: UUID, end: UUID) -> list[bytes]:
    """Return the records of an automation's decisions with ids from `first` to before `end`, for a `RecordReader`."""
    return spans.records(tx, automation, first, end)


def versions_between(tx: Tx, automation: str, first: UUID, end: UUID) -> list[AutomationVersion]:
    """Return the versions of an automation that made decisions with ids from `first` to before `end`."""
    return [version(tx, automation, number) for number in spans.versions(tx, automation, first, end)]


def plan_days(tx: Tx, now: datetime) -> None:
    """Make the ledger's partitions of today and of the next days, as far as they are missing.

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
    """Forget old idempotency keys, and requests that failed longer ago than that."""
    keys.forget(tx, now - KEYS_KEPT)
    intake.forget_failed(tx, now - failed_kept)


def waiting_sql() -> str:
    """Return an SQL expression: whether an accepted request waits to be decided."""
    return intake.IS_WAITING


def count_waiting(tx: Tx) -> int:
    """How many accepted requests wait to be decided."""
    return intake.count(tx)
