"""`andon attachments`: list the attachments of mails, and save one as a file."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from andon import attachments
from andon.attachments import Attachment
from andon.cli.context import project
from andon.cli.printing import printable
from andon.kernel.errors import Invalid

app = typer.Typer(help="List attachments of mails, and save one of them.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_attachments(
    mail: Annotated[str | None, typer.Option(help="Limit to the mail with this identity.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List stored attachments, newest first."""
    with project() as here, here.database.begin() as tx:
        found = attachments.page(tx, mail=mail, limit=limit)
    if as_json:
        typer.echo(json.dumps([_summary(one) for one in found], indent=2))
        return
    if not found:
        typer.echo("No attachment is stored.")
        return
    for one in found:
        kept, name, media_type = one.kept_at.strftime("%Y-%m-%d %H:%M"), printable(one.name), printable(one.media_type)
        typer.echo(f"{one.sha256}\n  {kept}  {one.automation}  {name} ({media_type}, {one.size} bytes)")


@app.command()
def save(
    sha256: Annotated[str, typer.Argument(help="The SHA-256 of the attachment.")],
    to: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to create; an existing file is not overwritten.")
    ],
    reason: Reason,
) -> None:
    """Save one attachment as a file without execute permission. The audit log records who read it and why."""
    with project() as here, _new(to) as file:
        with here.database.begin() as tx:
            found, content = attachments.read(tx, sha256, actor=here.actor, reason=reason, now=here.clock.now())
        file.write(content)
    typer.echo(f"{to}: {len(content)} bytes, named {found.name!r} by its sender ({printable(found.media_type)})")


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """Create a file that only its owner can read; after an error no file is left. Raises Invalid."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Invalid(f"{path} already exists; name a new file") from None
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


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
