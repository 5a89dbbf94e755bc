"""Attachments of mails: a list, and downloads that a browser saves and never displays."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Path
from starlette.responses import Response

from andon import attachments, streams
from andon.access import Permission
from andon.attachments import Attachment
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.paging import PAGE
from andon.decisions import DecisionRow
from andon.kernel.db import Tx

router = APIRouter(prefix="/attachments")

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class ListedAttachment:
    """An attachment as a page lists it; `decision_id` is the decision on its mail, if the visitor may see it."""

    attachment: Attachment
    kept_until: datetime
    decision_id: UUID | None = None


@router.get("")
def show_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """Show the newest attachments."""
    found = attachments.page(tx, automations=visitor.scopes(Permission.READ_ATTACHMENTS), limit=PAGE)
    decided = streams.decisions_of_mails(tx, [(one.automation, one.mail) for one in found])
    return here.pages.html(
        "attachments.html",
        visitor=visitor,
        section="/decisions",
        attachments=[
            ListedAttachment(
                one,
                _kept_until(here, one),
                decided.get((one.automation, one.mail))
                if visitor.may(Permission.READ_DECISIONS, one.automation)
                else None,
            )
            for one in found
        ],
        most=PAGE,
    )


@router.post("/{sha256}/download")
def download(here: Here, visitor: Acting, sha256: Digest, reason: Annotated[str, Form()] = "") -> Response:
    """Send one attachment as an untyped file. The audit log records who read it and why."""
    scopes = visitor.scopes(Permission.READ_ATTACHMENTS)
    with here.database.begin() as tx:
        found, content = attachments.read(
            tx, sha256, actor=visitor.principal.actor, reason=reason, now=here.clock.now(), automations=scopes
        )
    return Response(content, media_type=attachments.MEDIA_TYPE, headers=attachments.headers_of(found))


def attachments_of(here: Console, visitor: Visitor, tx: Tx, row: DecisionRow) -> list[ListedAttachment]:
    """Return the attachments of the mail that a decision is about, as far as the visitor may read them."""
    if not visitor.may(Permission.READ_ATTACHMENTS, row.automation):
        return []
    mail = streams.mail_of(tx, row.id)
    if mail is None:
        return []
    found = attachments.page(tx, automations=[row.automation], mail=mail, limit=here.settings.attachments.max_number)
    return [ListedAttachment(one, _kept_until(here, one)) for one in found]


def _kept_until(here: Console, one: Attachment) -> datetime:
    return one.kept_at + timedelta(days=here.settings.attachments.keep_days)
