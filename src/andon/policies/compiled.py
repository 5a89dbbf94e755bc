"""A policy ready to decide: all rules as one CEL expression; plain comparisons are decided without CEL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cel_expr_python import cel

from andon.kernel.errors import Fault
from andon.policies.conditions import Condition, ConditionFaulty, LookUp, Vocabulary
from andon.policies.diagnosis import said_at_run_time
from andon.policies.domain import (
    ERROR,
    OTHERWISE,
    POLICY_ERROR,
    REVIEW,
    ROOTS,
    DecisionTable,
    Facts,
    Rule,
    Ruling,
    ValueKind,
)
from andon.policies.errors import PolicyInvalid
from andon.policies.kinds import converted
from andon.policies.plain import NONE, first_match_of
from andon.policies.tokens import references_in, tokens_of

CHUNK = 24
"""The most rules in one expression; CEL's parser goes 32 levels deep, and each rule is one level."""

_ALWAYS_CONVERTED = frozenset({ValueKind.TIME, ValueKind.OPTIONAL_TIME, ValueKind.OPTIONAL_NUMBER, ValueKind.ANY})

_AS_IT_IS = frozenset((bool, int, float, str))
"""Classes of values that CEL takes unchanged, except NaN."""

_EVALUATION_ERRORS = (RuntimeError, ValueError, TypeError, OverflowError, AttributeError)
"""Errors of CEL's binding, or of converting a value for it."""


def compile(table: DecisionTable, variables: Mapping[str, ValueKind]) -> "CompiledPolicy":  # noqa: A001 - a policy's verb
    """Compile a table after checking each condition against `variables` (`input.amount` -> NUMBER ...).

    GIVEN and lists are known. Raises PolicyInvalid with all faults.
    """
    vocabulary = Vocabulary(variables, table.lists)
    return CompiledPolicy(table, vocabulary, _conditions(table, vocabulary))


def check(table: DecisionTable) -> None:
    """Check a table without an automation: CEL's grammar, `prediction`, `risk` and `lists`. Raises PolicyInvalid."""
    _conditions(table, Vocabulary(None, table.lists))


def names_in(table: DecisionTable) -> dict[str, Rule]:
    """Return the variables in a table's text, each with the first rule that names it."""
    found: dict[str, Rule] = {}
    for rule in table.rules:
        for reference in references_in(tokens_of(rule.when)):
            root, _, rest = reference.name.partition(".")
            if root in ROOTS and rest:
                found.setdefault(f"{root}.{rest.partition('.')[0]}", rule)
    return found


class CompiledPolicy:
    """A decision table whose conditions were checked against the variables of an automation."""

    def __init__(self, table: DecisionTable, vocabulary: Vocabulary, conditions: Sequence[Condition]) -> None:
        self.table = table
        self._kinds = vocabulary.kinds
        self._singles = [condition.program for condition in conditions]
        self._ruled_without = [
            (rule, ruling, condition.program)
            for rule, ruling, condition in zip(table.rules, _rulings(table), conditions, strict=True)
            if not any(name.startswith("prediction.") for name in condition.reads)
        ]
        self._plainly = first_match_of(conditions, self._kinds, table.lists)
        self._chunks = _chunked(vocabulary, [condition.text for condition in conditions], 0)
        self._rulings = _rulings(table)
        self._otherwise = Ruling(table.otherwise, OTHERWISE, ())
        self._numbered = [*self._rulings, self._otherwise]
        """The rulings by the numbers of their rules; NONE is the last."""
        reads = sorted(frozenset[str]().union(*(condition.reads for condition in conditions)))
        bound = frozenset[str]().union(*(condition.bound for condition in conditions))
        self._only_looked_up = [name for name in reads if name not in bound]
        look_ups = sorted(frozenset[LookUp]().union(*(condition.look_ups for condition in conditions)))
        self._look_ups = [(one.name, one.variable, frozenset(table.lists[one.listed])) for one in look_ups]
        self._lists = {name: list(table.lists[name[6:]]) for name in reads if name.startswith("lists.")}
        self._plan = [(name, ROOTS.index(root), key) for name, root, key in map(_split, reads) if root in ROOTS]
        self._numbers = [name for name, _, _ in self._plan if self._kinds[name] is ValueKind.NUMBER]
        self._converted = [
            name for name, _, _ in self._plan if self._kinds[name] in _ALWAYS_CONVERTED - {ValueKind.ANY}
        ]
        self._of_any_kind = [name for name, _, _ in self._plan if self._kinds[name] is ValueKind.ANY]

    @property
    def reads(self) -> tuple[str, ...]:
        """The variables that its rules read."""
        return tuple(name for name, _, _ in self._plan)

    def evaluate(
        self,
        input: Mapping[str, Any],  # noqa: A002 - the name it has in a policy
        features: Mapping[str, Any],
        prediction: Mapping[str, Any],
        risk: Mapping[str, Any],
    ) -> Ruling:
        """Return the ruling on one decision. Never raises: a failed evaluation becomes a review with its error."""
        if self._plainly is not None:
            try:
                return self._numbered[self._plainly(input, features, prediction, risk)]
            except (KeyError, TypeError, ValueError, OverflowError):
                pass  # a value of another class, which CEL must judge
        facts = (input, features, prediction, risk)
        try:
            index = self._first_match(self._quickly_bound(facts))
        except (KeyError, *_EVALUATION_ERRORS):
            index = None
        return self._carefully(facts) if index is None else self._numbered[index]

    def evaluate_without_prediction(
        self,
        input: Mapping[str, Any],  # noqa: A002 - the name it has in a policy
        features: Mapping[str, Any],
        risk: Mapping[str, Any],
    ) -> Ruling:
        """Return the ruling of the rules that use no prediction; `otherwise` when none of them holds. Never raises."""
        data = self._bound((input, features, {}, risk), without=("prediction",))
        if isinstance(data, Ruling):
            return data
        return self._ruled(self._ruled_without, data)

    def matches(self, facts: Facts) -> list[bool | str]:
        """Return, for each rule by itself, whether it holds or why that is undecidable.

        This is for people; `evaluate` decides.
        """
        data = self._bound(facts)
        if isinstance(data, Ruling):
            return [data.error or ""] * len(self._singles)
        return [_holds(single, data) for single in self._singles]

    def _quickly_bound(self, facts: Facts) -> dict[str, Any]:
        """Return the variables unchanged. Raises KeyError for a missing one, ValueError for NaN."""
        data = {name: facts[root][key] for name, root, key in self._plan}
        for name in self._numbers:
            value = data[name]
            if value != value:  # only NaN differs from itself
                raise ValueError(name)
        for name in self._converted:
            data[name] = converted(self._kinds[name], data[name])
        for name in self._of_any_kind:
            value = data[name]
            if value.__class__ not in _AS_IT_IS or value != value:
                data[name] = converted(self._kinds[name], value)
        for name, variable, listed in self._look_ups:
            value = data[variable]
            if value.__class__ is not str and value is not None:
                raise TypeError(variable)  # to be converted first
            data[name] = value in listed
        for name in self._only_looked_up:
            del data[name]  # each variable passed to CEL costs a conversion
        data.update(self._lists)
        return data

    def _bound(self, facts: Facts, *, without: Sequence[str] = ()) -> "dict[str, Any] | Ruling":
        """Return the converted variables; missing ones are absent, so that only a rule that needs one fails."""
        data: dict[str, Any] = dict(self._lists)
        for name, root, key in self._plan:
            if ROOTS[root] in without:
                continue
            try:
                value = converted(self._kinds[name], facts[root].get(key))
            except _EVALUATION_ERRORS as error:
                return _not_ruled(f"`{name}` is not of the kind `{self._kinds[name]}`: {error}")
            if value is not None or self._kinds[name] not in _NEVER_NULL:
                data[name] = value
        for name, variable, listed in self._look_ups:
            value = data.get(variable)
            if value is not None and not isinstance(value, str):
                return _not_ruled(f"`{variable}` is not of the kind `{self._kinds[variable]}`")
            if variable in data:
                data[name] = value in listed
        return data

    def _first_match(self, data: Mapping[str, Any]) -> int | None:
        """Return the number of the first rule that holds, -1 when none does, None when that is undecidable."""
        for chunk in self._chunks:
            index = chunk.eval(data=data).value()
            if type(index) is not int:
                return None
            if index != NONE:
                return index
        return NONE

    def _carefully(self, facts: Facts) -> Ruling:
        """Evaluate rule by rule after a first attempt failed, to convert values or to find the faulty rule."""
        data = self._bound(facts)
        if isinstance(data, Ruling):
            return data
        return self._ruled(zip(self.table.rules, self._rulings, self._singles, strict=True), data)

    def _ruled(self, rules: Iterable[tuple[Rule, Ruling, cel.Expression]], data: Mapping[str, Any]) -> Ruling:
        """Return the ruling of the first of these rules that holds."""
        for rule, ruling, single in rules:
            holds = _holds(single, data)
            if isinstance(holds, str):
                return _not_ruled(f"rule `{rule.id}`: {holds}")
            if holds:
                return ruling
        return self._otherwise


_NEVER_NULL = frozenset(ValueKind) - {
    ValueKind.OPTIONAL_NUMBER,
    ValueKind.OPTIONAL_STRING,
    ValueKind.OPTIONAL_BOOLEAN,
    ValueKind.OPTIONAL_TIME,
    ValueKind.ANY,
}


def _holds(single: cel.Expression, data: Mapping[str, Any]) -> bool | str:
    """Return whether a condition holds, or why that is undecidable."""
    try:
        value = single.eval(data=data)
    except _EVALUATION_ERRORS as error:
        return said_at_run_time(str(error))
    result = value.value()
    if type(result) is bool:
        return result
    return said_at_run_time(result) if value.type() == cel.Type.ERROR else "the condition is neither true nor false"


def _rulings(table: DecisionTable) -> list[Ruling]:
    return [Ruling(rule.then, rule.id, rule.reasons) for rule in table.rules]


def _not_ruled(error: str) -> Ruling:
    return Ruling(REVIEW, ERROR, (POLICY_ERROR,), error)


def _split(name: str) -> tuple[str, str, str]:
    root, _, key = name.partition(".")
    return name, root, key


def _conditions(table: DecisionTable, vocabulary: Vocabulary) -> list[Condition]:
    conditions, faults = [], []
    for rule in table.rules:
        try:
            conditions.append(vocabulary.condition(rule.when))
        except ConditionFaulty as faulty:
            faults += [_fault(table, rule, fault.offset, fault.message) for fault in faulty.faults]
    if faults:
        raise PolicyInvalid(f"{table.source}: {len(faults)} fault{'s' if len(faults) > 1 else ''}", faults=faults)
    return conditions


def _fault(table: DecisionTable, rule: Rule, offset: int, message: str) -> Fault:
    line, column = rule.place.at(offset)
    return Fault(f"{table.source}:{line}:{column}", f"rule `{rule.id}`: {message}")


def _chunked(vocabulary: Vocabulary, texts: Sequence[str], first: int) -> list[cel.Expression]:
    """Return all conditions as few expressions, each giving the number of its first rule that holds, or -1.

    A chunk that goes too deep for CEL's parser is halved; a single rule of the greatest depth still fits.
    """
    if len(texts) <= CHUNK:
        rows = "".join(f"({text}) ? {first + i} : " for i, text in enumerate(texts))
        try:
            return [vocabulary.compile(f"{rows}{NONE}")]
        except ConditionFaulty:
            if len(texts) == 1:
                raise
    half = min(CHUNK, (len(texts) + 1) // 2)
    return _chunked(vocabulary, texts[:half], first) + _chunked(vocabulary, texts[half:], first + half)
