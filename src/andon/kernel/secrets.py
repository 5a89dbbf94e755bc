"""Secrets by reference: a setting names an environment variable (or `..._FILE`), whose value is never shown."""

import os
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr, ValidationInfo

from andon.kernel.environment import value_of


def _read(named: Any, info: ValidationInfo) -> Any:
    if not isinstance(named, str):
        return named
    environment = (info.context or {}).get("environment", os.environ)
    value = value_of(named, environment)
    if value is None:
        raise ValueError(f"the environment variable {named} is not set")
    return SecretStr(value)


SecretFrom = Annotated[SecretStr, BeforeValidator(_read)]
"""A field `..._env`: the file has the name of a variable, the loaded settings have its value."""
