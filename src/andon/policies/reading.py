"""The strict reader of a decision table from YAML, which reports the line of every fault.

The YAML is read as nodes and never as Python values, so that `no` is the word "no", duplicate keys are found, and every
fault has its line.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from andon.kernel.errors import Fault
from andon.policies.domain import ALLOW, ASK, DENY, RESERVED, REVIEW, DecisionTable, Rule
from andon.policies.errors import PolicyInvalid
from andon.policies.places import ConditionPlace
from andon.policies.tokens import plain

KEYS = ("description", "outcomes", "lists", "rules", "otherwise")
RULE_KEYS = ("id", "when", "then", "reasons", "unproven")
MAX_CHARACTERS = 1_000_000
MAX_RULES = 500

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")
_LIST_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
_REASON = re.compile(r"^[A-Z][A-Z0-9_]{0,62}$")


def parse(text: str, *, source: str) -> DecisionTable:
    """Parse the table in `text`. Raises PolicyInvalid with all faults, each `source:line` and what was expected."""
    return _Reader(source, text).read()


def version_of(
    outcomes: Sequence[str], rules: Sequence[Rule], otherwise: str, lists: Mapping[str, Sequence[str]]
) -> str:
    """Return twelve hex digits that change whenever a decision could; layout, comments and description do not count."""
    return _digest(outcomes, rules, otherwise, lists)[:12]


def digest_of(table: DecisionTable) -> str:
    """Return the whole digest, whose beginning is the version."""
    return _digest(table.outcomes, table.rules, table.otherwise, table.lists)


def _digest(outcomes: Sequence[str], rules: Sequence[Rule], otherwise: str, lists: Mapping[str, Sequence[str]]) -> str:
    content = {
        "outcomes": sorted(outcomes),
        "rules": [[rule.id, plain(rule.when), rule.then, list(rule.reasons)] for rule in rules],
        "otherwise": otherwise,
        "lists": {name: list(values) for name, values in lists.items()},
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key of a mapping with its value."""

    key: yaml.Node
    value: yaml.Node


class _Reader:
    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.faults: list[tuple[int, str]] = []
        self.outcomes: tuple[str, ...] = ()
        self.asks = False
        """Whether the table is about tool calls, in which `ask` means `review`."""

    def read(self) -> DecisionTable:
        root = self._root()
        entries = self._mapping(root, KEYS, "a table has")
        for missing in ("outcomes", "rules", "otherwise"):
            if missing not in entries:
                self._fault(root, _MISSING[missing])
        description = self._text(entries["description"].value) if "description" in entries else ""
        self.outcomes = self._outcomes(entries.get("outcomes"))
        lists = self._lists(entries.get("lists"))
        rules = self._rules(entries.get("rules"))
        otherwise = self._otherwise(entries.get("otherwise"))
        self._raise_faults()
        self.outcomes = tuple(map(self._meant, self.outcomes))
        return DecisionTable(
            outcomes=self.outcomes,
            rules=rules,
            otherwise=otherwise,
            lists=lists,
            description=description,
            version=version_of(self.outcomes, rules, otherwise, lists),
            source=self.source,
            warnings=self._warnings(entries["outcomes"].value, rules, otherwise),
        )

    def _root(self) -> yaml.Node:
        if len(self.text) > MAX_CHARACTERS:
            raise PolicyInvalid(f"{self.source}: a policy has at most {MAX_CHARACTERS:,} characters")
        try:
            root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{self.source}:{mark.line + 1}:{mark.column + 1}" if mark else self.source
            raise _invalid(self.source, [Fault(where, f"not YAML: {error.problem or error.context}")]) from error
        except yaml.YAMLError as error:
            raise _invalid(self.source, [Fault(self.source, f"not YAML: {error}")]) from error
        except RecursionError as error:
            raise _invalid(self.source, [Fault(self.source, "nested too deeply for a decision table")]) from error
        if root is None:
            raise _invalid(self.source, [Fault(f"{self.source}:1", f"empty; a table has {_listed(KEYS)}")])
        return root

    def _outcomes(self, entry: _Entry | None) -> tuple[str, ...]:
        if entry is None:
            return ()
        found: dict[str, None] = {}
        for node in self._sequence(entry.value, "outcomes", "[release, pause, review]"):
            name = self._text(node)
            if not _NAME.match(name):
                self._fault(node, f"an outcome must be a word such as `release`, got {_shown(name)}")
            elif name in found:
                self._fault(node, f"outcome `{name}` is named twice")
            found[name] = None
        if not found:
            self._fault(entry.value, "no outcomes; name them, such as [release, pause, review]")
        if found.keys() <= {ALLOW, DENY, ASK}:
            self.asks = ASK in found
        return tuple(found)

    def _lists(self, entry: _Entry | None) -> dict[str, tuple[str, ...]]:
        if entry is None:
            return {}
        found = {}
        for name, inner in self._mapping(entry.value, None, "lists are").items():
            if not _LIST_NAME.match(name):
                self._fault(inner.key, f"a list's name must be lower-case letters, digits and '_', got {_shown(name)}")
            nodes = self._sequence(inner.value, f"list `{name}`", "[RU, BY]")
            found[name] = tuple(self._text(node) for node in nodes)
        return found

    def _rules(self, entry: _Entry | None) -> tuple[Rule, ...]:
        if entry is None:
            return ()
        nodes = self._sequence(entry.value, "rules", "a list of {id, when, then, reasons}")
        if not nodes:
            self._fault(entry.value, "no rules; a table needs at least one")
        if len(nodes) > MAX_RULES:
            self._fault(entry.value, f"{len(nodes)} rules; a table has at most {MAX_RULES}")
        lines: dict[str, int] = {}
        return tuple(rule for node in nodes if (rule := self._rule(node, lines)) is not None)

    def _rule(self, node: yaml.Node, lines: dict[str, int]) -> Rule | None:
        before = len(self.faults)
        entries = self._mapping(node, RULE_KEYS, "a rule has")
        if not isinstance(node, yaml.MappingNode):
            return None
        id_ = self._rule_id(node, entries.get("id"), lines)
        shown = f"rule `{id_}`" if id_ else "this rule"
        when = self._text(entries["when"].value) if "when" in entries else ""
        if "when" not in entries or not plain(when):
            self._fault(entries["when"].value if "when" in entries else node, f"{shown} has no condition (`when`)")
        if "then" not in entries:
            self._fault(node, f"{shown} has no outcome (`then`)")
        then = self._outcome(entries["then"].value, f"{shown}: `then`") if "then" in entries else ""
        reasons = self._reasons(entries.get("reasons"), shown)
        unproven = self._flag(entries.get("unproven"), f"{shown}: `unproven`")
        condition = entries["when"].value if "when" in entries else None
        if len(self.faults) > before or not isinstance(condition, yaml.ScalarNode):
            return None
        return Rule(id_, when, then, reasons, ConditionPlace.of(condition, self.text), unproven=unproven)

    def _rule_id(self, node: yaml.Node, entry: _Entry | None, lines: dict[str, int]) -> str:
        id_ = self._text(entry.value) if entry else ""
        where = entry.value if entry else node
        if not id_.strip():
            self._fault(where, "a rule needs an `id`, a word such as `sanctioned`")
        elif not _NAME.match(id_):
            self._fault(where, f"a rule's id must be a word such as `sanctioned`, got {_shown(id_)}")
        elif id_ in RESERVED:
            self._fault(where, f"a rule cannot have the id `{id_}`: it is reserved for decisions that no rule made")
        elif id_ in lines:
            self._fault(where, f"rule id `{id_}` is already used by the rule at line {lines[id_]}")
        lines.setdefault(id_, where.start_mark.line + 1)
        return id_

    def _flag(self, entry: _Entry | None, shown: str) -> bool:
        if entry is None:
            return False
        written = self._text(entry.value)
        if written not in ("true", "false"):
            self._fault(entry.value, f"{shown} must be true or false, got {_shown(written)}")
        return written == "true"

    def _reasons(self, entry: _Entry | None, shown: str) -> tuple[str, ...]:
        if entry is None:
            return ()
        found = []
        for node in self._sequence(entry.value, f"{shown}: `reasons`", "[HIGH_SCORE]"):
            code = self._text(node)
            if not _REASON.match(code):
                self._fault(node, f"{shown}: a reason must be a code such as HIGH_SCORE, got {_shown(code)}")
            found.append(code)
        return tuple(found)

    def _otherwise(self, entry: _Entry | None) -> str:
        return self._outcome(entry.value, "`otherwise`") if entry else ""

    def _outcome(self, node: yaml.Node, shown: str) -> str:
        name = self._text(node)
        if self.outcomes and name not in self.outcomes:
            self._fault(node, f"{shown} is {_shown(name)}; expected one of the outcomes {_listed(self.outcomes)}")
        return self._meant(name)

    def _meant(self, outcome: str) -> str:
        return REVIEW if self.asks and outcome == ASK else outcome

    def _warnings(self, node: yaml.Node, rules: Sequence[Rule], otherwise: str) -> tuple[str, ...]:
        chosen = {otherwise, REVIEW, *(rule.then for rule in rules)}
        found = [
            f"{self.source}:{node.start_mark.line + 1}: no rule chooses outcome `{name}`"
            for name in self.outcomes
            if name not in chosen
        ]
        always = next((i for i, rule in enumerate(rules) if plain(rule.when) == "true"), len(rules))
        found += [
            f"{self.source}:{rule.line}: rule `{rule.id}` is never reached: rule `{rules[always].id}` before it "
            "always holds"
            for rule in rules[always + 1 :]
        ]
        return tuple(found)

    def _mapping(self, node: yaml.Node, known: Sequence[str] | None, shown: str) -> dict[str, _Entry]:
        if not isinstance(node, yaml.MappingNode):
            expected = _listed(known) if known else "name: [value, ...]"
            self._fault(node, f"expected a mapping: {shown} {expected}")
            return {}
        found: dict[str, _Entry] = {}
        for key, value in node.value:
            name = self._text(key)
            if name in found:
                self._fault(key, f"key `{name}` occurs twice")
            elif known is not None and name not in known:
                self._fault(key, f"unknown key `{name}`; {shown} {_listed(known)}")
            found[name] = _Entry(key, value)
        return found

    def _sequence(self, node: yaml.Node, shown: str, example: str) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._fault(node, f"{shown}: expected a list, such as {example}")
        return []

    def _text(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self._fault(node, "expected a single value here")
        return ""

    def _fault(self, node: yaml.Node, message: str) -> None:
        self.faults.append((node.start_mark.line + 1, message))

    def _raise_faults(self) -> None:
        if self.faults:
            raise _invalid(self.source, [Fault(f"{self.source}:{line}", text) for line, text in sorted(self.faults)])


def _invalid(source: str, faults: Sequence[Fault]) -> PolicyInvalid:
    return PolicyInvalid(f"{source}: {len(faults)} fault{'s' if len(faults) > 1 else ''}", faults=faults)


_MISSING = {
    "outcomes": "`outcomes` is missing; name the possible outcomes, such as [release, pause, review]",
    "rules": "`rules` is missing; a table needs at least one",
    "otherwise": "`otherwise` is missing; name the outcome for when no rule holds; `review` is the safest",
}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _shown(text: str) -> str:
    return f"`{text[:60]}`" if text.strip() else "nothing"
