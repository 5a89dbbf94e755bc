"""Labels of decisions as a trial counts them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from andon import decisions, labels
from andon.decisions import DecisionRow
from andon.kernel.db import Tx
from andon.labels import LabelSource, ValidLabel, matures_at


class LateLabels(Struct, frozen=True, gc=False):
    """A decision with its reviewer's class, the class from other sources, and when to look at that again."""

    row: DecisionRow
    verdict: str | None
    label: str | None
    due: datetime | None


def labelled(tx: Tx, automation: str, ids: Sequence[UUID], now: datetime) -> list[LateLabels]:
    """Read what is known of decisions by their labels at a moment."""
    rows = decisions.rows_of(tx, ids)
    valid, said = labels.valid_of(tx, list(rows.values()), now), labels.said_of(tx, ids)
    truth = decisions.truth_of(tx, automation)
    found = []
    for key, row in rows.items():
        verdicts = [one.value for one in said.get(key, ()) if one.source is LabelSource.REVIEW and one.value]
        known = valid.get(key)
        waits = known is not None and not counts_now(known)
        due = matures_at(truth, row.decided_at) if waits else None
        counts = known is not None and not waits and known.source is not LabelSource.REVIEW
        label = known.value if known is not None and counts else None
        found.append(LateLabels(row, verdicts[-1] if verdicts else None, label, due))
    return found


def counts_now(known: ValidLabel) -> bool:
    """Tell whether a label need not wait for maturity: it is mature, or a blind audit's, which chooses no arm."""
    return known.mature or known.source is LabelSource.BLIND_AUDIT
