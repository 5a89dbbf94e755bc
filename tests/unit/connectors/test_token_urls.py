"""The address of a token endpoint is checked when the settings are loaded, under its own name."""

import pytest
from pydantic import BaseModel, ValidationError

from andon.connectors.http.settings import HttpSettings
from andon.connectors.power_automate import PowerAutomateSettings
from andon.connectors.uipath import UipathSettings


@pytest.mark.parametrize("settings", [HttpSettings, PowerAutomateSettings, UipathSettings])
def test_a_token_url_that_is_no_address_is_refused_by_name(settings: type[BaseModel]) -> None:
    with pytest.raises(ValidationError, match=r"(?s)^1 validation error.*\ntoken_url\n.*expected http://HOST"):
        settings.model_validate({"token_url": "login.bank.example/token"})
