"""What the machine's pip is told is told to uv as well."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def uv() -> ModuleType:
    path = Path(__file__).parents[3] / "script" / "uv.py"
    spec = importlib.util.spec_from_file_location("script_uv", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_setting_goes_into_the_variable_uv_reads(uv: ModuleType) -> None:
    listing = "\n".join(
        [
            "global.cert='/etc/ssl/ca.pem'",
            "global.find-links='/wheels\\n/more'",
            "global.index-url='https://user:word@index.test/simple'",
            "global.trusted-host='a.test b.test'",
            "global.constraint='/etc/constraints.txt'",
        ]
    )
    assert uv.uv_environment(listing, {}) == {
        "SSL_CERT_FILE": "/etc/ssl/ca.pem",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_DEFAULT_INDEX": "https://user:word@index.test/simple",
        "UV_INSECURE_HOST": "a.test b.test",
    }


def test_the_environment_beats_the_section_and_the_section_beats_global(uv: ModuleType) -> None:
    listing = ":env:.index-url='https://one.test'\nglobal.index-url='https://three.test'\ninstall.index-url='https://two.test'"
    assert uv.uv_environment(listing, {}) == {"UV_DEFAULT_INDEX": "https://one.test"}


def test_what_is_set_for_uv_already_stays(uv: ModuleType) -> None:
    listing = "global.index-url='https://pip.test'"
    assert uv.uv_environment(listing, {"UV_DEFAULT_INDEX": "https://uv.test"}) == {}


def test_no_settings_and_a_setting_without_meaning_for_uv_give_nothing(uv: ModuleType) -> None:
    assert uv.uv_environment("", {}) == {}
    assert uv.uv_environment("global.disable-pip-version-check='1'", {}) == {}
