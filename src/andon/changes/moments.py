"""A moment in the history of a line: what was in force, and the acts before and after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from andon import gates
from andon.authoring import DeclarationInvalid, span_of
from andon.changes.acts import acts_of
from andon.changes.domain import Act
from andon.changes.errors import ChangeSpanInvalid, MomentNotYet
from andon.changes.history import Sees, history_of
from andon.changes.in_force import LineAt, line_at
from andon.kernel.db import Tx

SHOWN = 12
"""The most acts before a moment, and after it."""

AROUND = timedelta(days=30)
"""The span before and after a moment from which gate revisions are listed among its acts."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
"""A moment before anything was in force."""


@dataclass(frozen=True, slots=True)
class LineMoment:
    """The things in force at a moment, and the acts around it, oldest first."""

    line: LineAt
    before: Sequence[Act]
    after: Sequence[Act]


def moment_of_line(tx: Tx, automation: str, moment: datetime, *, now: datetime, sees: Sees | None = None) -> LineMoment:
    """Return what was in force on a line at a moment, with the acts around it.

    Raises AutomationNotFound, MomentNotYet.
    """
    if moment > now:
        raise MomentNotYet
    at = max(moment, EARLIEST)
    history = history_of(tx, automation, sees)
    acts = acts_of(history, gates.made_between(tx, automation, at - AROUND, at + AROUND))
    before = [one for one in acts if one.at <= at]
    after = [one for one in acts if one.at > at]
    return LineMoment(line_at(tx, history, at), before[-SHOWN:], after[:SHOWN])


def since_of(now: datetime, span: str) -> datetime:
    """Return the beginning of a span that ends now, such as 90d or 24h. Raises ChangeSpanInvalid."""
    try:
        length = span_of(span)
    except DeclarationInvalid as error:
        raise ChangeSpanInvalid(f"since: {error}") from error
    except OverflowError:
        length = timedelta.max
    if length > now - EARLIEST:
        raise ChangeSpanInvalid(f"since: {span!r} reaches back further than {EARLIEST.year}")
    return now - length
