"""Conditions that are only comparisons, as one Python function: the same answer in a twentieth of CEL's time.

CEL remains the definition of a condition: it has checked each one before, and decides wherever a condition or a value
is not of the plainest kind. A translated condition cannot fail once its values are of the classes that are checked
first, so that CEL's rules for errors never apply; order of evaluation does not matter, and Python compares doubles and
strings as CEL does.
"""

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

from andon.policies.conditions import Condition, LookUp
from andon.policies.domain import ROOTS, ValueKind
from andon.policies.tokens import Token, tokens_of

NONE = -1
"""The number of no rule."""

FirstMatch: TypeAlias = Callable[..., int]
"""Returns, for the facts of one decision, the number of the first condition that holds, or NONE.

Raises KeyError, TypeError or ValueError for a value that is not of the plainest class; this implies nothing about the
decision.
"""

_EQUALITY = frozenset({"==", "!="})
_ORDER = frozenset({"<", "<=", ">", ">="})

_EXACT = 2**53
"""The largest number up to which each whole number is a double."""

DEEPEST = 50
"""The nesting of brackets and `!` up to which Python's parser is used."""


class _NotPlain(Exception):
    """A condition has more than is translated here."""


def first_match_of(
    conditions: Sequence[Condition], kinds: Mapping[str, ValueKind], lists: Mapping[str, Collection[str]]
) -> FirstMatch | None:
    """Return all conditions as one function; None if one of them has more than comparisons."""
    reads = sorted(frozenset[str]().union(*(condition.reads for condition in conditions)))
    variables = {name: f"v{number}" for number, name in enumerate(reads)}
    sets = {listed: f"list{number}" for number, listed in enumerate(sorted(lists))}
    names = {name: (kinds[name], variable) for name, variable in variables.items()}
    for one in frozenset[LookUp]().union(*(condition.look_ups for condition in conditions)):
        names[one.name] = (ValueKind.BOOLEAN, f"({variables[one.variable]} in {sets[one.listed]})")
    used_as = {variable: kinds[name] for name, variable in variables.items() if kinds[name] is not ValueKind.ANY}
    try:
        rules = [f"if {_Reader(c.text, names, used_as).condition()}: return {n}" for n, c in enumerate(conditions)]
        fetching = [line for name, variable in variables.items() for line in _fetching(name, variable, used_as)]
    except _NotPlain:
        return None
    source = "\n    ".join([f"def first_match({', '.join(ROOTS)}):", *fetching, *rules, f"return {NONE}"])
    around: dict[str, Any] = {"number": _number, **{sets[name]: frozenset(lists[name]) for name in sets}}
    exec(compile(source, "<policy>", "exec"), around)  # noqa: S102 - our own words only: names are numbered, literals are repr()
    function: FirstMatch = around["first_match"]
    return function


def _fetching(name: str, variable: str, used_as: Mapping[str, ValueKind]) -> list[str]:
    """Return the lines that fetch a variable from the facts and check its class. Raises _NotPlain."""
    root, _, key = name.partition(".")
    if root not in ROOTS:
        raise _NotPlain
    fetched = f"{variable} = {root}[{key!r}]"
    match used_as.get(variable):
        case ValueKind.NUMBER:
            seen = [f"if {variable}.__class__ is not float: {variable} = number({variable})"]
            seen += [f"elif {variable} != {variable}: raise ValueError"]
        case ValueKind.STRING:
            seen = [f"if {variable}.__class__ is not str or not {variable}.isascii(): raise TypeError"]
        case ValueKind.BOOLEAN:
            seen = [f"if {variable}.__class__ is not bool: raise TypeError"]
        case _:
            raise _NotPlain
    return [fetched, *seen]


def _number(value: Any) -> float:
    """Return a whole number as the equal double."""
    if value.__class__ is not int or abs(value) > _EXACT:
        raise TypeError
    return float(value)


class _Reader:
    """Reads one condition from left to right, by the plain part of CEL's grammar, and translates it to Python."""

    def __init__(
        self, text: str, names: Mapping[str, tuple[ValueKind, str]], used_as: MutableMapping[str, ValueKind]
    ) -> None:
        self._tokens = tokens_of(text)
        self._at = 0
        self._depth = 0
        self._names = names
        self._used_as = used_as

    def condition(self) -> str:
        """Read the whole condition. Raises _NotPlain."""
        written = self._of_kind(ValueKind.BOOLEAN, self._either())
        if self._at < len(self._tokens):
            raise _NotPlain
        return written

    def _either(self) -> tuple[ValueKind, str]:
        return self._joined("||", "or", self._both)

    def _both(self) -> tuple[ValueKind, str]:
        return self._joined("&&", "and", self._compared)

    def _joined(self, sign: str, word: str, part: Callable[[], tuple[ValueKind, str]]) -> tuple[ValueKind, str]:
        first = part()
        if not self._is(sign):
            return first
        parts = [self._of_kind(ValueKind.BOOLEAN, first)]
        while self._is(sign):
            self._at += 1
            parts.append(self._of_kind(ValueKind.BOOLEAN, part()))
        return ValueKind.BOOLEAN, f"({f' {word} '.join(parts)})"

    def _compared(self) -> tuple[ValueKind, str]:
        """Read one value, or two compared; with a third, CEL would compare the result."""
        left = self._single()
        sign = self._now.text if self._now is not None else ""
        if sign not in _ORDER | _EQUALITY:
            return left
        self._at += 1
        right = self._single()
        kind = left[0] if right[0] is ValueKind.ANY else right[0]
        if sign in _ORDER and kind is not ValueKind.NUMBER:
            raise _NotPlain
        return ValueKind.BOOLEAN, f"({self._of_kind(kind, left)} {sign} {self._of_kind(kind, right)})"

    def _single(self) -> tuple[ValueKind, str]:
        token = self._taken()
        match token.kind, token.text:
            case _, "!":
                return ValueKind.BOOLEAN, f"(not {self._of_kind(ValueKind.BOOLEAN, self._within(self._single))})"
            case _, "-":
                return ValueKind.NUMBER, f"(-{self._literal(self._taken())})"
            case _, "(":
                return self._within(self._bracketed)
            case "number" | "whole", _:
                return ValueKind.NUMBER, self._literal(token)
            case "string", text if text[0] in "'\"" and "\\" not in text and not text.startswith(('"""', "'''")):
                return ValueKind.STRING, repr(text[1:-1])
            case "name", "true" | "false":
                return ValueKind.BOOLEAN, token.text.capitalize()
            case "name", _:
                return self._named(token)
        raise _NotPlain

    def _within(self, part: Callable[[], tuple[ValueKind, str]]) -> tuple[ValueKind, str]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _NotPlain
        inner = part()
        self._depth -= 1
        return inner

    def _bracketed(self) -> tuple[ValueKind, str]:
        inner = self._either()
        if self._taken().text != ")":
            raise _NotPlain
        return inner

    def _literal(self, token: Token) -> str:
        if token.kind not in ("number", "whole") or not token.text[-1].isdigit() or token.text[:2] in ("0x", "0X"):
            raise _NotPlain
        value = float(token.text)
        if not isfinite(value) or (token.kind == "whole" and value > _EXACT):
            raise _NotPlain
        return repr(value)

    def _named(self, first: Token) -> tuple[ValueKind, str]:
        name = first.text
        while self._is("."):
            self._at += 1
            name += f".{self._taken().text}"
        found = self._names.get(name)
        if found is None or self._is("(") or self._is("["):
            raise _NotPlain
        return found

    def _of_kind(self, kind: ValueKind, read: tuple[ValueKind, str]) -> str:
        """Return the value read as one of this kind; a value of unknown kind is noted as required to be of it."""
        found, text = read
        if found is ValueKind.ANY:
            found = self._used_as.setdefault(text, kind)
        if found is not kind or kind is ValueKind.ANY:
            raise _NotPlain
        return text

    @property
    def _now(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is(self, sign: str) -> bool:
        return self._now is not None and self._now.text == sign

    def _taken(self) -> Token:
        token = self._now
        if token is None:
            raise _NotPlain
        self._at += 1
        return token
