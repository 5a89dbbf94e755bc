"""What can be done with traffic splits: set one, read them, read what shadows said. Changes are audited and announced."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

from andon import audit, models
from andon.kernel import reasons
from andon.kernel.db import Tx, announce
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import ModelVersion, Ready
from andon.serving import store
from andon.serving.domain import ShadowPrediction, ShadowSummary, TrafficSplit
from andon.serving.errors import SplitChanged, SplitInvalid
from andon.serving.published import SplitSet
from andon.serving.spreading import spread


def set_split(
    tx: Tx,
    endpoint: str,
    *,
    shares: Mapping[int, float],
    shadows: Sequence[int],
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    ready: Ready | None = None,
    seen: int | None = None,
) -> TrafficSplit:
    """Let versions of a model answer for so many percent each, the champion for the rest; running gateways follow within a second.

    Where it is split so already, nothing changes. `seen` is the number of the split that whoever asks has before his eyes.
    Raises SplitInvalid, which names each fault, SplitChanged, ModelNotFound, and what `ready` raises.
    """
    known = {version.number: version for version in models.list_versions(tx, endpoint)}
    answering = _answering(shares, champion_of(tx, endpoint))
    faults = [*reasons.faults_of(reason), *_share_faults(shares), *_version_faults(shares, shadows, answering, known)]
    if faults:
        raise SplitInvalid(faults=faults)
    if ready is not None:
        for number in (*shares, *shadows):
            ready(known[number])
    store.lock(tx, endpoint)
    before = split_of(tx, endpoint)
    if seen is not None and before.number != seen:
        raise SplitChanged(
            f"The split was changed meanwhile, by {before.set_by}: {before.reason}. Look at it, then say again what you want"
        )
    wanted = {version: float(shares[version]) for version in sorted(shares)}
    if before.shares == wanted and before.shadows == tuple(sorted(shadows)):
        return before
    after = TrafficSplit(
        endpoint=endpoint,
        number=before.number + 1,
        shares=wanted,
        shadows=tuple(sorted(shadows)),
        set_by=actor.name,
        reason=reason.strip(),
        set_at=now,
        places=spread(wanted, before.places),
    )
    _put(tx, before, after, actor, at=now)
    events.publish(tx, _published(before, after, at=now))
    return after


def split_of(tx: Tx, endpoint: str) -> TrafficSplit:
    """The split that holds; number 0, all to the champion, where none was made."""
    return store.find_split(tx, endpoint) or TrafficSplit(endpoint)


def champion_of(tx: Tx, endpoint: str) -> int | None:
    """The version that has what the split gives to no other; None where none was chosen yet."""
    champions = (alias for alias in models.list_aliases(tx) if alias.alias == models.CHAMPION)
    return next((alias.number for alias in champions if alias.name == endpoint), None)


def list_splits(tx: Tx) -> Sequence[TrafficSplit]:
    """The split that holds of each endpoint for which one was made."""
    return store.list_splits(tx)


def split_history(tx: Tx, endpoint: str) -> Sequence[TrafficSplit]:
    """Every split of an endpoint, newest first. Raises ModelNotFound."""
    models.list_versions(tx, endpoint)
    return store.split_history(tx, endpoint)


def shadows_of(tx: Tx, decision_id: UUID) -> Sequence[ShadowPrediction]:
    """What the shadows said beside a decision, by version; nothing where none looked on or the load was too high."""
    return store.shadows_of(tx, decision_id)


def compare_shadows(tx: Tx, endpoint: str, version: int, since: datetime) -> ShadowSummary:
    """What one version said as a shadow since a moment, counted. Raises ModelNotFound, VersionNotFound."""
    models.get(tx, endpoint, version)
    return store.summary_of(tx, endpoint, version, since)


def newest_said(tx: Tx, endpoint: str, version: int, since: datetime, *, limit: int) -> Mapping[UUID, str]:
    """The outcomes that one version as a shadow would have had, by the newest decisions it saw since a moment."""
    return store.newest_said(tx, endpoint, version, since, limit)


def _put(tx: Tx, before: TrafficSplit, after: TrafficSplit, actor: Actor, *, at: datetime) -> None:
    """Write a split, who made it and why, and tell the gateways."""
    store.add_split(tx, after)
    audit.record(
        tx,
        actor=actor,
        action="model.split.set",
        subject=f"model:{after.endpoint}",
        at=at,
        reason=after.reason,
        before=_audited(before),
        after=_audited(after),
    )
    announce(tx, "models")


def _published(before: TrafficSplit, after: TrafficSplit, *, at: datetime) -> SplitSet:
    return SplitSet(
        after.endpoint,
        after.number,
        after.shares,
        after.shadows,
        before.shares,
        before.shadows,
        after.set_by,
        after.reason,
        at=at,
    )


def _share_faults(shares: Mapping[int, float]) -> Iterator[Fault]:
    for version, share in shares.items():
        if not 0 < share <= 100:
            yield Fault(f"shares.{version}", "A share is more than 0 and at most 100 percent")
        elif round(share, 2) != share:
            yield Fault(f"shares.{version}", "A share has at most two decimals")
    total = round(sum(shares.values()), 2)
    if total > 100:
        yield Fault("shares", f"The shares add up to {total:g} percent; at most 100 can be given away")


def _answering(shares: Mapping[int, float], champion: int | None) -> set[int]:
    """The versions that would answer; the champion, if anything is left for it."""
    if champion is None or round(sum(shares.values()), 2) >= 100:
        return set(shares)
    return {*shares, champion}


def _version_faults(
    shares: Mapping[int, float], shadows: Sequence[int], answering: Set[int], known: Mapping[int, ModelVersion]
) -> Iterator[Fault]:
    named = Counter(shadows)
    for version in [version for version in shares if version not in known]:
        yield Fault(f"shares.{version}", f"There is no version {version}")
    for version, times in sorted(named.items()):
        if version not in known:
            yield Fault("shadows", f"There is no version {version}")
        if version in answering:
            yield Fault("shadows", f"Version {version} cannot both answer and only look on")
        if times > 1:
            yield Fault("shadows", f"Version {version} is named twice")


def _audited(split: TrafficSplit) -> dict[str, Any]:
    shares = {str(version): share for version, share in split.shares.items()}
    return {"number": split.number, "shares": shares, "shadows": list(split.shadows)}
