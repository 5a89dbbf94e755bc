"""`andon evidence`: the steps that scripts took in web applications for an action, with pictures."""

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from andon import actions
from andon.actions import EvidenceStep
from andon.cli.context import project
from andon.cli.printing import Plain

app = typer.Typer(help="Show what a browser did for an action.", no_args_is_help=True)

TheAction = Annotated[UUID, typer.Argument(help="The action.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_steps(action_id: TheAction, as_json: AsJson = False) -> None:
    """List every step that was done for an action, oldest first."""
    with project() as here, here.database.begin() as tx:
        actions.get(tx, action_id)
        found = actions.evidence_of(tx, action_id)
    if as_json:
        typer.echo(json.dumps([_summary(step) for step in found], indent=2))
        return
    if not found:
        typer.echo("No evidence: no script ran for this action.")
        return
    table = Plain("step", "what", "began", "outcome", "detail", "page")
    for step in found:
        what = f"looked: {step.what}" if step.look else step.what
        what = f"{what} (commit)" if step.commit else what
        page = "" if step.digest is None else step.digest[:12]
        began = f"{step.began_at:%Y-%m-%d %H:%M:%S} UTC"
        table.add_row(str(step.number), what, began, step.outcome or "begun", step.detail, page)
    Console().print(table)


@app.command()
def save(
    action_id: TheAction,
    folder: Annotated[Path, typer.Argument(help="The folder for the pictures; created if it does not exist.")],
) -> None:
    """Write the pictures of an action to a folder, one JPEG for each step, and the steps as JSON."""
    with project() as here, here.database.begin() as tx:
        actions.get(tx, action_id)
        found = actions.evidence_of(tx, action_id)
        pictures = {step.id: _picture(tx, step) for step in found if step.picture_digest is not None}
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for number, step in enumerate(found, 1):
        picture = pictures.get(step.id)
        if picture is not None:
            (folder / f"{number:03d}-step-{step.number}.jpg").write_bytes(picture)
            written += 1
    (folder / "steps.json").write_text(json.dumps([_summary(step) for step in found], indent=2), encoding="utf-8")
    typer.echo(f"{written} pictures of {len(found)} steps are in {folder}")


def _picture(tx: Any, step: EvidenceStep) -> bytes | None:
    try:
        return actions.picture_of(tx, step.action_id, step.id)
    except actions.EvidenceNotFound:
        return None  # kept for long enough; its digest is in steps.json


def _summary(step: EvidenceStep) -> dict[str, Any]:
    return {
        "id": str(step.id),
        "run": str(step.run),
        "step": step.number,
        "what": step.what,
        "look": step.look,
        "commit": step.commit,
        "began_at": step.began_at.isoformat(),
        "ended_at": step.ended_at and step.ended_at.isoformat(),
        "outcome": step.outcome,
        "detail": step.detail,
        "page_sha256": step.digest,
        "picture_sha256": step.picture_digest,
    }
