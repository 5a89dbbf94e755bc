"""Operations on traffic splits: set one, read them, read shadows' predictions. Changes are audited and announced."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from andon import audit, models, policies
from andon.kernel import reasons
from andon.kernel.db import Tx, announce
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import Ready
from andon.policies import PolicyVersion
from andon.serving import store
from andon.serving.candidates import Candidate
from andon.serving.domain import ShadowPrediction, ShadowSummary, SplitUnit, TrafficLease, TrafficSplit
from andon.serving.errors import SplitChanged, SplitInvalid
from andon.serving.published import SplitSet
from andon.serving.spreading import spread
from andon.serving.vouched import SPLITS

LEASED = "leases"
"""The noun that announces changed leases to processes."""

Suits: TypeAlias = Callable[[PolicyVersion], None]
"""A check that a published policy fits the automation; raises its faults."""


def set_split(
    tx: Tx,
    automation: str,
    model: str,
    *,
    shares: Mapping[Candidate, float],
    shadows: Sequence[Candidate],
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    ready: Ready | None = None,
    suits: Suits | None = None,
    seen: int | None = None,
    salt: str | None = None,
    unit: SplitUnit | None = None,
) -> TrafficSplit:
    """Assign shares in percent to candidates, the rest to the champion; running gateways follow within a second.

    An identical split changes nothing. `seen` is the number of the split that the caller has looked at. Another `salt`
    or `unit` than before draws every unit anew. Raises SplitInvalid, which names each fault, SplitChanged,
    ModelNotFound, and what `ready` and `suits` raise.
    """
    known = models.registered_at(tx, model)
    named = dict.fromkeys((*shares, *shadows))
    published = {one.policy: policies.find(tx, automation, one.policy) for one in named if one.policy}
    unknown = dict(_unknown(named, known, published, automation, models.held_versions(tx, model)))
    faults = [
        *reasons.faults_of(reason),
        *_share_faults(shares, unknown),
        *_shadow_faults(shadows, _answering(shares, champion_of(tx, model)), unknown),
    ]
    if faults:
        raise SplitInvalid(faults=faults)
    for number in dict.fromkeys(one.version for one in named):
        version = models.get(tx, model, number)
        models.require_same_score(tx, version)
        if ready is not None:
            ready(version)
    if suits is not None:
        for policy in published.values():
            if policy is not None:
                suits(policy)
    store.lock(tx, automation)
    before = split_of(tx, automation, model)
    if seen is not None and before.number != seen:
        raise SplitChanged(
            f"The split was changed in the meantime, by {before.set_by}: {before.reason}. Look at it, then repeat "
            "your change"
        )
    wanted = {candidate: float(shares[candidate]) for candidate in sorted(shares)}
    drawn = salt or before.salt, unit or before.unit
    anew = drawn != (before.salt, before.unit)
    if before.shares == wanted and before.shadows == tuple(sorted(shadows)) and not anew:
        return before
    after = replace(
        before,
        number=before.number + 1,
        shares=wanted,
        shadows=tuple(sorted(shadows)),
        set_by=actor.name,
        reason=reason.strip(),
        set_at=now,
        places=spread(wanted, {} if anew else before.places),
        salt=drawn[0],
        unit=drawn[1],
    )
    store.add_split(tx, after)
    events.publish(tx, _published(before, after, at=now))
    audit.record(
        tx,
        actor=actor,
        action="split.set",
        subject=f"automation:{automation}",
        at=now,
        reason=after.reason,
        before=_audited(before),
        after=_audited(after),
        rows=[SPLITS.row(automation, after.number)],
    )
    announce(tx, "automations")
    return after


def hold(tx: Tx, automation: str) -> None:
    """Lock the splits of this traffic until the transaction ends. Call this before writing an audit entry."""
    store.lock(tx, automation)


def split_of(tx: Tx, automation: str, model: str) -> TrafficSplit:
    """Return the split in force: all to the champion if there is none, or if the newest is of another model."""
    newest = store.find_split(tx, automation)
    if newest is None:
        return TrafficSplit(automation, model)
    if newest.model != model:
        return TrafficSplit(automation, model, newest.number, salt=newest.salt, unit=newest.unit)
    return newest


def require_genuine(tx: Tx, split: TrafficSplit) -> None:
    """Raise RowsDoubted if a split in force contradicts the audit log."""
    doubted = audit.doubts(tx, SPLITS, [SPLITS.row(split.automation, split.number)])
    audit.tell_refused(SPLITS, doubted, scope=split.automation)
    for why in doubted.values():
        raise audit.RowsDoubted(f"The split of {split.automation} is refused: {why}. Run `andon audit verify`")


def set_lease(tx: Tx, lease: TrafficLease) -> None:
    """Let the candidates of a split answer until a moment, which may be now; gateways follow within a second."""
    store.set_lease(tx, lease)
    announce(tx, LEASED)


def leases(tx: Tx) -> Mapping[str, TrafficLease]:
    """Return the lease of every automation that ever had one."""
    return {lease.automation: lease for lease in store.leases(tx)}


def champion_of(tx: Tx, endpoint: str) -> int | None:
    """Return the version that answers for the rest of a split; None if no champion was chosen yet."""
    champions = (alias for alias in models.list_aliases(tx) if alias.alias == models.CHAMPION)
    return next((alias.number for alias in champions if alias.name == endpoint), None)


def split_history(tx: Tx, automation: str) -> Sequence[TrafficSplit]:
    """Return every split of an automation, newest first."""
    return store.split_history(tx, automation)


def shadows_of(tx: Tx, decision_id: UUID) -> Sequence[ShadowPrediction]:
    """Return the shadows' predictions of a decision; empty without shadows or if the load was too high."""
    return store.shadows_of(tx, decision_id)


def shadow_position(tx: Tx) -> int:
    """Return the position of this transaction among those that write shadow predictions."""
    return store.transaction_of(tx)


def said_after(
    tx: Tx, automation: str, arm: str, position: int, *, limit: int
) -> tuple[Sequence[ShadowPrediction], int]:
    """Return about `limit` predictions of one arm as a shadow after a position, and the position after them.

    What a transaction wrote is read whole, and only once all that began before it have ended: none is ever skipped.
    """
    return store.said_after(tx, automation, arm, position, limit)


def said_beside(tx: Tx, arm: str, decisions: Sequence[UUID]) -> Mapping[UUID, ShadowPrediction]:
    """Return one arm's predictions as a shadow for these decisions; those that it did not see are omitted."""
    return store.said_beside(tx, arm, decisions)


def compare_shadows(tx: Tx, automation: str, arm: str, since: datetime) -> ShadowSummary:
    """Return a summary of one arm's shadow predictions since a moment."""
    return store.summary_of(tx, automation, arm, since)


def newest_said(tx: Tx, automation: str, arm: str, since: datetime, *, limit: int) -> Mapping[UUID, str]:
    """Return the outcomes of one shadow arm for the newest decisions it saw since a moment."""
    return store.newest_said(tx, automation, arm, since, limit)


def _unknown(
    named: Iterable[Candidate],
    known: Container[int],
    published: Mapping[str, PolicyVersion | None],
    automation: str,
    held: Container[int],
) -> Iterator[tuple[Candidate, str]]:
    """Yield each candidate that names a missing version or policy, or a quarantined version, with the reason."""
    for candidate in named:
        if candidate.version not in known:
            yield candidate, f"There is no version {candidate.version}"
        elif candidate.version in held:
            yield candidate, f"Version {candidate.version} is in quarantine"
        elif candidate.policy and published[candidate.policy] is None:
            yield candidate, f"{automation} has no policy version {candidate.policy}: publish it first"


def _published(before: TrafficSplit, after: TrafficSplit, *, at: datetime) -> SplitSet:
    return SplitSet(
        after.automation,
        after.number,
        {str(one): share for one, share in after.shares.items()},
        list(map(str, after.shadows)),
        {str(one): share for one, share in before.shares.items()},
        list(map(str, before.shadows)),
        after.set_by,
        after.reason,
        at=at,
    )


def _share_faults(shares: Mapping[Candidate, float], unknown: Mapping[Candidate, str]) -> Iterator[Fault]:
    for candidate, share in shares.items():
        if not 0 < share <= 100:
            yield Fault(f"shares.{candidate}", "A share is more than 0 and at most 100 percent")
        elif round(share, 2) != share:
            yield Fault(f"shares.{candidate}", "A share has at most two decimals")
    total = round(sum(shares.values()), 2)
    if total > 100:
        yield Fault("shares", f"The shares add up to {total:g} percent; at most 100 is possible")
    for candidate in shares:
        if candidate in unknown:
            yield Fault(f"shares.{candidate}", unknown[candidate])


def _answering(shares: Mapping[Candidate, float], champion: int | None) -> set[Candidate]:
    """Return the candidates that would answer, including the champion if anything is left for it."""
    if champion is None or round(sum(shares.values()), 2) >= 100:
        return set(shares)
    return {*shares, Candidate(champion)}


def _shadow_faults(
    shadows: Sequence[Candidate], answering: Set[Candidate], unknown: Mapping[Candidate, str]
) -> Iterator[Fault]:
    for candidate, times in sorted(Counter(shadows).items()):
        if candidate in unknown:
            yield Fault("shadows", unknown[candidate])
        if candidate in answering:
            yield Fault("shadows", f"Version {candidate} cannot both answer and run as a shadow")
        if times > 1:
            yield Fault("shadows", f"Version {candidate} is named twice")


def _audited(split: TrafficSplit) -> dict[str, Any]:
    shares = {str(candidate): share for candidate, share in split.shares.items()}
    return {"number": split.number, "model": split.model, "shares": shares, "shadows": list(map(str, split.shadows))}
