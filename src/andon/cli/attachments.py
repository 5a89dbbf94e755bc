"""`andon attachments`: what hung on mails, and one of them as a file."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import attachments
from andon.attachments import Attachment
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.kernel.errors import Invalid

app = typer.Typer(help="See what hung on mails, and save one of them.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why; it stands in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_attachments(
    mail: Annotated[str | None, typer.Option(help="Only those of one mail, by its identity.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List attachments that were kept, newest first."""
    with project() as here, here.database.begin() as tx:
        found = attachments.page(tx, mail=mail, limit=limit)
    if as_json:
        typer.echo(json.dumps([_summary(one) for one in found], indent=2))
        return
    if not found:
        typer.echo("No attachment is kept.")
        return
    table = Plain("kept", "automation", "name", "type", "bytes", "sha256")
    for one in found:
        kept = one.kept_at.strftime("%Y-%m-%d %H:%M")
        table.add_row(kept, one.automation, one.name, one.media_type, str(one.size), one.sha256)
    Console().print(table)


@app.command()
def save(
    sha256: Annotated[str, typer.Argument(help="The SHA-256 of the attachment.")],
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The new file; nothing is overwritten.")],
    reason: Reason,
) -> None:
    """Save one attachment as a file that cannot be executed. Who reads it and why stands in the audit log."""
    if to.exists():
        raise Invalid(f"{to} is there already; name a new file")
    with project() as here:
        with here.database.begin() as tx:
            found, content = attachments.read(tx, sha256, actor=here.actor, reason=reason, now=here.clock.now())
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    typer.echo(f"{to}: {len(content)} bytes, which its sender called {found.name!r} ({found.media_type})")


def _summary(one: Attachment) -> dict[str, Any]:
    return {
        "sha256": one.sha256,
        "automation": one.automation,
        "mail": one.mail,
        "name": one.name,
        "media_type": one.media_type,
        "size": one.size,
        "kept_at": one.kept_at.isoformat(),
    }
