"""`andon replay`: recorded decisions decided again, by the versions that made them or by a candidate."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from andon import models, policies
from andon.authoring import Automation
from andon.bootstrap.project import chosen, load_automations
from andon.bootstrap.replaying import Replaying
from andon.cli.context import Project, project
from andon.cli.moments import moment_of
from andon.cli.printing import Plain
from andon.cli.progress import progress
from andon.cli.replay_report import show_report
from andon.console import replay_page
from andon.decisions import Difference
from andon.kernel.db import Tx
from andon.kernel.errors import Conflict, NotFound
from andon.replays import EARLIEST, ReplayInvalid, ReplayQuestion, ReplayReport, ReplayTally, TriedPolicy

Name = Annotated[
    str | None, typer.Argument(help="The automation whose decisions to replay; required if there are several.")
]
NameOption = Annotated[str | None, typer.Option("--automation", help="The same, as an option.")]
Last = Annotated[
    int | None,
    typer.Option(
        min=1, max=10_000_000, help="At most this many of the newest decisions; default: 1,000 unless --since is given."
    ),
]
Since = Annotated[str | None, typer.Option(help="The start: 30d, 12h, or a moment such as 2026-11-24T12:00Z.")]
Until = Annotated[str | None, typer.Option(help="The end, exclusive; default: now.")]
Verify = Annotated[bool, typer.Option("--verify", help="Fail unless every decision comes out identical.")]
Model = Annotated[
    str | None,
    typer.Option("--model", "--model-version", help="Decide with this model version, such as fraud-risk@8 or 8."),
]
PolicyOption = Annotated[str | None, typer.Option("--policy", help="Decide by this policy: a file, or a version.")]
GateOption = Annotated[float | None, typer.Option("--gate", min=0, max=2, help="Decide with this threshold.")]
Minutes = Annotated[float | None, typer.Option("--review-minutes", min=0, help="The minutes that a review takes.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write the report as a page.", dir_okay=False)]
Json = Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.", dir_okay=False)]

NEWEST = 1000
_AGO = re.compile(r"([1-9]\d{0,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class ReplayDiffers(Conflict):
    """Some decisions came out differently."""


class PolicyMissing(NotFound):
    """There is neither such a file nor such a version."""


def replay(
    name: Name = None,
    automation: NameOption = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    verify: Verify = False,
    model: Model = None,
    policy: PolicyOption = None,
    gate: GateOption = None,
    review_minutes: Minutes = None,
    html: Html = None,
    json_file: Json = None,
) -> None:
    """Decide recorded decisions again from their recorded inputs, by the versions that made them or by a candidate."""
    with project() as here:
        declared, now = chosen(load_automations(here.settings), name or automation), here.clock.now()
        with here.database.begin() as tx:
            question = ReplayQuestion(
                automation=declared.name,
                since=EARLIEST if since is None else since_of(since, now),
                until=now if until is None else since_of(until, now),
                last=last if since is not None or last is not None else NEWEST,
                model=None if model is None else version_of(tx, declared, model),
                policy=None if policy is None else policy_of(tx, declared.name, policy),
                gate=gate,
            )
        tally, report = replayed(here, question, review_minutes)
    if question.has_candidate:
        show_report(report)
    else:
        _show_verification(tally, report)
    write(report, html, json_file, here.settings.project.name)
    if verify and tally.identical < tally.decisions:
        raise ReplayDiffers(f"{tally.decisions - tally.identical} of {tally.decisions} decisions came out differently")


def replayed(here: Project, question: ReplayQuestion, review_minutes: float | None) -> tuple[ReplayTally, ReplayReport]:
    """Run a replay on all cores, with its progress on standard error."""
    if question.since >= question.until:
        raise ReplayInvalid(f"--since {question.since:%Y-%m-%d %H:%M} is not before {question.until:%Y-%m-%d %H:%M}")
    replaying = Replaying.prepared(here.settings, here.database, question, here.clock.now())
    with progress("Deciding again", replaying.size, "decisions") as advance:
        tally = replaying.run(advance)
    return tally, replaying.report(tally, review_minutes=review_minutes)


def write(report: ReplayReport, html: Path | None, json_file: Path | None, project_name: str) -> None:
    """Write the report to the given files."""
    if html is not None:
        html.write_text(replay_page(report, project_name), encoding="utf-8")
    if json_file is not None:
        json_file.write_text(json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def since_of(text: str, now: datetime) -> datetime:
    """Read a moment, or how long ago it was. Raises MomentInvalid."""
    match = _AGO.fullmatch(text.strip())
    return moment_of(text) if match is None else now - timedelta(**{_UNITS[match[2]]: int(match[1])})


def version_of(tx: Tx, automation: Automation, text: str) -> int:
    """Read the number of a model version of an automation. Raises ReplayInvalid, VersionNotFound, AliasNotFound."""
    model, _, version = text.rpartition("@")
    if model not in ("", automation.model):
        raise ReplayInvalid(
            f"{automation.name} uses {automation.model}, not {model}: write {automation.model}@{version}"
        )
    if not version.isdecimal():
        return models.by_alias(tx, automation.model, version).number
    return models.get(tx, automation.model, int(version)).number


def policy_of(tx: Tx, automation: str, text: str) -> TriedPolicy:
    """Read a policy: a file, or a published version of an automation. Raises PolicyMissing."""
    file = Path(text)
    if file.is_file():
        return TriedPolicy(file.read_text(encoding="utf-8"), str(file))
    published = policies.find(tx, automation, text)
    if published is None:
        raise PolicyMissing(f"There is no file {text}, and {automation} has no policy version {text}")
    return TriedPolicy(published.text, f"policy {published.version}")


def _show_verification(tally: ReplayTally, report: ReplayReport) -> None:
    console = Console()
    share = 100 * tally.identical / tally.decisions if tally.decisions else 100.0
    again = f"{tally.decisions:,} decisions of {report.asked.automation} decided again"
    console.print(f"{again}: {tally.identical:,} identical ({share:.2f}%)", highlight=False)
    if tally.apart:
        console.print(_table(tally.apart, tally.decisions - tally.identical))


def _table(differences: list[Difference], count: int) -> Plain:
    table = Plain("decision", "recorded", "now", title=f"{count:,} differ", by_id=True)
    for difference in differences:
        table.add_row(str(difference.id), difference.before, difference.after)
    return table
