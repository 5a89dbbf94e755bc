"""Reading what decisions were worth."""

from datetime import date

from andon.kernel.db import Tx
from andon.measures import store
from andon.measures.domain import Grouping, MeasureSum


def sums(tx: Tx, automation: str, since: date, until: date, by: Grouping | None = None) -> list[MeasureSum]:
    """Return the sums of an automation's measures over UTC days, both included; without `by`, one for each measure."""
    return store.sums(tx, automation, since, until, by)


def totals(tx: Tx) -> list[tuple[str, str, MeasureSum]]:
    """Return the sums of all time with their automation and model version."""
    return store.totals(tx)
