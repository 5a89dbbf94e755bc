"""The first page: how the lines are doing, live."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from andon import actions, cord, decisions, features, reviews, rollouts
from andon.access import Permission
from andon.console.context import Console, Visitor
from andon.console.dependencies import Db, Here, Signed
from andon.console.pulse import RECENT, SPAN, PulseFigures, figures, series, step_of
from andon.cord import ALL_AUTOMATIC, LineState
from andon.kernel.db import Tx
from andon.rollouts import Rollout

router = APIRouter()


@dataclass(frozen=True, slots=True)
class LineRow:
    """One automation's row. `held` counts segments that are not automatic, `has_page` allows the visitor's link.

    `rollout` is the one under way.
    """

    name: str
    state: LineState
    held: int
    has_page: bool
    figures: PulseFigures
    waiting: int
    overdue: int
    dead: int
    rollout: Rollout | None


@router.get("/")
def show(here: Here, visitor: Signed, tx: Db) -> Response:
    """Show the whole page."""
    return here.pages.html("overview.html", visitor=visitor, section="/", **_live(here, visitor, tx))


@router.get("/live")
def live(here: Here, visitor: Signed, tx: Db) -> Response:
    """Show the part that is fetched again every two seconds."""
    return here.pages.html("overview_live.html", visitor=visitor, **_live(here, visitor, tx))


def _live(here: Console, visitor: Visitor, tx: Tx) -> dict[str, Any]:
    now = here.clock.now()
    scopes = visitor.scopes(Permission.READ_DECISIONS)
    tallies = here.pulse.read(tx, now, scopes)
    queues = reviews.backlogs(tx, automations=visitor.principal.scopes(Permission.READ_REVIEWS), now=now)
    states = cord.all_states(tx)
    dead = actions.dead_letters(tx, automations=visitor.principal.scopes(Permission.READ_ACTIONS))
    under_way = {one.automation: one for one in rollouts.open_rollouts(tx)}
    lines = [
        LineRow(
            name=name,
            state=states.get(name, ALL_AUTOMATIC).whole,
            held=len(states.get(name, ALL_AUTOMATIC).segments),
            has_page=visitor.may(Permission.READ_MODELS, name),
            figures=figures((tally for tally in tallies if tally.automation == name), SPAN),
            waiting=queues[name].waiting if name in queues else 0,
            overdue=queues[name].overdue if name in queues else 0,
            dead=dead.get(name, 0),
            rollout=under_way.get(name) if visitor.may(Permission.READ_MODELS, name) else None,
        )
        for name in decisions.automations(tx)
        if visitor.may(Permission.READ_DECISIONS, name)
    ]
    recent_from = step_of(now - RECENT)
    return {
        "now": now,
        "span": figures(tallies, SPAN),
        "recent": figures((tally for tally in tallies if tally.at >= recent_from), now - recent_from),
        "waiting": sum(queue.waiting for queue in queues.values()),
        "overdue": sum(queue.overdue for queue in queues.values()),
        "dead": sum(dead.values()),
        "lines": lines,
        "breaches": features.breaches(tx, automations=scopes, since=now - SPAN),
        "series": series(tallies, now),
    }
