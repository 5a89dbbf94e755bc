"""API keys as text: `andon_<id>_<256 random bits>`. Only an HMAC-SHA-256 under the installation's pepper is stored."""

import hmac
import os
import secrets
import stat
from pathlib import Path
from uuid import UUID

from andon.access.errors import PepperInvalid, Unauthenticated

_PREFIX = "andon_"
_ID_END = len(_PREFIX) + 32
_LENGTH = _ID_END + 1 + 64
_HEX = frozenset("0123456789abcdefABCDEF")
_PEPPER_BYTES = 32


def new_token(key_id: UUID) -> str:
    """Return a new key for this id."""
    return f"{_PREFIX}{key_id.hex}_{secrets.token_hex(32)}"


def digest_of(token: str, pepper: bytes) -> bytes:
    """Return the digest that is stored for a key."""
    return hmac.digest(pepper, token.encode(), "sha256")


def id_in(token: str) -> str:
    """Return the id in a key, as 32 hexadecimal digits. Raises Unauthenticated if this cannot be a key."""
    if len(token) != _LENGTH or not token.startswith(_PREFIX) or token[_ID_END] != "_" or not token.isascii():
        raise Unauthenticated("This is not an API key: expected andon_<id>_<secret>, 103 characters")
    return token[len(_PREFIX) : _ID_END]


def load_or_create_pepper(path: Path, given: str | None = None) -> bytes:
    """Return the secret that keys are hashed with: `given` by the settings, or from a file only its owner can read.

    Without it no key is recognised, so back it up, separately from the database. Raises PepperInvalid.
    """
    if given is not None:
        return _checked(given.strip(), "access.pepper")
    if not path.exists():
        _create(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PepperInvalid(f"{path} can be read by others; run: chmod 600 {path}")
    return _checked(path.read_text(encoding="ascii", errors="replace").strip(), str(path))


def _checked(text: str, where: str) -> bytes:
    if len(text) < 2 * _PEPPER_BYTES or not set(text) <= _HEX:
        raise PepperInvalid(f"{where} must hold at least 64 hexadecimal digits (`openssl rand -hex 32` generates them)")
    return text.encode()


def _create(path: Path) -> None:
    """Write the file whole or not at all, and never over another: two processes that start together share one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_PEPPER_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
