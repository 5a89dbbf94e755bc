"""All keys in memory, so that recognising a caller takes a microsecond and no query."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import NamedTuple
from uuid import UUID

from andon import audit
from andon.access import store
from andon.access.domain import Key, Principal
from andon.access.errors import Unauthenticated
from andon.access.tokens import digest_of, id_in
from andon.access.vouched import KEYS
from andon.kernel.db import Tx


class Recognised(NamedTuple):
    """A recognised key, which need not be hashed again while the ring has the same `generation`."""

    token: str
    held: "_Held"
    generation: int


@dataclass(slots=True)
class _Held:
    key: Key
    digest: bytes
    used_at: datetime | None = None


class KeyRing:
    """A snapshot of all keys. Its owner calls `refresh` at the start and whenever "keys" is announced.

    A revoked key is accepted until the next refresh; expiry is checked at each call. Safe to share between threads.
    """

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper
        self._held: dict[str, _Held] = {}
        self._generation = 0
        self.refreshed_at: datetime | None = None

    def refresh(self, tx: Tx, now: datetime) -> None:
        """Take a new snapshot, in three queries. A key that differs from the audit log is not accepted."""
        before = self._held
        doubted = audit.doubts(tx, KEYS)
        known = [pair for pair in store.all_digests(tx) if (str(pair[0].principal.id),) not in doubted]
        held = {key.principal.id.hex: _Held(key, digest) for key, digest in known}
        for key_id in held.keys() & before.keys():
            held[key_id].used_at = before[key_id].used_at
        self._held, self.refreshed_at = held, now
        self._generation += 1
        audit.tell_refused(KEYS, doubted)

    def authenticate(self, token: str, now: datetime) -> Principal:
        """Return the holder of a key. Raises Unauthenticated, with details only if the caller has the whole key."""
        return self._living(self._recognised(token), now)

    def recognise(self, token: str, now: datetime) -> Recognised:
        """Authenticate a caller that will send the same key again. Raises Unauthenticated."""
        generation, held = self._generation, self._recognised(token)
        self._living(held, now)
        return Recognised(token, held, generation)

    def again(self, recognised: Recognised, now: datetime) -> Principal:
        """Return the holder of a recognised key, checked again for revocation and expiry. Raises Unauthenticated."""
        if recognised.generation != self._generation:
            return self.authenticate(recognised.token, now)
        return self._living(recognised.held, now)

    def _recognised(self, token: str) -> _Held:
        held = self._held.get(id_in(token))
        if held is None or not compare_digest(digest_of(token, self._pepper), held.digest):
            raise Unauthenticated("This API key is unknown")
        return held

    def principal(self, key_id: UUID, now: datetime) -> Principal:
        """Return the holder of a key that began a session, if it is still valid. Raises Unauthenticated."""
        held = self._held.get(key_id.hex)
        if held is None:
            raise Unauthenticated("This API key is unknown")
        return self._living(held, now)

    def used(self) -> dict[UUID, datetime]:
        """Return when each key that was used here was last used."""
        return {held.key.principal.id: held.used_at for held in self._held.values() if held.used_at is not None}

    @staticmethod
    def _living(held: _Held, now: datetime) -> Principal:
        key = held.key
        if key.revoked_at is not None:
            raise Unauthenticated(f"This API key was revoked at {key.revoked_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        if key.expires_at is not None and now >= key.expires_at:
            raise Unauthenticated(f"This API key expired at {key.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        held.used_at = now
        return key.principal
