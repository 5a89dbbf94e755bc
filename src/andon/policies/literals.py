"""Whole-number literals where CEL wants a number: `input.amount > 1` becomes `input.amount > 1.0`.

CEL's own type checker says where a number meets a whole number; only a literal at that very place gets its `.0`, so
strings, indices and sizes are never touched, and what is returned was checked again.
"""

import re
from collections.abc import Callable, Sequence

from andon.policies.diagnosis import CelFault
from andon.policies.tokens import Token, tokens_of

_NUMBER = r"(?:double|wrapper\(double\))"
_MISMATCH = re.compile(
    rf"found no matching overload for '(?:_[^_]+_|@in)' applied to '\((?:{_NUMBER}, (?P<right>int|list\(int\))|(?P<left>int), {_NUMBER})\)'"
)


def promoted(condition: str, faults_of: Callable[[str], Sequence[CelFault]]) -> tuple[str, Sequence[CelFault]]:
    """The condition with its literals promoted as far as that helps, and the faults that are left."""
    faults = faults_of(condition)
    while faults:
        places = _places(condition, faults)
        if not places:
            break
        for place in sorted(places, reverse=True):
            condition = f"{condition[:place]}.0{condition[place:]}"
        faults = faults_of(condition)
    return condition, faults


def _places(condition: str, faults: Sequence[CelFault]) -> set[int]:
    """Behind which characters a `.0` is missing."""
    tokens = tokens_of(condition)
    by_start = {token.start: position for position, token in enumerate(tokens)}
    places: set[int] = set()
    for fault in faults:
        match = _MISMATCH.match(fault.message)
        sign = by_start.get(fault.offset)
        if match is None or sign is None:
            continue
        if match["left"]:
            places |= _literal(tokens, sign - 1)
        elif match["right"] == "int":
            places |= _literal(tokens, sign + 2 if _is(tokens, sign + 1, "-") else sign + 1)
        elif _is(tokens, sign + 1, "["):
            places |= _elements(tokens, sign + 2)
    return places


def _elements(tokens: Sequence[Token], position: int) -> set[int]:
    """The whole numbers of the list that begins at `position`."""
    places: set[int] = set()
    while position < len(tokens) and not _is(tokens, position, "]"):
        places |= _literal(tokens, position)
        position += 1
    return places


def _literal(tokens: Sequence[Token], position: int) -> set[int]:
    if 0 <= position < len(tokens) and tokens[position].kind == "whole":
        return {tokens[position].end}
    return set()


def _is(tokens: Sequence[Token], position: int, text: str) -> bool:
    return 0 <= position < len(tokens) and tokens[position].text == text
