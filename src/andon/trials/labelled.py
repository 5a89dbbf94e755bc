"""Labels of decisions as a trial counts them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from andon import decisions, labels
from andon.decisions import DecisionRow
from andon.kernel.db import Tx
from andon.labels import Label, LabelSource, ValidLabel, matures_at


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
        known = valid.get(key)
        due = None if known is None or counts_now(known) else matures_at(truth, row.decided_at)
        found.append(LateLabels(row, verdict_of(said.get(key, ())), class_known(known), due))
    return found


def class_known(known: ValidLabel | None) -> str | None:
    """Return the class that judges a decision; None if it may still change or a reviewer chose it."""
    if known is None or known.source is LabelSource.REVIEW or not counts_now(known):
        return None
    return known.value


def verdict_of(said: Sequence[Label]) -> str | None:
    """Return the class that a reviewer gave last."""
    verdicts = [one.value for one in said if one.source is LabelSource.REVIEW and one.value]
    return verdicts[-1] if verdicts else None


def counts_now(known: ValidLabel) -> bool:
    """Tell whether a label need not wait for maturity: it is mature, or a blind audit's, which chooses no arm."""
    return known.mature or known.source is LabelSource.BLIND_AUDIT
