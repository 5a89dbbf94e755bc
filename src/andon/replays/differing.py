"""The differences between two decision tables, rule by rule. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from andon.policies import DecisionTable, Rule


@dataclass(frozen=True, slots=True)
class TableDifference:
    """One difference: of a rule, a list, `otherwise` or the outcomes. An empty side does not exist in that table."""

    where: str
    before: str
    after: str


def table_differences(before: DecisionTable, after: DecisionTable) -> list[TableDifference]:
    """Return the differences between two tables; comments and layout make none."""
    return [*_rules(before, after), *_lists(before, after), *_rest(before, after)]


def _rules(before: DecisionTable, after: DecisionTable) -> Iterator[TableDifference]:
    was, now = ({rule.id: rule for rule in table.rules} for table in (before, after))
    for name in dict.fromkeys((*was, *now)):
        texts = [_text(rules.get(name)) for rules in (was, now)]
        if texts[0] != texts[1]:
            yield TableDifference(f"rule {name}", *texts)
    both = [name for name in was if name in now]
    order = [name for name in now if name in was]
    if both != order:
        yield TableDifference("order of the rules", ", ".join(both), ", ".join(order))


def _lists(before: DecisionTable, after: DecisionTable) -> Iterator[TableDifference]:
    for name in dict.fromkeys((*before.lists, *after.lists)):
        was, now = before.lists.get(name, ()), after.lists.get(name, ())
        gone, new = [one for one in was if one not in now], [one for one in now if one not in was]
        if gone or new or (name in before.lists) != (name in after.lists):
            yield TableDifference(f"list {name}", ", ".join(gone), ", ".join(new))


def _rest(before: DecisionTable, after: DecisionTable) -> Iterator[TableDifference]:
    for where, was, now in (
        ("otherwise", before.otherwise, after.otherwise),
        ("outcomes", ", ".join(before.outcomes), ", ".join(after.outcomes)),
    ):
        if was != now:
            yield TableDifference(where, was, now)


def _text(rule: Rule | None) -> str:
    if rule is None:
        return ""
    reasons = f" ({', '.join(rule.reasons)})" if rule.reasons else ""
    return f"{' '.join(rule.when.split())} → {rule.then}{reasons}{' unproven' if rule.unproven else ''}"
