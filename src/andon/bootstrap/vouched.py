"""The kinds of rows that audit entries vouch for and the evidence of every action, for `andon audit verify`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from andon import actions, audit, decisions, procedures, streams
from andon.access.vouched import KEYS
from andon.actions import DeliveryStates
from andon.actions.vouched import DISABLED
from andon.audit import Evidence, RowKind
from andon.cord.vouched import LINE_STATES
from andon.decisions import DELIVERIES_ADOPTED, RECORDED, SENT, KeptKeys, LedgerEvidence
from andon.decisions.vouched import AUTOMATION_VERSIONS, RELEASES
from andon.gates.vouched import GATES, POINTERS, SHARES
from andon.kernel.db import Tx
from andon.labels import IMPORTED, ImportedLabels
from andon.labels.vouched import LABELS
from andon.models import REGISTERED, ModelFiles
from andon.models.vouched import MODEL_ALIASES, MODEL_VERSIONS, QUARANTINES
from andon.policies.vouched import POLICIES, POLICY_SETTINGS
from andon.procedures import ProcedureHistories
from andon.reviews.vouched import VERDICTS, WITHDRAWALS
from andon.serving.vouched import SPLITS
from andon.spending.vouched import BUDGET_SETTINGS
from andon.streams import StreamPositions
from andon.tools.vouched import PERMIT

ROWS: Sequence[RowKind] = (
    KEYS,
    MODEL_VERSIONS,
    MODEL_ALIASES,
    QUARANTINES,
    SPLITS,
    AUTOMATION_VERSIONS,
    RELEASES,
    POLICIES,
    POLICY_SETTINGS,
    GATES,
    POINTERS,
    SHARES,
    LINE_STATES,
    BUDGET_SETTINGS,
    DISABLED,
    LABELS,
    VERDICTS,
    WITHDRAWALS,
    PERMIT,
    SENT,
)


def _adopt_0011(tx: Tx, now: datetime) -> None:
    streams.adopt(tx, now)
    procedures.adopt_histories(tx, now)
    actions.adopt_answers(tx, now)
    decisions.adopt_deliveries(tx, now)


ADOPTIONS: Mapping[str, Callable[[Tx, datetime], None]] = {
    "0009": lambda tx, now: audit.adopt(tx, ROWS, now),
    "0011": _adopt_0011,
}
"""Functions that vouch for older rows, by the first revision whose audit entries vouch."""


def all_evidence() -> Mapping[str, Evidence]:
    """Return new evidence for one verification."""
    ledger = LedgerEvidence()
    return {
        RECORDED: ledger,
        DELIVERIES_ADOPTED: ledger,
        IMPORTED: ImportedLabels(),
        REGISTERED: ModelFiles(),
        "idempotency": KeptKeys(),
        **DeliveryStates().by_action(),
        **StreamPositions().by_action(),
        **ProcedureHistories().by_action(),
    }
