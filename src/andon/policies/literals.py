"""Whole-number literals where CEL wants a number: `input.amount > 1` becomes `input.amount > 1.0`.

CEL's own type checker reports where a number meets a whole number. Only a literal at that very place gets its `.0`, so
strings, indices and sizes are never touched, and the result is checked again.
"""

import re
from collections.abc import Callable, Sequence

from andon.policies.diagnosis import CelFault
from andon.policies.tokens import Token, tokens_of

_FRACTION = ".0"
_NUMBER = r"(?:double|wrapper\(double\))"
_MISMATCH = re.compile(
    rf"found no matching overload for '(?:_[^_%]+_|@in)' applied to '\((?:{_NUMBER}, "
    rf"(?P<right>int|list\(int\))|(?P<left>int), {_NUMBER})\)'"
)


def promoted(condition: str, faults_of: Callable[[str], Sequence[CelFault]]) -> tuple[str, Sequence[CelFault]]:
    """Return the condition with its literals promoted as far as that helps, and the remaining faults.

    Faults are placed in `condition` as written.
    """
    tokens = tokens_of(condition)
    places: set[int] = set()
    while True:
        text = _with_fractions(condition, places)
        faults = [CelFault(_written(fault.offset, places), fault.message) for fault in faults_of(text)]
        more = _places(tokens, faults) - places
        if not more:
            return text, faults
        places |= more


def _with_fractions(condition: str, places: set[int]) -> str:
    for place in sorted(places, reverse=True):
        condition = f"{condition[:place]}{_FRACTION}{condition[place:]}"
    return condition


def _written(offset: int, places: set[int]) -> int:
    """Return the position, in the condition as written, of a character of the promoted text."""
    before = [place for i, place in enumerate(sorted(places)) if place + i * len(_FRACTION) < offset]
    return offset - len(before) * len(_FRACTION)


def _places(tokens: Sequence[Token], faults: Sequence[CelFault]) -> set[int]:
    """Return the characters after which a fraction is missing."""
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
    """Return the whole numbers of the list that begins at `position`."""
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
