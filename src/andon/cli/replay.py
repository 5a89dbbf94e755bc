"""`andon replay`: decide recorded decisions again, with the versions that made them or with others, and compare."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from andon import decisions
from andon.bootstrap.recorded import RecordedLines
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.decisions import Difference
from andon.kernel.errors import Conflict

Name = Annotated[str | None, typer.Option("--automation", help="Whose decisions, if there are several automations.")]
Last = Annotated[int, typer.Option(min=1, max=1_000_000, help="How many of the newest decisions.")]
Verify = Annotated[bool, typer.Option("--verify", help="Fail unless every decision comes out identical.")]
Model = Annotated[
    int | None, typer.Option(min=1, help="Decide with this model version instead, to see what would change.")
]

_SHOWN = 20


class ReplayDiffers(Conflict):
    """Some decisions came out otherwise."""


def replay(automation: Name = None, last: Last = 1000, verify: Verify = False, model_version: Model = None) -> None:
    """Decide the newest recorded decisions again from what was seen then, and compare outcome, rule and score."""
    with project() as here, Progress(console=Console(stderr=True), transient=True) as progress:
        lines = RecordedLines(here.settings, here.database, automation, model_version)
        with here.database.begin() as tx:
            records = decisions.newest(tx, lines.automation, last)
        task = progress.add_task("Deciding again", total=len(records))
        replayed = decisions.replay(records, lines.of, lambda count: progress.advance(task, count))
    console = Console()
    share = 100 * replayed.identical / replayed.compared if replayed.compared else 100.0
    console.print(
        f"{replayed.compared:,} decisions of {lines.automation} decided again: {replayed.identical:,} identical ({share:.2f}%)",
        highlight=False,
    )
    if replayed.differences:
        console.print(_table(replayed.differences))
    if verify and replayed.differences:
        raise ReplayDiffers(f"{len(replayed.differences)} of {replayed.compared} decisions came out otherwise")


def _table(differences: tuple[Difference, ...]) -> Plain:
    table = Plain("decision", "recorded", "now", title=f"{len(differences):,} differ", by_id=True)
    for difference in differences[:_SHOWN]:
        table.add_row(str(difference.id), difference.before, difference.after)
    return table
