"""The building blocks of settings: sections with declared fields, and variables whose value may be in a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from andon.kernel.errors import Invalid

LONGEST_WAIT = 86_400
"""The longest wait for one answer or between two rounds, in seconds: a day. Brokers take at most 24 days."""

LONGEST_SPAN = 315_360_000
"""The longest span between two moments, in seconds: ten years. Dates are bounded."""

_NUMBERS = (int, float, float | None)


class SettingsInvalid(Invalid):
    """The settings cannot be used."""


class Section(BaseModel):
    """A section of the settings. No number is infinite: computing with one would fail long after it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _counts_with_numbers(cls, given: Any) -> Any:
        """Refuse `true` and `false` where a number is expected; Python would accept them as 1 and 0."""
        if isinstance(given, Mapping):
            numbers = [name for name, field in cls.model_fields.items() if field.annotation in _NUMBERS]
            if wrong := [name for name in numbers if isinstance(given.get(name), bool)]:
                raise ValueError(f"{', '.join(wrong)}: expected a number, not true or false")
        return given


def value_of(variable: str, environment: Mapping[str, str]) -> str | None:
    """Return a variable's value, or the content of the file that VARIABLE_FILE names; None if neither is set.

    Raises SettingsInvalid.
    """
    direct, by_file = environment.get(variable), environment.get(f"{variable}_FILE")
    if direct is not None and by_file is not None:
        raise SettingsInvalid(f"Both {variable} and {variable}_FILE are set; set only one")
    if by_file is None:
        return direct
    try:
        return Path(by_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsInvalid(f"{variable}_FILE names a file that cannot be read: {error.strerror}") from error


def secret_of(variable: str | None, section: str, environment: Mapping[str, str]) -> SecretStr | None:
    """Return the secret that a `secret_env` of [section] names; None without one.

    Raises SettingsInvalid if it is not set.
    """
    if variable is None:
        return None
    value = value_of(variable, environment)
    if value is None:
        raise SettingsInvalid(f"The environment variable {variable} (a secret_env of [{section}]) is not set")
    return SecretStr(value)
