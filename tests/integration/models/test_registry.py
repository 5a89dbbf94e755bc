"""The registry keeps versions as they are, and every setting of an alias."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from andon import audit, models, serving
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.reasons import ReasonInvalid
from packages import a_package, a_pickled_package, a_reversed_package

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER = Actor("owner")


def registered(database: Database, package: Path) -> models.ModelVersion:
    with database.begin() as tx:
        return models.register(tx, package, actor=OWNER, events=Events(), reason="first try", now=NOW)


def test_versions_are_numbered_within_their_name_and_the_same_package_is_the_same_version(
    database: Database, package: Path, other_package: Path
) -> None:
    first, second, again = (registered(database, p) for p in (package, other_package, package))
    assert (first.number, second.number) == (1, 2)
    assert again == first
    with database.begin() as tx:
        assert [version.number for version in models.list_versions(tx)] == [2, 1]
        assert models.get(tx, "fraud-risk", 1) == first


def test_a_fetched_package_is_the_registered_one_byte_for_byte(
    database: Database, package: Path, tmp_path: Path
) -> None:
    version = registered(database, package)
    with database.begin() as tx:
        folder = models.fetch(tx, version, tmp_path / "cache")
    assert folder == tmp_path / "cache" / version.digest
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {p.name: p.read_bytes() for p in package.iterdir()}
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [version.digest]


def test_a_damaged_cache_is_replaced(database: Database, package: Path, tmp_path: Path) -> None:
    version = registered(database, package)
    with database.begin() as tx:
        model = models.fetch(tx, version, tmp_path) / "model.txt"
        whole = model.read_bytes()
        model.write_bytes(whole[:100])
        models.fetch(tx, version, tmp_path)
    assert model.read_bytes() == whole


def test_bytes_changed_in_the_database_are_never_served(database: Database, package: Path, tmp_path: Path) -> None:
    version = registered(database, package)
    with database.begin() as tx:
        tx.execute(text("ALTER TABLE model_files DISABLE TRIGGER immutable"))
        tx.execute(text("UPDATE model_files SET bytes = bytes || 'x'"))
    with database.begin() as tx, pytest.raises(models.PackageDamaged, match="do not match their digest"):
        models.fetch(tx, version, tmp_path)
    assert list(tmp_path.glob("*/model.txt")) == [package / "model.txt"]


def test_a_manifest_changed_in_the_database_is_never_used(database: Database, package: Path) -> None:
    registered(database, package)
    with database.begin() as tx:
        tx.execute(text("ALTER TABLE model_versions DISABLE TRIGGER immutable"))
        tx.execute(text("UPDATE model_versions SET manifest = replace(manifest, 'the first half', 'the last half')"))
    with database.begin() as tx, pytest.raises(models.PackageDamaged):
        models.get(tx, "fraud-risk", 1)


@pytest.mark.parametrize("table", ["model_versions", "model_files", "model_aliases"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_what_is_registered(database: Database, table: str, change: str) -> None:
    with pytest.raises(DBAPIError, match="immutable"), database.begin() as tx:
        tx.execute(text(change.format(table)))


@pytest.mark.parametrize("change", ["model_versions SET reason = 'x'", "model_files SET chunk = 9"])
def test_the_database_refuses_updates(database: Database, package: Path, change: str) -> None:
    registered(database, package)
    with pytest.raises(DBAPIError, match="immutable"), database.begin() as tx:
        tx.execute(text(f"UPDATE {change}"))


def test_an_alias_points_to_its_latest_version_and_keeps_its_history(
    database: Database, package: Path, other_package: Path
) -> None:
    registered(database, package)
    registered(database, other_package)
    for minutes, number, reason in ((0, 1, "start"), (1, 2, "better"), (2, 1, "worse after all")):
        with database.begin() as tx:
            models.set_alias(
                tx,
                "fraud-risk",
                models.CHAMPION,
                number,
                actor=OWNER,
                events=Events(),
                reason=reason,
                now=NOW + timedelta(minutes=minutes),
            )
    with database.begin() as tx:
        assert models.by_alias(tx, "fraud-risk", models.CHAMPION).number == 1
        assert [a.number for a in models.list_aliases(tx)] == [1]
        history = models.alias_history(tx, "fraud-risk")
    assert [(a.number, a.reason) for a in history] == [(1, "worse after all"), (2, "better"), (1, "start")]


def test_setting_an_alias_where_it_points_already_changes_nothing(database: Database, package: Path) -> None:
    registered(database, package)
    with database.begin() as tx:
        first = models.set_alias(tx, "fraud-risk", "champion", 1, actor=OWNER, events=Events(), reason="start", now=NOW)
        later = NOW + timedelta(days=1)
        again = models.set_alias(
            tx, "fraud-risk", "champion", 1, actor=OWNER, events=Events(), reason="again", now=later
        )
        assert again == first
        assert len(models.alias_history(tx, "fraud-risk")) == 1


def test_changes_stand_in_the_audit_log_with_who_why_and_what_was_before(
    database: Database, package: Path, other_package: Path
) -> None:
    registered(database, package)
    registered(database, other_package)
    with database.begin() as tx:
        models.set_alias(tx, "fraud-risk", "champion", 1, actor=OWNER, events=Events(), reason="start", now=NOW)
        models.set_alias(tx, "fraud-risk", "champion", 2, actor=OWNER, events=Events(), reason="better", now=NOW)
        entries = audit.page(tx, limit=10)
    newest = entries[0]
    assert [entry.leaf.action for entry in entries] == ["model.alias.set"] * 2 + ["model.register"] * 2
    assert (newest.leaf.actor, newest.leaf.subject, newest.reason) == ("owner", "model:fraud-risk", "better")
    assert (newest.before, newest.after) == (
        {"alias": "champion", "number": 1},
        {"alias": "champion", "number": 2},
    )


def test_what_cannot_be_is_named(database: Database, package: Path) -> None:
    with database.begin() as tx:
        with pytest.raises(models.ModelNotFound, match="No model is named fraud-risk"):
            models.by_alias(tx, "fraud-risk", "champion")
        models.register(tx, package, actor=OWNER, events=Events(), reason="x", now=NOW)
        with pytest.raises(models.AliasNotFound, match="champion"):
            models.by_alias(tx, "fraud-risk", "champion")
        with pytest.raises(models.VersionNotFound, match="no version 7"):
            models.set_alias(tx, "fraud-risk", "champion", 7, actor=OWNER, events=Events(), reason="x", now=NOW)
        for number in (99999999999, 2**31, -(2**31) - 1):
            with pytest.raises(models.VersionNotFound, match=f"no version {number}"):
                models.get(tx, "fraud-risk", number)
        with pytest.raises(ReasonInvalid):
            models.set_alias(tx, "fraud-risk", "champion", 1, actor=OWNER, events=Events(), reason="  ", now=NOW)
        with pytest.raises(models.AliasInvalid, match="Champion!"):
            models.set_alias(tx, "fraud-risk", "Champion!", 1, actor=OWNER, events=Events(), reason="x", now=NOW)
        for step in ("rules", "review"):
            with pytest.raises(models.AliasInvalid, match=f"{step}.*among the fallbacks"):
                models.set_alias(tx, "fraud-risk", step, 1, actor=OWNER, events=Events(), reason="x", now=NOW)


def test_a_pickle_is_taken_and_loaded_only_from_who_trusts_it(database: Database, tmp_path: Path) -> None:
    package = a_pickled_package(tmp_path / "pickled")
    with database.begin() as tx:
        with pytest.raises(models.PickleRefused):
            models.register(tx, package, actor=OWNER, events=Events(), reason="x", now=NOW)
        version = models.register(tx, package, actor=OWNER, events=Events(), reason="mine", now=NOW, trust_pickle=True)
        folder = models.fetch(tx, version, tmp_path / "cache")
        (entry,) = audit.page(tx, limit=10)
    assert version.trusted
    assert (entry.after or {})["trusted"] is True
    assert serving.load(version, folder).predict([{"amount": 900.0, "country": "DE"}])[0].label == "fraud"
    with pytest.raises(serving.EndpointUnavailable, match="registered without trust"):
        serving.load(replace(version, trusted=False), folder)


def test_trust_that_was_not_needed_is_not_kept(database: Database, package: Path) -> None:
    with database.begin() as tx:
        version = models.register(tx, package, actor=OWNER, events=Events(), reason="x", now=NOW, trust_pickle=True)
    assert not version.trusted


def test_many_who_register_at_once_get_numbers_of_their_own(database: Database, tmp_path: Path) -> None:
    packages = [a_package(tmp_path / str(seed), seed=seed % 3) for seed in range(6)]
    with ThreadPoolExecutor(6) as people:
        versions = list(people.map(lambda package: registered(database, package), packages))
    numbers = {version.digest: version.number for version in versions}
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))


def test_many_who_fetch_at_once_find_one_whole_package(database: Database, package: Path, tmp_path: Path) -> None:
    version = registered(database, package)

    def fetch(_: int) -> bytes:
        with database.begin() as tx:
            return (models.fetch(tx, version, tmp_path / "cache") / "model.txt").read_bytes()

    with ThreadPoolExecutor(6) as gateways:
        found = set(gateways.map(fetch, range(12)))
    assert found == {(package / "model.txt").read_bytes()}
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [version.digest]


def test_cached_files_are_for_their_owner_only(database: Database, package: Path, tmp_path: Path) -> None:
    version, cache = registered(database, package), tmp_path / "cache"

    def modes() -> set[tuple[bool, int]]:
        return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (cache, *cache.rglob("*"))}

    with database.begin() as tx:
        folder = models.fetch(tx, version, cache)
        assert modes() == {(True, 0o700), (False, 0o600)}
        folder.chmod(0o755)  # as an earlier version left it
        (folder / "model.txt").chmod(0o644)
        models.fetch(tx, version, cache)
    assert modes() == {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize("alias", ["champion", "challenger"])
def test_no_alias_points_to_a_version_whose_score_is_for_the_other_class(
    database: Database, package: Path, tmp_path: Path, alias: str
) -> None:
    registered(database, package)
    registered(database, a_reversed_package(tmp_path / "reversed"))
    said = {"actor": OWNER, "reason": "better", "events": Events(), "now": NOW}
    with database.begin() as tx:
        models.set_alias(tx, "fraud-risk", "champion", 1, **said)
    message = "version 2 is the probability of 'ok', and that of the first champion of fraud-risk .* of 'fraud'"
    with database.begin() as tx, pytest.raises(models.ScoreReversed, match=message):
        models.set_alias(tx, "fraud-risk", alias, 2, **said)


def test_a_version_with_other_classes_or_in_the_order_of_the_first_champion_may_follow(
    database: Database, package: Path, other_package: Path
) -> None:
    for folder in (package, other_package):
        registered(database, folder)
    said = {"actor": OWNER, "reason": "better", "events": Events(), "now": NOW}
    for number in (1, 2, 1):
        with database.begin() as tx:
            models.set_alias(tx, "fraud-risk", "champion", number, **said)
    with database.begin() as tx:
        assert models.classes_of(tx, "fraud-risk") == ("ok", "fraud")
        models.require_same_score(tx, of_classes(models.get(tx, "fraud-risk", 2), "good", "bad"))
        models.require_same_score(tx, of_classes(models.get(tx, "fraud-risk", 2), "fraud", "ok", "unclear"))
        with pytest.raises(models.ScoreReversed):
            models.require_same_score(tx, of_classes(models.get(tx, "fraud-risk", 2), "fraud", "ok"))


def of_classes(version: models.ModelVersion, *classes: str) -> models.ModelVersion:
    signature = replace(version.manifest.signature, classes=classes, task="multiclass" if classes[2:] else "binary")
    return replace(version, manifest=version.manifest.model_copy(update={"signature": signature}))


def test_the_first_champion_may_have_its_score_for_either_class(database: Database, tmp_path: Path) -> None:
    registered(database, a_reversed_package(tmp_path / "reversed"))
    with database.begin() as tx:
        models.set_alias(tx, "fraud-risk", "champion", 1, actor=OWNER, reason="first", events=Events(), now=NOW)
        assert models.by_alias(tx, "fraud-risk", "champion").number == 1
