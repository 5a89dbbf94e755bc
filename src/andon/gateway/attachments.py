"""Attachments of mails: which were kept, and one as a file. It is never shown: a browser only saves it."""

from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from andon import attachments
from andon.access import Permission
from andon.attachments import Attachment
from andon.gateway.dependencies import Caller, Db, Now
from andon.gateway.reasons import Why

router = APIRouter(prefix="/v1", tags=["attachments"])

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The SHA-256 of its content, in hexadecimal.")]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


class AttachmentOut(BaseModel):
    """An attachment that was kept. Its name and type are what the sender of the mail says."""

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
    mail: Annotated[str | None, Query(max_length=64, description="Those of one mail, by its identity.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[AttachmentOut]:
    """The attachments that were kept and that the caller may read, newest first."""
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
    """One attachment as a file of no type. Who reads it and why stands in the audit log."""
    scopes = caller.scopes(Permission.READ_ATTACHMENTS)
    with db.begin() as tx:
        found, content = attachments.read(
            tx, sha256, actor=caller.actor, reason=why.reason, now=now, automations=scopes
        )
    disposition = f"attachment; filename=\"{sha256[:16]}.bin\"; filename*=UTF-8''{quote(found.name, safe='')}"
    headers = {**HEADERS, "Content-Disposition": disposition}
    return Response(content, media_type="application/octet-stream", headers=headers)


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
