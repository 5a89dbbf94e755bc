"""Callbacks: a receiver that has finished its work calls the gateway at an address with a signature of ours.

A callback proves nothing about the work. It only makes Andon ask the receiver sooner.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from pydantic import SecretStr

from andon.actions.ports import Delivery


def callback_of(delivery: Delivery) -> str | None:
    """Return the address for the receiver to call when it has ended; None if none is configured."""
    destination = delivery.destination
    if destination.callback_url is None or not destination.secrets:
        return None
    token = _token(destination.secrets[0], delivery.key)
    return f"{destination.callback_url.rstrip('/')}/v1/actions/{delivery.key}/callback?token={token}"


def is_genuine_callback(secrets: Sequence[SecretStr], key: UUID, token: str) -> bool:
    """Return whether one of the destination's secrets signed this token for this delivery."""
    given = token.encode("utf-8", "replace")
    return any(hmac.compare_digest(_token(secret, key).encode(), given) for secret in secrets)


def _token(secret: SecretStr, key: UUID) -> str:
    digest = hmac.digest(secret.get_secret_value().encode(), b"andon-callback:" + key.bytes, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
