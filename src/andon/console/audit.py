"""The audit log: actors, changes and reasons, newest first, and how far it is sealed."""

from dataclasses import asdict, dataclass

from fastapi import APIRouter
from starlette.responses import Response

from andon import audit
from andon.access import Permission
from andon.console.dependencies import Here, Signed
from andon.console.paging import PAGE, pager
from andon.kernel.db import Tx

router = APIRouter(prefix="/audit")


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """The filters of the form; empty is any."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    decisions: str = ""


@router.get("")
async def show_list(
    here: Here,
    visitor: Signed,
    actor: str = "",
    action: str = "",
    subject: str = "",
    decisions: str = "",
    before: str | None = None,
) -> Response:
    """Show the entries that fit the filters."""
    visitor.principal.require(Permission.READ_AUDIT, None)
    filters = AuditFilters(actor.strip(), action.strip(), subject.strip(), decisions)

    def search(tx: Tx) -> tuple[list[audit.AuditEntry], audit.LogStanding]:
        entries = audit.page(
            tx,
            actor=filters.actor or None,
            action=filters.action or None,
            subject=filters.subject or None,
            changes_only=not filters.decisions,
            limit=PAGE,
            before=before,
        )
        return entries, audit.head(tx)

    found, standing = await here.searches.run(search)
    return here.pages.html(
        "audit.html",
        visitor=visitor,
        section="/audit",
        filters=filters,
        filtered=bool(filters.actor or filters.action or filters.subject),
        entries=found,
        standing=standing,
        pager=pager(
            "/audit", asdict(filters), shown=len(found), last=found[-1].cursor if found else None, before=before
        ),
    )
