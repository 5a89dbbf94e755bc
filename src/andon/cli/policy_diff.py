"""`andon policy diff`: the differences between two policies, in text and in recorded decisions."""

import difflib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from andon import decisions
from andon.authoring import Automation
from andon.bootstrap.project import chosen, load_automations
from andon.cli.context import Project, project
from andon.cli.printing import Plain
from andon.cli.publishing import published_policy
from andon.cli.replay import Html, Json, Minutes, Since, Until, policy_of, replayed, since_of, write
from andon.cli.replay_report import show_report
from andon.replays import ReplayInvalid, ReplayQuestion, ReplayReport, TriedPolicy, table_differences


def diff(
    first: Annotated[str, typer.Argument(help="A policy file; or the automation, to compare published versions.")],
    second: Annotated[str, typer.Argument(help="Another file; or a published version.")],
    third: Annotated[str | None, typer.Argument(help="Another published version; default: the one in force.")] = None,
    since: Since = None,
    until: Until = None,
    automation: Annotated[
        str | None,
        typer.Option("--automation", help="The automation whose decisions to replay; required if there are several."),
    ] = None,
    review_minutes: Minutes = None,
    html: Html = None,
    json_file: Json = None,
) -> None:
    """Compare the text of two policies and, with --since, their results on the same recorded decisions."""
    with project() as here:
        if not Path(first).is_file():
            with here.database.begin() as tx:
                texts = [published_policy(tx, first, one) for one in (second, third)]
            pair, name = [TriedPolicy(one.text, one.version) for one in texts], first
            _show_texts(*pair)
            declared = None if since is None else chosen(load_automations(here.settings), name)
        else:
            if third is not None:
                raise ReplayInvalid("Comparing files takes two arguments; a third is only for published versions")
            declared = chosen(load_automations(here.settings), automation)
            with here.database.begin() as tx:
                pair = [policy_of(tx, declared.name, text) for text in (first, second)]
            _show_differences(declared, *pair)
        if declared is None or since is None:
            return
        report = _replayed(here, declared, pair, since, until, review_minutes)
        write(report, html, json_file, here.settings.project.name)


def _replayed(
    here: Project,
    declared: Automation,
    pair: list[TriedPolicy],
    since: str,
    until: str | None,
    review_minutes: float | None,
) -> ReplayReport:
    now = here.clock.now()
    question = ReplayQuestion(
        automation=declared.name,
        since=since_of(since, now),
        until=now if until is None else since_of(until, now),
        before=pair[0],
        policy=pair[1],
    )
    _, report = replayed(here, question, review_minutes)
    show_report(report)
    return report


def _show_texts(before: TriedPolicy, after: TriedPolicy) -> None:
    lines = difflib.unified_diff(
        before.text.splitlines(), after.text.splitlines(), before.source, after.source, lineterm=""
    )
    for line in lines:
        typer.echo(line)


def _show_differences(declared: Automation, before: TriedPolicy, after: TriedPolicy) -> None:
    """Show the differences rule by rule. Raises PolicyInvalid, AutomationInvalid."""
    tables = [decisions.compile_text(declared, one.text, one.source)[0] for one in (before, after)]
    found = table_differences(*tables)
    if not found:
        typer.echo(f"{before.source} and {after.source} decide alike: version {tables[0].version}")
        return
    shown = Plain("", before.source, after.source, title="Differences in the text")
    for one in found:
        shown.add_row(one.where, one.before or "–", one.after or "–")
    Console().print(shown)
