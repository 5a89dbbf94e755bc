"""Operations on models: register, fetch, point aliases. Changes are audited and announced to running gateways."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from andon import audit
from andon.authoring import BY_REVIEW, BY_RULES
from andon.kernel import reasons
from andon.kernel.db import Tx, announce
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import cache as package_cache
from andon.models import keeping, store
from andon.models.domain import CHAMPION, Alias, ModelVersion
from andon.models.errors import (
    AliasInvalid,
    AliasNotFound,
    ModelNotFound,
    PackageDamaged,
    PickleRefused,
    ScoreReversed,
    VersionNotFound,
)
from andon.models.keeping import HeldOutRows
from andon.models.package import danger_of, open_package, require_sound
from andon.models.published import AliasSet, ModelRegistered
from andon.models.quarantine import require_free
from andon.models.vouched import MODEL_ALIASES, MODEL_VERSIONS

_ALIAS = re.compile(r"^[a-z][a-z0-9-]{0,62}$")

Ready: TypeAlias = Callable[[ModelVersion], None]
"""Checks that a version can answer here before it gets traffic. Raises the error that prevents it."""


def register(
    tx: Tx, package: Path, *, actor: Actor, reason: str, events: Events, now: datetime, trust_pickle: bool = False
) -> ModelVersion:
    """Put a packed folder into the registry under the next number. The same package again is the same version.

    Raises PackageInvalid, PickleRefused, ReasonInvalid.
    """
    opened = open_package(package)
    danger = danger_of(opened)
    if danger is not None and not trust_pickle:
        raise PickleRefused(danger)
    require_sound(opened)
    manifest, why = opened.manifest, reasons.require(reason)
    store.lock(tx, manifest.name)
    known = store.find_by_digest(tx, manifest.name, manifest.digest)
    if known is not None:
        return known
    version = ModelVersion(
        name=manifest.name,
        number=store.next_number(tx, manifest.name),
        digest=manifest.digest,
        manifest=manifest,
        registered_by=actor.name,
        reason=why,
        registered_at=now,
        trusted=danger is not None,
    )
    for file in manifest.files:
        store.add_file(tx, file.digest, opened.chunks(file))
    store.add(tx, version)
    after = {"number": version.number, "digest": version.digest, "trusted": version.trusted}
    audit.record(
        tx,
        actor=actor,
        action="model.register",
        subject=f"model:{version.name}",
        at=now,
        reason=why,
        after=after,
        rows=[MODEL_VERSIONS.row(version.name, version.number)],
    )
    announce(tx, "models")
    events.publish(
        tx, ModelRegistered(version.name, version.number, version.digest, version.trusted, actor.name, why, at=now)
    )
    return version


def set_alias(
    tx: Tx,
    name: str,
    alias: str,
    number: int,
    *,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    ready: Ready | None = None,
) -> Alias:
    """Point an alias to a version; running gateways follow within a second of the commit.

    If it points there already, nothing changes. Raises AliasInvalid, ReasonInvalid, ModelNotFound, VersionNotFound,
    VersionHeld, ScoreReversed, and whatever `ready` raises.
    """
    if not _ALIAS.match(alias):
        raise AliasInvalid(f"Alias {alias!r}: lower-case letters, digits and '-', at most 63, a letter first")
    if alias in (BY_RULES, BY_REVIEW):
        raise AliasInvalid(f"Alias {alias!r}: this word has another meaning among the fallbacks of an automation")
    why = reasons.require(reason)
    version = get(tx, name, number)
    require_free(tx, version)
    require_same_score(tx, version)
    if ready is not None:
        ready(version)
    store.lock(tx, name)
    before = store.find_alias(tx, name, alias)
    if before is not None and before.number == number:
        return before
    after = Alias(name=name, alias=alias, number=number, set_by=actor.name, reason=why, set_at=now)
    number_before = before.number if before else None
    revision = store.add_alias(tx, after)
    audit.record(
        tx,
        actor=actor,
        action="model.alias.set",
        subject=f"model:{name}",
        at=now,
        reason=why,
        before={"alias": alias, "number": number_before},
        after={"alias": alias, "number": number},
        rows=[MODEL_ALIASES.row(name, alias, revision)],
    )
    announce(tx, "models")
    events.publish(tx, AliasSet(name, alias, number, number_before, actor.name, why, at=now))
    return after


def require_same_score(tx: Tx, version: ModelVersion) -> None:
    """Check that a version with the two classes of the first champion has the same positive one. Raises ScoreReversed.

    Rules compare the score, the probability of the positive class. A version with the other one would reverse them.
    """
    known, ours = classes_of(tx, version.name), version.manifest.signature
    if set(known) == set(ours.classes) and ours.positive is not None and ours.positive != known[1]:
        raise ScoreReversed(
            f"The score of version {version.number} is the probability of {ours.positive!r}, and that of the first "
            f"champion of {version.name} the probability of {known[1]!r}: rules about the score would be reversed. "
            f"Pack the model with the classes in the order {', '.join(known)}, or under another name"
        )


def classes_of(tx: Tx, name: str) -> Sequence[str]:
    """Return the classes of a model's first champion, in its order; none if there was no champion yet."""
    first = store.alias_history(tx, name, CHAMPION)[-1:]
    return get(tx, name, first[0].number).manifest.signature.classes if first else ()


def hold(tx: Tx, name: str) -> None:
    """Lock the registration of versions and setting of aliases of this model until the transaction ends."""
    store.lock(tx, name)


def get(tx: Tx, name: str, number: int) -> ModelVersion:
    """Return one version. Raises ModelNotFound, VersionNotFound."""
    version = store.find(tx, name, number)
    if version is None:
        _require(tx, name)
        raise VersionNotFound(f"Model {name} has no version {number}")
    return version


def by_alias(tx: Tx, name: str, alias: str) -> ModelVersion:
    """Return the version an alias points to.

    Raises ModelNotFound, AliasNotFound, and RowsDoubted if the alias contradicts the audit log.
    """
    found = store.find_alias(tx, name, alias)
    if found is None:
        _require(tx, name)
        raise AliasNotFound(f"Model {name} has no alias {alias}; set it with `andon models alias set {alias} N`")
    _require_genuine(tx, name, alias)
    return get(tx, name, found.number)


def list_versions(tx: Tx, name: str | None = None) -> Sequence[ModelVersion]:
    """Return all versions, or those of one model (raises ModelNotFound), by name, newest first."""
    if name is not None:
        _require(tx, name)
    return store.list_versions(tx, name)


def registered_at(tx: Tx, name: str) -> Mapping[int, datetime]:
    """Return when each version of a model was registered. Raises ModelNotFound."""
    _require(tx, name)
    return store.registered_at(tx, name)


def champions_of(tx: Tx, name: str) -> Sequence[Alias]:
    """Return every setting of a model's champion, oldest first; none for a model that does not exist."""
    return store.alias_history(tx, name, CHAMPION)[::-1]


def list_aliases(tx: Tx, name: str | None = None) -> Sequence[Alias]:
    """Return where each alias points now, for all models or for one (raises ModelNotFound)."""
    if name is not None:
        _require(tx, name)
    return store.list_aliases(tx, name)


def alias_history(tx: Tx, name: str, alias: str | None = None) -> Sequence[Alias]:
    """Return every setting of a model's aliases, newest first. Raises ModelNotFound."""
    _require(tx, name)
    return store.alias_history(tx, name, alias)


def fetch(tx: Tx, version: ModelVersion, cache: Path) -> Path:
    """Return the package's folder `cache/<digest>`, written whole or not at all. Raises PackageDamaged.

    Its files are verified by their digests.
    """
    return package_cache.fetch(version, cache, lambda file: store.chunks(tx, file.digest))


def held_out_rows(tx: Tx, version: ModelVersion) -> HeldOutRows | None:
    """Return the held-out rows that a version's package keeps; None for an older package. Raises PackageDamaged."""
    file = version.manifest.held_out_file
    if file is None:
        return None
    packed = b"".join(store.chunks(tx, file.digest))
    if hashlib.sha256(packed).hexdigest() != file.digest:
        raise PackageDamaged(f"The stored bytes of {file.name} do not match their digest; restore them from a backup")
    return keeping.read(packed)


def _require_genuine(tx: Tx, name: str, alias: str) -> None:
    newest = MODEL_ALIASES.row(name, alias, store.newest_revision(tx, name, alias))
    doubted = audit.doubts(tx, MODEL_ALIASES, [newest])
    audit.tell_refused(MODEL_ALIASES, doubted, scope=f"{name}/{alias}")
    for why in doubted.values():
        raise audit.RowsDoubted(f"The alias {alias} of model {name} is refused: {why}. Run `andon audit verify`")


def _require(tx: Tx, name: str) -> None:
    if not store.exists(tx, name):
        raise ModelNotFound(f"No model is named {name}; `andon models list` shows the registered ones")
