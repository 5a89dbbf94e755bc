"""Every event that Andon publishes. A new one is declared in its slice's `published.py` and gets one line here."""

from andon import (
    access,
    actions,
    cord,
    decisions,
    features,
    gates,
    labels,
    models,
    policies,
    reviews,
    serving,
    spending,
    streams,
)
from andon.kernel.events import DomainEvent

CATALOGUE: tuple[type[DomainEvent], ...] = (
    actions.ActionConfirmed,
    actions.ActionsDied,
    actions.ActionsRevived,
    models.AliasSet,
    decisions.AutomationReleased,
    spending.BudgetChanged,
    spending.BudgetNearlySpent,
    spending.BudgetUsedUp,
    streams.EventsDied,
    features.ExpectationBreached,
    gates.GateRevised,
    access.KeyClosed,
    access.KeyCreated,
    labels.LabelCorrected,
    labels.LabelRecorded,
    labels.LabelsImported,
    cord.LineStateChanged,
    models.ModelRegistered,
    policies.PolicyPutInForce,
    reviews.QuestionAnswered,
    serving.SplitSet,
    reviews.VerdictGiven,
)
