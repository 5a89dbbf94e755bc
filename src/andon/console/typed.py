"""Values of form fields as people type them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from andon.kernel.errors import Fault


def typed_number(text: str, field: str, expected: str, faults: list[Fault]) -> float | None:
    """Return a number of at least 0; None for an empty field, and for what is none, which is noted."""
    plain = text.strip().removesuffix("%").strip()
    if not plain:
        return None
    try:
        value = float(plain)
    except ValueError:
        value = -1.0
    if 0 <= value < float("inf"):
        return value
    faults.append(Fault(field, expected))
    return None


def fingerprint_of(typed: Mapping[str, Any]) -> str:
    """Return a name of what is typed: another for every other text."""
    return hashlib.sha256(json.dumps(typed, sort_keys=True).encode()).hexdigest()[:16]
