"""Signatures of Standard Webhooks: `v1,<base64 HMAC-SHA-256>` over id, timestamp and body, one for each secret."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from pydantic import SecretStr

PREFIX = "whsec_"
MINIMUM_BYTES = 24


class SecretInvalid(ValueError):
    """A signing secret cannot be used. The message never contains it."""


class Signer:
    """Signs with every secret of a destination, so that a receiver can switch from the old one to the new."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        self._keys = [_key(secret) for secret in secrets]

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """Return the value of the `webhook-signature` header."""
        signed = f"{message_id}.{timestamp}.".encode() + body
        digests = (hmac.digest(key, signed, hashlib.sha256) for key in self._keys)
        return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    if not text.startswith(PREFIX):
        raise SecretInvalid(f"a signing secret starts with {PREFIX!r}")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretInvalid(f"after {PREFIX!r} a signing secret is base64") from None
    if len(key) < MINIMUM_BYTES:
        raise SecretInvalid(f"a signing secret has at least {MINIMUM_BYTES} bytes of base64 after {PREFIX!r}")
    return key
