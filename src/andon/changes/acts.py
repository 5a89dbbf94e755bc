"""All acts in the history of a line, each described in a sentence; not all count as changes. Pure."""

from collections.abc import Iterator, Sequence

from andon.alerts import shown_segment
from andon.changes.domain import Act, ActKind
from andon.changes.history import LineHistory
from andon.gates import NOTHING, GateRevision
from andon.serving import TrafficSplit


def acts_of(history: LineHistory, revisions: Sequence[GateRevision]) -> Sequence[Act]:
    """List the acts of a line with these gate revisions, oldest first."""
    found = [*_code(history), *_traffic(history), *_rollouts(history), *map(_gate, revisions), *_care(history)]
    return sorted(found, key=lambda one: one.at)


def _code(history: LineHistory) -> Iterator[Act]:
    for release in history.releases:
        before = "" if release.before is None else f", before: version {release.before}"
        what = f"version {release.version} released{before}"
        yield Act(release.released_at, ActKind.RELEASE, what, release.released_by, release.reason)
    for setting in history.policies:
        before = "" if setting.before is None else f", before: {setting.before}"
        yield Act(
            setting.set_at, ActKind.POLICY, f"policy {setting.version} in force{before}", setting.set_by, setting.reason
        )


def _traffic(history: LineHistory) -> Iterator[Act]:
    for split in history.splits:
        if split.set_at is not None:
            yield Act(split.set_at, ActKind.SPLIT, split_sentence(split), split.set_by, split.reason)
    for model, settings in history.champions.items():
        before: int | None = None
        for one in settings:
            then = "" if before is None else f", before: {before}"
            yield Act(one.set_at, ActKind.PROMOTION, f"{model} {one.number} is champion{then}", one.set_by, one.reason)
            before = one.number


def _rollouts(history: LineHistory) -> Iterator[Act]:
    for trace in history.rollouts:
        one = trace.rollout
        what = f"rollout {one.number} of version {one.candidate} started"
        yield Act(one.created_at, ActKind.ROLLOUT, what, one.started_by, one.reason)
        if one.ended_at is not None:
            what = f"rollout {one.number} {one.state.value.replace('_', ' ')}"
            yield Act(one.ended_at, ActKind.ROLLOUT, what, one.ended_by or "", one.why)


def _gate(one: GateRevision) -> Act:
    where = f" ({one.where})" if one.where else ""
    until = "" if one.expires_at is None else f" until {one.expires_at:%Y-%m-%d %H:%M} UTC"
    what = f"gate revision {one.revision} of {one.arm}{where}: {confidence_sentence(one)}{until}"
    return Act(one.at, ActKind.GATE, what, one.by, one.reason)


def _care(history: LineHistory) -> Iterator[Act]:
    for change in history.states:
        where = shown_segment(change.segment) or "the line"
        yield Act(change.at, ActKind.CORD, f"{where}: {change.before} to {change.after}", change.by, change.reason)
    for share in history.shares:
        yield Act(share.at, ActKind.AUDIT_SHARE, f"blind audits of {share.share:.2%}", share.by, share.reason)
    for budget in history.budgets:
        yield Act(budget.set_at, ActKind.BUDGET, f"budget: {budget.summary}", budget.set_by, budget.reason)
    for incident in history.incidents:
        yield Act(incident.opened_at, ActKind.INCIDENT, "incident opened", incident.opened_by, incident.title)
        if incident.ended_at is not None:
            by, cause = incident.ended_by or "", incident.cause or ""
            yield Act(incident.ended_at, ActKind.INCIDENT, "incident ended", by, cause)


def split_sentence(split: TrafficSplit) -> str:
    """Describe the shares of a split and its shadows."""
    shadows = ", ".join(f"version {one}" for one in split.shadows)
    return f"{split.summary}; shadows: {shadows}" if shadows else split.summary


def confidence_sentence(one: GateRevision) -> str:
    """Describe the lowest confidence at which an arm decides by itself."""
    return "nothing automatic" if one.threshold >= NOTHING else f"confidence from {one.threshold:.4f}"
