"""Why a decision has its predicted class: a page of its own, since its model may have to be loaded first."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from andon import decisions, reviews
from andon.access import Permission
from andon.console.dependencies import Db, Here, Signed
from andon.decisions import Explanation, NotExplained
from andon.kernel.errors import AndonError

router = APIRouter(prefix="/decisions")

MOST = 40


@router.get("/{decision_id}/explanation")
def show(here: Here, visitor: Signed, tx: Db, decision_id: UUID) -> Response:
    """Show what spoke for a decision. Out of the visitor's scope it does not exist, nor before a blind verdict."""
    scopes = visitor.scopes(Permission.READ_DECISIONS)
    found = decisions.get(tx, decision_id)
    if scopes is not None and found.row.automation not in scopes:
        raise decisions.DecisionNotFound(f"No decision {decision_id}")
    if reviews.blind_held(tx, decision_id, visitor.principal.name, now=here.clock.now()) is not None:
        raise decisions.DecisionNotFound(f"No explanation of decision {decision_id} before the verdict")
    explanation: Explanation | None = None
    problem: AndonError | None = None
    try:
        if here.explain is None:
            raise NotExplained("This console cannot explain decisions")
        explanation = here.explain(found)
    except AndonError as error:
        problem = error
    shown = [] if explanation is None else explanation.strongest(MOST)
    return here.pages.html(
        "explanation.html",
        visitor=visitor,
        section="/decisions",
        row=found.row,
        record=found.record,
        explanation=explanation,
        shown=shown,
        most=max((abs(one.weight) for one in shown), default=1.0),
        problem=problem,
    )
