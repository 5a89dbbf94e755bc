"""`[destinations.NAME]`: the systems that actions reach, and how each must be treated.

Settings of a single kind of connector are in `[destinations.NAME.KIND]`; that kind defines them.
"""

import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, SecretStr, model_validator

from andon.kernel.environment import LONGEST_SPAN, LONGEST_WAIT, Section, secret_of


class DestinationSettings(Section):
    """An external system that actions reach; named in the automation, described here."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    url: str | None = Field(None, description="The address for deliveries.")
    url_env: str | None = Field(
        None, description="Name of the environment variable that holds the url; for a url that contains a password."
    )
    secret: SecretStr | None = Field(None, description="Signing secret, `whsec_...`; prefer `secret_env`.")
    secret_env: str | None = Field(None, description="Name of the environment variable that holds the signing secret.")
    timeout_seconds: float = Field(10.0, gt=0, le=LONGEST_WAIT, description="How long one attempt may take.")
    max_attempts: int = Field(12, gt=0, description="Attempts before a delivery becomes a dead letter.")
    deadline_seconds: float | None = Field(
        None,
        gt=0,
        le=LONGEST_SPAN,
        description="Time after which an unsuccessful delivery becomes a dead letter and is not tried again.",
    )
    max_concurrent: int = Field(32, ge=1, le=1000, description="Concurrent deliveries of one worker.")
    rate_per_second: float | None = Field(
        None, gt=0, le=1_000_000, description="The most deliveries that a worker sends in a second."
    )
    repeat: Literal["idempotent", "never"] | None = Field(
        None,
        description="Whether the receiver ignores a repeat under the same key (`idempotent`) or might act twice "
        "(`never`: if the outcome is unknown and the receiver cannot be asked, a person decides). Default: "
        "as the connector declares.",
    )
    callback_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#]+[^?#]*$",
        description="Address at which the receiver reaches the gateway to report that it has finished; needs a secret, "
        "which signs the call.",
    )
    notify: bool = Field(False, description="Whether callers may have the answers to accepted requests delivered here.")
    allow_private: bool = Field(False, description="Whether loopback and private addresses may be reached.")

    @model_validator(mode="after")
    def _knows_its_settings(self) -> "DestinationSettings":
        unknown = sorted(name for name, value in (self.model_extra or {}).items() if not isinstance(value, Mapping))
        if unknown:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"unknown setting {', '.join(unknown)}; expected {known}, or a table for a connector")
        if self.url is not None and self.url_env is not None:
            raise ValueError("url and url_env are both set; set only one")
        if self.secret is not None and self.secret_env is not None:
            raise ValueError("secret and secret_env are both set; set only one")
        if self.callback_url is not None and self.secret is None and self.secret_env is None:
            raise ValueError("callback_url needs secret_env: callbacks are signed")
        return self

    @property
    def by_kind(self) -> Mapping[str, Mapping[str, Any]]:
        """The settings in `[destinations.NAME.KIND]`, by kind, as written."""
        return self.model_extra or {}

    def address(self, environment: Mapping[str, str] = os.environ) -> str:
        """Return the url; empty if there is none. Raises SettingsInvalid."""
        named = secret_of(self.url_env, "destinations", environment)
        return named.get_secret_value() if named is not None else self.url or ""

    def signing_secrets(self, environment: Mapping[str, str] = os.environ) -> tuple[SecretStr, ...]:
        """Return the secrets that sign deliveries, newest first; several during a rotation. Raises SettingsInvalid."""
        value = secret_of(self.secret_env, "destinations", environment)
        if value is not None:
            return tuple(SecretStr(part) for part in value.get_secret_value().split())
        return () if self.secret is None else (self.secret,)
