"""Labels: what turned out to be true of a decision, from a review, a business event or a blind audit."""

from andon.labels.domain import Label, LabelSource, value_of
from andon.labels.errors import LabelInvalid
from andon.labels.service import newest_of, of_decision, record, subscribe

__all__ = ["Label", "LabelInvalid", "LabelSource", "newest_of", "of_decision", "record", "subscribe", "value_of"]
