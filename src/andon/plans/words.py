"""A plan in words, for a terminal."""

from collections.abc import Iterator, Sequence

from andon.plans.domain import AffectedAutomation, ChangePlan, FlippedOutcomes, NeededApproval, PlannedChange, shown

NOTHING_TO_DO = "Nothing to do"


def lines_of_changes(changes: Sequence[PlannedChange]) -> Iterator[str]:
    """Write each change in a line, with its detail below."""
    width = max((len(one.place) for one in changes), default=0)
    for one in changes:
        yield f"{one.place:<{width}}  {shown(one.before)} → {shown(one.after)}"
        yield from (f"    {line}" for line in one.detail)


def lines_of_plan(plan: ChangePlan) -> Iterator[str]:
    """Write a whole plan."""
    if not plan.changes:
        yield NOTHING_TO_DO
        return
    yield from lines_of_changes(plan.changes)
    for title, lines in (
        ("Who is affected", [_affected(one) for one in plan.affected]),
        ("The newest decisions, decided again", [_flipped(one) for one in plan.flipped]),
        ("What is proven", [f"{one.automation}: {one.sentence}" for one in plan.proofs]),
        ("Needed", [_needed(one) for one in plan.approvals]),
    ):
        if lines:
            yield ""
            yield title
            yield from (f"    {line}" for line in lines)


def counted(changes: Sequence[PlannedChange]) -> str:
    """Write the number of changes in words."""
    return f"{len(changes)} change{'' if len(changes) == 1 else 's'}"


def _affected(one: AffectedAutomation) -> str:
    share = f", {one.automatic / one.decisions:.0%} automatic" if one.decisions else ""
    others = f"; shares {one.endpoint} with {', '.join(one.shared_with)}" if one.shared_with else ""
    return f"{one.automation}: {one.decisions:,} decisions in the last 7 days{share}{others}"


def _flipped(one: FlippedOutcomes) -> str:
    if not one.decisions:
        return f"{one.automation}: no decision has been recorded yet"
    changed = ", ".join(f"{flip} {count:,}" for flip, count in one.flips.items())
    flips = f"; {changed}" if changed else ""
    failed = f"; {one.undecidable:,} can no longer be decided" if one.undecidable else ""
    return f"{one.automation}: of {one.decisions:,} decisions {one.same:,} keep their outcome{flips}{failed}"


def _needed(one: NeededApproval) -> str:
    where = f", within {one.automation}" if one.automation else ""
    roles = f" ({', '.join(one.roles)})" if one.roles else ""
    return f"{one.what}{where}{roles}"
