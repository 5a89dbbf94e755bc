"""The display of the story of the drift: the present act, and the results at the end."""

from examples.demo.drift.acts import ACTS, Story
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text


def live(story: Story) -> RenderableType:
    """The acts so far, and the figures of this moment."""
    rows = [Text.assemble(("✓ ", "green"), name, (f"  {told}", "dim")) for name, _, told in story.done]
    if len(story.done) < len(ACTS):
        rows.append(Text.assemble(("… ", "yellow"), (story.act, "bold")))
    tally, people = story.traffic.tally, story.people
    figures = Text.assemble(
        (f"{story.traffic.decided:,}", "bold"),
        " decided   ",
        (f"{tally.automatic / max(tally.decided, 1):.0%}", "bold"),
        " automatic in this part   let through ",
        (f"{tally.errors:,}", "bold red" if tally.errors else "bold"),
        "   verdicts ",
        (f"{people.given.total():,}", "bold green"),
        f"   waiting {story.traffic.waiting}",
    )
    return Group(*rows, figures)


def show_end(console: Console, story: Story) -> None:
    """The table of what came of it. Errors are counted from the beginning of the wave."""
    parts = [story.traffic.tallies[name] for name in ("wave", "calm again")]
    wrong, fixed = sum(one.errors for one in parts), sum(one.errors_fixed for one in parts)
    frauds = sum(one.frauds for one in parts)
    table = Table(title="What came of it", title_justify="left", show_header=False)
    given = story.people.given
    rows = {
        "Alarm": f"after {story.seen['alarm']:,} decisions of the wave",
        "Cord": f"after {story.seen['held']:,} decisions of the wave",
        "Frauds since the wave began": f"{frauds:,}",
        "Errors, fixed threshold": f"{fixed:,} by the model's score alone, on the same transfers",
        "Errors, Andon": f"{wrong:,}",
        "Reviews spent": f"{given.total():,} ({given['review']:,} asked for, {given['audit']:,} blind audits)",
        "Decisions": f"{story.traffic.decided:,}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    for name, total in story.seen.get("measures", {}).items():
        table.add_row(f"Measure {name}", f"{total:,.2f}")
    console.print(table)
