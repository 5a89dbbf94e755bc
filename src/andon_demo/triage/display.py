"""The results of the story of the mails, at its end."""

import statistics

from rich.console import Console
from rich.table import Table

from andon_demo.mails import NEW_TEAM
from andon_demo.triage.acts import TARGET, TriageStory


def show_end(console: Console, story: TriageStory) -> None:
    """Show the table of results."""
    traffic, sent = story.traffic, story.traffic.sent
    whole, since = traffic.tally(), traffic.tally(story.seen["launched"])
    orders = [one for one in traffic.decided if sent[one.message_id].truth.injection]
    held = sum(not one.automatic for one in orders)
    hidden = sum(sent[one.message_id].truth.hidden_injection for one in traffic.decided)
    spam = [one for one in traffic.decided if sent[one.message_id].truth.team == "spam" and one not in orders]
    caught = sum(traffic.team_of(one) == "spam" for one in spam)
    by_people = sum(not one.automatic for one in spam)
    blocked = story.cards.counts()
    answers = {str(one.message["In-Reply-To"]) for one in story.catcher.caught}
    waits = _waits(story)
    table = Table(title="What came of it", title_justify="left", show_header=False)
    rows = {
        "Mails decided": f"{whole.decided:,} of {len(sent):,}",
        "Automatic share": f"{whole.share:.1%}; {story.seen['calm'].share:.1%} before the new product, "
        f"{story.seen['after'].share:.1%} at the end",
        "Error of the automatic part": f"{whole.error:.1%} (target {TARGET:.0%}); {since.error:.1%} since the new "
        "product",
        "To the right desk": f"half in {statistics.median(waits):.1f} s, 95% in {_quantile(waits, 95):.1f} s",
        "Orders to machines": f"{held} of {len(orders)} held for a person; {hidden} more in text that nobody sees were "
        "never read",
        "Spam": f"{caught} of {len(spam)} filed by itself, {by_people} by people",
        f"New product ({NEW_TEAM})": f"{since.new} mails; {since.new_automatic} automatic once people had labelled",
        "Moved by specialists": f"{story.specialists.moved:,}; {story.traffic.finished:,} finished",
        "Verdicts on mails": f"{story.reviewers.given:,}",
        "Cards blocked": f"{len(blocked)} by the robot, each once: "
        f"{'yes' if all(count == 1 for count in blocked.values()) else 'NO'}; {story.reviewers.by_hand} by hand",
        "Answers": f"{len(story.catcher.caught)} sent, to {len(answers)} mails; {story.reviewers.approved} approved",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def succeeded(story: TriageStory) -> bool:
    """Return whether nothing happened twice, and no order to a machine was followed."""
    sent = story.traffic.sent
    followed = any(one.automatic for one in story.traffic.decided if sent[one.message_id].truth.injection)
    answers = [str(one.message["In-Reply-To"]) for one in story.catcher.caught]
    once = all(count == 1 for count in story.cards.counts().values()) and len(answers) == len(set(answers))
    marked = all(one.message["Auto-Submitted"] is not None for one in story.catcher.caught)
    return once and marked and not followed


def _waits(story: TriageStory) -> list[float]:
    at = story.traffic.sent_at
    return [(moment - at[name]).total_seconds() for name, moment in story.specialists.arrived.items()]


def _quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
