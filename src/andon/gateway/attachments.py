"""Attachments of mails: a list, and downloads that a browser saves and never displays."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from andon import attachments
from andon.access import Permission
from andon.attachments import Attachment
from andon.gateway.dependencies import Caller, Db, Now
from andon.gateway.reasons import Why

router = APIRouter(prefix="/v1", tags=["attachments"])

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The SHA-256 of its content, in hexadecimal.")]


class AttachmentOut(BaseModel):
    """A stored attachment. Its name and media type come from the sender of the mail."""

    sha256: str
    automation: str
    mail: str
    name: str
    media_type: str
    size: int
    kept_at: datetime


@router.get("/attachments", operation_id="list_attachments")
def index(
    caller: Caller,
    db: Db,
    mail: Annotated[
        str | None, Query(max_length=64, description="Only attachments of the mail with this identity.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[AttachmentOut]:
    """List the stored attachments that the caller may read, newest first."""
    scopes = caller.scopes(Permission.READ_ATTACHMENTS)
    with db.begin() as tx:
        return [_out(one) for one in attachments.page(tx, automations=scopes, mail=mail, limit=limit)]


@router.post(
    "/attachments/{sha256}/download",
    operation_id="download_attachment",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The attachment, as a file."}},
)
def download(sha256: Digest, why: Why, caller: Caller, db: Db, now: Now) -> Response:
    """Download one attachment as `application/octet-stream`. The audit log records who read it and why."""
    scopes = caller.scopes(Permission.READ_ATTACHMENTS)
    with db.begin() as tx:
        found, content = attachments.read(
            tx, sha256, actor=caller.actor, reason=why.reason, now=now, automations=scopes
        )
    return Response(content, media_type=attachments.MEDIA_TYPE, headers=attachments.headers_of(found))


def _out(one: Attachment) -> AttachmentOut:
    return AttachmentOut(
        sha256=one.sha256,
        automation=one.automation,
        mail=one.mail,
        name=one.name,
        media_type=one.media_type,
        size=one.size,
        kept_at=one.kept_at,
    )
