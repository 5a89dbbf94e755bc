"""One condition: checked against its allowed variables, with faults in a builder's terms.

A condition is checked with exact types and run with the types this CEL accepts values of (`kinds`). Whole-number
literals that meet a number become numbers (`literals`), and `input.x in lists.y` becomes a variable of its own, looked
up in a set beforehand: CEL scans a list from its start, and a Python function leaks memory with each call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cel_expr_python import cel

from andon.policies.diagnosis import CelFault, diagnosed, faults_in, kind_named, said_at_run_time
from andon.policies.domain import GIVEN, ValueKind
from andon.policies.kinds import CHECKED_AS, RUN_AS
from andon.policies.literals import promoted
from andon.policies.tokens import Token, inside_macros, references_in, tokens_of

MAX_CHARACTERS = 4_000

_OPEN = {"input": ValueKind.ANY, "features": ValueKind.ANY}
_NUMBERS = (cel.Type.DOUBLE, cel.Type.INT, cel.Type.UINT, cel.Type.DYN)
_LOOKED_UP = frozenset({ValueKind.STRING, ValueKind.OPTIONAL_STRING})
_BEFORE_LOOK_UP = frozenset({"(", "[", ",", "?", ":", "&&", "||"})
_AFTER_LOOK_UP = frozenset({")", "]", ",", "?", ":", "&&", "||"})


class ConditionFaulty(Exception):
    """A condition cannot be used; `faults` tell where and why. Never leaves the slice."""

    def __init__(self, faults: Sequence[CelFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, order=True)
class LookUp:
    """`variable in lists.listed`, which a condition reads as the variable `name`.

    Like CEL's `in`, it is false for null.
    """

    name: str
    variable: str
    listed: str

    @classmethod
    def of(cls, variable: str, listed: str) -> "LookUp":
        """Return the look-up of a variable in a list."""
        return cls(f"__in_{listed}.{variable}", variable, listed)


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition: its text as it runs, its program, and its variables and look-ups.

    `bound` are the variables passed to its program; look-ups use the others.
    """

    text: str
    program: cel.Expression
    reads: frozenset[str]
    bound: frozenset[str]
    look_ups: frozenset[LookUp]


class Vocabulary:
    """The names that a table's conditions may use. Without `variables`, all names under `input` and `features`."""

    def __init__(self, variables: Mapping[str, ValueKind] | None, lists: Mapping[str, Sequence[str]]) -> None:
        of_lists = {f"lists.{name}": ValueKind.STRINGS for name in lists}
        self.kinds: Mapping[str, ValueKind] = {**GIVEN, **(_OPEN if variables is None else variables), **of_lists}
        self._checking = cel.NewEnv(variables={name: CHECKED_AS[kind] for name, kind in self.kinds.items()})
        looked_up = [name for name, kind in self.kinds.items() if kind in _LOOKED_UP]
        self._look_ups = {one.name: one for one in (LookUp.of(name, listed) for name in looked_up for listed in lists)}
        running = {name: RUN_AS[kind] for name, kind in self.kinds.items()}
        self._running = cel.NewEnv(variables=running | dict.fromkeys(self._look_ups, cel.Type.BOOL))

    def condition(self, written: str, *, number: bool = False) -> Condition:
        """Check and compile one condition, or an expression that gives a `number`. Raises ConditionFaulty."""
        tokens = tokens_of(written)
        faults = _refused(written, tokens)
        checked = written
        if not faults:
            checked, remaining = promoted(written, self._faults_of_number if number else self._faults)
            faults = [diagnosed(fault, tokens, self.kinds) for fault in remaining]
        faults = faults or self._bad_patterns(tokens)
        if faults:
            raise ConditionFaulty(faults)
        text = _with_look_ups(tokens_of(checked), self.kinds)
        references = [reference.name for reference in references_in(tokens_of(text))]
        look_ups = frozenset(self._look_ups[name] for name in references if name in self._look_ups)
        named = frozenset(name for name in map(self._variable, references) if name is not None)
        reads = named | {one.variable for one in look_ups}
        return Condition(text, self.compile(text), reads, named, look_ups)

    def compile(self, text: str) -> cel.Expression:
        """Compile a checked condition, or several in one expression. Raises ConditionFaulty."""
        try:
            return self._running.compile(text)
        except RuntimeError as error:
            raise ConditionFaulty([diagnosed(f, [], self.kinds) for f in faults_in(str(error), text)]) from error

    def _faults(self, text: str) -> list[CelFault]:
        try:
            returned = self._checking.compile(text).return_type()
        except RuntimeError as error:
            return faults_in(str(error), text)
        if returned in (cel.Type.BOOL, cel.Type.DYN):
            return []
        return [CelFault(0, f"a condition must be true or false; this is a {kind_named(returned.name().lower())}")]

    def _faults_of_number(self, text: str) -> list[CelFault]:
        try:
            returned = self._checking.compile(text).return_type()
        except RuntimeError as error:
            return faults_in(str(error), text)
        if returned in _NUMBERS:
            return []
        return [CelFault(0, f"expected a number; this is a {kind_named(returned.name().lower())}")]

    def _bad_patterns(self, tokens: Sequence[Token]) -> list[CelFault]:
        """Return the literal regular expressions in a condition that are invalid."""
        faults = []
        for call, bracket, pattern in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if (call.text, bracket.text, pattern.kind) == ("matches", "(", "string"):
                tried = self._checking.compile(f"''.matches({pattern.text})").eval(data={})
                if tried.type() == cel.Type.ERROR:
                    faults.append(CelFault(pattern.start, said_at_run_time(tried.value())))
        return faults

    def _variable(self, dotted: str) -> str | None:
        """Return the variable with which a dotted name begins.

        For `prediction.probabilities.fraud` it is `prediction.probabilities`.
        """
        parts = dotted.split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((name for name in names if name in self.kinds), None)


def _refused(written: str, tokens: Sequence[Token]) -> list[CelFault]:
    """Return faults that CEL would accept but a policy must not contain: unbounded cost, or a misleading meaning."""
    if len(written) > MAX_CHARACTERS:
        return [CelFault(0, f"{len(written):,} characters; a condition has at most {MAX_CHARACTERS:,}")]
    faults = [
        CelFault(token.start, f"`{token.text}` is not allowed inside all, exists, map or filter: its cost has no bound")
        for token in inside_macros(tokens)
        if token.text in ("+", "matches")
    ]
    for reference in references_in(tokens):
        asked = [token.text for token in tokens[max(0, reference.first - 2) : reference.first]]
        if asked == ["has", "("] and reference.name.count(".") == 1:
            faults.append(CelFault(reference.start, f"write `{reference.name} != null` instead of has(...)"))
    return faults


def _with_look_ups(tokens: Sequence[Token], kinds: Mapping[str, ValueKind]) -> str:
    """Return a condition's tokens with `input.country in lists.sanctioned` replaced by its look-up variable."""
    words = [token.text for token in tokens]
    references = {reference.first: reference for reference in references_in(tokens)}
    for asked in references.values():
        listed = references.get(asked.after + 1)
        if listed is None or words[asked.after] != "in" or kinds.get(listed.name) is not ValueKind.STRINGS:
            continue
        before = words[asked.first - 1] if asked.first else "("
        after = words[listed.after] if listed.after < len(words) else ")"
        alone = before in _BEFORE_LOOK_UP and after in _AFTER_LOOK_UP
        if alone and listed.name.startswith("lists.") and kinds.get(asked.name) in _LOOKED_UP:
            look_up = LookUp.of(asked.name, listed.name.removeprefix("lists."))
            words[asked.first : listed.after] = [look_up.name, *[""] * (listed.after - asked.first - 1)]
    return " ".join(word for word in words if word)
