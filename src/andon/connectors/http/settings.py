"""The options of an action's request, and `[destinations.NAME.http]` of the API."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from andon.actions import Body, Text
from andon.actions.ports import Shape
from andon.kernel.places import HttpAddress
from andon.kernel.secrets import SecretFrom

_OURS = {"host", "content-length", "transfer-encoding", "connection", "authorization", "content-type", "user-agent"}


class HttpOptions(Shape):
    """One request."""

    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = Field("POST", description="The HTTP method.")
    path: Text = Field("", description="Below the destination's url, e.g. `/payments/{input.payment_id}/pause`.")
    body: Body = Field(
        None, description="JSON; a string that holds only one value becomes that value. Default: the decision."
    )
    headers: Mapping[str, Text] = Field(
        default={}, description="Other headers, without secrets, which belong in the settings."
    )

    @field_validator("path")
    @classmethod
    def _is_below(cls, path: str) -> str:
        if path and not path.startswith("/"):
            raise ValueError("a path begins with /")
        return path

    @field_validator("headers")
    @classmethod
    def _are_free(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name in headers:
            if name.lower() in _OURS or not name.replace("-", "").isalnum() or not name.isascii():
                raise ValueError(f"{name!r} cannot be set")
        return headers


class HttpSettings(Shape):
    """The API's authentication, and its inquiry about a request."""

    key_header: str = Field("Idempotency-Key", description="Header in which the API receives the key; empty for none.")
    header: str = Field("Authorization", description="Header that holds the secret of `header_env`.")
    header_env: SecretFrom | None = Field(
        None, description="Environment variable with that header's value, e.g. `Bearer ...`."
    )
    token_url: HttpAddress | None = Field(None, description="The token endpoint (OAuth2 client credentials).")
    client_id: str | None = Field(None, description="The client id at the token endpoint.")
    client_secret_env: SecretFrom | None = Field(None, description="Environment variable with its secret.")
    scope: str | None = Field(None, description="The scope of the token.")
    inquire: Text | None = Field(
        None,
        description="Path of a GET that asks for the outcome of a request, e.g. `/payments/by-key/{key}`: "
        "2xx means that it was taken, 404 that it was not.",
    )

    @model_validator(mode="after")
    def _is_one_way_in(self) -> "HttpSettings":
        token = (self.token_url, self.client_id, self.client_secret_env)
        if any(token) and not all(token):
            raise ValueError("token_url, client_id and client_secret_env go together")
        if self.token_url and self.header_env:
            raise ValueError("header_env and token_url are both set; set one")
        return self
