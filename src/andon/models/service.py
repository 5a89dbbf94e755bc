"""What can be done with models: register, fetch, point aliases. Changes are audited and announced to running gateways."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.models.domain import Alias, ModelVersion


def register(
    tx: Tx, package: Path, *, actor: Actor, reason: str, now: datetime, trust_pickle: bool = False
) -> ModelVersion:
    """Put a packed folder into the registry under its next number; the same package again is the same version."""
    raise NotImplementedError


def set_alias(tx: Tx, name: str, alias: str, number: int, *, actor: Actor, reason: str, now: datetime) -> Alias:
    """Point an alias to a version; running gateways follow within a second of the commit."""
    raise NotImplementedError


def get(tx: Tx, name: str, number: int) -> ModelVersion:
    """One version. Raises ModelNotFound, VersionNotFound."""
    raise NotImplementedError


def by_alias(tx: Tx, name: str, alias: str) -> ModelVersion:
    """The version an alias points to. Raises ModelNotFound, AliasNotFound."""
    raise NotImplementedError


def list_versions(tx: Tx, name: str | None = None) -> Sequence[ModelVersion]:
    """All versions, or those of one model (raises ModelNotFound); by name, newest first."""
    raise NotImplementedError


def list_aliases(tx: Tx, name: str | None = None) -> Sequence[Alias]:
    """Where each alias points now."""
    raise NotImplementedError


def alias_history(tx: Tx, name: str, alias: str | None = None) -> Sequence[Alias]:
    """Every setting of a model's aliases, newest first."""
    raise NotImplementedError


def fetch(tx: Tx, version: ModelVersion, cache: Path) -> Path:
    """The package's folder `cache/<digest>`, written whole or not at all, verified by its digests."""
    raise NotImplementedError
