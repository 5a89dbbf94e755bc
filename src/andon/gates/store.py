"""All SQL about gate revisions and shares of blind audits. Never commits."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import text

from andon.audit import RowName
from andon.gates.domain import GateRevision, Origin
from andon.gates.shares import AuditShare
from andon.gates.vouched import POINTERS
from andon.kernel.db import Tx
from andon.kernel.plain_json import to_json

_LOCK = 0x67617465
"""First key of the advisory lock on an automation's gates."""

_OWN_NAMES = {"by": "made_by", "at": "made_at"}
_COLUMNS = {one.name: _OWN_NAMES.get(one.name, one.name) for one in fields(GateRevision)}
"""The columns of a revision, without the table that only proofs read."""

_SHOWN = "SELECT " + ", ".join(f"g.{column} AS {name}" for name, column in _COLUMNS.items())
_POINTED = f"{_SHOWN} FROM gate_revisions g JOIN gate_pointers p USING (automation, revision, arm)"
_BY_PEOPLE = f"{_SHOWN} FROM gate_revisions g WHERE g.origin = 'person'"
_IS_HELD_OUT = "p.automation = :automation AND p.arm = :arm AND p.segment = '{}' AND p.origin = 'held_out'"

_ADD = text(f"""
    INSERT INTO gate_revisions ({", ".join(_COLUMNS.values())}, held_out)
    VALUES ({", ".join(f"CAST(:{n} AS jsonb)" if n in ("segment", "evidence") else f":{n}" for n in _COLUMNS)},
        CAST(:held_out AS jsonb))
""")

_POINT = text("""
    INSERT INTO gate_pointers (automation, arm, segment, predicted, origin, revision)
    VALUES (:automation, :arm, CAST(:segment AS jsonb), :predicted, :origin, :revision)
    ON CONFLICT (automation, arm, segment, predicted, origin) DO UPDATE SET revision = excluded.revision
""")


def hold(tx: Tx, automation: str) -> None:
    """Keep others from revising the gates or the audit share of this automation until the transaction ends."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": automation})


def audit_shares(tx: Tx) -> dict[str, float]:
    """Return the newest share of blind audits of each automation where it was changed."""
    newest = "SELECT DISTINCT ON (automation) automation, share FROM audit_shares ORDER BY automation, number DESC"
    return {row.automation: row.share for row in tx.execute(text(newest))}


def audit_share_history(tx: Tx, automation: str, *, limit: int | None = 50) -> Sequence[AuditShare]:
    """Return the changes of one automation's share of blind audits, newest first; all of them without a limit."""
    query = text("""
        SELECT automation, number, share, set_by, reason, set_at FROM audit_shares
        WHERE automation = :automation ORDER BY number DESC LIMIT :limit
    """)
    return [AuditShare(*row) for row in tx.execute(query, {"automation": automation, "limit": limit})]


def add_share(tx: Tx, made: AuditShare) -> None:
    """Write one change of a share; hold the automation first."""
    statement = text("""
        INSERT INTO audit_shares (automation, number, share, set_by, reason, set_at)
        VALUES (:automation, :number, :share, :by, :reason, :at)
    """)
    tx.execute(statement, _values(made))


def living(tx: Tx, now: datetime, automation: str | None = None, arm: str | None = None) -> Sequence[GateRevision]:
    """Return the newest held-out and live revision of each series, and all unexpired ones of people."""
    wanted = {"now": now, "automation": automation, "arm": arm}
    which = " AND ".join(f"g.{name} = :{name}" for name in ("automation", "arm") if wanted[name] is not None) or "true"
    by_people = f"{_BY_PEOPLE} AND (g.expires_at IS NULL OR g.expires_at > :now) AND {which}"
    return [*_found(tx, f"{_POINTED} WHERE {which}", wanted), *_found(tx, by_people, wanted)]


def newest_held_out(tx: Tx, automation: str, arm: str, predicted: str) -> GateRevision | None:
    """Return the newest revision from held-out evidence, for all predictions or those of one class."""
    query, wanted = f"{_POINTED} WHERE {_IS_HELD_OUT} AND p.predicted = :predicted", {"predicted": predicted}
    return next(iter(_found(tx, query, {"automation": automation, "arm": arm, **wanted})), None)


def held_out_table(tx: Tx, automation: str, arm: str) -> Mapping[str, Any] | None:
    """Return the held-out rows by confidence with which proofs of an arm begin; None if none are kept yet."""
    query = text(f"""
        SELECT g.held_out FROM gate_revisions g JOIN gate_pointers p USING (automation, revision)
        WHERE {_IS_HELD_OUT} AND p.predicted = ''
    """)
    found: Mapping[str, Any] | None = tx.execute(query, {"automation": automation, "arm": arm}).scalar_one_or_none()
    return found


def page(tx: Tx, automation: str, *, limit: int = 50) -> Sequence[GateRevision]:
    """Return the revisions of one automation, newest first."""
    query = f"{_SHOWN} FROM gate_revisions g WHERE automation = :automation ORDER BY revision DESC LIMIT :limit"
    return _found(tx, query, {"automation": automation, "limit": limit})


def as_of(tx: Tx, automation: str, moment: datetime) -> Sequence[GateRevision]:
    """Return what `living` returned at a moment."""
    wanted = {"automation": automation, "moment": moment}
    which, series = "g.automation = :automation AND g.made_at <= :moment", "g.arm, g.segment, g.predicted, g.origin"
    proven = f"{_SHOWN} FROM gate_revisions g WHERE {which} AND g.origin <> 'person' ORDER BY {series}, g.revision DESC"
    by_people = f"{_BY_PEOPLE} AND {which} AND (g.expires_at IS NULL OR g.expires_at > :moment)"
    newest = proven.replace("SELECT", f"SELECT DISTINCT ON ({series})", 1)
    return [*_found(tx, newest, wanted), *_found(tx, by_people, wanted)]


def made_between(tx: Tx, automation: str, since: datetime, until: datetime) -> Sequence[GateRevision]:
    """Return the revisions made in a span, oldest first."""
    query = f"""
        {_SHOWN} FROM gate_revisions g
        WHERE g.automation = :automation AND g.made_at BETWEEN :since AND :until ORDER BY g.revision
    """
    return _found(tx, query, {"automation": automation, "since": since, "until": until})


def made_by_people(tx: Tx, automation: str) -> Sequence[GateRevision]:
    """Return the revisions that people made by hand, without a rollout or split; oldest first."""
    found = _found(tx, f"{_BY_PEOPLE} AND g.automation = :automation ORDER BY g.revision", {"automation": automation})
    return [one for one in found if not one.source]


def next_revision(tx: Tx, automation: str) -> int:
    """Return the number of a new revision; hold the automation first."""
    query = text("SELECT coalesce(max(revision), 0) + 1 FROM gate_revisions WHERE automation = :automation")
    return int(tx.execute(query, {"automation": automation}).scalar_one())


def add(tx: Tx, made: GateRevision, table: Mapping[str, Any] | None) -> None:
    """Write one revision, and point to it; hold the automation first."""
    values = _values(made)
    tx.execute(_ADD, {**values, "held_out": None if table is None else to_json(table).decode()})
    if made.origin is not Origin.PERSON:
        tx.execute(_POINT, values)


def pointers_to(tx: Tx, made: GateRevision) -> list[RowName]:
    """Name the pointer of a revision's series, if it has one."""
    query = text("""
        SELECT automation, arm, CAST(segment AS text), predicted, origin FROM gate_pointers
        WHERE automation = :automation AND revision = :revision
    """)
    return [POINTERS.row(*row) for row in tx.execute(query, _values(made))]


def _found(tx: Tx, query: str, wanted: Mapping[str, Any]) -> list[GateRevision]:
    return [
        GateRevision(**{**row, "origin": Origin(row["origin"])}) for row in tx.execute(text(query), wanted).mappings()
    ]


def _values(one: GateRevision | AuditShare) -> dict[str, Any]:
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    return {name: to_json(value).decode() if isinstance(value, Mapping) else value for name, value in values.items()}
