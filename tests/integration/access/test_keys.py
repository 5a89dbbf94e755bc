"""Keys are shown once, recognised from memory, and closed for ever by expiry or revocation; each change is audited."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.people import LINE

from andon import access, audit, files, http_events, kafka, nats, schedule, table
from andon.access import Grant, KeyRing, Permission, Principal, Role
from andon.kernel.db import Database
from andon.kernel.errors import AndonError
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ROOT = Actor("root")
PEPPER = b"5e" * 32


def make(
    database: Database, name: str = "rita", *grants: Grant, expires_at: datetime | None = None
) -> tuple[Principal, str]:
    with database.begin() as tx:
        return access.create_key(
            tx,
            name=name,
            grants=grants or (Grant(Role.REVIEWER, LINE),),
            expires_at=expires_at,
            actor=ROOT,
            events=Events(),
            reason="she joined",
            pepper=PEPPER,
            now=NOON,
        )


def revoke(database: Database, principal: Principal, *, now: datetime = NOON) -> access.Key:
    with database.begin() as tx:
        return access.revoke_key(tx, principal.id, actor=ROOT, events=Events(), reason="she left", now=now)


def ring(database: Database, *, pepper: bytes = PEPPER) -> KeyRing:
    keys = KeyRing(pepper)
    with database.begin() as tx:
        keys.refresh(tx, NOON)
    return keys


def test_whoever_holds_a_key_is_recognised_with_its_grants(database: Database) -> None:
    grants = tuple(Grant(role, automation) for role in Role for automation in (None, LINE))
    principal, token = make(database, "rita", *grants)
    found = ring(database).authenticate(token, NOON)
    assert (found.id, found.name, set(found.grants)) == (principal.id, "rita", set(grants))
    assert found.actor == Actor("rita")


def test_the_key_itself_stands_nowhere_in_the_database(database: Database) -> None:
    _, token = make(database)
    secret = token.rsplit("_", 1)[1]
    with database.begin() as tx:
        rows = [
            str(tuple(row))
            for table in ("access_keys", "access_grants", "audit_entries")
            for row in tx.execute(text(f"SELECT t::text, t.* FROM {table} t"))
        ]
    assert rows
    assert not [row for row in rows if secret in row or bytes.fromhex(secret).hex() in row]


def test_an_unknown_a_forged_and_a_foreign_key_are_refused_alike(database: Database) -> None:
    _, token = make(database)
    _, other = make(database, "olga")
    keys = ring(database)
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    mixed = token[:39] + other[39:]
    unknown = token.replace(token[6:38], UUID(int=5).hex)
    for wrong in (forged, mixed, unknown):
        with pytest.raises(access.Unauthenticated, match="This API key is unknown"):
            keys.authenticate(wrong, NOON)
    with pytest.raises(access.Unauthenticated, match="is unknown"):
        ring(database, pepper=b"00" * 32).authenticate(token, NOON)


def test_a_key_expires_on_the_instant_without_a_refresh(database: Database) -> None:
    principal, token = make(database, expires_at=LATER)
    keys = ring(database)
    assert keys.authenticate(token, LATER - timedelta(microseconds=1)).id == principal.id
    with pytest.raises(access.Unauthenticated, match="expired at 2026-11-25 12:00 UTC"):
        keys.authenticate(token, LATER)
    with pytest.raises(access.Unauthenticated, match="expired"):
        keys.principal(principal.id, LATER)


def test_a_key_may_count_for_ten_years(database: Database) -> None:
    principal, _ = make(database, expires_at=NOON.replace(year=2036))
    with database.begin() as tx:
        assert access.get_key(tx, principal.id).expires_at == NOON.replace(year=2036)


def test_a_revoked_key_is_refused_after_the_next_refresh_also_for_its_sessions(database: Database) -> None:
    principal, token = make(database)
    keys = ring(database)
    assert keys.principal(principal.id, NOON).name == "rita"
    revoke(database, principal)
    with database.begin() as tx:
        keys.refresh(tx, NOON)
    with pytest.raises(access.Unauthenticated, match="revoked at 2026-11-24 12:00 UTC"):
        keys.authenticate(token, NOON)
    with pytest.raises(access.Unauthenticated, match="revoked"):
        keys.principal(principal.id, NOON)
    with pytest.raises(access.Unauthenticated, match="is unknown"):
        keys.principal(UUID(int=5), NOON)


def test_only_whoever_holds_the_whole_key_is_told_that_it_was_revoked(database: Database) -> None:
    principal, token = make(database)
    revoke(database, principal)
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    with pytest.raises(access.Unauthenticated, match="is unknown"):
        ring(database).authenticate(forged, NOON)


def test_making_and_revoking_are_audited_and_announced(database: Database) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as listener:
        listener.execute(text("LISTEN andon_changed"))
        principal, _ = make(database, expires_at=LATER)
        revoke(database, principal)
        raw = listener.connection.driver_connection
        assert raw is not None
        heard = [(n.channel, n.payload) for n in raw.notifies(timeout=5, stop_after=2)]
    assert heard == [("andon_changed", "keys")] * 2
    with database.begin() as tx:
        revoked, made = audit.page(tx)
    assert (made.leaf.action, made.leaf.actor, made.reason) == ("key.create", "root", "she joined")
    assert (revoked.leaf.action, revoked.reason) == ("key.revoke", "she left")
    assert made.leaf.subject == revoked.leaf.subject == f"key:{principal.id}"
    assert made.after == {
        "name": "rita",
        "grants": [{"role": "reviewer", "automation": LINE}],
        "expires_at": "2026-11-25T12:00:00+00:00",
    }
    assert revoked.before == made.after


def test_the_list_says_everything_but_the_key(database: Database) -> None:
    principal, _ = make(database, expires_at=LATER)
    make(database, "olga")
    revoke(database, principal)
    with database.begin() as tx:
        olga, rita = access.list_keys(tx)
        assert access.get_key(tx, principal.id) == rita
    assert (rita.principal, rita.created_by, rita.reason, rita.revoked_by) == (principal, "root", "she joined", "root")
    assert (rita.created_at, rita.expires_at, rita.revoked_at) == (NOON, LATER, NOON)
    assert not rita.alive(NOON)
    assert olga.alive(NOON)


def test_two_living_keys_never_share_a_name(database: Database) -> None:
    principal, _ = make(database)
    with pytest.raises(access.KeyNameTaken, match="'rita'"):
        make(database)
    revoke(database, principal)
    make(database)


def test_a_key_is_found_by_its_id_or_by_its_name_the_living_one_first(database: Database) -> None:
    old, _ = make(database)
    revoke(database, old)
    new, _ = make(database)
    with database.begin() as tx:
        assert access.find_key(tx, "rita").principal.id == new.id
        assert access.find_key(tx, str(old.id)).principal.id == old.id
        with pytest.raises(access.KeyNotFound, match="'nobody'"):
            access.find_key(tx, "nobody")


def test_a_key_is_revoked_once(database: Database) -> None:
    principal, _ = make(database)
    revoke(database, principal)
    with pytest.raises(access.KeyRevoked):
        revoke(database, principal)
    with database.begin() as tx, pytest.raises(access.KeyNotFound):
        access.revoke_key(tx, UUID(int=5), actor=ROOT, events=Events(), reason="gone", now=NOON)


def test_the_last_admin_cannot_be_revoked(database: Database) -> None:
    ada, _ = make(database, "ada", Grant(Role.ADMIN))
    local, _ = make(database, "lena", Grant(Role.ADMIN, LINE))
    passing, _ = make(database, "paul", Grant(Role.ADMIN), expires_at=LATER)
    revoke(database, local)
    with pytest.raises(access.LastAdmin):
        revoke(database, ada, now=LATER)
    revoke(database, ada)
    with pytest.raises(access.LastAdmin):
        revoke(database, passing)


def test_two_admins_revoked_at_once_leave_one(database: Database) -> None:
    admins = [make(database, name, Grant(Role.ADMIN))[0] for name in ("ada", "abe")]

    def attempt(principal: Principal) -> str:
        try:
            revoke(database, principal)
        except AndonError as error:
            return error.code
        return "revoked"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, admins)) == ["LastAdmin", "revoked"]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"name": ""}, "name"),
        ({"name": " rita"}, "name"),
        ({"name": "ri\nta"}, "name"),
        ({"name": "r" * 101}, "name"),
        ({"grants": ()}, "grants"),
        ({"grants": (Grant(Role.VIEWER, ""),)}, "grants"),
        ({"expires_at": NOON}, "expires_at"),
        ({"expires_at": NOON.replace(year=2036) + timedelta(days=2)}, "expires_at"),
        ({"expires_at": datetime.fromisoformat("9999-12-31T23:59:59-14:00")}, "expires_at"),
        ({"reason": " "}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"reason": "\ud800"}, "reason"),
        ({"grants": (Grant(Role.VIEWER, "a\0"),)}, "grants"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_with_what_was_expected(
    database: Database, changed: dict[str, object], where: str
) -> None:
    asked: dict[str, object] = {"name": "rita", "grants": (Grant(Role.VIEWER),), "expires_at": None, "reason": "why"}
    with database.begin() as tx, pytest.raises(access.KeyInvalid) as refused:
        access.create_key(tx, **(asked | changed), actor=ROOT, events=Events(), pepper=PEPPER, now=NOON)  # type: ignore[arg-type]
    assert [fault.where for fault in refused.value.faults] == [where]
    with database.begin() as tx:
        assert access.list_keys(tx) == []


@pytest.mark.parametrize(
    "name",
    [
        PLATFORM.name,
        "Andon",
        "cli:root",
        "CLI:deploy",
        "agent:drafter",
        "imap:support",
        *(trigger.name for trigger in (kafka("a"), nats("a"), table("a"), schedule("1h"), files("a"), http_events())),
    ],
)
def test_nobody_is_named_as_what_andon_does_by_itself(database: Database, name: str) -> None:
    with pytest.raises(access.KeyInvalid, match="name: not `andon` and not beginning with `cli:`, `agent:`, `kafka:`"):
        make(database, name)
    make(database, f"my {name}")


def test_what_a_key_allows_survives_the_database(database: Database) -> None:
    _, token = make(database, "rita", Grant(Role.REVIEWER, LINE))
    rita = ring(database).authenticate(token, NOON)
    assert rita.may(Permission.WORK_REVIEWS, LINE)
    assert rita.scopes(Permission.WORK_REVIEWS) == [LINE]


def test_grants_are_replaced_at_once_and_audited(database: Database) -> None:
    rita, token = make(database, "rita", Grant(Role.REVIEWER, LINE))
    boss, _ = make(database, "boss", Grant(Role.ADMIN))
    keys = ring(database)
    recognised = keys.recognise(token, NOON)
    wanted = [Grant(Role.VIEWER), Grant(Role.VIEWER)]
    with database.begin() as tx:
        for _ in range(2):
            access.set_grants(tx, rita.id, wanted, actor=ROOT, reason="x", events=Events(), now=LATER, by=boss)
        keys.refresh(tx, LATER)
        found = [entry for entry in audit.page(tx, limit=10) if entry.leaf.action == "key.grant"]
    assert keys.again(recognised, LATER).grants == (Grant(Role.VIEWER),)
    assert len(found) == 1, "grants that a key has already were written again"


@pytest.mark.parametrize(
    ("by", "named", "wanted", "error"),
    [
        ("scoped", "rita", [Grant(Role.VIEWER, LINE)], access.Forbidden),  # rita reaches further
        ("scoped", "clerk", [Grant(Role.VIEWER)], access.Forbidden),  # and so would the clerk
        ("scoped", "scoped", [Grant(Role.OWNER, LINE)], access.OwnKeyChange),
        ("boss", "boss", [Grant(Role.ADMIN, LINE)], access.OwnKeyChange),
        (None, "boss", [Grant(Role.OWNER)], access.LastAdmin),
        (None, "clerk", [], access.KeyInvalid),
        (None, "gone", [Grant(Role.VIEWER)], access.KeyRevoked),
    ],
)
def test_nobody_gives_more_than_they_may_manage_nor_locks_everybody_out(
    database: Database, by: str | None, named: str, wanted: list[Grant], error: type[AndonError]
) -> None:
    people = {
        "boss": make(database, "boss", Grant(Role.ADMIN))[0],
        "scoped": make(database, "scoped", Grant(Role.ADMIN, LINE))[0],
        "rita": make(database, "rita", Grant(Role.REVIEWER))[0],
        "clerk": make(database, "clerk", Grant(Role.REVIEWER, LINE))[0],
        "gone": make(database, "gone", Grant(Role.REVIEWER, LINE))[0],
    }
    with database.begin() as tx:
        access.revoke_key(tx, people["gone"].id, actor=ROOT, reason="left", events=Events(), now=NOON)
    caller = None if by is None else people[by]
    with database.begin() as tx, pytest.raises(error):
        access.set_grants(tx, people[named].id, wanted, actor=ROOT, reason="x", events=Events(), now=LATER, by=caller)
    with database.begin() as tx:
        assert access.get_key(tx, people[named].id).principal.grants == people[named].grants
