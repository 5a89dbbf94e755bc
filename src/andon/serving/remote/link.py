"""The common part of a link to another server, whatever the transport, and its allowed places."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from andon.kernel.addresses import AddressRefused, refuse_private
from andon.serving.errors import PredictionFailed, PredictionTimedOut
from andon.serving.inference import InferRequest, InferResponse, ModelMetadata
from andon.serving.remote.document import split_address

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer at most; a longer one is not read to its end."""

_SHOWN = 500
_KNOCK_SECONDS = 1.0


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host, as the system knows them; blocks. Raises OSError when there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Site:
    """A server: its address, the bearer token it is sent, and whether it may be in the private network."""

    url: str
    token: str | None = field(default=None, repr=False)
    allow_private: bool = False
    resolve: Callable[[str, int], Sequence[str]] = field(default=resolve, repr=False)

    @property
    def host(self) -> str:
        """The host's name."""
        return split_address(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port."""
        return split_address(self.url).port or (443 if self.secure else 80)

    @property
    def secure(self) -> bool:
        """Return whether TLS is used."""
        return self.url.startswith("https:")

    def address(self) -> str:
        """Return the checked address to connect to: the first of several that listens; blocks.

        Raises ServerUnreachable.
        """
        addresses = self._addresses()
        for address in addresses if len(addresses) > 1 else ():
            try:
                socket.create_connection((address, self.port), timeout=_KNOCK_SECONDS).close()
            except OSError:
                continue
            return address
        return addresses[0]

    async def address_soon(self) -> str:
        """Return the same without blocking the event loop."""
        return await asyncio.to_thread(self.address)

    def _addresses(self) -> Sequence[str]:
        try:
            addresses = self.resolve(self.host, self.port)
            if not self.allow_private:
                refuse_private(addresses)
        except AddressRefused as refused:
            raise ServerUnreachable(
                f"{self.url} resolves to {refused}, which is not a public address; "
                "if that is intended, set allow_private = true under [endpoints.NAME]"
            ) from refused
        except OSError as error:
            raise ServerUnreachable(f"No address for host {self.host} of {self.url}") from error
        return addresses


class ServerUnreachable(PredictionFailed):
    """The model's server cannot be reached."""


class Link(Protocol):
    """The connection to one model of one server.

    Raises PredictionFailed: ServerUnreachable, ServerFailed, ServerRefused, PredictionTimedOut.
    """

    def describe(self) -> ModelMetadata:
        """Return the server's metadata of the model; blocks."""
        ...

    def ask(self, request: InferRequest) -> InferResponse:
        """One answer; blocks."""
        ...

    async def ask_soon(self, request: InferRequest, *, within: float) -> InferResponse:
        """Return one answer `within` this many seconds."""
        ...

    async def check_soon(self, *, within: float) -> None:
        """Check that the server has the model ready."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


def timed_out(site: Site, within: float) -> PredictionTimedOut:
    """Return the error that states the time waited."""
    return PredictionTimedOut(f"{site.url} gave no answer within {within:.3g} s")


def line_of(text: str) -> str:
    """Return a server's text as one line that is safe to print."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * _SHOWN])
    return " ".join(printable.split())[:_SHOWN]
