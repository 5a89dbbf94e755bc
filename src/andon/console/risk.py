"""The risk of one line: what is automatic and its proof, the curve behind it, and the effect of another target."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from andon import decisions, proofs
from andon.access import Permission
from andon.console.dependencies import Db, Here, Signed
from andon.console.errors import status_of
from andon.decisions import AutomationNotFound
from andon.gates import WHOLE, Part
from andon.kernel.errors import AndonError
from andon.proofs import RiskCurve

router = APIRouter()


@router.get("/lines/{name}/risk")
def show(
    here: Here,
    visitor: Signed,
    tx: Db,
    name: str,
    target: Annotated[str, Query(max_length=20)] = "",
    part: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """Show the gates in force, the curve, and the curve for another target."""
    visitor.scopes(Permission.READ_AUTOMATIONS)
    if not visitor.may(Permission.READ_AUTOMATIONS, name):
        raise AutomationNotFound(f"No automation {name!r} was ever deployed here")
    deployed, now = decisions.newest_version(tx, name), here.clock.now()
    accounts, curve, forecast, problem = list[proofs.GateAccount](), None, None, None
    try:
        accounts = proofs.explain(tx, name, now=now)
        chosen = _chosen(accounts, part)
        declared = proofs.curve(tx, name, now=now, part=chosen)
        curve, forecast = declared, proofs.forecast(tx, name, now=now, part=chosen)
        if target.strip():
            curve = proofs.curve(tx, name, target=_target(target, declared), now=now, part=chosen)
    except AndonError as error:
        problem = error
    return here.pages.html(
        "risk.html",
        status=200 if problem is None or isinstance(problem, proofs.NothingBounded) else status_of(problem),
        visitor=visitor,
        section="/",
        name=name,
        deployed=deployed,
        accounts=accounts,
        curve=curve,
        forecast=forecast,
        columns=None if curve is None else columns_of(curve),
        asked=target,
        part=part,
        problem=problem,
    )


def _chosen(accounts: list[proofs.GateAccount], named: str) -> Part:
    """Return the part of the line that the page is about, by its listed name."""
    for one in accounts:
        if one.where == named:
            return next(iter(one.key.segment.values()), None), one.key.predicted
    return WHOLE


def _target(text: str, curve: RiskCurve) -> float:
    """Parse a typed target: in percent, or as a cost."""
    try:
        value = float(text.strip().rstrip("%").replace(",", "."))
    except ValueError:
        raise proofs.TargetInvalid(f"Expected a number, got {text!r}") from None
    return value / 100 if curve.highest == 1 else value


def columns_of(curve: RiskCurve) -> dict[str, list[float]]:
    """Return the points of the plot, by rising automatic share."""
    points = sorted({point.share: point for point in curve.points}.values(), key=lambda point: point.share)
    scale = 100 if curve.highest == 1 else 1
    return {
        "share": [100 * point.share for point in points],
        "error": [scale * point.error for point in points],
        "bound": [scale * point.bound for point in points],
        "target": [scale * curve.target for _ in points],
    }
