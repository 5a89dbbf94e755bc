"""Settings: invalid values are refused on reading; an address that is not PostgreSQL's without showing it."""

from pathlib import Path

import pytest

from andon.kernel import config
from andon.kernel.config import DestinationSettings, EndpointSettings, Settings, SettingsInvalid
from andon.kernel.environment import Section

SECTIONS = {
    **{name: section for name, section in Settings() if isinstance(section, Section)},
    "destinations.bank": DestinationSettings(),
    "endpoints.risk": EndpointSettings(),
}
"""Every section there is that holds numbers, by its name in andon.toml."""


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
    asked = r"sets channel_binding, connect_timeout, which .* may set application_name"
    with pytest.raises(SettingsInvalid, match=asked):
        config.load(tmp_path, {"ANDON_DATABASE_URL": url})


@pytest.mark.parametrize(
    "url", ["postgresql://andon@host/andon", "postgres://andon:hush@[::1]:5433/andon?sslmode=require"]
)
def test_an_address_of_postgresql_is_taken_as_it_is(tmp_path: Path, url: str) -> None:
    found = config.load(tmp_path, {"ANDON_DATABASE_URL": url}).database.url
    assert found is not None
    assert found.get_secret_value() == url


@pytest.mark.parametrize(
    ("section", "name"),
    [
        (section, name)
        for section, settings in SECTIONS.items()
        for name, field in type(settings).model_fields.items()
        if field.annotation in (float, float | None)
    ],
)
@pytest.mark.parametrize("number", ["inf", "-inf", "nan"])
def test_a_number_that_is_not_finite_is_refused(tmp_path: Path, section: str, name: str, number: str) -> None:
    (tmp_path / "andon.toml").write_text(f"[{section}]\n{name} = {number}\n")
    with pytest.raises(SettingsInvalid, match=rf"{section}\.{name}: Input should be a finite number"):
        config.load(tmp_path, {})


@pytest.mark.parametrize(
    ("section", "setting", "told"),
    [
        ("gateway", "wait_seconds = 1e6", "less than or equal to 86400"),
        ("gateway", "timeout_seconds = 1e300", "less than or equal to 86400"),
        ("gateway", "results_seconds = 1e12", "less than or equal to 315360000"),
        ("worker", "seal_seconds = 1e9", "less than or equal to 86400"),
        ("cost", "cpu_hour = 1e30", "less than or equal to 10000000"),
        ("cost", "gpu_hour = 1e30", "less than or equal to 10000000"),
        ("destinations.bank", "timeout_seconds = 1e7", "less than or equal to 86400"),
        ("destinations.bank", "deadline_seconds = 1e12", "less than or equal to 315360000"),
        ("destinations.bank", "rate_per_second = 1e30", "less than or equal to 1000000"),
        ("endpoints.risk", "timeout_seconds = 1e7", "less than or equal to 86400"),
        ("endpoints.risk", "idle_seconds = 1e12", "less than or equal to 315360000"),
    ],
)
def test_a_number_too_large_to_work_with_is_refused(tmp_path: Path, section: str, setting: str, told: str) -> None:
    (tmp_path / "andon.toml").write_text(f"[{section}]\n{setting}\n")
    with pytest.raises(SettingsInvalid, match=rf"{section}\.{setting.split()[0]}: .*{told}"):
        config.load(tmp_path, {})


@pytest.mark.parametrize(
    ("section", "name"),
    [
        (section, name)
        for section, settings in SECTIONS.items()
        for name, field in type(settings).model_fields.items()
        if field.annotation in (int, float, float | None)
    ],
)
def test_true_is_no_number(tmp_path: Path, section: str, name: str) -> None:
    (tmp_path / "andon.toml").write_text(f"[{section}]\n{name} = true\n")
    with pytest.raises(SettingsInvalid, match=rf"{section}: .*{name}: expected a number, not true or false"):
        config.load(tmp_path, {})


LISTENING = "expected an IP address or a name to listen on, such as 127.0.0.1"
OF_HTTP = "expected http://HOST or https://HOST"


@pytest.mark.parametrize(
    ("section", "setting", "told"),
    [
        ("gateway", 'host = ""', f"gateway.host: Value error, {LISTENING}"),
        ("console", 'host = "http://localhost"', f"console.host: Value error, {LISTENING}"),
        ("cost", r'currency = "\u0007 \n"', "cost.currency: String should match pattern '^[A-Z]{3}$'"),
        ("telemetry", 'otlp_endpoint = "not a url"', f"telemetry.otlp_endpoint: Value error, {OF_HTTP}"),
        ("endpoints.risk", 'url = "ftp://hush"', f"endpoints.risk.url: Value error, {OF_HTTP}"),
        ("endpoints.risk", 'url = "http://hush:0"', f"endpoints.risk.url: Value error, {OF_HTTP}"),
        ("endpoints.risk", 'url = "https://[hush"', f"endpoints.risk.url: Value error, {OF_HTTP}"),
        (
            "endpoints.risk",
            "processes_min = 5\nprocesses_max = 2",
            "endpoints.risk: Value error, processes_min, 5, is more than processes_max, 2",
        ),
        ("destinations.bank", 'secret = "hush"\nsecret_env = "S"', "secret and secret_env are both set; set only one"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, section: str, setting: str, told: str) -> None:
    (tmp_path / "andon.toml").write_text(f"[{section}]\n{setting}\n")
    with pytest.raises(SettingsInvalid) as raised:
        config.load(tmp_path, {})
    assert told in str(raised.value)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::1", "fe80::1%eth0", "localhost", "scoring.internal"])
def test_a_process_listens_on_an_address_or_a_name(tmp_path: Path, host: str) -> None:
    assert config.load(tmp_path, {"ANDON_GATEWAY_HOST": host}).gateway.host == host


def test_what_is_wrong_is_said_of_the_place_where_it_was_set(tmp_path: Path) -> None:
    (tmp_path / "andon.toml").write_text("[console]\nport = 0.5\n")
    with pytest.raises(SettingsInvalid) as raised:
        config.load(tmp_path, {"ANDON_GATEWAY_PORT": "none", "ANDON_PROJECT_AUTOMATIONS": "a.py"})
    in_file, in_variable = sorted(str(raised.value).split("; "), key=lambda said: said.startswith("ANDON"))
    assert in_file.startswith(f"{tmp_path / 'andon.toml'}: console.port: ")
    assert in_variable.startswith("ANDON_GATEWAY_PORT: gateway.port: ")
