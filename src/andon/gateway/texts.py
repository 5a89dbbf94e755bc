"""Checks for texts that cannot be stored: PostgreSQL takes neither a NUL character nor half of a surrogate pair.

Every text of a body is checked once, at the edge, so that no route has to.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from andon.gateway.errors import RequestInvalid
from andon.kernel.errors import Fault

NUL = "contains a NUL character"
SURROGATE = "contains half a character: a surrogate (U+D800 to U+DFFF) without its other half"

_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")


def refuse(places: Sequence[str], message: str) -> None:
    """Raise RequestInvalid that names these places, if there are any."""
    if places:
        raise RequestInvalid(faults=[Fault(where, message) for where in places])


def require_storable(body: bytes) -> None:
    """Require a JSON body in UTF-8 whose every text can be stored. Raises RequestInvalid, which names the fields.

    A body that is not JSON at all is left to its reader. A raw NUL byte is refused, because it would make Python read
    the body as UTF-16 or UTF-32.
    """
    if b"\0" in body or not _is_utf8(body):
        refuse(["body"], "is not JSON in UTF-8")
    if _SUSPECT.search(body) is None:
        return
    try:
        found = list(_faults(json.loads(body), "body"))
    except (ValueError, RecursionError):
        return
    if found:
        raise RequestInvalid(faults=found)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _faults(value: Any, where: str) -> Iterator[Fault]:
    """Yield a fault for each text in a document that cannot be stored."""
    if isinstance(value, str):
        if "\0" in value:
            yield Fault(where, NUL)
        if _SURROGATE.search(value):
            yield Fault(where, SURROGATE)
    elif isinstance(value, dict):
        for name, inner in value.items():
            faults = list(_faults(name, where))
            yield from faults
            yield from _faults(inner, where if faults else f"{where}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _faults(inner, f"{where}.{index}")
