"""A database that does not answer is said so, in our words and without its password."""

from contextlib import ExitStack

import pytest

from andon.kernel.db import Database, DatabaseUnavailable


def test_a_transaction_on_a_server_that_is_not_there_is_unavailable_and_names_no_password() -> None:
    database = Database("postgresql://andon:hush@127.0.0.1:1/andon")
    with pytest.raises(DatabaseUnavailable) as raised, database.begin():
        pass
    database.close()
    assert "127.0.0.1:1" in str(raised.value)
    assert "hush" not in str(raised.value)


def test_a_pool_whose_connections_are_all_busy_is_unavailable_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.05)
    with ExitStack() as busy:
        for _ in range(10):
            busy.enter_context(database.begin())
        with pytest.raises(DatabaseUnavailable):
            busy.enter_context(database.begin())
