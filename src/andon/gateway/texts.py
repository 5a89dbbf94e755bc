"""Texts of a request that nothing can store: PostgreSQL takes neither a NUL character nor half of a surrogate pair.

They are looked for once, at the edge, in every text of a body, so that no route has to.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from andon.gateway.errors import RequestInvalid
from andon.kernel.errors import Fault

NUL = "holds a NUL character"
SURROGATE = "holds half a character: a surrogate (U+D800 to U+DFFF) without its other half"

_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")


def refuse(places: Sequence[str], message: str) -> None:
    """Raise RequestInvalid that names these places, if there are any."""
    if places:
        raise RequestInvalid(faults=[Fault(where, message) for where in places])


def require_storable(body: bytes) -> None:
    """Require a JSON body in UTF-8 whose every text can be stored. Raises RequestInvalid, which names the fields.

    What is no JSON at all is left to whoever reads it. A raw NUL byte would make Python read the body as UTF-16 or UTF-32.
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
    """Each text in a document that cannot be stored, by its place."""
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
