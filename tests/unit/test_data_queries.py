"""Queries on databases: a server that takes a connection and says nothing is given up."""

import socket

import pytest

from andon.datafile import queries
from andon.datafile.errors import DataQueryUnavailable


def test_a_server_that_never_answers_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "CONNECT_SECONDS", 2)  # the least that libpq takes
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/none"
        with pytest.raises(DataQueryUnavailable), queries.rows_of("SELECT 1", url):
            pass
