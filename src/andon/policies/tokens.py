"""The words of a CEL condition: enough to find names, literals and calls in it. CEL itself does the parsing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})

_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | //[^\n]* )
  | (?P<string> [rR][bB]? (?: \"{3}.*?\"{3} | '{3}.*?'{3} | "[^"\n]*" | '[^'\n]*' )
              | [bB]? (?: \"{3}(?:\\.|[^\\])*?\"{3} | '{3}(?:\\.|[^\\])*?'{3}
                          | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' ) )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<number> 0[xX][0-9a-fA-F]+[uU]? | \d*\.\d+(?:[eE][+-]?\d+)? | \d+[eE][+-]?\d+ | \d+[uU] )
  | (?P<whole> \d+ )
  | (?P<sign> && | \|\| | == | != | <= | >= | . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind (string, name, number, whole, sign), its text and where it begins in the condition."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The position at which the next word may begin."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Reference:
    """A dotted name that is not a call: `input.amount` in `input.amount > 1.0`, from token `first` up to `after`."""

    name: str
    start: int
    first: int
    after: int


def tokens_of(condition: str) -> list[Token]:
    """Return the tokens of a condition, without spaces and comments."""
    words = (match for match in _TOKEN.finditer(condition) if match.lastgroup != "space")
    return [Token(str(match.lastgroup), match.group(), match.start()) for match in words]


def plain(condition: str) -> str:
    """Return the condition with one space between tokens and no comments: independent of its layout."""
    return " ".join(token.text for token in tokens_of(condition))


def references_in(tokens: Sequence[Token]) -> list[Reference]:
    """Return all dotted names; the method at the end of `input.name.startsWith('a')` is not part of one."""
    found = []
    position = 0
    while position < len(tokens):
        first = position
        position += 1
        if tokens[first].kind != "name" or (first > 0 and tokens[first - 1].text == "."):
            continue
        while position + 1 < len(tokens) and tokens[position].text == "." and tokens[position + 1].kind == "name":
            position += 2
        after = position
        if after < len(tokens) and tokens[after].text == "(":
            after -= 2
        if after > first:
            name = "".join(token.text for token in tokens[first:after])
            found.append(Reference(name, tokens[first].start, first, after))
    return found


def inside_macros(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens between the brackets of `exists(...)`, `map(...)` and the like, which run once per element."""
    inside: list[Token] = []
    macros: list[int] = []
    depth = 0
    for position, token in enumerate(tokens):
        if macros and not (token.text == ")" and depth == macros[-1]):
            inside.append(token)
        if token.text == "(":
            depth += 1
            called = tokens[position - 1] if position else None
            dotted = position > 1 and tokens[position - 2].text == "."
            if called is not None and dotted and called.text in MACROS:
                macros.append(depth)
        elif token.text == ")":
            if macros and macros[-1] == depth:
                macros.pop()
            depth -= 1
    return inside
