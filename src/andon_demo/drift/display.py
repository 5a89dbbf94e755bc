"""The final results of the drift story."""

from rich.console import Console
from rich.table import Table

from andon_demo.drift.acts import Story


def show_end(console: Console, story: Story) -> None:
    """Show the table of results. Errors are counted from the beginning of the wave."""
    parts = [story.traffic.tallies[name] for name in ("wave", "calm again")]
    wrong, fixed = sum(one.errors for one in parts), sum(one.errors_fixed for one in parts)
    frauds = sum(one.frauds for one in parts)
    table = Table(title="Results", title_justify="left", show_header=False)
    given = story.people.given
    rows = {
        "Alarm": f"after {story.seen['alarm']:,} decisions of the wave",
        "Cord": f"after {story.seen['held']:,} decisions of the wave",
        "Frauds since the wave began": f"{frauds:,}",
        "Errors, fixed threshold": f"{fixed:,} by the score alone, on the same transfers",
        "Errors, Andon": f"{wrong:,}",
        "Verdicts of people": f"{given.total():,} ({given['review']:,} reviews, {given['audit']:,} blind audits)",
        "Decisions": f"{story.traffic.decided:,}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    for name, total in story.seen.get("measures", {}).items():
        table.add_row(f"Measure {name}", f"{total:,.2f}")
    console.print(table)
