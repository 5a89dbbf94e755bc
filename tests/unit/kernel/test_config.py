"""Settings: an address that is none of PostgreSQL's is refused when it is read, without a word of it."""

from pathlib import Path

import pytest

from andon.kernel import config
from andon.kernel.config import SettingsInvalid


@pytest.mark.parametrize(
    "url",
    ["mysql://andon:hush@host/andon", "postgresql://andon:hush@host:99999/andon", "postgresql://a:hush@h:x/d", "hush"],
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"database\.url: .*expected postgresql://USER") as raised:
        config.load(tmp_path, {"ANDON_DATABASE_URL": url})
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["postgresql://andon@host/andon", "postgres://andon:hush@[::1]:5433/andon?sslmode=require"]
)
def test_an_address_of_postgresql_is_taken_as_it_is(tmp_path: Path, url: str) -> None:
    found = config.load(tmp_path, {"ANDON_DATABASE_URL": url}).database.url
    assert found is not None
    assert found.get_secret_value() == url
