"""The evidence stream: decisions that somebody looks at, each judged once, at a fixed age of the decision.

It is collected once, and proofs, trials and monitors judge it. A verdict counts when its decision reaches the age,
whatever it says; what is still open then counts as wrong. Start at `service.py`.
"""

from andon.evidence.domain import AgedCase, age_by, is_automatic
from andon.evidence.service import age_of, cases_after, position_now

__all__ = ["AgedCase", "age_by", "age_of", "cases_after", "is_automatic", "position_now"]
