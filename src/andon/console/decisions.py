"""Decisions: a list whose filters are in the address, and each one as a timeline from request to label."""

from dataclasses import dataclass, fields
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from andon import actions, alerts, decisions, labels, procedures, reviews
from andon.access import Permission
from andon.console.attachments import attachments_of
from andon.console.dependencies import Db, Here, Signed
from andon.console.moments import FilterInvalid, moment_in
from andon.console.paging import PAGE, pager
from andon.cord import LineState
from andon.decisions import Shown
from andon.kernel.errors import Invalid
from andon.kernel.searches import SearchTooWide
from andon.models import HIGHEST_NUMBER

router = APIRouter(prefix="/decisions")


@dataclass(frozen=True, slots=True)
class DecisionFilters:
    """The filters as typed in the form; empty is any."""

    automation: str = ""
    outcome: str = ""
    rule: str = ""
    label: str = ""
    model_version: str = ""
    arm: str = ""
    line_state: str = ""
    segment: str = ""
    since: str = ""
    until: str = ""
    search: str = ""

    def read(self, scopes: list[str] | None) -> decisions.DecisionFilter:
        """As a filter over what the visitor may see. Raises FilterInvalid."""
        return decisions.DecisionFilter(
            automations=None if scopes is None else tuple(scopes),
            automation=self.automation or None,
            outcome=self.outcome.strip() or None,
            rule=self.rule.strip() or None,
            label=self.label.strip() or None,
            model_version=_number("Model version", self.model_version),
            arm=self.arm.strip() or None,
            line_state=_state(self.line_state),
            segment=decisions.segment_in([self.segment]),
            since=moment_in("From", self.since),
            until=moment_in("Until", self.until),
            search=self.search.strip() or None,
        )

    def values(self) -> dict[str, str | None]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@router.get("")
async def show_list(
    here: Here,
    visitor: Signed,
    automation: str = "",
    outcome: str = "",
    rule: str = "",
    label: str = "",
    model_version: str = "",
    arm: str = "",
    line_state: str = "",
    segment: Annotated[str, Query(max_length=1000)] = "",
    since: str = "",
    until: str = "",
    search: Annotated[str, Query(max_length=200)] = "",
    before: UUID | None = None,
) -> Response:
    """Show the decisions that fit the filters, newest first."""
    scopes = visitor.scopes(Permission.READ_DECISIONS)
    filters = DecisionFilters(
        automation, outcome, rule, label, model_version, arm, line_state, segment, since, until, search
    )
    problem: Invalid | None = None
    found: list[decisions.DecisionRow] = []
    try:
        wanted = filters.read(scopes)
        found = await here.searches.run(lambda tx: decisions.page(tx, wanted, limit=PAGE, before=before))
    except (FilterInvalid, decisions.SegmentUnreadable, SearchTooWide) as error:
        problem = error
    names = await here.searches.run(decisions.automations)
    return here.pages.html(
        "decisions.html",
        status=422 if problem else 200,
        visitor=visitor,
        section="/decisions",
        problem=problem,
        filters=filters,
        filtered=any(filters.values().values()),
        automations=[name for name in names if scopes is None or name in scopes],
        states=[state.value for state in LineState],
        decisions=found,
        may_read_attachments=visitor.may_somewhere(Permission.READ_ATTACHMENTS),
        pager=pager(
            "/decisions", filters.values(), shown=len(found), last=found[-1].id if found else None, before=before
        ),
    )


@router.get("/{decision_id}")
def show(here: Here, visitor: Signed, tx: Db, decision_id: UUID) -> Response:
    """One decision. Out of the visitor's scope it does not exist."""
    scopes = visitor.scopes(Permission.READ_DECISIONS)
    found = decisions.get(tx, decision_id)
    if scopes is not None and found.row.automation not in scopes:
        raise decisions.DecisionNotFound(f"No decision {decision_id}")
    automation, now = found.row.automation, here.clock.now()
    review = reviews.of_decision(tx, decision_id) if visitor.may(Permission.READ_REVIEWS, automation) else None
    held = reviews.blind_held(tx, decision_id, visitor.principal.name, now=now)
    if held is not None:
        return here.pages.html(
            "decision_blind.html",
            visitor=visitor,
            section="/decisions",
            review=held,
            record=found.record,
            attachments=attachments_of(here, visitor, tx, found.row),
        )
    return here.pages.html(
        "decision.html",
        visitor=visitor,
        section="/decisions",
        row=found.row,
        short=_in_short(found.row),
        decision=found,
        record=found.record,
        actions=actions.of_decision(tx, decision_id) if visitor.may(Permission.READ_ACTIONS, automation) else [],
        procedures=procedures.of_decision(tx, decision_id)
        if visitor.may(Permission.READ_PROCEDURES, automation)
        else [],
        review=review,
        attachments=attachments_of(here, visitor, tx, found.row),
        known=labels.known_of(tx, found.row, now),
        alerts=alerts.at_moment(tx, automation, found.row.decided_at, found.record["input"]),
        now=now,
    )


def _in_short(row: decisions.DecisionRow) -> list[tuple[decisions.Field, Any]]:
    """Return the fields that the page shows in short, with their values."""
    return [(field, getattr(row, field.name)) for field in decisions.shown(Shown.PAGE)]


def _state(text: str) -> LineState | None:
    """Return the line state that the form selected."""
    if not text:
        return None
    try:
        return LineState(text)
    except ValueError:
        raise FilterInvalid(f"Line state: expected {', '.join(LineState)}, got {text!r}") from None


def _number(name: str, text: str) -> int | None:
    """Return a typed version number."""
    given = text.strip()
    if not given:
        return None
    if not (given.isdecimal() and len(given) <= 10 and 0 < int(given) <= HIGHEST_NUMBER):
        raise FilterInvalid(f"{name}: expected a whole number from 1 to {HIGHEST_NUMBER}, got {text!r}")
    return int(given)
