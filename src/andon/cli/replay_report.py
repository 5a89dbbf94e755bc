"""The report of a replay in a terminal."""

from collections.abc import Sequence

from rich.console import Console

from andon.cli.printing import Facts, Plain
from andon.replays import LabelEstimate, LabelledChange, MeasureChange, ReplayReport, TotalEstimate, ValueChange

_SHOWN = 12


def show_report(report: ReplayReport) -> None:
    """Print the changes: first flips, then rules, reasons and segments, then work and mistakes."""
    console, scope = Console(), report.asked
    span = f"{scope.since:%Y-%m-%d %H:%M} to {scope.until:%Y-%m-%d %H:%M} UTC"
    console.print(
        f"{report.decisions:,} decisions of {scope.automation}, {span}; before: {scope.before}", highlight=False
    )
    console.print(_candidate(report))
    share = report.flipped / report.compared if report.compared else 0.0
    console.print(
        f"{report.flipped:,} decisions change ({share:.2%}); {report.compared - report.flipped:,} stay the same"
    )
    if scope.stopped:
        console.print(scope.stopped, style="yellow")
    for table in (_flips(report), _rules(report), _reasons(report), _segments(report), _undecided(report)):
        if table is not None:
            console.print(table)
    console.print(_changes(report))


def _candidate(report: ReplayReport) -> Facts:
    facts = Facts("Candidate")
    for part, words in report.asked.candidate.items():
        facts.add_row(part, words)
    return facts


def _flips(report: ReplayReport) -> Plain | None:
    table = Plain("was", "now", "decisions", "share", "examples", title="Outcomes that change")
    for flip in report.flips:
        table.add_row(flip.before, flip.after, f"{flip.decisions:,}", f"{flip.share:.2%}", "\n".join(flip.examples))
    return table if report.flips else None


def _rules(report: ReplayReport) -> Plain | None:
    table = Plain("was", "by rule", "now", "by rule", "decisions", "for example", title="Rules that change")
    for one in report.rules[:_SHOWN]:
        table.add_row(
            one.before, one.rule_before, one.after, one.rule_after, f"{one.decisions:,}", _first(one.examples)
        )
    return table if report.rules else None


def _reasons(report: ReplayReport) -> Plain | None:
    table = Plain("reason", "gained", "lost", "for example", title="Reasons that change")
    for one in report.reasons[:_SHOWN]:
        table.add_row(one.reason, f"{one.gained:,}", f"{one.lost:,}", _first(one.examples))
    return table if report.reasons else None


def _segments(report: ReplayReport) -> Plain | None:
    table = Plain("segment", "decisions", "change", "automatic", "for example", title="Segments that change")
    for one in report.segments[:_SHOWN]:
        share = f"{one.automatic_before:.1%} → {one.automatic_after:.1%}"
        table.add_row(f"{one.field} = {one.value}", f"{one.decisions:,}", f"{one.flips:,}", share, _first(one.examples))
    return table if report.segments else None


def _first(examples: Sequence[str]) -> str:
    return examples[0] if examples else ""


def _undecided(report: ReplayReport) -> Plain | None:
    table = Plain("decisions", "why", title="Not decided again")
    for why, count in report.undecided.items():
        table.add_row(f"{count:,}", why)
    return table if report.undecided else None


def _changes(report: ReplayReport) -> Facts:
    facts = Facts("Work and mistakes; in brackets 95% intervals for one look")
    automatic, reviews = report.automatic, report.reviews
    more = f"{automatic.after - automatic.before:+,} decisions"
    facts.add_row("automatic", f"{automatic.share_before:.1%} → {automatic.share_after:.1%} ({more})")
    spent = f"minutes unknown: {reviews.source}"
    if reviews.minutes_each is not None and reviews.minutes is not None:
        spent = f"{reviews.minutes_each:.1f} min each {reviews.source}: {reviews.minutes / 60:+,.1f} hours"
    facts.add_row("reviews", f"{reviews.before:,} → {reviews.after:,} ({reviews.after - reviews.before:+,}); {spent}")
    facts.add_row("error", _labelled(report.error, rate=True))
    if report.cost is not None:
        facts.add_row("cost", _labelled(report.cost, rate=False))
    for measure in report.measures:
        facts.add_row(measure.measure, _measured(measure))
    for one in report.values:
        facts.add_row(one.measure, _reported(one))
    return facts


def _measured(change: MeasureChange) -> str:
    unknown = f"\nunknown: {change.silent}" if change.silent else ""
    if not change.decisions:
        return unknown.strip()
    sides = f"{_total(change.before)} → {_total(change.after)} {change.unit} by {change.decisions:,} decisions"
    return f"{sides}: {_total(change.difference, sign='+')}{unknown}"


def _total(one: TotalEstimate | None, *, sign: str = "") -> str:
    if one is None:
        return "unknown"
    if one.low == one.high:
        return f"{one.total:{sign},.2f}"
    return f"{one.total:{sign},.2f} ({one.low:{sign},.2f} to {one.high:{sign},.2f})"


def _reported(change: ValueChange) -> str:
    sides = f"{_estimate(change.before)} → {_estimate(change.after)} {change.unit} a decision"
    if change.silent is not None:
        return f"unknown: {change.silent}" if change.before is None else f"{sides}\nnot estimated: {change.silent}"
    one = change.difference
    return sides if one is None else f"{sides}: {one.mean:+,.4g} ({one.low:+,.4g} to {one.high:+,.4g})"


def _labelled(change: LabelledChange, *, rate: bool) -> str:
    if change.silent is not None:
        return f"unknown: {change.silent}"
    of = f"of automatic decisions, by {change.after.labels:,} labels" if change.after else ""
    apart = ""
    if change.difference is not None:
        one = change.difference
        apart = f"\nper 1,000 decisions {1000 * one.mean:+.2f} ({1000 * one.low:+.2f} to {1000 * one.high:+.2f})"
    return f"{_estimate(change.before, rate=rate)} → {_estimate(change.after, rate=rate)} {of}{apart}"


def _estimate(one: LabelEstimate | None, *, rate: bool = False) -> str:
    if one is None:
        return "unknown"
    if rate:
        return f"{one.mean:.2%} ({one.low:.2%} to {one.high:.2%})"
    return f"{one.mean:,.4g} ({one.low:,.4g} to {one.high:,.4g})"
