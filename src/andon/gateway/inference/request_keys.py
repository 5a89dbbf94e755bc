"""Idempotency keys of inference requests: the request id, where the client sends one. Pure."""

from collections.abc import Sequence
from hashlib import sha256

from andon.decisions import Idempotency

_LONGEST = 200
"""Characters. The hash of an id is its key if it is longer, or is not printable ASCII."""


def keys_of(automation: str, caller: str, request_id: str, rows: Sequence[bytes]) -> list[Idempotency | None]:
    """Return the key of each row. The same id with other rows is another input."""
    if not request_id:
        return [None] * len(rows)
    plain = request_id.isascii() and request_id.isprintable() and len(request_id) <= _LONGEST
    name = request_id if plain else sha256(request_id.encode("utf-8", "surrogatepass")).hexdigest()
    whole = b"".join(len(row).to_bytes(8, "big") + row for row in rows)
    return [Idempotency.of(automation, caller, f"infer:{name}/{number}", whole) for number in range(len(rows))]
