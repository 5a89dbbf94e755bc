"""Access: who is calling (API keys) and what they may do (roles, within one automation or all). Deny by default.

Start reading at `domain.py`: ROLES lists every permission of every role.
"""

from andon.access.domain import ROLES, Grant, Key, Permission, Principal, Role
from andon.access.errors import (
    Forbidden,
    KeyInvalid,
    KeyNameTaken,
    KeyNotFound,
    KeyRevoked,
    LastAdmin,
    OwnKeyChange,
    PepperInvalid,
    Unauthenticated,
)
from andon.access.keyring import KeyRing, Recognised
from andon.access.published import KeyClosed, KeyCreated, KeyRegranted
from andon.access.service import create_key, find_key, get_key, hold_keys, list_keys, revoke_key, set_grants
from andon.access.tokens import load_or_create_pepper
from andon.access.uses import UseTeller

__all__ = [
    "ROLES",
    "Forbidden",
    "Grant",
    "Key",
    "KeyClosed",
    "KeyCreated",
    "KeyInvalid",
    "KeyNameTaken",
    "KeyNotFound",
    "KeyRegranted",
    "KeyRevoked",
    "KeyRing",
    "LastAdmin",
    "OwnKeyChange",
    "PepperInvalid",
    "Permission",
    "Principal",
    "Recognised",
    "Role",
    "Unauthenticated",
    "UseTeller",
    "create_key",
    "find_key",
    "get_key",
    "hold_keys",
    "list_keys",
    "load_or_create_pepper",
    "revoke_key",
    "set_grants",
]
