"""Sessions: a random cookie stands for a signed-in key until sign-out, an idle hour or the end of a shift.

Kept in the database, so that a restart signs nobody out and a sign-out holds for every console process. Whether the
key itself still counts is asked of the key ring on each request, not here.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from andon.console import store
from andon.kernel.db import Tx

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=12)
_TOUCH_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A live session: whose key, and the token its forms must carry."""

    key_id: UUID
    csrf: str


def start(tx: Tx, key_id: UUID, now: datetime) -> str:
    """Begin a session; returns the cookie's value."""
    store.remove_stale(tx, seen_before=now - IDLE, started_before=now - LONGEST)
    cookie = secrets.token_urlsafe(32)
    store.add(tx, _id(cookie), key_id, now)
    return cookie


def find(tx: Tx, cookie: str, now: datetime) -> Session | None:
    """Return the session of a cookie, if it is still live."""
    found = store.find(tx, _id(cookie))
    if found is None:
        return None
    key_id, started_at, seen_at = found
    if now - seen_at > IDLE or now - started_at > LONGEST:
        return None
    if now - seen_at > _TOUCH_AFTER:
        store.touch(tx, _id(cookie), now)
    return Session(key_id=key_id, csrf=csrf_of(cookie))


def end(tx: Tx, cookie: str) -> None:
    """Sign out."""
    store.remove(tx, _id(cookie))


def csrf_of(cookie: str) -> str:
    """Return the token of every form in this session; it reveals nothing of the cookie."""
    return hmac.new(cookie.encode(), b"csrf", sha256).hexdigest()


def _id(cookie: str) -> bytes:
    return sha256(cookie.encode()).digest()
