"""Rules that act on a prediction without the risk gate: each must declare `unproven: true`."""

from andon.kernel.errors import Fault
from andon.policies.domain import OTHERWISE, REVIEW, DecisionTable
from andon.policies.errors import PolicyInvalid
from andon.policies.tokens import references_in, tokens_of


def require_proof(table: DecisionTable) -> None:
    """Raise PolicyInvalid, which names each unproven rule without that declaration."""
    if faults := unproven_rules(table):
        rules = "1 rule acts" if len(faults) == 1 else f"{len(faults)} rules act"
        raise PolicyInvalid(f"{table.source}: {rules} on predictions without proof", faults=faults)


def rules_alone(table: DecisionTable) -> frozenset[str]:
    """Return the rules that read neither `prediction` nor `risk`: they decide alike whatever a model says."""
    asking = {
        rule.id
        for rule in table.rules
        for reference in references_in(tokens_of(rule.when))
        if reference.name.split(".")[0] in ("prediction", "risk")
    }
    return frozenset(rule.id for rule in table.rules) - asking


def rules_before_gate(table: DecisionTable) -> frozenset[str]:
    """Return the rules that stand before any that reads `risk`: they decide alike however certain a prediction is."""
    before = list[str]()
    for rule in table.rules:
        if any(reference.name.split(".")[0] == "risk" for reference in references_in(tokens_of(rule.when))):
            return frozenset(before)
        before.append(rule.id)
    return frozenset([*before, OTHERWISE])


def unproven_rules(table: DecisionTable) -> list[Fault]:
    """Return a fault for each automatic rule that reads `prediction` without `risk.certain` or `unproven: true`."""
    faults = []
    for rule in table.rules:
        names = {reference.name for reference in references_in(tokens_of(rule.when))}
        predicted = any(name.split(".")[0] == "prediction" for name in names)
        if predicted and "risk.certain" not in names and rule.then != REVIEW and not rule.unproven:
            message = (
                f"rule `{rule.id}` acts on a prediction without `risk.certain`, so its error has no bound; "
                "add `risk.certain &&` to its condition, or `unproven: true` to the rule if that is meant"
            )
            faults.append(Fault(f"{table.source}:{rule.line}", message))
    return faults
