"""Models: versions with their facts, the present and past targets of aliases, and moving an alias."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import decisions, models
from andon.access import Permission
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.endpoint_view import users_of
from andon.console.endpoints import ready_for
from andon.console.errors import status_of
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid
from andon.models import tried_first

router = APIRouter(prefix="/models")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as the manifest names it and as people do."""

    name: str
    label: str


METRICS = (
    Metric("roc_auc", "ROC AUC"),
    Metric("average_precision", "Average precision"),
    Metric("log_loss", "Log loss"),
    Metric("brier", "Brier score"),
    Metric("accuracy", "Accuracy"),
    Metric("ece", "Calibration error"),
)
LISTED = METRICS[:3]


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot: which kind (`static/plots.js`), what it is called, its axes and its columns."""

    kind: str
    title: str
    x: str
    y: str
    columns: dict[str, list[float]]


@router.get("")
def show_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """All models with their versions, newest first."""
    visitor.principal.require(Permission.READ_MODELS, None)
    aliases: dict[tuple[str, int], list[str]] = defaultdict(list)
    for alias in models.list_aliases(tx):
        aliases[alias.name, alias.number].append(alias.alias)
    by_name = groupby(models.list_versions(tx), lambda version: version.name)
    return here.pages.html(
        "models.html",
        visitor=visitor,
        section="/models",
        models=[(name, list(versions)) for name, versions in by_name],
        aliases=aliases,
        metrics=LISTED,
    )


@router.get("/{name}/{number}")
def show(here: Here, visitor: Signed, tx: Db, name: str, number: int, done: str = "") -> Response:
    """One version."""
    visitor.principal.require(Permission.READ_MODELS, None)
    return _page(here, visitor, tx, name, number, notice=notices.text(done))


@router.post("/{name}/{number}/release")
def release(here: Here, visitor: Acting, name: str, number: int, reason: Annotated[str, Form()] = "") -> Response:
    """Release this version from quarantine; it is tried again before it answers."""
    visitor.principal.require(Permission.SET_ALIAS, None)
    try:
        with here.database.begin() as tx:
            version, actor = models.get(tx, name, number), visitor.principal.actor
            models.release_held(tx, version, actor=actor, reason=reason, events=here.events, now=here.clock.now())
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, name, number, problem=error)
    return notices.back_to(f"/models/{name}/{number}", "quarantine-lifted")


@router.post("/{name}/{number}/aliases")
@tried_first("here")
def set_alias(
    here: Here,
    visitor: Acting,
    name: str,
    number: int,
    alias: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Point an alias to this version; one that answers has to be able to, in every automation."""
    visitor.principal.require(Permission.SET_ALIAS, None)
    now = here.clock.now()
    try:
        with here.database.begin() as tx:
            users = [user for user in users_of(tx, name, now) if decisions.answered_by(user, alias)]
            models.set_alias(
                tx,
                name,
                alias,
                number,
                actor=visitor.principal.actor,
                reason=reason,
                events=here.events,
                now=now,
                ready=ready_for(users, here, tx, name) if users else None,
            )
    except (Invalid, Conflict, models.VersionHeld) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, name, number, problem=error, typed={"alias": alias, "reason": reason})
    return notices.back_to(f"/models/{name}/{number}", "alias-set")


def _page(here: Console, visitor: Visitor, tx: Tx, name: str, number: int, **said: Any) -> Response:
    version = models.get(tx, name, number)
    problem: AndonError | None = said.get("problem")
    return here.pages.html(
        "model.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/models",
        version=version,
        held=models.held_versions(tx, name).get(number),
        aliases=[alias.alias for alias in models.list_aliases(tx, name) if alias.number == number],
        history=models.alias_history(tx, name),
        metrics=METRICS,
        plots=_plots(version.manifest),
        SET_ALIAS=Permission.SET_ALIAS,
        **said,
    )


def _plots(manifest: models.Manifest) -> list[Plot]:
    metrics, scores = manifest.metrics, manifest.profile.scores
    curves = (
        ("roc", "ROC: true against false positives", "false positive rate", "true positive rate", metrics.roc),
        ("precision", "Precision against recall", "recall", "precision", metrics.precision_recall),
        (
            "reliability",
            "Calibration: how often it came true",
            "predicted probability",
            "observed share",
            metrics.reliability,
        ),
    )
    plots = [
        Plot(kind, title, x, y, {"x": list(plot.x), "y": list(plot.y)}) for kind, title, x, y, plot in curves if plot
    ]
    if scores.counts:
        columns = {"x": list(scores.edges[:-1]), "y": [float(count) for count in scores.counts]}
        plots.append(Plot("histogram", "Scores of the held-out rows", "score", "rows", columns))
    return plots
