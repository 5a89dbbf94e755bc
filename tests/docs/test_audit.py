"""The page about the audit log is true: its program checks a real log, and its table names every harm there is."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.audit.logbook import a_sealed_log, tamper

from andon import audit
from andon.audit import Harm
from andon.kernel.db import Database

PAGE = (Path(__file__).parents[2] / "docs" / "explain" / "audit.md").read_text(encoding="utf-8")


def the_program() -> Callable[[str], str]:
    """Return the `check` that the page shows, as an outsider would run it."""
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    assert "andon" not in re.sub(r"andon\.(entry|check)/1", "", found[1])
    names: dict[str, Any] = {}
    exec(compile(found[1], "docs/explain/audit.md", "exec"), names)
    check: Callable[[str], str] = names["check"]
    return check


def test_an_outsider_finds_a_sound_log_sound_and_the_same_head(database: Database) -> None:
    a_sealed_log(database)
    with database.begin() as tx:
        standing = audit.head(tx)
    assert standing.checkpoint is not None
    assert the_program()(database.url) == standing.checkpoint.hash.hex()


@pytest.mark.parametrize(
    ("table", "statement", "told"),
    [
        ("audit_entries", "UPDATE audit_entries SET actor = 'eve' WHERE seq = 2", "entry .* 2 was edited"),
        ("audit_entries", "DELETE FROM audit_entries WHERE seq = 1", "entry .* 2 does not follow 0"),
        ("audit_entries", "DELETE FROM audit_entries WHERE seq = 3", "checkpoint 2 holds another entry"),
        ("audit_checkpoints", "UPDATE audit_checkpoints SET entries = 9", "checkpoint 1 was edited"),
        ("audit_checkpoints", "DELETE FROM audit_checkpoints WHERE number = 1", "checkpoint 2 does not follow 0"),
        ("audit_heads", "DELETE FROM audit_heads WHERE checkpoint = 2", "checkpoint 2 was edited"),
    ],
)
def test_an_outsider_finds_what_was_altered(database: Database, table: str, statement: str, told: str) -> None:
    a_sealed_log(database)
    tamper(database, table, statement)
    with pytest.raises(AssertionError, match=told):
        the_program()(database.url)


def test_every_harm_is_explained() -> None:
    assert [harm for harm in Harm if f"`{harm}`" not in PAGE] == []
