"""All SQL about models. Takes and returns domain objects; never commits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.kernel.db import Tx
from andon.models.domain import HIGHEST_NUMBER, Alias, ModelTrial, ModelVersion, Quarantine
from andon.models.errors import PackageDamaged
from andon.models.manifest import Manifest, parse
from andon.models.tables import model_aliases, model_files, model_trials, model_versions, quarantines

_LOCK = 0x6D6F6465
"""First key of the advisory lock on a model's name."""


def lock(tx: Tx, name: str) -> None:
    """Let one transaction at a time number versions and set aliases of this model."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": name})


def exists(tx: Tx, name: str) -> bool:
    """Return whether there is any version of this model."""
    return tx.execute(select(model_versions.c.number).where(model_versions.c.name == name).limit(1)).first() is not None


def next_number(tx: Tx, name: str) -> int:
    """Return the number of the next version; lock the name first."""
    query = select(func.coalesce(func.max(model_versions.c.number), 0)).where(model_versions.c.name == name)
    return int(tx.execute(query).scalar_one()) + 1


def find(tx: Tx, name: str, number: int) -> ModelVersion | None:
    """Return a version by its number; None if there is no such version, whatever the number."""
    if not 0 < number <= HIGHEST_NUMBER:
        return None
    mine = (model_versions.c.name == name) & (model_versions.c.number == number)
    row = tx.execute(select(model_versions).where(mine)).one_or_none()
    return None if row is None else _version(row)


def find_by_digest(tx: Tx, name: str, digest: str) -> ModelVersion | None:
    """Return a version by its digest, or None."""
    mine = (model_versions.c.name == name) & (model_versions.c.digest == digest)
    row = tx.execute(select(model_versions).where(mine)).one_or_none()
    return None if row is None else _version(row)


def list_versions(tx: Tx, name: str | None) -> list[ModelVersion]:
    """Return versions by name, newest first."""
    query = select(model_versions).order_by(model_versions.c.name, model_versions.c.number.desc())
    if name is not None:
        query = query.where(model_versions.c.name == name)
    return [_version(row) for row in tx.execute(query)]


def registered_at(tx: Tx, name: str) -> dict[int, datetime]:
    """Return when each version of a model was registered."""
    c = model_versions.c
    rows = tx.execute(select(c.number, c.registered_at).where(c.name == name))
    return {row.number: row.registered_at for row in rows}


def add(tx: Tx, version: ModelVersion) -> None:
    """Write a new version."""
    tx.execute(
        insert(model_versions).values(
            name=version.name,
            number=version.number,
            digest=version.digest,
            manifest=version.manifest.to_json(),
            trusted=version.trusted,
            registered_by=version.registered_by,
            reason=version.reason,
            registered_at=version.registered_at,
        )
    )


def add_file(tx: Tx, digest: str, chunks: Iterable[bytes]) -> None:
    """Write a file's bytes, unless a file with this digest exists already."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:digest))"), {"key": _LOCK + 1, "digest": digest})
    if tx.execute(select(model_files.c.chunk).where(model_files.c.digest == digest).limit(1)).first() is None:
        for number, chunk in enumerate(chunks):
            tx.execute(insert(model_files).values(digest=digest, chunk=number, bytes=chunk))


def chunks(tx: Tx, digest: str) -> Iterator[bytes]:
    """Yield a file's bytes, in order, one chunk in memory at a time."""
    count = tx.execute(select(func.count()).where(model_files.c.digest == digest)).scalar_one()
    for number in range(count):
        mine = (model_files.c.digest == digest) & (model_files.c.chunk == number)
        yield tx.execute(select(model_files.c.bytes).where(mine)).scalar_one()


def list_aliases(tx: Tx, name: str | None) -> list[Alias]:
    """Return where each alias points now."""
    query = (
        select(model_aliases)
        .ext(distinct_on(model_aliases.c.name, model_aliases.c.alias))
        .order_by(model_aliases.c.name, model_aliases.c.alias, model_aliases.c.revision.desc())
    )
    if name is not None:
        query = query.where(model_aliases.c.name == name)
    return [_alias(row) for row in tx.execute(query)]


def find_alias(tx: Tx, name: str, alias: str) -> Alias | None:
    """Return where one alias points now."""
    history = alias_history(tx, name, alias)
    return history[0] if history else None


def alias_history(tx: Tx, name: str, alias: str | None) -> Sequence[Alias]:
    """Return every setting, newest first."""
    query = select(model_aliases).where(model_aliases.c.name == name)
    if alias is not None:
        query = query.where(model_aliases.c.alias == alias)
    newest = query.order_by(model_aliases.c.set_at.desc(), model_aliases.c.revision.desc())
    return [_alias(row) for row in tx.execute(newest)]


def newest_revision(tx: Tx, name: str, alias: str) -> int:
    """Return how often an alias was set."""
    mine = (model_aliases.c.name == name) & (model_aliases.c.alias == alias)
    return int(tx.execute(select(func.coalesce(func.max(model_aliases.c.revision), 0)).where(mine)).scalar_one())


def add_alias(tx: Tx, alias: Alias) -> int:
    """Write the next revision of an alias and return its number; lock the name first."""
    revision = newest_revision(tx, alias.name, alias.alias) + 1
    tx.execute(insert(model_aliases).values(**asdict(alias), revision=revision))
    return revision


def quarantines_of(tx: Tx, name: str) -> list[Quarantine]:
    """Return the newest revision of each version's quarantine."""
    c = quarantines.c
    query = select(quarantines).ext(distinct_on(c.number)).where(c.name == name)
    return [Quarantine(**row._asdict()) for row in tx.execute(query.order_by(c.number, c.revision.desc()))]


def newest_quarantine(tx: Tx, name: str, number: int) -> Quarantine | None:
    """Return the newest revision of one version's quarantine."""
    return next((one for one in quarantines_of(tx, name) if one.number == number), None)


def add_quarantine(tx: Tx, made: Quarantine) -> None:
    """Write the next revision of a quarantine; lock the name first."""
    tx.execute(insert(quarantines).values(**asdict(made)))


def find_trial(tx: Tx, digest: str, tried_with: str) -> ModelTrial | None:
    """Return the result of one trial."""
    c = model_trials.c
    query = select(c.digest, c.tried_with, c.passed, c.detail).where(c.digest == digest, c.tried_with == tried_with)
    row = tx.execute(query).one_or_none()
    return None if row is None else ModelTrial(*row)


def put_trial(tx: Tx, trial: ModelTrial) -> None:
    """Write the result of a trial, replacing an earlier one."""
    values = {"passed": trial.passed, "detail": trial.detail, "tried_at": func.now()}
    made = upsert(model_trials).values(digest=trial.digest, tried_with=trial.tried_with, **values)
    tx.execute(made.on_conflict_do_update(index_elements=["digest", "tried_with"], set_=values))


def forget_trials(tx: Tx, digest: str) -> None:
    """Delete the results of a package's trials, so that it is tried again."""
    tx.execute(delete(model_trials).where(model_trials.c.digest == digest))


def _version(row: Row[Any]) -> ModelVersion:
    return ModelVersion(
        name=row.name,
        number=row.number,
        digest=row.digest,
        manifest=_manifest(row.manifest, row.digest, f"{row.name} {row.number}"),
        registered_by=row.registered_by,
        reason=row.reason,
        registered_at=row.registered_at,
        trusted=row.trusted,
    )


@lru_cache(maxsize=64)
def _manifest(text: str, digest: str, of: str) -> Manifest:
    """Return a stored manifest, which is kept: to check its digest takes much longer than the query."""
    manifest = parse(text, source=f"The manifest of {of}")
    if manifest.digest != digest:
        raise PackageDamaged(f"The stored manifest of {of} does not match its digest")
    return manifest


def _alias(row: Row[Any]) -> Alias:
    return Alias(
        name=row.name,
        alias=row.alias,
        number=row.number,
        set_by=row.set_by,
        reason=row.reason,
        set_at=row.set_at,
    )
