"""Lookups: rows of a table as features, a default only where one was declared, and a review otherwise."""

from pathlib import Path

import pytest
from sqlalchemy import text
from tests.integration.features.payments import SEGMENT, a_line, decide, installed, request

from andon import Lookup
from andon.decisions import AutomationInvalid
from andon.kernel.db import Database
from lines import install


def test_a_row_is_seen_a_missing_or_old_one_is_the_default_and_a_null_is_missing(
    database: Database, tmp_path: Path
) -> None:
    here = installed(database, tmp_path)
    accounts = ["a1", "a2", "old", "nobody", "x" * 300]
    decided = decide(here, [request(here, {"account": account}) for account in accounts])
    seen = {d.request.input["account"]: d.features["customers_segment"] for d in decided}
    assert seen == {"a1": "gold", "a2": None, "old": "unknown", "nobody": "unknown", "x" * 300: "unknown"}
    assert [d.rule for d in decided][:2] == ["gold", "otherwise"]


def test_a_value_is_kept_as_long_as_it_is_fresh(database: Database, tmp_path: Path) -> None:
    here = installed(database, tmp_path)
    first = [request(here, {"account": "a1"})]

    def changed() -> None:
        with database.begin() as tx:
            tx.execute(text("UPDATE customers SET segment = 'basic'"))

    (before,) = decide(here, first)
    changed()
    again = decide(here, [request(here, {"account": "a1"})])  # another process
    assert (before.features["customers_segment"], again[0].features["customers_segment"]) == ("gold", "basic")


@pytest.mark.parametrize(
    ("lookup", "said"),
    [
        (Lookup("clients", by="account", columns=("segment",)), "no such table or view"),
        (Lookup("customers", by="account", columns=("tier",)), "no column 'tier'; the columns are account, segment"),
        (Lookup("customers", by="account", columns=("doc",)), "'doc' is of type jsonb; expected a number"),
        (
            Lookup("customers", by="account", columns=("segment",), updated="segment", oldest="1d"),
            "'segment' is of type text, not a time",
        ),
    ],
)
def test_a_table_that_cannot_be_read_stops_the_line_when_it_is_loaded(
    database: Database, tmp_path: Path, lookup: Lookup, said: str
) -> None:
    line = a_line(
        SEGMENT,
        Lookup(lookup.table, lookup.by, lookup.columns, updated=lookup.updated, oldest=lookup.oldest, name="other"),
    )
    with pytest.raises(AutomationInvalid, match=said):
        installed(database, tmp_path, line)


def test_a_table_that_goes_away_sends_decisions_to_a_person_and_takes_nothing_else_along(
    database: Database, tmp_path: Path
) -> None:
    here = installed(database, tmp_path)
    with database.begin() as tx:
        tx.execute(text("ALTER TABLE customers RENAME TO gone"))
    one, two = decide(here, [request(here, {"account": "a1"})], [request(here, {"account": "a1"})])
    assert one.outcome == two.outcome == "review"
    assert one.reasons == ("FEATURE_FAILED",)
    assert "'customers'" in (one.judgement.ruling.error or "")
    assert two.features["amount_count_1h"] == 2


def test_a_key_of_the_wrong_form_costs_only_its_own_decision(database: Database, tmp_path: Path) -> None:
    with database.begin() as tx:
        tx.execute(text("CREATE TABLE limits (number bigint PRIMARY KEY, most numeric)"))
        tx.execute(text("INSERT INTO limits VALUES (7, 12.5)"))
    lookup = Lookup("limits", by="account", columns=("most",), key="number", default={"most": 0})
    here = installed(database, tmp_path, a_line(SEGMENT, lookup))
    good, bad, none = decide(here, [request(here, {"account": account}) for account in ("7", "seven", "8")])
    assert (good.features["limits_most"], none.features["limits_most"]) == (12.5, 0)
    assert bad.reasons == ("FEATURE_FAILED",)
    assert "seven" in (bad.judgement.ruling.error or "")


def test_without_a_default_a_missing_row_is_for_a_person_and_so_is_one_of_two(
    database: Database, tmp_path: Path
) -> None:
    with database.begin() as tx:
        tx.execute(text("CREATE VIEW twice AS SELECT 'a1' AS account, generate_series(1, 2) AS n"))
    line = a_line(SEGMENT, Lookup("twice", by="account", columns=("n",)))
    here = installed(database, tmp_path, line)
    two, missing = decide(here, [request(here, {"account": account}) for account in ("a1", "a2")])
    assert "several rows" in (two.judgement.ruling.error or "")
    assert "found no row, and 'n' has no default" in (missing.judgement.ruling.error or "")


def test_the_standing_line_is_not_asked_for_tables(database: Database, tmp_path: Path) -> None:
    assert not install(database, tmp_path).deployment.lines["payments"].looks_up
