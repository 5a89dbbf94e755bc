"""`remote.json`, the model file of a model on another server: its address and protocol. Never a secret."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from andon.serving.errors import EndpointUnavailable

FILE = "remote.json"


class Wire(StrEnum):
    """The transports of the Open Inference Protocol."""

    REST = "rest"
    GRPC = "grpc"


def split_address(url: str) -> SplitResult:
    """Split `http(s)://HOST[:PORT][/PATH]`. Raises ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected http:// or https:// with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not contain a password; set secret_env under [endpoints.NAME]")
    if parts.query or parts.fragment or parts.port == 0:
        raise ValueError("expected only a host, a port and a path")
    return parts


def _checked(url: str) -> str:
    split_address(url)
    return url.rstrip("/")


class RemoteDocument(BaseModel):
    """A model of a server. `input` and `output` name tensors where the server's metadata does not, or has several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_checked)] = Field(max_length=1000)
    name: str = Field(min_length=1, max_length=200)
    version: str | None = Field(None, max_length=200)
    protocol: Wire = Wire.REST
    input: str | None = Field(None, max_length=200)
    output: str | None = Field(None, max_length=200)

    @property
    def shown(self) -> str:
        """The model, for people."""
        return self.name if self.version is None else f"{self.name} {self.version}"


def read(file: Path) -> RemoteDocument:
    """Return the document in a package. Raises EndpointUnavailable."""
    try:
        return RemoteDocument.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise EndpointUnavailable(f"{file.name} does not state where the model runs: {words_of(error)}") from error


def words_of(error: ValidationError) -> str:
    """Return the faults, in a line."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors())
