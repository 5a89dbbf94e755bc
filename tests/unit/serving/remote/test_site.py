"""Where a link may lead: only to addresses that are allowed, and of several to one at which somebody listens."""

import socket
from collections.abc import Iterator, Sequence

import pytest

from andon.serving.remote import ServerUnreachable
from andon.serving.remote.link import Site


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def site(port: int, *addresses: str, allow_private: bool = True) -> Site:
    return Site(f"http://models.example:{port}", allow_private=allow_private, resolve=lambda *_: addresses)


def test_of_several_addresses_one_is_taken_at_which_somebody_listens(port: int) -> None:
    assert site(port, "127.0.0.2", "127.0.0.1").address() == "127.0.0.1"
    assert site(port, "127.0.0.1").address() == "127.0.0.1"
    assert site(port, "127.0.0.2", "127.0.0.3").address() == "127.0.0.2"


@pytest.mark.parametrize(
    "addresses", [["10.1.2.3"], ["127.0.0.1"], ["93.184.216.34", "::1"], ["169.254.169.254"], ["::ffff:10.0.0.1"]]
)
def test_a_name_that_leads_into_the_own_network_is_refused(addresses: Sequence[str]) -> None:
    with pytest.raises(ServerUnreachable, match="not a public address; if that is intended, set allow_private"):
        site(80, *addresses, allow_private=False).address()


def test_a_name_that_nobody_knows_is_named() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror("unknown")

    with pytest.raises(ServerUnreachable, match=r"No address for host models\.example"):
        Site("http://models.example", resolve=nobody).address()


def test_the_port_follows_the_scheme() -> None:
    assert (Site("http://h").port, Site("https://h").port, Site("https://h:8443/base").port) == (80, 443, 8443)
