"""A database that does not answer is said so, in our words and without its password."""

import pytest

from andon.kernel.db import Database, DatabaseUnavailable


def test_a_transaction_on_a_server_that_is_not_there_is_unavailable_and_names_no_password() -> None:
    database = Database("postgresql://andon:hush@127.0.0.1:1/andon")
    with pytest.raises(DatabaseUnavailable) as raised, database.begin():
        pass
    database.close()
    assert "127.0.0.1:1" in str(raised.value)
    assert "hush" not in str(raised.value)
