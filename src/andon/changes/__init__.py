"""Changes: the changes of a line, figures about them, and the state of the line at any moment.

Start reading at `domain.py` (a change), then `counting.py` (what counts as one) and `in_force.py` (a moment).
"""

from andon.changes.documents import document_of_account, document_of_figures, document_of_moment
from andon.changes.domain import CHANGING, WINDOW, Act, ActKind, LineChange, SignKind
from andon.changes.errors import ChangeSpanInvalid, MomentNotYet
from andon.changes.figures import ChangeFigures, ChangeShare, ChangeSpan, ChangeWeek
from andon.changes.moments import LineMoment, moment_of_line, since_of
from andon.changes.service import ChangeAccount, account_of, figures

__all__ = [
    "CHANGING",
    "WINDOW",
    "Act",
    "ActKind",
    "ChangeAccount",
    "ChangeFigures",
    "ChangeShare",
    "ChangeSpan",
    "ChangeSpanInvalid",
    "ChangeWeek",
    "LineChange",
    "LineMoment",
    "MomentNotYet",
    "SignKind",
    "account_of",
    "document_of_account",
    "document_of_figures",
    "document_of_moment",
    "figures",
    "moment_of_line",
    "since_of",
]
