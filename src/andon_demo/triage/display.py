"""The final results of the mail story."""

import statistics

from rich.console import Console
from rich.table import Table

from andon_demo.mails import NEW_TEAM
from andon_demo.triage.acts import TARGET, TriageStory

ORDERS = "orders"
"""The rule that shows mails with orders to machines to a person."""


def show_end(console: Console, story: TriageStory) -> None:
    """Show how the line recovered, and the table of results."""
    console.print(_parts(story))
    console.print(_results(story))


def _parts(story: TriageStory) -> Table:
    """Return the parts of the story side by side."""
    traffic, launched, trained = story.traffic, story.seen["launched"], story.seen["trained"]
    parts = [traffic.tally(0, launched), traffic.tally(launched, trained), traffic.tally(trained), traffic.tally()]
    table = Table(title="How the line recovered", title_justify="left")
    for name in ("", "before", "new product, not trained", "trained on its mails", "all"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row("Mails", *(f"{part.decided:,}" for part in parts))
    table.add_row("Automatic", *(f"{part.share:.1%}" for part in parts))
    table.add_row(
        f"Automatic, to a wrong desk (target {TARGET:.0%})",
        *(f"{part.errors} of {part.automatic:,}, {part.error:.1%}" for part in parts),
    )
    table.add_row(f"Mails for {NEW_TEAM}", *(f"{part.new:,}" for part in parts))
    table.add_row("To its desk without a person", *(f"{part.new_right:,}" for part in parts))
    return table


def _results(story: TriageStory) -> Table:
    traffic, sent = story.traffic, story.traffic.sent
    orders = [one for one in traffic.decided if sent[one.message_id].truth.injection]
    held = sum(not one.automatic for one in orders)
    hidden = [one for one in traffic.decided if sent[one.message_id].truth.hidden_injection]
    unread = sum(one.rule != ORDERS for one in hidden)
    spam = [one for one in traffic.decided if sent[one.message_id].truth.team == "spam" and one not in orders]
    caught = sum(traffic.team_of(one) == "spam" for one in spam)
    by_people = sum(not one.automatic for one in spam)
    blocked = story.cards.counts()
    answers = {str(one.message["In-Reply-To"]) for one in story.catcher.caught}
    waits = _waits(story)
    table = Table(title="Results", title_justify="left", show_header=False)
    rows = {
        "Mails decided": f"{len(traffic.decided):,} of {len(sent):,}; {traffic.ledger.repeated} twice, "
        f"{traffic.ledger.dead()} not readable",
        "To the right desk": f"half in {statistics.median(waits):.1f} s, 95% in {_quantile(waits, 95):.1f} s",
        "Orders to machines": f"{held} of {len(orders)} held for a person; {unread} of {len(hidden)} in hidden "
        "text were not read",
        "Spam": f"{caught} of {len(spam)} filed automatically, {by_people} by people",
        "Moved by specialists": f"{story.specialists.moved:,}; {traffic.finished:,} finished",
        "Verdicts on mails": f"{story.reviewers.given:,}",
        "Cards blocked": f"{len(blocked)} of {traffic.ledger.procedures()[0]} by the robot, each once: "
        f"{'yes' if all(count == 1 for count in blocked.values()) else 'NO'}; {story.reviewers.by_hand} by hand",
        "Answers": f"{len(story.catcher.caught)} sent, to {len(answers)} mails; {story.reviewers.approved} approved",
        "Unknown outcomes": f"{story.reviewers.left} left to people who can check whether it happened",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def succeeded(story: TriageStory) -> bool:
    """Return whether nothing was lost or left over, nothing happened twice, and no order to a machine was followed."""
    traffic, sent = story.traffic, story.traffic.sent
    followed = any(one.automatic for one in traffic.decided if sent[one.message_id].truth.injection)
    answers = [str(one.message["In-Reply-To"]) for one in story.catcher.caught]
    begun, ended = traffic.ledger.procedures()
    whole = len(traffic.decided) == len(sent) and ended == begun and not traffic.ledger.repeated
    once = all(count == 1 for count in story.cards.counts().values()) and len(answers) == len(set(answers))
    marked = all(one.message["Auto-Submitted"] is not None for one in story.catcher.caught)
    return whole and once and marked and not followed


def _waits(story: TriageStory) -> list[float]:
    at = story.traffic.sent_at
    return [(moment - at[name]).total_seconds() for name, moment in story.specialists.arrived.items()]


def _quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
