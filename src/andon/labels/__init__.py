"""Labels: which class was true of a decision, from a review, a business event, a blind audit or an import.

Labels only grow; which of them counts at a moment is one pure function, `valid_label` in `validity.py`. Start there.
"""

from andon.labels.bulk import Allowed, not_found, record_all
from andon.labels.domain import Label, LabelSource, value_of
from andon.labels.errors import LabelInvalid, LabelNotFound, LabelReplaced
from andon.labels.imports import IMPORTED, ImportedLabels
from andon.labels.published import LabelCorrected, LabelRecorded, LabelsImported
from andon.labels.reports import FIELDS, TruthReport, report_of
from andon.labels.service import (
    DecisionLabels,
    classes_of,
    correct,
    decisions_between,
    hours_of_import,
    known_of,
    labelled_between,
    labelled_in,
    of_decision,
    of_decisions,
    record,
    said_of,
    subscribe,
    valid_of,
)
from andon.labels.settling import Fate, Settled
from andon.labels.validity import PRECEDENCE, ValidLabel, matures_at, standing_labels, valid_label

__all__ = [
    "FIELDS",
    "IMPORTED",
    "PRECEDENCE",
    "Allowed",
    "DecisionLabels",
    "Fate",
    "ImportedLabels",
    "Label",
    "LabelCorrected",
    "LabelInvalid",
    "LabelNotFound",
    "LabelRecorded",
    "LabelReplaced",
    "LabelSource",
    "LabelsImported",
    "Settled",
    "TruthReport",
    "ValidLabel",
    "classes_of",
    "correct",
    "decisions_between",
    "hours_of_import",
    "known_of",
    "labelled_between",
    "labelled_in",
    "matures_at",
    "not_found",
    "of_decision",
    "of_decisions",
    "record",
    "record_all",
    "report_of",
    "said_of",
    "standing_labels",
    "subscribe",
    "valid_label",
    "valid_of",
    "value_of",
]
