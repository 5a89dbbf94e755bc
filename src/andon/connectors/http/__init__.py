"""Any HTTP API: one JSON request per delivery, with a token or a header of its own, and an inquiry where possible."""

from andon.actions.ports import Kind
from andon.connectors.http.connector import HttpConnector
from andon.connectors.http.settings import HttpOptions, HttpSettings

KIND = Kind(
    summary="A JSON request to any HTTP API, with OAuth2 client credentials or a secret header.",
    connect=lambda surroundings: HttpConnector(surroundings.clock),
    options=HttpOptions,
    settings=HttpSettings,
)

__all__ = ["KIND", "HttpConnector", "HttpOptions", "HttpSettings"]
