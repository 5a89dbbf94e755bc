"""The commands of `andon policy` for published versions: publish, put in force, list, show."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from andon import decisions, policies
from andon.bootstrap.project import chosen, load_automations
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.decisions import ProofChange
from andon.kernel.db import Tx
from andon.policies import PolicyVersion

Name = Annotated[str, typer.Argument(help="The automation.")]
Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def publish(
    name: Name,
    file: Annotated[Path, typer.Argument(help="The decision table, a YAML file.", exists=True, dir_okay=False)],
    reason: Reason,
    aside: Annotated[
        bool, typer.Option("--aside", help="For splits and shadows only: do not put it in force.")
    ] = False,
) -> None:
    """Publish a policy and put it in force; running gateways follow within a second."""
    with project() as here:
        automation = chosen(load_automations(here.settings), name)
        with here.database.begin() as tx:
            decisions.require_released_code(tx, automation)
            text = file.read_text(encoding="utf-8")
            decisions.compile_text(automation, text, str(file))
            proof = decisions.proof_change(tx, automation, policy=text)
        with here.database.begin() as tx:
            decisions.require_released_code(tx, automation)
            published = decisions.publish_policy(
                tx,
                automation,
                text,
                source=str(file),
                actor=here.actor,
                reason=reason,
                now=here.clock.now(),
                events=here.events,
                in_force=not aside,
            )
    state = "published" if aside else "in force"
    typer.echo(f"{name}: policy {published.version} is {state}")
    show_proof(proof)


def use(
    name: Name,
    version: Annotated[str, typer.Argument(help="A published version, as `andon policy list` shows it.")],
    reason: Reason,
) -> None:
    """Put a published version in force, such as the previous one; running gateways follow within a second."""
    with project() as here:
        automation = chosen(load_automations(here.settings), name)
        with here.database.begin() as tx:
            decisions.require_released_code(tx, automation)
            proof = decisions.proof_change(tx, automation, policy=policies.get(tx, name, version).text)
        with here.database.begin() as tx:
            decisions.require_released_code(tx, automation)
            decisions.use_policy(
                tx,
                automation,
                version,
                actor=here.actor,
                reason=reason,
                now=here.clock.now(),
                events=here.events,
            )
    typer.echo(f"{name}: policy {version} is in force")
    show_proof(proof)


def show_proof(change: ProofChange | None) -> None:
    """Print what held-out rows prove before and after a change."""
    if change is not None:
        typer.echo(f"proof: {change.sentence}")


def list_published(name: Name, as_json: AsJson = False) -> None:
    """List all changes of the policy in force, newest first, and the versions that are only published."""
    with project() as here, here.database.begin() as tx:
        decisions.require_deployed(tx, name)
        versions, history = policies.list_versions(tx, name), policies.history(tx, name)
    used = {setting.version for setting in history}
    if as_json:
        shown = [
            {
                "version": setting.version,
                "before": setting.before,
                "set_by": setting.set_by,
                "reason": setting.reason,
                "set_at": setting.set_at.isoformat(),
            }
            for setting in history
        ]
        aside = [one.version for one in versions if one.version not in used]
        in_force = history[0].version if history else None
        typer.echo(json.dumps({"in_force": in_force, "history": shown, "aside": aside}, indent=2))
        return
    table = Plain("policy", "before", "set")
    for number, setting in enumerate(history):
        when = f"{setting.set_at:%Y-%m-%d %H:%M} UTC by {setting.set_by}: {setting.reason}"
        table.add_row(f"{setting.version}{' (in force)' if number == 0 else ''}", setting.before or "", when)
    for one in versions:
        if one.version not in used:
            when = f"published {one.published_at:%Y-%m-%d %H:%M} UTC by {one.published_by}: {one.reason}"
            table.add_row(f"{one.version} (aside)", "", when)
    Console().print(table)


def show(
    name: Name,
    version: Annotated[str | None, typer.Argument(help="A published version; default: the one in force.")] = None,
) -> None:
    """Print the text of a published policy."""
    with project() as here, here.database.begin() as tx:
        typer.echo(published_policy(tx, name, version).text, nl=False)


def published_policy(tx: Tx, name: str, version: str | None) -> PolicyVersion:
    """Return a version of an automation's policy, or the one in force. Raises PolicyNotFound, AutomationNotFound."""
    decisions.require_deployed(tx, name)
    if version is not None:
        return policies.get(tx, name, version)
    in_force = policies.in_force(tx, name)
    if in_force is None:
        raise policies.PolicyNotFound(f"No policy of {name} is published yet: `andon up` publishes what is on disk")
    return in_force
