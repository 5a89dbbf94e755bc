"""What can go wrong with a decision or the line that makes it."""

from collections.abc import Set as AbstractSet
from uuid import UUID

from andon.kernel.errors import Conflict, Denied, Invalid, NotFound, Unavailable


class AutomationNotFound(NotFound):
    """No such automation is deployed here."""


class DecisionNotFound(NotFound):
    """No such decision."""


class NotExplained(Conflict):
    """This decision cannot be explained."""


class InputMalformed(Invalid):
    """The input is not a JSON document."""


class InputInvalid(Invalid):
    """The input does not fit the automation's contract."""


class AutomationInvalid(Invalid):
    """An automation cannot be loaded as declared."""


class KeyReused(Invalid):
    """This Idempotency-Key was used before with another input."""


class KeyInFlight(Conflict):
    """A request with this Idempotency-Key is being decided right now."""


class LedgerUnavailable(Unavailable):
    """The ledger cannot be written now; nothing was decided. Try again."""


class Fenced(Conflict):
    """Rows that a batch was to change have changed since they were read; none of it was recorded."""

    def __init__(self, missing: AbstractSet[str] = frozenset()) -> None:
        super().__init__()
        self.missing = missing


class VersionNotServed(NotFound):
    """This model version does not answer here."""


class LineBusy(Unavailable):
    """More requests arrive than can be answered in time; `retry_after` says when to try again, in seconds."""


class DeadlineExceeded(Unavailable):
    """The time for an answer ran out before it could be decided; nothing was decided."""


class DecisionInDoubt(Unavailable):
    """The database did not confirm the decision in time; ask for it by its id before sending again."""


def in_doubt_of(decision_id: UUID) -> DecisionInDoubt:
    """Return the error for one decision; its message names the id, for callers that see nothing else."""
    return DecisionInDoubt(
        f"The database did not confirm in time that decision {decision_id} was recorded; "
        "look it up by its id before you send the request again",
        decision_id=str(decision_id),
    )


class AuditsNotDeclared(Conflict):
    """The automation declares no blind audits."""


class ConsumerNotFound(NotFound):
    """No consumer of the feed has this name."""


class ConsumerBusy(Conflict):
    """Another process reads the feed as this consumer now."""


class ExportDiffers(Conflict):
    """The file, or the consumer that writes it, is not the one of an earlier export."""


class ReleaseRefused(Denied):
    """The author of a version may not release it here."""


class NotReleased(Unavailable):
    """The code of an automation here is not the released version, so it decides nothing."""


class CodeUnreleased(Conflict):
    """The project's code is not the released version, so a policy cannot be checked against it."""


class SegmentUnreadable(Invalid):
    """A segment in a filter cannot be read."""
