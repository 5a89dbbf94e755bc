"""The parts' addresses: the ports of the settings, checked before anything starts, so that errors name the setting."""

import errno
import ipaddress
import socket
from collections.abc import Container
from contextlib import ExitStack
from dataclasses import dataclass, replace

import psutil

from andon.kernel.config import Settings
from andon.supervisor.errors import PortTaken


@dataclass(frozen=True, slots=True)
class Address:
    """Where one part listens."""

    part: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for people and for our own questions."""
        return f"http://{_bracketed(self.reached_at)}:{self.port}"

    @property
    def reached_at(self) -> str:
        """The host under which this machine itself reaches the part, which may listen on all addresses."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return self.host
        if not address.is_unspecified:
            return self.host
        return "127.0.0.1" if address.version == 4 else "::1"

    @property
    def variable(self) -> str:
        """The environment variable of the port's setting."""
        return f"ANDON_{self.part.upper()}_PORT"


def addresses_of(settings: Settings) -> list[Address]:
    """Return the addresses of the parts. A free port replaces port 0."""
    return with_ports(*configured(settings))


def configured(settings: Settings) -> list[Address]:
    """Return the address of each part as its settings have it: gateway, worker, and the console if it is enabled."""
    parts = [
        Address("gateway", settings.gateway.host, settings.gateway.port),
        Address("worker", "127.0.0.1", settings.worker.port),
    ]
    if settings.console.enabled:
        parts.append(Address("console", settings.console.host, settings.console.port))
    return parts


def with_ports(*addresses: Address) -> list[Address]:
    """Return the same, with a different free port for each that has none."""
    given = {address.port for address in addresses}
    with ExitStack() as held:  # until all are found, so that none is found twice
        return [address if address.port else _on_any_port(address, given, held) for address in addresses]


def check_free(addresses: list[Address]) -> None:
    """Make sure that every part can listen. Raises PortTaken, which names the setting and the listening process."""
    for i, address in enumerate(addresses):
        for other in addresses[:i]:
            if other.port == address.port:
                raise PortTaken(
                    f"[{other.part}] port and [{address.part}] port are both {address.port}: "
                    f"set another in andon.toml, or in {address.variable}"
                )
    for address in addresses:
        if taken := trouble_at(address):
            raise PortTaken(taken)


def bind(address: Address) -> list[socket.socket]:
    """Bound sockets for each address that the host has, for a part to listen on. Raises PortTaken."""
    bound: list[socket.socket] = []
    try:
        for family, kind, protocol, _, place in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM):
            bound.append(one := socket.socket(family, kind, protocol))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(place)
    except OSError as error:
        for one in bound:
            one.close()
        raise PortTaken(trouble_at(address) or f"{address.url} cannot be used: {error.strerror}") from error
    return bound


def reserve_shared(host: str, port: int) -> socket.socket | None:
    """Keep a port for the gateways of this installation, several of which may share it; None if it is taken.

    Nothing is accepted here. Others find the port taken, as long as they do not intend to share it.
    """
    try:
        _listening(host, port).close()
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        one = socket.socket(family, kind, protocol)
    except OSError:
        return None
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(place)
    except OSError:
        one.close()
        return None
    return one


def trouble_at(address: Address) -> str | None:
    """Why the part cannot listen at its address and which setting to change, or None."""
    setting = f"[{address.part}] port in andon.toml, or {address.variable}"
    try:
        _listening(address.host, address.port).close()
    except socket.gaierror:
        return f"{address.host!r} is not an address of this machine: set [{address.part}] host in andon.toml"
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"Port {address.port} on {address.host} is in use{_by_whom(address.port)}: set {setting}"
        if error.errno == errno.EADDRNOTAVAIL:
            return f"{address.host} is not an address of this machine: set [{address.part}] host in andon.toml"
        return f"Port {address.port} on {address.host} cannot be used ({error.strerror}): set {setting}"
    return None


def listeners(port: int) -> list[psutil.Process]:
    """Return the processes that listen on a port, as far as visible to us."""
    try:
        found = psutil.net_connections("tcp")
        return [
            psutil.Process(connection.pid)
            for connection in found
            if connection.pid
            and connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port == port
        ]
    except psutil.Error:
        return []


def _by_whom(port: int) -> str:
    for process in listeners(port):
        return f" by process {process.pid} ({process.name()})"
    return ""


def _on_any_port(address: Address, but: Container[int], held: ExitStack) -> Address:
    port = 0
    while port in but:
        port = int(held.enter_context(_listening(address.host, 0)).getsockname()[1])
    return replace(address, port=port)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; the caller closes it."""
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    probe = socket.socket(family, kind, protocol)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place)
        probe.listen(1)
    except OSError:
        probe.close()
        raise
    return probe


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
