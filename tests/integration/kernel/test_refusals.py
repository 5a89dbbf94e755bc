"""What PostgreSQL refuses is told without where it is and who we are there."""

import pytest
from sqlalchemy import make_url, text

from andon.kernel.db import Database, DatabaseUnavailable, TooLarge
from andon_demo.line import free_ports


def test_what_no_index_takes_is_refused_and_not_called_an_outage(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("CREATE TABLE known (name text PRIMARY KEY)"))
    many = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 100) AS n"
    with pytest.raises(TooLarge) as refused, database.begin() as tx:
        tx.execute(text(f"INSERT INTO known {many}"))
    _tells_nothing(str(refused.value), database)


def test_an_outage_is_told_without_the_address(database: Database) -> None:
    (port,) = free_ports(1)
    nowhere = Database(make_url(database.url).set(host="127.0.0.1", port=port).render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable) as away, nowhere.begin():
        pass
    _tells_nothing(str(away.value), nowhere)


def _tells_nothing(said: str, database: Database) -> None:
    url = make_url(database.url)
    for secret in (url.username, url.host, url.port, url.database):
        assert str(secret) not in said
