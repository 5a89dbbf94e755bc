"""The state of a verification as a signed document, kept outside the database so that no change there affects it."""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any
from uuid import UUID

from andon.audit.domain import ChainHead, Verified
from andon.audit.errors import VerifiedInvalid

_FORMAT = "andon.verified/1"


def sign(verified: Verified, key: bytes) -> str:
    """Write the document; `key` is a secret of the installation."""
    body: dict[str, Any] = {
        "format": _FORMAT,
        "checkpoint": verified.checkpoint,
        "hash": verified.hash.hex(),
        "chains": verified.chains,
        "entries": verified.entries,
        "rows": dict(verified.rows),
        "totals": dict(verified.totals),
        "heads": [[head.writer.hex, head.seq, head.hash.hex()] for head in verified.heads.values()],
    }
    return json.dumps(body | {"signature": _signature(body, key)}, indent=1)


def read(document: str, key: bytes) -> Verified:
    """Read a document that this installation signed. Raises VerifiedInvalid."""
    try:
        body = json.loads(document)
        signature = body.pop("signature")
        if body["format"] != _FORMAT or not hmac.compare_digest(signature, _signature(body, key)):
            raise VerifiedInvalid("The signature was not made by this installation")
        heads = [ChainHead(UUID(writer), seq, bytes.fromhex(digest)) for writer, seq, digest in body["heads"]]
        return Verified(
            body["checkpoint"],
            bytes.fromhex(body["hash"]),
            body["chains"],
            body["entries"],
            {head.writer: head for head in heads},
            body["rows"],
            body.get("totals", {}),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerifiedInvalid(f"It cannot be read: {type(error).__name__}") from error


def _signature(body: dict[str, Any], key: bytes) -> str:
    own = hmac.digest(key, _FORMAT.encode(), sha256)
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(hmac.digest(own, text.encode(), sha256)).decode()
