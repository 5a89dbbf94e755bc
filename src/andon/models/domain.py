"""A version in the registry, and the aliases that point to versions."""

from dataclasses import dataclass
from datetime import datetime

from andon.models.manifest import Manifest

CHAMPION = "champion"
"""The alias of the version that answers."""

HIGHEST_NUMBER = 2**31 - 1
"""The highest number of a version that PostgreSQL can store."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """An immutable, content-addressed package in the registry, numbered within its model's name."""

    name: str
    number: int
    digest: str
    manifest: Manifest
    registered_by: str
    reason: str
    registered_at: datetime
    trusted: bool = False
    """Whether its registrant accepted that loading the model may run code (pickle)."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that points to one version from `set_at` on, until it is set again."""

    name: str
    alias: str
    number: int
    set_by: str
    reason: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Quarantine:
    """From `set_at` until the next revision, a version answers nothing (`held`), or may answer again."""

    name: str
    number: int
    revision: int
    held: bool
    set_by: str
    reason: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class ModelTrial:
    """The result of a package's trial. `tried_with` names the versions of Andon and of the model's library."""

    digest: str
    tried_with: str
    passed: bool
    detail: str
