"""The final results of the rollout story."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from andon_demo.rollout.acts import BAD, GOOD, RolloutStory


def show_end(console: Console, story: RolloutStory) -> None:
    """Show the table of results: the decisions before each rollout ended, and its cost."""
    table = Table(title="Results", title_justify="left")
    for column in ("", f"version {BAD}, better on paper", f"version {GOOD}, better"):
        table.add_column(column)
    found = {version: story.rollout(version) for version in (BAD, GOOD)}
    answered, given = story.traffic.versions, story.people.given
    rows = {
        "ROC AUC on held-out rows": [f"{story.api.auc(version):.3f}" for version in found],
        "Ended as": [one["state"].replace("_", " ") for one in found.values()],
        "Decisions until then": [f"{story.seen[end]:,}" for end in ("ended", "promoted")],
        "Of these by the candidate": [f"{answered[BAD].decided:,}", f"{story.seen['answered']:,}"],
        "Wrong among those": [f"{answered[BAD].errors:,}", f"{story.seen['errors']:,}"],
        "Largest share of traffic": [f"{largest_share(one):g}%" for one in found.values()],
        "Labels asked for, where it differed": [f"{asked(one):,}" for one in found.values()],
    }
    for name, values in rows.items():
        table.add_row(name, *values)
    console.print(table)
    console.print(
        f"{story.traffic.decided:,} decisions in all; {given.total():,} verdicts of people "
        f"({given['review']:,} reviews, {given['audit']:,} blind audits, {given['question']:,} about the comparison)"
    )


def asked(rollout: Mapping[str, Any]) -> int:
    """Return about how many decisions people were asked, because the two versions predicted otherwise."""
    return sum(one["pairs"]["asked"] for one in rollout["guardrails"])


def largest_share(rollout: Mapping[str, Any]) -> float:
    """Return the largest share that a rollout gave to its candidate."""
    stages = [0.0, *rollout["plan"]["steps"]]
    return max(100.0 if one["kind"] == "promote" else stages[one["stage_after"]] for one in rollout["events"])
