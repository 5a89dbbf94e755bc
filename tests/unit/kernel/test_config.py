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


def test_an_address_asks_for_nothing_that_only_some_connections_would_heed(tmp_path: Path) -> None:
    url = "postgresql://andon:hush@host/andon?sslmode=require&channel_binding=require&connect_timeout=3"
    asked = r"asks for channel_binding, connect_timeout, which .* may ask for application_name"
    with pytest.raises(SettingsInvalid, match=asked):
        config.load(tmp_path, {"ANDON_DATABASE_URL": url})


@pytest.mark.parametrize(
    "url", ["postgresql://andon@host/andon", "postgres://andon:hush@[::1]:5433/andon?sslmode=require"]
)
def test_an_address_of_postgresql_is_taken_as_it_is(tmp_path: Path, url: str) -> None:
    found = config.load(tmp_path, {"ANDON_DATABASE_URL": url}).database.url
    assert found is not None
    assert found.get_secret_value() == url


def test_what_is_wrong_is_said_of_the_place_where_it_was_set(tmp_path: Path) -> None:
    (tmp_path / "andon.toml").write_text("[console]\nport = 0.5\n")
    with pytest.raises(SettingsInvalid) as raised:
        config.load(tmp_path, {"ANDON_GATEWAY_PORT": "none", "ANDON_PROJECT_AUTOMATIONS": "a.py"})
    in_file, in_variable = sorted(str(raised.value).split("; "), key=lambda said: said.startswith("ANDON"))
    assert in_file.startswith(f"{tmp_path / 'andon.toml'}: console.port: ")
    assert in_variable.startswith("ANDON_GATEWAY_PORT: gateway.port: ")
